"""Two tenants on the server under test, their people, and what the tests ask of them.

The server is CONFORMANCE_BASE_URL; without it the project's own test run starts one. It must allow sign-up, many
log-ins and calls from one address (ALLOW_TENANT_SIGNUP=true, SIGNUP_RATE=0, LOGIN_RATE=0, ADDRESS_RATE=0) and, for the
webhooks' receiver and the url sources, addresses of this machine (OUTBOUND_ALLOWED_HOSTS=127.0.0.1).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx
import pytest

from tests.conformance.wire import Account, Receiver, make_bot, sign_up, teach


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/conformance/" in str(item.path):
            item.add_marker(pytest.mark.product)


@pytest.fixture(scope="session")
def base_url(request: pytest.FixtureRequest) -> str:
    given = os.environ.get("CONFORMANCE_BASE_URL", "").rstrip("/")
    return given or request.getfixturevalue("product").base_url


@pytest.fixture(scope="session")
def anyone(base_url: str) -> Iterator[httpx.Client]:
    """A caller without a credential."""
    with httpx.Client(base_url=base_url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def acme(base_url: str) -> Account:
    return sign_up(base_url, "acme")


@pytest.fixture(scope="session")
def globex(base_url: str) -> Account:
    return sign_up(base_url, "globex")


@pytest.fixture(scope="session")
def owner(acme: Account) -> httpx.Client:
    return acme.client


@pytest.fixture(scope="session")
def stranger(globex: Account) -> httpx.Client:
    """The owner of another tenant."""
    return globex.client


@pytest.fixture(scope="session")
def admin(acme: Account) -> httpx.Client:
    return acme.add_person("admin")


@pytest.fixture(scope="session")
def member(acme: Account) -> httpx.Client:
    return acme.add_person("member")


@pytest.fixture(scope="session")
def foreign_bot(stranger: httpx.Client) -> str:
    return make_bot(stranger)


@pytest.fixture(scope="session")
def bot(owner: httpx.Client) -> str:
    """A bot that knows one fact about falcons and one about tea."""
    bot_id = make_bot(owner, name="Librarian")
    teach(
        owner,
        bot_id,
        "The peregrine falcon reaches 320 kilometres per hour when it dives. It nests on cliffs.",
    )
    teach(
        owner,
        bot_id,
        "Green tea is brewed at eighty degrees for two minutes, so that it does not turn bitter.",
    )
    return bot_id


@pytest.fixture(scope="session")
def answer(owner: httpx.Client, bot: str) -> dict:
    """The whole body of an answered question."""
    asked = owner.post(
        "/v1/chat",
        json={"bot_profile_id": bot, "message": "How fast does a peregrine falcon dive?"},
    )
    assert asked.status_code == 200, asked.text
    return asked.json()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver

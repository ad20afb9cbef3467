"""Fixtures of every test: two tenants, acme and globex, with people in them, in schemas of their own.

Both are made once per run; each test runs in a transaction that is rolled back. Alice owns acme and Bob is a member
of it; Gina owns globex; Olga operates the platform.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connections
from django.template import Context, Template
from django.test import Client, utils
from django.test.client import ClientHandler
from django.test.signals import setting_changed, template_rendered
from django.utils import timezone
from redis import Redis

from minirag.ai import build_e5
from tenants import due
from tenants.authentication import issue_jwt
from tenants.context import tenant_context
from tenants.models import AuditEvent, OperatorEntry, Role, Tenant, User
from tenants.provisioning import erase_tenant, provision_tenant
from tests.embedder_folder import MULTILINGUAL
from tests.openapi import watch_clients
from tests.servers import is_migrated
from tests.side_by_side import is_of_product

PASSWORD = "correct horse battery"


# The same examples in every run: a rare find belongs to a hunt by hand (`--hypothesis-profile=default`), not to CI.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")


PIECES = re.compile(r"/(widgets|helpers|components|includes)/|^django/forms/")
HALVES = re.compile(r"(?P<without>not )?product( and not browser)?")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import a file that has no test of the half that is run: importing all takes half a minute."""
    half = HALVES.fullmatch(config.option.markexpr)
    if half is None or not re.fullmatch(r"test_.*\.py", collection_path.name):
        return None
    if is_of_product(collection_path):
        return True if half["without"] else None
    return None if half["without"] or "mark.product" in collection_path.read_text() else True


def pytest_configure() -> None:
    watch_clients()
    utils.instrumented_test_render = render_and_tell_of_pages
    ClientHandler.load_middleware_of_its_own = ClientHandler.load_middleware
    ClientHandler.load_middleware = load_middleware_once
    setting_changed.connect(forget_middleware)
    settings.DATABASE_THREADS = (
        0  # async code shares the test's thread, and with it the test's transaction
    )
    settings.PLATFORM_HOSTS = [
        *settings.PLATFORM_HOSTS,
        "testserver",
    ]  # the host of Django's test client
    # Redis outlives a test.
    settings.PASSWORD_RESET_RATE = settings.LOGIN_LOCKOUT = settings.LOGIN_RATE = (
        settings.SIGNUP_RATE
    ) = "100000/minute"
    settings.WIDGET_RATE = settings.VISITOR_RATE = "100000/minute"
    settings.API_RATE = settings.CHAT_RATE = settings.TENANT_RATE = settings.ADDRESS_RATE = (
        "100000/minute"
    )
    settings.HELP_TIMEOUT_SECONDS = 60.0
    settings.SLOW_STATEMENT_MS = (
        600_000  # on a busy machine any is slow, and counting it is a command of Redis
    )
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def render_and_tell_of_pages(template: Template, context: Context) -> str:
    """As Django's own for tests, but not for the hundreds of pieces of a page: telling copies each one's context."""
    if not PIECES.search(template.name or ""):
        template_rendered.send(sender=template, template=template, context=context)
    return template.nodelist.render(context)


_middleware: dict[str, Any] = {}


def load_middleware_once(handler: ClientHandler, is_async: bool = False) -> None:
    """All clients of a test run share what the first has loaded, as all requests to a server do: a sixth of each."""
    if not _middleware:
        handler.load_middleware_of_its_own(is_async)  # type: ignore[attr-defined]
        made = (
            "_middleware_chain",
            "_view_middleware",
            "_template_response_middleware",
            "_exception_middleware",
        )
        _middleware.update({name: getattr(handler, name) for name in made})
    vars(handler).update(_middleware)


def forget_middleware(**kwargs: Any) -> None:
    """Some of it reads settings as it is made."""
    _middleware.clear()


def pytest_collection_finish() -> None:
    """Leave alone what stays until the end: looking through it for garbage again and again is a tenth of a run.

    The rest is looked through now and then: a refused request is garbage in a circle, with its thread and event loop.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 5)
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the order after a failure, in quiet runs too."""
    seed = getattr(terminalreporter.config.option, "randomly_seed", None)
    if terminalreporter.stats.keys() & {"failed", "error"} and seed is not None:
        terminalreporter.write_line(f"The same order again: --randomly-seed={seed}")


@dataclass(frozen=True)
class Party:
    """A tenant as a test sees it: its rows and the credentials to act as its owner."""

    tenant: Tenant
    owner: User
    raw_token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"HTTP_AUTHORIZATION": f"Bearer {self.raw_token}"}

    @property
    def slug(self) -> str:
        return self.tenant.slug


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: pytest.FixtureRequest
) -> None:
    """The test database, also where all tests that are run commit: pytest-django would make none for `initech` alone.

    It goes with its server. Where it is migrated already, Django finds nothing left to do.
    """
    with django_db_blocker.unblock():
        utils.setup_databases(
            verbosity=0, interactive=False, serialized_aliases=set(), keepdb=is_migrated()
        )


@pytest.fixture(scope="session")
def _parties(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> dict[str, Party]:
    parties = {}
    with django_db_blocker.unblock():
        for slug, owner in (("acme", "alice"), ("globex", "gina")):
            made = provision_tenant(
                name=slug.title(),
                slug=slug,
                owner_email=f"{owner}@{slug}.example.com",
                owner_password=PASSWORD,
                owner_display_name=owner.title(),
            )
            parties[slug] = Party(made.tenant, made.owner, made.raw_token)
        User.objects.create_user(
            "bob@acme.example.com",
            PASSWORD,
            tenant=parties["acme"].tenant,
            role=Role.MEMBER,
            display_name="Bob",
        )
        olga = User.objects.create_superuser(
            "olga@platform.example.com", PASSWORD, display_name="Olga"
        )
        for party in parties.values():  # a stay, without which nothing of a tenant is shown to her
            OperatorEntry.objects.create(
                user=olga, tenant=party.tenant, reason="tests", role=Role.OWNER,
                until=timezone.now() + timedelta(days=1),
            )  # fmt: skip
    return parties


@pytest.fixture(autouse=True)
def _nothing_stands() -> None:
    """Forget which reminders of due work this process has seen: they were rolled back with the test before."""
    due._standing.clear()


@pytest.fixture
def acme(_parties: dict[str, Party], db: None) -> Party:
    return deepcopy(_parties["acme"])  # what a test writes on it ends with the test


@pytest.fixture
def globex(_parties: dict[str, Party], db: None) -> Party:
    return deepcopy(_parties["globex"])


@pytest.fixture
def initech(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Tenant]:
    """Run the test inside a tenant whose rows are committed, so that other connections see them; erased afterwards."""
    with django_db_blocker.unblock():
        made = provision_tenant(
            name="Initech", slug="initech", owner_email="bill@initech.example.com",
            owner_password=PASSWORD,
        )  # fmt: skip
        try:
            with tenant_context(made.tenant):
                yield made.tenant
        finally:
            erase_tenant(made.tenant)
            AuditEvent.objects.filter(tenant_slug="initech").delete()
            connections.close_all()


@pytest.fixture
def in_acme(acme: Party) -> Iterator[Party]:
    """Run the test inside acme."""
    with tenant_context(acme.tenant):
        yield acme


@pytest.fixture
def bob(acme: Party) -> User:
    return User.objects.get(email="bob@acme.example.com")


@pytest.fixture
def olga(acme: Party) -> User:
    return User.objects.get(email="olga@platform.example.com")


@pytest.fixture
def as_acme(acme: Party) -> Client:
    """A client with the token of acme's owner."""
    return Client(**acme.bearer)


@pytest.fixture
def as_globex(globex: Party) -> Client:
    return Client(**globex.bearer)


@pytest.fixture
def as_bob(bob: User) -> Client:
    """A client with the JWT of acme's member."""
    return Client(HTTP_AUTHORIZATION=f"Bearer {issue_jwt(bob)}")


@pytest.fixture
def fresh_limits(settings: object) -> None:
    """Forget what was counted before: Redis outlives a test, and acme and globex are the same in each."""
    redis = Redis.from_url(settings.REDIS_URL)  # type: ignore[attr-defined]
    for key in redis.scan_iter("minirag:limits:*"):
        redis.delete(key)


@pytest.fixture
def run_async() -> object:
    """Run a coroutine function so that its database work stays on this test's thread and transaction."""
    return lambda function, *args, **kwargs: async_to_sync(function)(*args, **kwargs)


@pytest.fixture(scope="session")
def _multilingual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("embedders")
    build_e5.build(directory / MULTILINGUAL.partition(":")[2])
    return directory


@pytest.fixture
def multilingual(_multilingual: Path, settings: Any) -> Path:
    """EMBEDDER_DIR with the multilingual embedder in it, and without MiniLM; built once, in some seconds."""
    settings.EMBEDDER_DIR = _multilingual
    return _multilingual

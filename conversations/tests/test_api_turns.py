"""`/v1/turns/{id}` over HTTP: who may follow a turn, from where on, and who may stop it."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest
from django.test import Client

from conversations.following.running import running_turns
from conversations.models import Chat, Message
from conversations.tests.conftest import make_bot
from conversations.tests.test_turns import QUESTION
from tenants.context import tenant_context
from tenants.models import ApiToken

ANSWER = "It is covered for 36 months [1]."


@pytest.fixture
def asked(acme, acme_bot, model, run_async):
    """A stream of acme's that was read to its end; returns its turn's id and its text."""

    async def ask(**fields):
        from django.test import AsyncClient

        body = json.dumps({"bot_profile_id": str(acme_bot.pk), "message": QUESTION, **fields})
        headers = {"authorization": f"Bearer {acme.raw_token}"}
        response = await AsyncClient().generic(
            "POST", "/v1/chat", body, content_type="application/json", headers=headers
        )
        parts = [part async for part in response.streaming_content]
        await running_turns().journal.write()
        return response["X-Turn-ID"], b"".join(parts).decode()

    def run(**fields):
        model.enqueue("It is covered ", 0.05, "for 36 months [1].")
        with tenant_context(None):
            return run_async(ask, stream=True, **fields)

    return run


def follow(client, turn_id, query="", run_async=None, **headers):
    response = client.get(f"/v1/turns/{turn_id}/events{query}", headers=headers)
    if not response.streaming:
        return response.status_code, response.json()["code"]
    return response.status_code, read_all(response, run_async)


def read_all(response, run_async) -> str:
    async def read():
        return b"".join([part async for part in response.streaming_content])

    return run_async(read).decode()


def events(text: str) -> list[tuple[str, str, dict]]:
    found = re.findall(r"(?:id: (\d+)\n)?event: (\w+)\ndata: (.*)\n\n", text)
    return [(number, name, json.loads(data)) for number, name, data in found]


def test_a_plain_stream_is_the_contracts_and_can_be_read_again_with_numbers(
    asked, as_acme, run_async
):
    turn_id, heard = asked()
    assert "id: " not in heard
    status, again = follow(as_acme, turn_id, run_async=run_async)
    assert status == 200
    plain = [(name, data) for _, name, data in events(heard)]
    assert [(name, data) for _, name, data in events(again)] == plain
    assert [int(number) for number, _, _ in events(again)] == list(range(1, len(plain) + 1))


def test_an_extended_stream_has_numbers_and_is_read_again_as_it_was(asked, as_acme, run_async):
    turn_id, heard = asked(extended=True)
    assert follow(as_acme, turn_id, "?extended=true", run_async) == (200, heard)


@pytest.mark.parametrize(
    ("query", "headers"),
    [("?after=2", {}), ("", {"last-event-id": "2"}), ("?after=0", {"last-event-id": "2"})],
)
def test_reading_goes_on_behind_a_number(asked, as_acme, run_async, query, headers):
    turn_id, heard = asked()
    _, rest = follow(as_acme, turn_id, query, run_async, **headers)
    assert [number for number, _, _ in events(rest)] == ["3", "4"][: len(events(heard)) - 2]
    assert events(rest)[-1][1] == "done"


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "", "9" * 30, "²"])
def test_a_number_that_is_none_is_refused(asked, as_acme, number):
    turn_id, _ = asked()
    assert follow(as_acme, turn_id, **{"last-event-id": number}) == (422, "bad_input")
    assert as_acme.get(f"/v1/turns/{turn_id}/events?after={number}x").status_code == 422


def test_nobody_else_follows_or_stops_the_turn(asked, acme, as_globex, client, model):
    turn_id, _ = asked()
    for path, ask in (
        (f"/v1/turns/{turn_id}/events", "get"),
        (f"/v1/turns/{turn_id}/stop", "post"),
    ):
        assert getattr(as_globex, ask)(path).status_code == 404
        assert getattr(client, ask)(path).status_code == 401
        assert getattr(client, ask)(path, headers={"authorization": "Bearer x"}).status_code == 401


def token_client(user, **fields) -> Client:
    with tenant_context(None):
        _, raw_token = ApiToken.objects.mint(user=user, name="t", **fields)
    return Client(HTTP_AUTHORIZATION=f"Bearer {raw_token}")


def test_a_tokens_scopes_and_its_bot_decide_which_turns_it_follows(
    asked, acme, acme_bot, bob, run_async
):
    turn_id, _ = asked()
    other = make_bot(name="Other")

    def status(user, **fields):
        client = token_client(user, **fields)
        return follow(client, turn_id, run_async=run_async)[0]

    assert status(bob, rights=["read"]) == 200
    assert status(bob, rights=["chat"]) == 404, "another user's chat"
    assert status(acme.owner, rights=["chat"]) == 200
    assert status(acme.owner, bot_profile_id=acme_bot.pk) == 200
    assert status(acme.owner, bot_profile_id=other.pk) == 404
    stop = token_client(bob, rights=["read"]).post(f"/v1/turns/{turn_id}/stop")
    assert (stop.status_code, stop.json()["code"]) == (403, "token_restricted")


def test_what_is_no_turn_is_not_found(asked, as_acme):
    asked()
    answer = Message.objects.get(role="assistant")
    assert follow(as_acme, uuid4()) == (404, "not_found")
    assert follow(as_acme, answer.pk) == (404, "not_found")
    assert follow(as_acme, "x") == (422, "validation_error")


def test_events_that_are_not_kept_any_longer_are_gone(acme_bot, as_acme):
    chat = Chat.objects.create(bot_profile=acme_bot)
    old = Message.objects.create(chat=chat, role="user", content="Hello?")
    assert follow(as_acme, old.pk) == (410, "gone")


def test_without_redis_a_turn_cannot_be_read_on(acme_bot, as_acme, settings):
    chat = Chat.objects.create(bot_profile=acme_bot)
    old = Message.objects.create(chat=chat, role="user", content="Hello?")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert follow(as_acme, old.pk) == (503, "events_unavailable")


def test_a_turn_that_is_over_is_not_stopped_any_more(asked, as_acme):
    turn_id, _ = asked()
    stopped = as_acme.post(f"/v1/turns/{turn_id}/stop")
    assert stopped.status_code == 202
    assert stopped.json() == {
        "id": turn_id, "chat_id": str(Chat.objects.get().pk), "outcome": "answered"
    }  # fmt: skip


def test_a_suspended_tenants_turns_are_read_and_not_stopped(asked, acme, as_acme):
    turn_id, _ = asked()
    acme.tenant.change_status("suspended")
    assert as_acme.post(f"/v1/turns/{turn_id}/stop").status_code in (403, 409)

"""A widget's frames over HTTP: what the socket does, where no WebSocket gets through."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import aclosing
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncRequestFactory
from django.utils import timezone

from bots.models import Outcome
from conversations.fetching.api import widget_frames
from conversations.following.running import running_turns
from conversations.models import Message
from conversations.tests.test_consumer import PAGE, QUESTION, bot, open_session, question, talk
from minirag.asgi import application
from tenants.context import tenant_context
from tests.patient_socket import PatientSocket

__all__ = ["bot"]


@pytest.fixture(autouse=True)
def uncounted(fresh_limits):
    """Nobody has asked before."""


async def post(token: str, frame: object = None, *, origin=PAGE, last=None, slug="", **fields):
    """Send one frame; returns the status, and the frames that came back with their SSE ids, or the error."""
    headers = {"origin": origin}
    headers |= {"last-event-id": last} if last is not None else {}
    body = json.dumps({"session_token": token, "frame": frame, **fields})
    # The view itself: through the application it would be asked outside of this test's transaction.
    request = AsyncRequestFactory().generic(
        "POST", "/v1/widget/frames", body, content_type="application/json", headers=headers
    )
    if slug:
        request.META["SCRIPT_NAME"] = f"/t/{slug}"
        request.path = f"/t/{slug}{request.path}"
    response = await widget_frames(request)
    if not response.streaming:
        return response.status_code, json.loads(response.content)
    parts = response.streaming_content
    async with aclosing(parts):
        text = b"".join([part async for part in parts]).decode()
    blocks = re.findall(r"(?:id: (\d+)\n)?data: (.*)\n\n", text)
    return response.status_code, [(number, json.loads(data)) for number, data in blocks]


def ask_all(*calls):
    """Make calls of `post` one after the other on one event loop; returns what each brought."""

    async def run():
        return [await post(*given, **named) for given, named in calls]

    with tenant_context(None):
        return async_to_sync(run)()


def call(*given, **named):
    return given, named


@pytest.fixture
def token(bot) -> str:
    return open_session(bot).json()["session_token"]


def test_a_question_brings_the_sockets_frames_and_goes_on_behind_a_number(bot, model, token):
    model.enqueue("It lasts ", 0.05, "36 months [1].")
    model.enqueue("It lasts ", 0.05, "36 months [1].")
    asked = question(request_id="q-1")
    _, *heard = talk(question(request_id="q-0"), token=token)
    (_, first), (_, rest), (_, again) = ask_all(
        call(token, asked),
        call(token, {"type": "resume", "request_id": "q-1", "after": 0}, last="1"),
        call(token, asked),
    )
    (_, opened), *events = first
    assert opened["type"] == "authenticated"
    assert [event["type"] for _, event in events] == [event["type"] for event in heard]
    assert [number for number, _ in events] == [str(n) for n in range(1, len(events) + 1)]
    assert {frozenset(event) for _, event in events} == {frozenset(event) for event in heard}
    assert [each for each in rest if each[1]["type"] in ("delta", "done")] == events[1:]
    # The same question again is followed, not asked.
    assert [each for each in again if each[0]] == events
    assert Message.objects.filter(request_id="q-1", role="user").count() == 1


def test_what_may_not_be_done_is_refused_with_its_status_and_stores_nothing(bot, globex, token):
    resume = {"type": "resume", "request_id": "q-1"}
    others = open_session(bot, visitor="visitor-0002").json()["session_token"]
    refusals = [
        (call("x.y.z", question()), 401, "session_invalid"),
        (call(token, question(), slug="globex"), 401, "session_invalid"),
        (call(token, question(), origin="https://evil.example.com"), 401, "session_invalid"),
        (call(token, question(message="x" * 32_001)), 422, "validation_error"),
        (call(token, question(message="")), 422, "validation_error"),
        (call(token, {"type": "dance"}), 422, "frame_unknown"),
        (call(token, {"type": ["question"]}), 422, "frame_unknown"),
        *((call(token, resume | {"after": bad}), 422, "validation_error") for bad in (-1, 10**7, "x", None)),
        *((call(token, resume, last=bad), 422, "bad_input") for bad in ("-1", "x", "", "9" * 30)),
        (call(token, {"type": "feedback", "message_id": str(bot.pk), "feedback": None}), 404, "not_found"),
        (call(token, question(), listen_seconds=31), 422, "validation_error"),
        (call(token, [question()]), 422, "validation_error"),
        (call(others, {"type": "stop", "request_id": "q-1"}), 404, "not_found"),
    ]  # fmt: skip
    for (refused, status, code), (got, body) in zip(
        refusals, ask_all(*(each[0] for each in refusals)), strict=True
    ):
        assert (got, body["code"]) == (status, code), refused
    assert not Message.objects.exists()


def test_another_visitors_turn_and_a_number_from_the_future_are_refused(bot, model, token):
    model.enqueue("36 months [1].")
    others = open_session(bot, visitor="visitor-0002").json()["session_token"]
    asked, resume = question(request_id="q-1"), {"type": "resume", "request_id": "q-1"}
    _, (_, foreign), (_, future) = ask_all(
        call(token, asked),
        call(others, resume),
        call(token, resume | {"after": 999_999}),
    )
    for told, code in ((foreign, "not_found"), (future, "event_unknown")):
        assert told[-1][1]["type"] == "error" and told[-1][1]["code"] == code
        assert not any(event["type"] in ("delta", "done") for _, event in told)
    *_, error = talk(resume | {"after": 999_999}, token=token)
    assert (error["type"], error["code"]) == ("error", "event_unknown")


@pytest.mark.parametrize("over", ["http", "socket"])
def test_a_turn_is_stopped_by_its_request_from_anywhere(bot, model, token, over):
    """As from a second tab. What was said is stored, and who reads hears that it was stopped."""
    model.enqueue("It lasts ", 30.0, "36 months [1].")

    async def run():
        asking = asyncio.create_task(post(token, question(request_id="q-1")))
        while not len(running_turns()) and not asking.done():
            await asyncio.sleep(0.01)
        stop = {"type": "stop", "request_id": "q-1"}
        if over == "http":
            status, told = await post(token, stop)
            assert (status, [event["type"] for _, event in told]) == (200, ["authenticated"])
        else:
            await talk_once(token, stop)
        return await asking

    with tenant_context(None):
        status, told = async_to_sync(run)()
    assert status == 200
    assert told[-1][1]["type"] == "done" and told[-1][1]["stopped"] is True
    assert Message.objects.get(role="user").outcome == Outcome.STOPPED


async def talk_once(token: str, frame: dict) -> None:
    """Authenticate a socket of its own, send one frame that is not answered, and leave."""
    headers = [(b"origin", PAGE.encode()), (b"host", b"localhost")]
    socket = PatientSocket(application, "/ws/chat/", headers=headers)
    await socket.connect()
    await socket.send_to(text_data=json.dumps({"type": "authenticate", "session_token": token}))
    await socket.receive_output()
    await socket.send_to(text_data=json.dumps(frame))
    await socket.send_to(text_data=json.dumps({"type": "reset"}))  # answered when that was taken
    await socket.receive_output()
    await socket.disconnect()


def test_who_leaves_in_mid_answer_leaves_the_turn_to_its_end(bot, model, token):
    model.enqueue("It lasts ", 0.3, "36 months [1].")

    async def run():
        asking = asyncio.create_task(post(token, question(request_id="q-1")))
        while not len(running_turns()) and not asking.done():
            await asyncio.sleep(0.01)
        asking.cancel()
        while len(running_turns()):
            await asyncio.sleep(0.01)

    with tenant_context(None):
        async_to_sync(run)()
    assert Message.objects.get(role="assistant").content == "It lasts 36 months [1]."


def test_limits_are_the_sockets(bot, model, token, settings):
    settings.VISITOR_RATE = "2/hour"
    for _ in range(2):
        model.enqueue("36 months [1].")
    *good, (status, refused) = ask_all(*(call(token, question()) for _ in range(3)))
    assert [status for status, _ in good] == [200, 200]
    assert (status, refused["code"]) == (429, "rate_limited")
    assert QUESTION and Message.objects.filter(role="user").count() == 2


def test_a_retry_of_a_stopped_question_counts_once_for_visitor_and_model(bot, model, token):
    """Under its own request id. Operators see both turns; the model hears nothing of the first."""
    model.enqueue("It lasts ", 30.0, "36 months [1].")
    model.enqueue("36 months [1].")
    model.enqueue("36 months [1].")
    asked = question(request_id="q-1")

    async def run():
        asking = asyncio.create_task(post(token, asked))
        while not len(running_turns()) and not asking.done():
            await asyncio.sleep(0.01)
        await post(token, {"type": "stop", "request_id": "q-1"})
        _, told = await asking
        chat_id = told[-1][1]["chat_id"]
        _, again = await post(token, asked, chat_id=chat_id)
        await post(token, question("And the filter?", request_id="q-2"), chat_id=chat_id)
        return chat_id, again

    with tenant_context(None):
        chat_id, again = async_to_sync(run)()
    assert again[-1][1]["type"] == "done" and "stopped" not in again[-1][1]
    messages = open_session(bot, chat_id=chat_id).json()["messages"]
    shown = [(each["role"], each["outcome"], each["request_id"]) for each in messages]
    assert [each for each in shown if each[2] == "q-1"] == [
        ("user", "answered", "q-1"), ("assistant", "answered", "q-1"),
    ]  # fmt: skip
    assert Message.objects.filter(role="user", request_id="q-1").count() == 2
    said = [each["content"] for each in model.requests[-1].messages if each["role"] == "user"]
    assert sum(QUESTION in text for text in said) == 1


def test_a_question_whose_process_died_is_asked_again_by_a_retry_at_once(bot, model, token):
    """Before anybody has looked after it."""
    model.enqueue("36 months [1].")
    model.enqueue("36 months [1].")
    [(_, first)] = ask_all(call(token, question(request_id="q-1")))
    chat_id = first[-1][1]["chat_id"]
    left = Message.objects.create(
        chat_id=chat_id, role="user", content="And then?", outcome=Outcome.PENDING, request_id="q-2"
    )
    again = question("And then?", request_id="q-2")
    Message.objects.filter(pk=left.pk).update(created_at=timezone.now() - timedelta(seconds=60))
    [(status, told)] = ask_all(call(token, again, chat_id=chat_id))
    assert status == 200 and told[-1][1]["type"] == "done"
    shown = open_session(bot, chat_id=chat_id).json()["messages"]
    assert [each["content"] for each in shown if each["role"] == "user"] == [QUESTION, "And then?"]

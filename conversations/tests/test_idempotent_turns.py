"""A question with an `Idempotency-Key` is asked once, whatever becomes of the connection."""

from __future__ import annotations

import asyncio
import json
import uuid

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from conversations.models import Chat, Message
from conversations.tests.test_api_chat import QUESTION
from tests.fakes.chat_model import provider_down


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


async def end_all():
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others, timeout=60)


def post(party, bot, key, *, hang_up=False, gone_when=None, path="/v1/chat", **fields):
    """Ask; with `hang_up` listen to the first part only, with `gone_when` not even to that once this is so. Returns the
    response and what was heard.
    """

    async def send():
        asked = {"bot_profile_id": str(bot.pk), "message": QUESTION}
        if path != "/v1/chat":
            asked = {"model": str(bot.pk), "messages": [{"role": "user", "content": QUESTION}]}
        body = json.dumps(asked | fields)
        headers = {"authorization": f"Bearer {party.raw_token}", "idempotency-key": key}
        asking = asyncio.create_task(
            AsyncClient().generic(
                "POST", path, body, content_type="application/json", headers=headers
            )
        )
        if gone_when is not None:
            while not gone_when():
                await asyncio.sleep(0.01)
            asking.cancel()
            await end_all()
            return None, ""
        response = await asking
        if not response.streaming:
            return response, response.content.decode()
        heard, parts = b"", aiter(response.streaming_content)
        async for part in parts:
            heard += part
            if hang_up:
                await parts.aclose()
                response.close()
                break
        await end_all()
        return response, heard.decode()

    return async_to_sync(send)()


@pytest.mark.parametrize("stream", [False, True])
def test_a_turn_is_taken_once_and_replayed(acme, acme_bot, model, key, stream):
    model.enqueue("It lasts ", "36 months [1].")
    first, heard = post(acme, acme_bot, key, stream=stream)
    second, heard_again = post(acme, acme_bot, key, stream=stream)
    assert heard == heard_again and "36 months" in heard.replace(
        '"}\n\nevent: delta\ndata: {"content": "', ""
    )
    assert (
        second["Idempotency-Replayed"] == "true" and second["Content-Type"] == first["Content-Type"]
    )
    assert (Chat.objects.count(), Message.objects.count(), len(model.requests)) == (1, 2, 1)


@pytest.mark.parametrize(
    ("path", "end"), [("/v1/chat", "event: done"), ("/v1/chat/completions", "[DONE]")]
)
def test_who_hangs_up_in_the_middle_and_comes_back_gets_the_whole_answer(
    acme, acme_bot, model, key, settings, path, end
):
    settings.DETACHED_TURN_SECONDS = 0.0  # it is still read, for who comes back
    model.enqueue("It lasts ", 0.05, "36 months ", 0.05, "[1].")
    _, heard = post(acme, acme_bot, key, path=path, stream=True, hang_up=True)
    assert end not in heard
    response, replayed = post(acme, acme_bot, key, path=path, stream=True)
    assert response["Idempotency-Replayed"] == "true"
    assert replayed.startswith(heard) and end in replayed
    said = list(Message.objects.order_by("created_at").values_list("outcome", "content"))
    assert said == [("answered", QUESTION), ("answered", "It lasts 36 months [1].")]
    assert len(model.requests) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_who_hangs_up_before_the_first_word_and_comes_back_gets_the_answer(
    acme, acme_bot, model, key, settings, stream
):
    settings.DETACHED_TURN_SECONDS = 0.0
    model.enqueue(0.2, "36 months [1].")
    path = "/v1/chat/completions"
    post(acme, acme_bot, key, path=path, stream=stream, gone_when=lambda: model.requests)
    response, heard = post(acme, acme_bot, key, path=path, stream=stream)
    assert response["Idempotency-Replayed"] == "true" and "36 months" in heard
    assert len(model.requests) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_turn_that_the_model_failed_may_be_asked_again(acme, acme_bot, model, key, stream):
    model.enqueue(provider_down())
    first, heard = post(acme, acme_bot, key, stream=stream)
    assert "provider_unavailable" in heard and first.status_code == (200 if stream else 503)
    model.enqueue("36 months [1].")
    second, heard = post(acme, acme_bot, key, stream=stream)
    assert (
        second.status_code == 200 and "36 months" in heard and "Idempotency-Replayed" not in second
    )


def test_a_question_that_may_not_be_asked_is_refused_alike_twice(acme, acme_bot, key):
    answers = [
        post(acme, acme_bot, key, stream=True, chat_id=str(uuid.UUID(int=7))) for _ in range(2)
    ]
    assert [response.status_code for response, _ in answers] == [404, 404]

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


def post(party, bot, key, *, hang_up: bool = False, **fields):
    """Ask; with `hang_up` listen to the first part only. Returns the response and what was heard."""

    async def send():
        body = json.dumps({"bot_profile_id": str(bot.pk), "message": QUESTION, **fields})
        headers = {"authorization": f"Bearer {party.raw_token}", "idempotency-key": key}
        response = await AsyncClient().generic(
            "POST", "/v1/chat", body, content_type="application/json", headers=headers
        )
        if not response.streaming:
            return response, response.content.decode()
        heard, parts = b"", aiter(response.streaming_content)
        async for part in parts:
            heard += part
            if hang_up:
                await parts.aclose()
                break
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(others, timeout=60) if others else None
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


def test_who_hangs_up_in_the_middle_and_comes_back_gets_the_whole_answer(
    acme, acme_bot, model, key
):
    model.enqueue("It lasts ", 0.05, "36 months ", 0.05, "[1].")
    _, heard = post(acme, acme_bot, key, stream=True, hang_up=True)
    assert "event: done" not in heard
    response, replayed = post(acme, acme_bot, key, stream=True)
    assert response["Idempotency-Replayed"] == "true"
    assert replayed.startswith(heard) and "event: done" in replayed
    assert (Message.objects.count(), len(model.requests)) == (2, 1)


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

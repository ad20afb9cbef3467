"""`/v1/chat` as the contract has it, and what it says to bad input."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from bots.models import BotProfile
from conversations.following.running import running_turns
from conversations.models import Chat, Message
from conversations.tests.conftest import make_bot, teach
from knowledge.curated.changing import create_answer
from knowledge.models import Source
from tenants.context import tenant_context
from tenants.models import ApiToken
from tests.fakes.chat_model import provider_down

QUESTION = "How many months of warranty does the Aeris One have?"
CHAT_KEYS = {
    "id",
    "tenant_id",
    "bot_profile_id",
    "title",
    "message_count",
    "total_prompt_tokens",
    "total_completion_tokens",
    "created_at",
    "updated_at",
}
MESSAGE_KEYS = {
    "id",
    "chat_id",
    "role",
    "content",
    "prompt_tokens",
    "completion_tokens",
    "feedback",
    "created_at",
}


def post_chat(party, body, path="/v1/chat", headers=None):
    async def send():
        client = AsyncClient()
        raw = body if isinstance(body, bytes) else json.dumps(body)
        response = await client.generic(
            "POST",
            path,
            raw,
            content_type="application/json",
            headers={"authorization": f"Bearer {party.raw_token}", **(headers or {})},
        )
        content = (
            b"".join([part async for part in response]) if response.streaming else response.content
        )
        await running_turns().journal.write()  # its loop ends here
        return response, content.decode()

    return async_to_sync(send)()


def ask(party, bot, **fields):
    response, content = post_chat(
        party, {"bot_profile_id": str(bot.pk), "message": QUESTION} | fields
    )
    return response, json.loads(content)


@pytest.fixture
def answered(acme, acme_bot, model):
    model.enqueue("It lasts 36 months [1].")
    return ask(acme, acme_bot)[1]


def test_an_answer_has_exactly_the_keys_of_the_contract(acme, answered):
    assert set(answered) == {"chat_id", "message", "sources", "usage"}
    assert set(answered["message"]) == MESSAGE_KEYS
    assert set(answered["usage"]) == {"model", "prompt_tokens", "completion_tokens", "total_tokens"}
    assert all(
        set(source) == {"chunk_id", "content", "score", "source_id"}
        for source in answered["sources"]
    )
    assert all(len(source["content"]) <= 200 for source in answered["sources"])
    assert answered["usage"] == {
        "model": "openai/gpt-test",
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "total_tokens": 18,
    }


def test_times_are_naive_utc(answered):
    stamp = answered["message"]["created_at"]
    assert "+" not in stamp and not stamp.endswith("Z") and stamp[10] == "T"


def test_the_extended_form_adds_citations_and_refusal(acme, acme_bot, model):
    model.enqueue("It lasts 36 months [1].")
    _, body = ask(acme, acme_bot, extended=True)
    assert body["refusal"] is None and body["citations"][0]["number"] == 1
    _, body = ask(acme, acme_bot, extended=True, message="Who won the chess olympiad in Baku?")
    assert body["refusal"]["reason"] and body["refusal"]["score"] < body["refusal"]["threshold"]
    assert body["sources"] == [] and body["citations"] == []


def test_a_stream_is_framed_byte_by_byte_as_the_contract_says(acme, acme_bot, model):
    model.enqueue("Größe: ", "36 months [1].")
    response, raw = post_chat(
        acme, {"bot_profile_id": str(acme_bot.pk), "message": QUESTION, "stream": True}
    )
    assert response.status_code == 200
    assert response["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response["Cache-Control"] == "no-cache" and response["X-Accel-Buffering"] == "no"
    assert raw.isascii() and raw.endswith("\n\n") and "\r" not in raw
    blocks = [block.split("\n") for block in raw.removesuffix("\n\n").split("\n\n")]
    names = [block[0] for block in blocks]
    assert names[0] == "event: sources" and names[-1] == "event: done"
    assert set(names[1:-1]) == {"event: delta"} and len(blocks) >= 3
    assert all(len(block) == 2 and block[1].startswith("data: {") for block in blocks)
    said = "".join(json.loads(block[1][6:])["content"] for block in blocks[1:-1])
    assert said == "Größe: 36 months [1]."
    assert set(json.loads(blocks[-1][1][6:])) == {"chat_id", "message_id", "usage"}


def test_a_streamed_turn_that_fails_ends_with_an_error_event(acme, acme_bot, model):
    model.enqueue("It lasts ", 0.03, provider_down())
    response, raw = post_chat(
        acme, {"bot_profile_id": str(acme_bot.pk), "message": QUESTION, "stream": True}
    )
    assert response.status_code == 200
    name, data = raw.removesuffix("\n\n").split("\n\n")[-1].split("\n")
    assert name == "event: error"
    body = json.loads(data[6:])
    assert (
        body["code"] == "provider_unavailable" and body["retryable"] is True and body["request_id"]
    )


def test_a_failing_provider_is_a_503_and_the_question_is_kept(acme, acme_bot, model):
    model.enqueue(provider_down())
    response, body = ask(acme, acme_bot)
    assert (
        response.status_code == 503
        and isinstance(body["detail"], str)
        and body["retryable"] is True
    )
    assert Message.objects.get().content == QUESTION


def test_a_chat_goes_on_and_keeps_its_bot_and_title(acme, acme_bot, model, answered):
    other = make_bot(name="Other")
    teach(other, "The warranty of the Aeris One lasts 36 months.")
    model.enqueue("36 months [1].")
    _, body = ask(
        acme, other, chat_id=answered["chat_id"], message="Warranty of the Aeris One in months?"
    )
    assert body["chat_id"] == answered["chat_id"]
    chat = Chat.objects.get()
    assert (chat.bot_profile_id, chat.title, chat.message_count) == (acme_bot.pk, QUESTION, 4)


def test_unknown_bot_and_chat_are_404_before_anything_is_stored(acme, acme_bot, model):
    for stream in (False, True):
        response, body = ask(acme, type(acme_bot)(pk=uuid4()), stream=stream)
        assert (response.status_code, body["detail"]) == (404, "Bot profile not found or inactive")
        response, body = ask(acme, acme_bot, chat_id=str(uuid4()), stream=stream)
        assert (response.status_code, body["detail"]) == (404, "Chat session not found")
    assert not Chat.objects.exists()


@pytest.mark.parametrize(
    ("fields", "kind", "loc"),
    [
        ({"message": ""}, "string_too_short", ["body", "message"]),
        ({"message": "x" * 32_001}, "string_too_long", ["body", "message"]),
        ({"message": None}, "string_type", ["body", "message"]),
        ({"message": 7}, "string_type", ["body", "message"]),
        ({"bot_profile_id": "nope"}, "uuid_parsing", ["body", "bot_profile_id"]),
        ({"stream": "maybe"}, "bool_parsing", ["body", "stream"]),
        ({"chat_id": 5}, "uuid_type", ["body", "chat_id"]),
    ],
)
def test_a_bad_field_is_a_422_that_names_it(acme, acme_bot, model, fields, kind, loc):
    response, body = ask(acme, acme_bot, **fields)
    assert response.status_code == 422
    assert body["detail"][0]["type"] == kind and body["detail"][0]["loc"] == loc


@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b'"x"', b"\xff\xfe", b'{"message": "\\u0000"}', b"", b"null"]
)
def test_a_body_that_is_no_object_is_a_422(acme, acme_bot, raw):
    response, content = post_chat(acme, raw)
    assert response.status_code == 422 and json.loads(content)["detail"][0]["loc"][0] == "body"


def test_a_nul_in_a_question_is_refused_and_nothing_stored(acme, acme_bot):
    response, _ = ask(acme, acme_bot, message="What\u0000?")
    assert response.status_code == 422 and not Message.objects.exists()


def test_chats_are_listed_newest_first_with_the_contracts_keys(acme, as_acme, acme_bot, answered):
    Chat.objects.create(bot_profile=acme_bot, title="Second")
    chats = as_acme.get("/v1/chat").json()
    assert [chat["title"] for chat in chats] == ["Second", QUESTION] and set(chats[0]) == CHAT_KEYS


def test_a_page_of_chats_is_capped_at_100_and_may_be_empty(acme, as_acme, acme_bot):
    Chat.objects.bulk_create(Chat(bot_profile=acme_bot) for _ in range(105))
    assert len(as_acme.get("/v1/chat").json()) == 50
    assert len(as_acme.get("/v1/chat", {"limit": 1000}).json()) == 100
    assert as_acme.get("/v1/chat", {"limit": 0}).json() == []
    assert len(as_acme.get("/v1/chat", {"limit": 100, "offset": 100}).json()) == 5
    assert as_acme.get("/v1/chat", {"bot_profile_id": str(uuid4())}).json() == []


@pytest.mark.parametrize(
    "query", [{"limit": -1}, {"limit": "x"}, {"offset": -5}, {"bot_profile_id": "x"}]
)
def test_a_bad_query_is_a_422(as_acme, query):
    response = as_acme.get("/v1/chat", query)
    assert response.status_code == 422 and response.json()["detail"][0]["loc"][0] == "query"


def test_messages_are_listed_oldest_first(as_acme, answered):
    messages = as_acme.get(f"/v1/chat/{answered['chat_id']}/messages").json()
    assert [message["role"] for message in messages] == ["user", "assistant"]
    assert all(set(message) == MESSAGE_KEYS for message in messages)
    one = as_acme.get(f"/v1/chat/{answered['chat_id']}/messages/{messages[1]['id']}").json()
    assert one["citations"][0]["number"] == 1 and one["outcome"] == "answered"


def test_feedback_is_set_changed_and_taken_back(as_acme, answered):
    path = f"/v1/chat/{answered['chat_id']}/messages/{answered['message']['id']}/feedback"
    for feedback in ("positive", "negative", None):
        response = as_acme.patch(path, {"feedback": feedback}, content_type="application/json")
        assert response.status_code == 200 and response.json()["feedback"] == feedback


def test_feedback_needs_its_key_a_known_value_and_an_answer(as_acme, answered):
    base = f"/v1/chat/{answered['chat_id']}/messages"
    path = f"{base}/{answered['message']['id']}/feedback"
    assert as_acme.patch(path, {}, content_type="application/json").status_code == 422
    assert (
        as_acme.patch(path, {"feedback": "great"}, content_type="application/json").status_code
        == 422
    )
    question = as_acme.get(base).json()[0]["id"]
    response = as_acme.patch(
        f"{base}/{question}/feedback", {"feedback": "positive"}, content_type="application/json"
    )
    assert (response.status_code, response.json()["detail"]) == (
        422,
        "Feedback can only be set on assistant messages",
    )
    missing = as_acme.patch(
        f"{base}/{uuid4()}/feedback", {"feedback": None}, content_type="application/json"
    )
    assert (missing.status_code, missing.json()["detail"]) == (404, "Message not found")


def test_every_route_needs_a_token_and_knows_no_other_tenants_chats(
    globex, as_globex, acme_bot, answered, model
):
    base = f"/v1/chat/{answered['chat_id']}"
    paths = [base, f"{base}/messages", f"{base}/messages/{answered['message']['id']}"]
    for path in ["/v1/chat", *paths]:
        refused = Client().get(path)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    for path in paths:
        assert as_globex.get(path).status_code == 404
    assert as_globex.get("/v1/chat").json() == []
    feedback = f"{paths[2]}/feedback"
    assert (
        as_globex.patch(
            feedback, {"feedback": "positive"}, content_type="application/json"
        ).status_code
        == 404
    )
    response, _ = ask(globex, acme_bot)
    assert response.status_code == 404


def use_token(party, **restriction):
    """Return the party as it calls with a restricted token of its owner, and a client with it."""
    _, secret = ApiToken.objects.mint(user=party.owner, name="x", **restriction)
    return replace(party, raw_token=secret), Client(HTTP_AUTHORIZATION=f"Bearer {secret}")


def test_a_token_for_one_bot_asks_no_other_and_reads_no_others_chats(
    acme, acme_bot, answered, model
):
    other = make_bot(name="Other")
    guest, client = use_token(acme, bot_profile_id=other.pk)
    refused, body = ask(guest, acme_bot)
    assert (refused.status_code, body["code"]) == (403, "token_restricted")
    for stream in (False, True):
        assert (
            ask(guest, acme_bot, chat_id=answered["chat_id"], stream=stream)[0].status_code == 403
        )
    assert ask(guest, other, chat_id=answered["chat_id"])[0].status_code == 404, (
        "its history is not this bot's"
    )
    assert Message.objects.count() == 2
    chat = f"/v1/chat/{answered['chat_id']}"
    message = f"{chat}/messages/{answered['message']['id']}"
    assert [client.get(path).status_code for path in (chat, f"{chat}/messages", message)] == [
        404,
        404,
        404,
    ]
    feedback = {"data": {"feedback": "positive"}, "content_type": "application/json"}
    assert client.patch(f"{message}/feedback", **feedback).status_code == 404
    assert (
        client.get("/v1/chat").json()
        == client.get(f"/v1/chat?bot_profile_id={acme_bot.pk}").json()
        == []
    )


def test_a_token_for_one_bot_asks_it_and_reads_its_chats(acme, acme_bot, answered, model):
    make_bot(name="Other")
    guest, client = use_token(acme, bot_profile_id=acme_bot.pk)
    model.enqueue("36 months [1].")
    response, body = ask(guest, acme_bot, chat_id=answered["chat_id"])
    assert (response.status_code, body["chat_id"]) == (200, answered["chat_id"])
    assert [chat["id"] for chat in client.get("/v1/chat").json()] == [answered["chat_id"]]
    assert len(client.get(f"/v1/chat/{answered['chat_id']}/messages").json()) == 4


@pytest.mark.parametrize(
    ("rights", "asks", "reads"),
    [
        ([], 200, 200),
        (["chat"], 200, 403),
        (["read"], 403, 200),
        (["manage"], 200, 200),
        (["chat", "read"], 200, 200),
    ],
)
def test_a_tokens_rights_say_whether_it_asks_and_judges_and_reads(
    acme, acme_bot, answered, model, rights, asks, reads
):
    guest, client = use_token(acme, rights=rights)
    model.enqueue("36 months [1].")
    response, body = ask(guest, acme_bot)
    assert response.status_code == asks and (asks == 200 or body["code"] == "token_restricted")
    chat = f"/v1/chat/{answered['chat_id']}"
    message = f"{chat}/messages/{answered['message']['id']}"
    assert {
        client.get(path).status_code for path in ("/v1/chat", chat, f"{chat}/messages", message)
    } == {reads}
    feedback = {"data": {"feedback": "positive"}, "content_type": "application/json"}
    assert client.patch(f"{message}/feedback", **feedback).status_code == asks
    with tenant_context(acme.tenant):
        stored = Message.objects.get(pk=answered["message"]["id"]).feedback
    assert stored == ("positive" if asks == 200 else None)


def test_other_methods_are_405_with_allow(as_acme, answered):
    response = as_acme.put(f"/v1/chat/{answered['chat_id']}")
    assert response.status_code == 405 and "GET" in response.headers["Allow"]
    assert as_acme.delete("/v1/chat").status_code == 405
    assert as_acme.get(f"/v1/chat/{'x' * 8}").status_code == 422


def test_every_answer_carries_a_request_id(acme, acme_bot, model):
    model.enqueue("36 months [1].")
    response, _ = ask(acme, acme_bot)
    assert response["X-Request-ID"]
    assert Message.objects.first().request_id == response["X-Request-ID"]


def test_a_question_may_be_kept_to_some_of_the_bots_sources(acme, acme_bot, in_acme, model):
    Source.objects.update(tags=["public"])
    model.enqueue("It lasts 36 months [1].", "It lasts 36 months [1].")
    _, body = ask(acme, acme_bot, source_filter={"tags": ["public"]}, extended=True)
    assert body["refusal"] is None and body["sources"]
    _, body = ask(acme, acme_bot, source_filter={"tags": ["internal"]}, extended=True)
    assert body["refusal"]["reason"] == "nothing_in_filter" and body["sources"] == []
    BotProfile.objects.update(source_filter={"languages": ["de"]}, refusal_mode="open")
    _, body = ask(acme, acme_bot, extended=True)
    assert body["refusal"]["reason"] == "nothing_in_filter", (
        "not even an open bot makes something up"
    )
    assert len(model.requests) == 1


def test_a_filter_that_names_nothing_takes_no_curated_answer_away(acme, acme_bot, in_acme):
    create_answer(
        {"answer": "Three years.", "owner_id": acme.owner.pk},
        questions=[QUESTION], bot_profile_ids=[acme_bot.pk],
    )  # fmt: skip
    for wanted in (None, {}, {"tags": None}):
        _, body = ask(acme, acme_bot, source_filter=wanted)
        assert body["message"]["content"] == "Three years.", wanted


@pytest.mark.parametrize(
    ("wanted", "loc"),
    [
        ("public", []),
        ({"tag": ["public"]}, ["tag"]),
        ({"tags": []}, ["tags"]),
        ({"tags": [" "]}, ["tags", 0]),
        ({"tags": ["x"] * 51}, ["tags"]),
        ({"source_ids": ["all"]}, ["source_ids", 0]),
        ({"languages": ["elvish"]}, []),
        ({"dated_from": "yesterday"}, ["dated_from"]),
        ({"dated_from": "2026-02-01", "dated_until": "2026-01-31"}, []),
    ],
)
def test_a_wrong_filter_is_a_422_that_names_it(acme, acme_bot, wanted, loc):
    response, body = ask(acme, acme_bot, source_filter=wanted)
    assert response.status_code == 422
    assert body["detail"][0]["loc"] == ["body", "source_filter", *loc]
    asked = {"model": str(acme_bot.pk), "messages": [{"role": "user", "content": "x"}]}
    response, _ = post_chat(acme, {**asked, "source_filter": wanted}, "/v1/chat/completions")
    assert 400 <= response.status_code < 500

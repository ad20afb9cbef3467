"""The chat log: what a turn leaves behind, and how it is found again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from bots.usage.pricing import set_override
from conversations.logs import rows as chat_logs
from conversations.logs.schemas import TurnSchema
from conversations.models import Chat, Message
from conversations.tests.conftest import make_bot
from conversations.tests.test_api_chat import ask
from tenants.context import tenant_context
from tests.fakes.chat_model import provider_down

KEYS = set(TurnSchema.model_fields)


def logs(client, path="chat-logs", **query):
    response = client.get(f"/v1/{path}", query)
    assert response.status_code == 200, response.content
    return response.json()


def make_turn(
    chat=None,
    *,
    question="Why?",
    answer="Because.",
    age=0,
    outcome="answered",
    feedback=None,
    **fields,
):
    chat = chat or Chat.objects.create(bot_profile=make_bot())
    asked = Message.objects.create(
        chat=chat, role="user", content=question, outcome=outcome, **fields
    )
    if answer is not None:
        reason = "low_confidence" if outcome == "refused" else ""
        Message.objects.create(
            chat=chat,
            role="assistant",
            content=answer,
            question=asked,
            outcome=outcome,
            feedback=feedback,
            refusal_reason=reason,
        )
    moment = timezone.now() - timedelta(seconds=age)
    Message.objects.filter(pk=asked.pk).update(created_at=moment)
    return asked


def test_a_turn_is_one_row_with_everything_about_it(acme, acme_bot, as_acme, model):
    model.enqueue("It lasts 36 months [1].")
    answered = ask(acme, acme_bot)[1]
    [row] = logs(as_acme)["items"]
    assert set(row) == KEYS
    assert (row["answer"], row["message_id"]) == (
        answered["message"]["content"],
        answered["message"]["id"],
    )
    assert (row["outcome"], row["citation_valid"], row["refusal"]) == ("answered", True, None)
    assert [citation["number"] for citation in row["citations"]] == [1]
    assert row["usage"] == {
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "total_tokens": 18,
        "cost_usd": 0.0021,
    }
    assert row["latency_ms"] >= row["time_to_first_token_ms"] >= 0
    assert (row["model"], row["bot_profile_id"]) == ("openai/gpt-test", str(acme_bot.pk))
    assert row["request_id"] and row["retrieval"]["mode"] == "hybrid"
    found = [passage["chunk_id"] for passage in row["retrieval"]["passages"]]
    assert found == [source["chunk_id"] for source in answered["sources"]]


def test_the_words_that_were_searched_for_as_well_are_in_the_row(acme, acme_bot, as_acme, model):
    model.enqueue("It lasts 36 months [1].")
    ask(acme, acme_bot, message="How long is the waranty of the Aeris One?")
    [row] = logs(as_acme)["items"]
    [expansion] = row["retrieval"]["expansions"]
    assert (expansion["found"], expansion["kind"]) == ("warranti", "spelling")
    assert row["retrieval"]["repeats"] == []


def test_a_turn_costs_in_the_log_what_it_costs_in_the_statistics(acme, acme_bot, as_acme, model):
    with tenant_context(acme.tenant):
        set_override(
            "openai/gpt-test", prompt_cost_per_1m=Decimal(1000), completion_cost_per_1m=Decimal(0)
        )
    model.enqueue("It lasts 36 months [1].")
    ask(acme, acme_bot)
    [row] = logs(as_acme)["items"]
    [spent] = as_acme.get("/v1/stats/usage/by-model").json()
    assert row["usage"]["cost_usd"] == spent["cost_usd"] == 0.011


@pytest.mark.parametrize(
    ("said", "valid"), [("36 months [1].", True), ("36 months [9].", False), ("36.", False)]
)
def test_citations_are_valid_where_there_are_some_and_all_lead_somewhere(
    acme, acme_bot, as_acme, model, said, valid
):
    model.enqueue(said)
    ask(acme, acme_bot)
    assert [row["citation_valid"] for row in logs(as_acme)["items"]] == [valid]
    assert logs(as_acme, citation_valid=str(not valid).lower())["total"] == 0
    assert logs(as_acme, citation_valid=str(valid).lower())["total"] == 1


def test_a_refusal_says_why_and_is_found_as_one(acme, acme_bot, as_acme, model):
    model.enqueue("It lasts 36 months [1].")
    ask(acme, acme_bot)
    ask(acme, acme_bot, message="zq xylophone quux?")
    [row] = logs(as_acme, refusal_only="true")["items"]
    assert row["refusal"]["reason"] in ("low_confidence", "no_passages")
    assert row["refusal"]["score"] < row["refusal"]["threshold"]
    assert (row["citation_valid"], row["citations"], row["question"]) == (
        None,
        [],
        "zq xylophone quux?",
    )


def test_a_turn_that_failed_is_there_with_its_code_and_without_an_answer(
    acme, acme_bot, as_acme, model
):
    model.enqueue(provider_down())
    ask(acme, acme_bot)
    [row] = logs(as_acme, outcome="failed")["items"]
    assert (row["answer"], row["message_id"], row["error_code"]) == (
        None,
        None,
        "provider_unavailable",
    )


def test_rows_from_before_the_trace_are_shown_with_what_is_known(in_acme, as_acme):
    make_turn()
    [row] = logs(as_acme)["items"]
    assert (row["question"], row["answer"]) == ("Why?", "Because.")
    assert [
        row[name] for name in ("usage", "model", "retrieval", "latency_ms", "citation_valid")
    ] == [None] * 5


def test_every_filter_finds_its_own_and_nothing_else(in_acme, as_acme):
    chat = Chat.objects.create(bot_profile=make_bot())
    wanted = make_turn(
        chat, question="the needle", feedback="negative", request_id="r-1", outcome="refused"
    )
    Message.objects.filter(pk=wanted.pk).update(citation_valid=False)
    make_turn(question="hay", feedback="positive", request_id="r-2")
    make_turn(question="failed", answer=None, outcome="failed", age=3 * 86_400)
    today, yesterday = (timezone.now() - timedelta(days=n) for n in (0, 1))
    for query in (
        {"chat_id": chat.pk}, {"bot_profile_id": chat.bot_profile_id}, {"request_id": "r-1"}, {"outcome": "refused"},
        {"refusal_only": "true"}, {"feedback": "negative"}, {"citation_valid": "false"}, {"q": "NEEDLE"},
        {"q": "needle", "from_date": yesterday.date(), "to_date": today.date(), "feedback": "negative"},
    ):  # fmt: skip
        found = logs(as_acme, **query)
        assert [row["id"] for row in found["items"]] == [str(wanted.pk)], query
        assert (found["total"], found["total_is_exact"]) == (1, True)
    assert logs(as_acme, to_date=(yesterday - timedelta(days=1)).date())["total"] == 1
    assert logs(as_acme, chat_id=uuid4())["items"] == []
    assert logs(as_acme, q="because")["total"] == 2


def test_the_log_is_newest_first_a_chats_oldest_first_and_both_go_page_by_page(in_acme, as_acme):
    chat = Chat.objects.create(bot_profile=make_bot())
    made = [str(make_turn(chat, age=10 - n).pk) for n in range(5)]
    for path, expected in (("chat-logs", made[::-1]), (f"chat/{chat.pk}/logs", made)):
        seen, cursor = [], {}
        while True:
            page = logs(as_acme, path, limit=2, **cursor)
            assert page["total"] == 5
            seen += [row["id"] for row in page["items"]]
            if not page["next_cursor"]:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == expected


def test_a_page_costs_the_same_few_queries_however_long(
    in_acme, as_acme, django_assert_max_num_queries
):
    chat = Chat.objects.create(bot_profile=make_bot())
    for _ in range(20):
        make_turn(chat)
    with django_assert_max_num_queries(8):
        assert len(logs(as_acme)["items"]) == 20


def test_beyond_a_bound_the_total_is_not_counted_on(in_acme, as_acme, monkeypatch):
    monkeypatch.setattr(chat_logs, "COUNT_LIMIT", 2)
    chat = Chat.objects.create(bot_profile=make_bot())
    for expected in [(1, True), (2, True), (2, False)]:
        make_turn(chat)
        page = logs(as_acme)
        assert (page["total"], page["total_is_exact"]) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"q": "x"}, {"q": "x" * 201}, {"outcome": "odd"}, {"feedback": "none"}, {"from_date": "x"}, {"limit": 0},
        {"cursor": "x"}, {"chat_id": "x"}, {"refusal_only": "maybe"}, {"request_id": "x" * 65},
        {"q": "a\x00b"}, {"from_date": "2026-02-02", "to_date": "2026-02-01"},
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_is_a_422(in_acme, as_acme, query):
    assert as_acme.get("/v1/chat-logs", query).status_code == 422


def test_globex_sees_no_turn_of_acme(in_acme, globex, as_globex):
    turn = make_turn(question="acme's secret")
    assert logs(as_globex)["items"] == []
    assert as_globex.get(f"/v1/chat/{turn.chat_id}/logs").status_code == 404
    with tenant_context(globex.tenant):
        make_turn(question="globex's own")
    assert [row["question"] for row in logs(as_globex)["items"]] == ["globex's own"]


def test_a_token_of_one_bot_sees_that_bots_turns(in_acme, as_acme):
    mine, other = make_turn(question="mine"), make_turn(question="other")
    body = {"name": "x", "scopes": ["read"], "bot_profile_id": str(mine.chat.bot_profile_id)}
    token = as_acme.post("/v1/api-tokens", body, content_type="application/json").json()[
        "raw_token"
    ]
    client = Client(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert [row["question"] for row in logs(client)["items"]] == ["mine"]
    assert logs(client, bot_profile_id=other.chat.bot_profile_id)["items"] == []
    assert client.get(f"/v1/chat/{other.chat_id}/logs").status_code == 404

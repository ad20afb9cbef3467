"""Chats are kept so long and no longer, by a duty of the clock; and what holds their words beside them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from bots.models import UsageEvent
from conversations.golden.changing import create_from_turn
from conversations.handoffs.asking import call_person
from conversations.models import (
    Chat,
    ChatNote,
    ChatRetention,
    ChatTag,
    Citation,
    EvaluationResult,
    EvaluationRun,
    GoldenQuestion,
    HandoffReason,
    Message,
)
from conversations.retention import keeping
from conversations.tests.test_api_chat import QUESTION, ask
from conversations.tests.test_chat_list import make_chat
from knowledge.curated.changing import create_answer
from knowledge.models import CuratedAnswer
from minirag.tasks import do_due_work
from tenants.context import tenant_context
from tenants.due import DueKind, DueWork
from tenants.models import AuditEvent
from tests.test_admin import browser

JSON = {"content_type": "application/json"}
PATH = "/v1/tenants/me/retention"
PAGE = "/admin/conversations/chat/retention/"


def make_old(chat: Chat, days: int = 40) -> Chat:
    moment = timezone.now() - timedelta(days=days)
    Chat.objects.filter(pk=chat.pk).update(created_at=moment, updated_at=moment)
    return chat


@pytest.fixture
def old(acme, acme_bot, model) -> Chat:
    """A chat of a visitor whose words stand wherever they can."""
    model.enqueue("It lasts 36 months [1].")
    answered = ask(acme, acme_bot)[1]
    chat = Chat.objects.get(pk=answered["chat_id"])
    Chat.objects.filter(pk=chat.pk).update(visitor_id="kim", origin="https://kim.example.com")
    ChatNote.objects.create(chat=chat, text="Kim called")
    ChatTag.objects.create(chat=chat, name="warranty")
    asked = chat.messages.get(role="user")
    golden = create_from_turn(asked, {}, made_by="alice")
    run = EvaluationRun.objects.create(bot_profile=acme_bot, status="succeeded", questions_total=1)
    EvaluationResult.objects.create(
        run=run, golden_question=golden, question=golden.question, outcome="answered", is_right=True
    )
    facts = {"answer": "36 months.", "owner_id": acme.owner.pk}
    create_answer(facts, questions=[QUESTION], bot_profile_ids=[acme_bot.pk])
    return make_old(chat)


def work(acme) -> None:
    with tenant_context(acme.tenant):
        do_due_work.run(DueKind.RETENTION.value, [])


def test_nothing_goes_before_it_is_asked_for_and_then_what_is_old_alone(
    acme, globex, globex_bot, old, as_acme, as_bob, monkeypatch
):
    make_old(make_chat("active"), 40)
    Chat.objects.filter(title="active").update(updated_at=timezone.now())
    waits = make_old(make_chat("waits"))
    call_person(waits, HandoffReason.PROGRAM)
    make_old(make_chat("young"), 20)
    with tenant_context(globex.tenant):
        make_old(make_chat("globex", bot_profile=globex_bot), 400)
    work(acme)
    assert Chat.objects.count() == 4 and as_acme.get(PATH).json()["days"] is None
    assert as_acme.get(f"{PATH}/preview?days=30").json() == {"days": 30, "chats": 1}
    assert as_bob.put(PATH, {"days": 30}, **JSON).status_code == 403
    for days in (0, -1, 3_651, "many"):
        assert as_acme.put(PATH, {"days": days}, **JSON).status_code == 422
    assert as_acme.put(PATH, {"days": 30}, **JSON).json()["act"] == "delete"
    assert DueWork.objects.filter(kind=DueKind.RETENTION, tenant_id=acme.tenant.pk).exists()
    work(acme)
    assert sorted(Chat.objects.values_list("title", flat=True)) == ["active", "waits", "young"]
    assert UsageEvent.objects.filter(chat_id=old.pk).exists()
    assert GoldenQuestion.objects.count() == 1 and CuratedAnswer.objects.count() == 1
    said = AuditEvent.objects.get(action="retention.enforced")
    assert (said.actor, said.detail["count"], said.tenant_slug) == ("retention", 1, "acme")
    with tenant_context(globex.tenant):
        assert Chat.objects.count() == 1
    as_acme.put(PATH, {"days": None}, **JSON)
    assert not ChatRetention.objects.exists() and keeping.next_retention() is None


def test_anonymous_chats_keep_figures_and_no_word(acme, old, as_acme, monkeypatch):
    monkeypatch.setattr(keeping, "AT_ONCE", 1)
    make_old(make_chat("Another of Kim"))
    before = as_acme.get(f"/v1/chat/{old.pk}?extended=true").json()["facts"]
    as_acme.put(PATH, {"days": 30, "act": "anonymise", "takes_golden": True}, **JSON)
    work(acme)
    work(acme)
    for chat in Chat.objects.all():
        assert (chat.title, chat.visitor_id, chat.origin, chat.user_id) == ("", "", "", None)
        assert chat.anonymised_at is not None
    assert set(Message.objects.values_list("content", flat=True)) == {""}
    assert "warranty" not in str(list(Message.objects.values_list("trace", flat=True)))
    assert as_acme.get(f"/v1/chat/{old.pk}?extended=true").json()["facts"] == before
    rows = as_acme.get("/v1/chat-logs").json()["items"]
    assert [row["usage"]["total_tokens"] for row in rows if row["usage"]] == [18]
    assert Citation.objects.exists() and ChatTag.objects.exists()
    for model in (ChatNote, GoldenQuestion, EvaluationResult):
        assert not model.objects.exists()
    assert CuratedAnswer.objects.count() == 1
    assert [keeping.count_due(30, act) for act in ("delete", "anonymise")] == [2, 0]
    assert AuditEvent.objects.filter(action="retention.enforced").count() == 1
    alice = browser("alice@acme.example.com", "acme")
    assert alice.get(f"/admin/conversations/chat/{old.pk}/change/").status_code == 200


def test_the_page_says_how_many_chats_would_go_before_they_do(acme, old, as_bob):
    alice = browser("alice@acme.example.com", "acme")
    assert "Chats are kept for good" in alice.get(PAGE).content.decode()
    asked = {"days": "30", "act": "delete"}
    page = alice.post(PAGE, asked).content.decode()
    assert "1 chat is older than that" in page and not ChatRetention.objects.exists()
    assert alice.post(PAGE, asked | {"seen": "7"}).status_code == 200  # more have become old since
    assert alice.post(PAGE, asked | {"seen": "1"}).status_code == 302
    assert "deleted 30 days after" in alice.get(PAGE).content.decode()
    assert alice.post(PAGE, {"days": "", "act": "delete"}).status_code == 302
    assert not ChatRetention.objects.exists()


def test_forgetting_a_visitor_tells_what_holds_their_words_and_takes_it_by_choice(
    acme, old, as_acme
):
    alice = browser("alice@acme.example.com", "acme")
    page = alice.get(f"/admin/conversations/chat/{old.pk}/delete_visitor/").content.decode()
    assert (
        "golden questions that were made of them (1)" in page
        and "results of runs (1)" in page
        and "these very words (1)" in page
    )
    other = make_chat("Kim again")
    Chat.objects.filter(pk=other.pk).update(visitor_id="someone")
    forget = "/v1/visitors/forget"
    told = as_acme.post(forget, {"visitor_id": "someone"}, **JSON).json()
    assert told["left"] == {"golden_questions": 0, "evaluation_results": 0, "curated_answers": 0}
    body = {"visitor_id": "kim", "golden_questions": True}
    told = as_acme.post(forget, body, **JSON).json()
    assert told == {
        "deleted": 1,
        "deleted_with": {"golden_questions": 1, "evaluation_results": 1, "curated_answers": 0},
        "left": {"golden_questions": 0, "evaluation_results": 0, "curated_answers": 1},
    }
    assert CuratedAnswer.objects.count() == 1 and not GoldenQuestion.objects.exists()

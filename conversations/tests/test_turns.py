"""A turn ends in exactly one way, and that end is stored: answered, refused, stopped or failed."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError
from django.utils import timezone

from bots.models import BotProfile, UsageEvent
from conversations.annotating.feedback import set_feedback
from conversations.models import Chat, Citation, Message
from conversations.tests.conftest import make_bot
from conversations.turns.fitting import load_history
from conversations.turns.recording import close_turn
from conversations.turns.state import Asker
from conversations.turns.taking import Delta, Done, Failed, SourcesFound, Started, take_turn
from knowledge.models import Source
from knowledge.sources.changing import (
    delete_source,
)
from minirag.lib import database
from minirag.lib.database import AT_LEISURE, AT_ONCE
from minirag.lib.errors import Conflict, NotFound
from tenants.context import tenant_context
from tests.fakes.chat_model import provider_down
from webhooks.models import Delivery, Webhook

QUESTION = "How many months of warranty does the Aeris One have?"


def take(
    bot: BotProfile, question: str = QUESTION, chat_id=None, stop_after: int | None = None,
    is_stream: bool = True, **asker,
):  # fmt: skip
    """Run a turn to its end, or close it after some events as a reader does who goes away."""

    async def run():
        events, seen = (
            take_turn(bot.pk, chat_id, question, asker=Asker(**asker), is_stream=is_stream),
            [],
        )
        async for event in events:
            if isinstance(event, Started):
                continue
            seen.append(event)
            if len(seen) == stop_after:
                await events.aclose()
        return seen

    return async_to_sync(run)()


def text_of(events) -> str:
    return "".join(event.content for event in events if isinstance(event, Delta))


def test_an_answer_streams_and_is_stored_with_its_citation(acme_bot, model):
    model.enqueue("It is covered for ", "36 months [1]", ".")
    events = take(acme_bot, request_id="r-1")
    assert isinstance(events[0], SourcesFound) and "36 months" in events[0].passages[0].content
    assert text_of(events) == "It is covered for 36 months [1]."
    done = events[-1]
    assert isinstance(done, Done) and done.refusal is None
    stored = Message.objects.get(pk=done.message.pk)
    assert (stored.content, stored.outcome, stored.completion_tokens) == (
        text_of(events),
        "answered",
        7,
    )
    citation = Citation.objects.get(message=stored)
    assert citation.number == 1 and "36 months" in citation.content
    question = Message.objects.get(chat=done.chat_id, role="user")
    assert (question.content, question.outcome, question.request_id) == (
        QUESTION,
        "answered",
        "r-1",
    )


def test_the_turn_is_counted_and_metered(acme_bot, model):
    model.enqueue("36 months [1].")
    done = take(acme_bot)[-1]
    chat = Chat.objects.get(pk=done.chat_id)
    assert (chat.message_count, chat.total_prompt_tokens, chat.total_completion_tokens) == (
        2,
        11,
        7,
    )
    assert chat.title == QUESTION[:100]
    usage = UsageEvent.objects.get(kind="chat")
    assert (usage.model, usage.total_tokens, usage.is_stream, usage.outcome) == (
        acme_bot.model,
        18,
        True,
        "answered",
    )
    assert usage.cost_usd > 0 and usage.time_to_first_token_ms is not None


def test_an_invented_citation_reaches_neither_reader_nor_table(acme_bot, model):
    model.enqueue("36 months [1] and a free car [9].")
    events = take(acme_bot)
    assert text_of(events) == "36 months [1] and a free car."
    assert list(Citation.objects.values_list("number", flat=True)) == [1]


def test_a_question_beyond_the_knowledge_is_refused_without_asking_the_model(acme_bot, model):
    events = take(acme_bot, "Who won the chess olympiad in Baku?")
    assert not model.requests
    done = events[-1]
    assert events[0] == SourcesFound(done.chat_id, ()) and done.refusal.reason in (
        "low_confidence",
        "no_passages",
    )
    assert done.refusal.score < done.refusal.threshold
    stored = Message.objects.get(pk=done.message.pk)
    assert (
        stored.outcome == "refused"
        and stored.threshold == done.refusal.threshold
        and stored.refusal_reason
    )
    assert not stored.citations.exists()


def test_a_bot_that_never_refuses_asks_the_model(acme_bot, model):
    acme_bot.refuses = False
    acme_bot.save()
    model.enqueue("No idea.")
    assert take(acme_bot, "Who won the chess olympiad in Baku?")[-1].refusal is None
    assert len(model.requests) == 1


def test_a_model_that_finds_nothing_in_the_sources_counts_as_a_refusal(acme_bot, model):
    model.enqueue("I could not find an answer to that in my sources.")
    done = take(acme_bot)[-1]
    assert done.refusal.reason == "not_in_sources" and done.message.outcome == "refused"


def test_a_deleted_source_stops_answering_with_the_next_question(acme_bot, model):
    model.enqueue("36 months [1].")
    assert take(acme_bot)[-1].refusal is None
    delete_source(Source.objects.get(bot_profile=acme_bot).pk)
    assert take(acme_bot)[-1].refusal is not None


def test_a_deactivated_source_stops_answering_and_starts_again(acme_bot, model):
    Source.objects.filter(bot_profile=acme_bot).update(is_active=False)
    assert take(acme_bot)[-1].refusal is not None
    Source.objects.filter(bot_profile=acme_bot).update(is_active=True)
    model.enqueue("36 months [1].")
    assert take(acme_bot)[-1].refusal is None


def test_the_model_sees_the_history_but_not_failed_turns(acme_bot, model):
    model.enqueue("36 months [1].")
    chat_id = take(acme_bot)[-1].chat_id
    model.enqueue(provider_down())
    take(acme_bot, chat_id=chat_id, question="And the warranty of the refund?")
    model.enqueue("Within 30 days [1].")
    take(
        acme_bot, chat_id=chat_id, question="Within how many days may unused devices be sent back?"
    )
    said = [(m["role"], m["content"]) for m in model.requests[-1].messages[1:-1]]
    assert said == [("user", QUESTION), ("assistant", "36 months.")]


def test_the_model_is_not_told_of_refused_turns_and_knows_the_day(acme_bot, model):
    model.enqueue("36 months [1].")
    chat_id = take(acme_bot)[-1].chat_id
    take(acme_bot, chat_id=chat_id, question="How deep is the Mariana Trench?")
    model.enqueue("36 months [1].")
    take(acme_bot, chat_id=chat_id)
    first, *said = [(m["role"], m["content"]) for m in model.requests[-1].messages[:-1]]
    assert said == [("user", QUESTION), ("assistant", "36 months.")]
    assert f"{timezone.localdate().isoformat()}" in first[1] and "Answer in English" in first[1]


def test_what_its_passage_does_not_hold_is_marked_and_counted(acme_bot, model):
    model.enqueue("The warranty lasts 36 months. [1] It lasts 48 months. [1]")
    done = take(acme_bot)[-1]
    question = Message.objects.get(role="user")
    assert "48 months" in done.content and question.unsupported == 1
    assert [(each["is_supported"], each["why"]) for each in question.trace["support"]] == [
        (True, ""),
        (False, "number"),
    ]


def test_or_left_out_where_the_bot_is_set_so(acme_bot, model):
    BotProfile.objects.filter(pk=acme_bot.pk).update(unsupported_mode="drop")
    model.enqueue("The warranty lasts 36 months. [1] It lasts 48 months. [1]")
    events = take(acme_bot)
    shown = "".join(event.content for event in events if isinstance(event, Delta))
    assert "48" not in shown and "36 months. [1]" in shown
    assert events[-1].content == shown and Message.objects.get(role="user").unsupported == 1


def test_an_answer_of_which_nothing_is_left_is_a_refusal(acme_bot, model):
    BotProfile.objects.filter(pk=acme_bot.pk).update(unsupported_mode="drop")
    model.enqueue("It lasts 48 months. [1]")
    done = take(acme_bot)[-1]
    assert done.refusal.reason == "unsupported" and not done.citations
    assert done.message.outcome == "refused" and "48" not in done.content


def test_history_is_bounded_by_turns(acme_bot, model):
    model.enqueue("36 months [1].")
    chat = Chat.objects.get(pk=take(acme_bot)[-1].chat_id)
    for _ in range(3):
        model.enqueue("36 months [1].")
        take(acme_bot, chat_id=chat.pk)
    assert [role for role, _ in load_history(chat, 2)[0]] == [
        "user",
        "assistant",
        "user",
        "assistant",
    ]
    assert load_history(chat, 0) == ((), frozenset())


def test_a_failing_provider_keeps_the_question_and_says_so(acme_bot, model):
    model.enqueue(provider_down())
    events = take(acme_bot)
    failed = events[-1]
    assert isinstance(failed, Failed) and failed.error.status == 503 and failed.error.retryable
    question = Message.objects.get(chat=failed.chat_id)
    assert (question.content, question.outcome, question.error_code) == (
        QUESTION,
        "failed",
        "provider_unavailable",
    )
    assert UsageEvent.objects.filter(kind="chat", outcome="failed").count() == 1


def test_a_provider_that_breaks_off_leaves_what_it_said_marked_as_failed(acme_bot, model):
    model.enqueue("It is covered for 36 months", 0.05, provider_down())
    failed = take(acme_bot)[-1]
    assert isinstance(failed, Failed)
    partial = Message.objects.get(chat=failed.chat_id, role="assistant")
    assert (partial.content, partial.outcome) == ("It is covered for 36 months", "failed")


def test_a_fault_of_our_own_ends_the_turn_cleanly(acme_bot, model):
    model.enqueue("36 ", RuntimeError("a bug"))
    failed = take(acme_bot)[-1]
    assert failed.error.code == "internal" and "bug" not in failed.error.detail
    assert Message.objects.get(chat=failed.chat_id, role="user").outcome == "failed"


def test_an_empty_answer_is_a_failure(acme_bot, model):
    model.enqueue("")
    assert take(acme_bot)[-1].error.code == "provider_empty"


def test_a_reader_who_goes_away_stops_the_model_and_loses_nothing(acme_bot, model):
    model.enqueue("It is covered ", "for 36 months [1] ", 5.0, "and more.")
    events = take(acme_bot, stop_after=2)
    chat_id = events[0].chat_id
    assert model.closed == 1
    question, partial = Message.objects.filter(chat=chat_id)
    assert (question.outcome, partial.outcome) == ("stopped", "stopped")
    assert partial.content.startswith("It is covered")
    usage = UsageEvent.objects.get(kind="chat")
    assert usage.outcome == "stopped" and usage.prompt_tokens > 50 and usage.completion_tokens > 0


def test_a_reader_who_goes_away_before_a_word_was_said_leaves_a_stopped_turn(acme_bot, model):
    async def run():
        events = take_turn(acme_bot.pk, None, QUESTION, asker=Asker(), is_stream=True)
        assert isinstance(await anext(events), Started)
        await events.aclose()

    async_to_sync(run)()
    assert list(Message.objects.values_list("role", "outcome")) == [("user", "stopped")]


@pytest.mark.parametrize(("is_stream", "patience"), [(True, AT_LEISURE), (False, AT_ONCE)])
def test_an_answer_may_be_stored_at_leisure_only_where_its_reader_has_its_words(
    acme_bot, model, monkeypatch, is_stream, patience
):
    seen = []

    def note(turn, answer):
        seen.append(database._patience.get())
        return close_turn(turn, answer)

    monkeypatch.setattr("conversations.turns.taking.close_turn", note)
    model.enqueue("36 months [1].")
    take(acme_bot, is_stream=is_stream)
    assert seen == [patience]


def test_an_end_that_cannot_be_stored_still_reaches_the_reader(acme_bot, model, monkeypatch):
    def refuse(*args):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("conversations.turns.taking.close_turn", refuse)
    monkeypatch.setattr("conversations.turns.taking.STORE_SECONDS", 0.3)
    model.enqueue("36 months [1].")
    failed = take(acme_bot)[-1]
    assert isinstance(failed, Failed) and failed.error.code == "database_unavailable"
    assert Message.objects.get().outcome == "pending"


def test_an_end_is_stored_when_the_database_is_back_after_seconds(acme_bot, model, monkeypatch):
    tries: list[str] = []

    def refuse_twice(*args):
        tries.append("again")
        if len(tries) < 3:
            raise OperationalError("connection refused")
        return close_turn(*args)

    monkeypatch.setattr("conversations.turns.taking.close_turn", refuse_twice)
    model.enqueue("36 months [1].")
    done = take(acme_bot)[-1]
    assert isinstance(done, Done) and done.message.content == "36 months [1]."
    assert list(Message.objects.values_list("role", "outcome")) == [
        ("user", "answered"),
        ("assistant", "answered"),
    ]
    assert UsageEvent.objects.filter(kind="chat").count() == 1


def test_an_end_whose_commit_was_not_heard_of_is_told_as_it_is_stored(acme_bot, model, monkeypatch):
    def store_in_silence(*args):
        monkeypatch.setattr("conversations.turns.taking.close_turn", close_turn)
        close_turn(*args)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("conversations.turns.taking.close_turn", store_in_silence)
    model.enqueue("36 months [1].")
    done = take(acme_bot)[-1]
    assert isinstance(done, Done)
    assert done.message == Message.objects.get(role="assistant")
    assert UsageEvent.objects.filter(kind="chat").count() == 1


def test_a_stop_ends_the_waiting_for_the_database(acme_bot, model, monkeypatch):
    def refuse(*args):
        raise OperationalError("connection refused")

    monkeypatch.setattr("conversations.turns.taking.close_turn", refuse)
    model.enqueue("36 months [1].")

    async def run() -> float:
        async def read() -> None:
            async for _ in take_turn(acme_bot.pk, None, QUESTION, asker=Asker(), is_stream=True):
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(1.0)
        assert not task.done()
        task.cancel()
        stopped_at = time.monotonic()
        await asyncio.wait({task})
        return time.monotonic() - stopped_at

    assert async_to_sync(run)() < 1


def test_a_visitor_goes_on_only_in_chats_with_the_same_bot(acme_bot, model):
    model.enqueue("36 months [1].")
    chat_id = take(acme_bot, visitor_id="visitor-one")[-1].chat_id
    with pytest.raises(NotFound, match="Chat session not found"):
        take(make_bot(name="Other"), chat_id=chat_id, visitor_id="visitor-one")


def test_a_cancelled_task_stores_its_turn_in_its_own_tenant(acme, acme_bot, model):
    import asyncio

    model.enqueue("It is covered for 36 months [1] ", 200.0, "and more.")

    async def run():
        heard = asyncio.Event()

        async def consume():
            with tenant_context(acme.tenant):
                async for event in take_turn(
                    acme_bot.pk, None, QUESTION, asker=Asker(), is_stream=True
                ):
                    if isinstance(event, Delta):
                        heard.set()

        task = asyncio.create_task(consume())
        await heard.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with tenant_context(None):
        async_to_sync(run)()
    assert list(Message.objects.values_list("outcome", flat=True)) == ["stopped", "stopped"]


def test_an_event_is_written_for_subscribers_in_the_same_transaction(acme_bot, model):
    Webhook.objects.create(url="https://acme.example.com/hook", events=["chat.message"])
    Webhook.objects.create(url="https://acme.example.com/other", events=["source.failed"])
    model.enqueue("36 months [1].")
    done = take(acme_bot)[-1]
    delivery = Delivery.objects.get()
    assert delivery.payload == {
        "chat_id": str(done.chat_id),
        "message_id": str(done.message.pk),
        "bot_profile_id": str(acme_bot.pk),
    }


def test_a_refused_question_is_told_as_a_message_and_as_a_refusal_with_its_scores(acme_bot, model):
    hook = Webhook.objects.create(
        url="https://acme.example.com/hook", events=["chat.message", "chat.refused"]
    )
    done = take(acme_bot, "Who won the chess olympiad in Baku?")[-1]
    told = {each.event_type: each.payload for each in Delivery.objects.filter(webhook=hook)}
    ids = {
        "chat_id": str(done.chat_id), "message_id": str(done.message.pk), "bot_profile_id": str(acme_bot.pk)
    }  # fmt: skip
    assert told["chat.message"] == ids
    facts = {
        "reason": done.refusal.reason,
        "score": done.refusal.score,
        "threshold": done.refusal.threshold,
    }
    assert told["chat.refused"] == {**ids, **facts}


def test_feedback_is_told_once_for_each_change_of_mind(acme_bot, model):
    Webhook.objects.create(url="https://acme.example.com/hook", events=["feedback.given"])
    model.enqueue("36 months [1].")
    message = take(acme_bot)[-1].message
    for verdict in ("positive", "positive", "negative", None, None):
        set_feedback(message, verdict)
    told = [each.payload for each in Delivery.objects.order_by("created_at")]
    assert [payload.pop("feedback") for payload in told] == ["positive", "negative", None]
    assert [payload.pop("reason") for payload in told] == [None, None, None]
    assert told[0] == {
        "chat_id": str(message.chat_id), "message_id": str(message.pk), "bot_profile_id": str(acme_bot.pk)
    }  # fmt: skip


def test_unknown_inactive_and_foreign_bots_are_not_found(acme_bot, globex_bot, model):
    for bot in (BotProfile(pk=uuid4()), globex_bot):
        with pytest.raises(NotFound, match="Bot profile not found or inactive"):
            take(bot)
    BotProfile.objects.filter(pk=acme_bot.pk).update(is_active=False)
    with pytest.raises(NotFound):
        take(acme_bot)


def test_a_chat_of_another_visitor_is_not_found(acme_bot, model):
    model.enqueue("36 months [1].")
    chat_id = take(acme_bot, visitor_id="visitor-one")[-1].chat_id
    with pytest.raises(NotFound, match="Chat session not found"):
        take(acme_bot, chat_id=chat_id, visitor_id="visitor-two")


def test_a_suspended_tenant_takes_no_turn(acme, acme_bot, model):
    acme.tenant.change_status("suspended")
    with pytest.raises(Conflict):
        take(acme_bot)
    assert not Message.objects.exists()


def test_a_turn_sees_nothing_of_the_other_tenant(acme, globex, acme_bot, globex_bot, model):
    assert take(acme_bot, "When should roses be pruned?")[-1].refusal is not None
    with tenant_context(globex.tenant):
        model.enqueue("In March [1].")
        assert take(globex_bot, "When should roses be pruned?")[-1].refusal is None
        assert Message.objects.count() == 2

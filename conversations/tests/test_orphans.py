"""A turn whose process was killed is found by its lease and ends with what it had said, read or not."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from redis import Redis

from bots.models import UsageEvent
from bots.quotas.models import Quota, QuotaUse
from conversations.following import journal
from conversations.following.journal import KeptTurn
from conversations.following.orphans import end_orphans, next_look
from conversations.following.running import running_turns
from conversations.models import Citation, Message
from conversations.tests.test_running import begin, read, told
from conversations.tests.test_turns import QUESTION
from conversations.turns.recording import LOOK_SECONDS, open_turn
from conversations.turns.schemas import tell_error
from conversations.turns.state import Asker
from tenants.context import run_sync, tenant_context
from tenants.due import DueKind, DueWork

SAID = "It is covered for 36 months [1]."


@pytest.fixture(autouse=True)
def redis(settings, monkeypatch) -> Redis:
    monkeypatch.setattr("conversations.following.orphans.SURE_SECONDS", 0.0)
    redis = Redis.from_url(settings.REDIS_URL)
    for key in redis.scan_iter("minirag:turns:*"):
        redis.delete(key)
    return redis


def grow_older(seconds: float = LOOK_SECONDS + 1) -> None:
    Message.objects.update(created_at=timezone.now() - timedelta(seconds=seconds))


@pytest.fixture
def killed(redis, acme_bot, model, run_async, monkeypatch):
    """A turn that had said `words` when its process was killed, ten seconds and more ago; its question."""

    def kill(words: str = SAID) -> Message:
        model.enqueue(*([words] if words else []), 20.0, "never said")

        async def store_nothing(turn, answer):
            return None

        async def run():
            monkeypatch.setattr("conversations.turns.taking._close", store_nothing)
            turn = await begin(acme_bot)
            await read(turn, count=2 if words else 1)
            await running_turns().journal.write()
            # What a kill -9 leaves: the question pending, the events in Redis, and soon no lease.
            turn._all.journal._forget(turn)
            await turn.stop()
            return turn.turn_id

        turn_id = run_async(run)
        for key in redis.scan_iter("*:lease"):
            redis.delete(key)
        grow_older()
        return Message.objects.get(pk=turn_id)

    return kill


def test_what_it_had_said_is_its_failed_answer_with_what_it_cites(killed):
    question = killed()
    assert question.outcome == "pending"
    assert end_orphans(tell_error) == 1
    question.refresh_from_db()
    answer = Message.objects.get(question=question)
    assert (question.outcome, question.error_code) == ("failed", "interrupted")
    assert (answer.outcome, answer.error_code, answer.content) == ("failed", "interrupted", SAID)
    assert answer.chat.message_count == 2
    cited = Citation.objects.get(message=answer)
    assert cited.number == 1 and "warranty of 36 months" in cited.content
    assert end_orphans(tell_error) == 0


def test_its_tokens_are_metered_and_its_question_given_back(in_acme, killed):
    Quota.objects.create(resource="messages", limit=2)
    question = killed()
    assert QuotaUse.objects.get().used == 1
    assert end_orphans(tell_error) == 1
    assert QuotaUse.objects.get().used == 0
    event = UsageEvent.objects.get(chat_id=question.chat_id, kind="chat")
    assert event.completion_tokens > 0 and event.outcome == "failed"


def test_one_that_had_said_nothing_leaves_no_answer(killed):
    question = killed("")
    assert end_orphans(tell_error) == 1
    question.refresh_from_db()
    assert (question.outcome, question.error_code) == ("failed", "interrupted")
    assert not Message.objects.filter(role="assistant").exists()


def test_whoever_reads_it_afterwards_gets_its_end(killed, run_async):
    question = killed()
    end_orphans(tell_error)
    kept = KeptTurn("t_acme", question.pk, is_pending=False)
    seen = run_async(told, kept)
    assert [name for _, name, _ in seen] == ["sources", "delta", "error"]
    assert [number for number, _, _ in seen] == [1, 2, 3]
    assert seen[-1][2]["code"] == "interrupted" and seen[-1][2]["retryable"]


def test_a_turn_that_lives_is_left_alone_however_long_it_speaks(acme_bot, model, run_async):
    model.enqueue("It is covered ", 20.0, "never said")

    async def run():
        turn = await begin(acme_bot)
        await read(turn, count=2)
        await running_turns().journal.write()
        await run_sync(grow_older)
        ended = await run_sync(end_orphans, tell_error)
        await turn.stop()
        return ended

    assert run_async(run) == 0


def test_one_that_has_just_begun_is_left_alone(acme_bot):
    open_turn(acme_bot.pk, None, QUESTION, Asker())
    assert end_orphans(tell_error) == 0


def test_one_of_a_day_that_has_not_come_is_ended_now(killed):
    """Its clock was wrong."""
    killed()
    grow_older(-86_400)
    assert next_look() < timezone.now() + timedelta(minutes=1)
    assert end_orphans(tell_error) == 1


def test_a_second_look_saves_a_turn_whose_lease_was_lost_with_redis(
    acme_bot, model, run_async, monkeypatch
):
    model.enqueue("It is covered ", 20.0, "never said")
    looks = []

    def find_living(schema_name, turn_ids):
        looks.append(turn_ids)
        return set(turn_ids) if len(looks) > 1 else set()

    monkeypatch.setattr("conversations.following.orphans.find_living", find_living)
    open_turn(acme_bot.pk, None, QUESTION, Asker())
    grow_older()
    assert end_orphans(tell_error) == 0 and len(looks) == 2


def test_without_redis_only_the_very_old_are_given_up(acme_bot, settings):
    open_turn(acme_bot.pk, None, QUESTION, Asker())
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    grow_older()
    assert end_orphans(tell_error) == 0
    grow_older(86_400)
    assert end_orphans(tell_error) == 1


def test_an_end_that_was_told_and_not_stored_is_stored_as_it_was_told(killed, redis):
    question = killed()
    told = journal.read_kept("t_acme", question.pk)
    error = {"code": "provider_timeout", "detail": "x", "retryable": True, "request_id": ""}
    journal.add_end("t_acme", question.pk, told, ("error", error))
    assert end_orphans(tell_error) == 1
    question.refresh_from_db()
    assert (question.outcome, question.error_code) == ("failed", "provider_timeout")


def test_one_that_was_stopped_by_a_restart_is_stored_as_stopped(killed):
    question = killed()
    told = journal.read_kept("t_acme", question.pk)
    journal.add_end("t_acme", question.pk, told, ("error", {"code": "server_stopping"}))
    end_orphans(tell_error)
    question.refresh_from_db()
    assert (question.outcome, question.error_code) == ("stopped", "server_stopping")
    assert Message.objects.get(question=question).outcome == "stopped"


def test_another_tenants_turn_with_the_same_words_is_not_touched(killed, globex, globex_bot):
    question = killed()
    with tenant_context(globex.tenant):
        grow_older()
        assert end_orphans(tell_error) == 0
        assert not Message.objects.exists()
    question.refresh_from_db()
    assert question.outcome == "pending"


def test_what_is_kept_is_read_under_its_own_tenant_only(killed):
    question = killed()
    assert journal.read_kept("t_globex", question.pk) == []
    assert journal.read_kept("t_acme", uuid.uuid4()) == []


def test_a_question_is_looked_for_within_a_minute_and_again_while_it_is_open(acme, acme_bot):
    DueWork.objects.all().delete()
    open_turn(acme_bot.pk, None, QUESTION, Asker())
    due = DueWork.objects.get(tenant_id=acme.tenant.pk, kind=DueKind.TURNS)
    assert due.due_at <= timezone.now() + timedelta(seconds=60)
    grow_older(100)
    again = next_look()
    assert timezone.now() + timedelta(seconds=20) < again < timezone.now() + timedelta(seconds=60)
    Message.objects.update(outcome="failed")
    assert next_look() is None


def test_the_command_line_takes_a_turn_that_shows_that_it_lives(
    acme, acme_bot, model, redis, capsys
):
    model.enqueue(SAID)
    with tenant_context(None):
        call_command("ask", QUESTION, tenant="acme", bot=acme_bot.name)
    assert SAID in capsys.readouterr().out
    assert not list(redis.scan_iter("*:lease"))

"""A chat is locked before what is in it, by all who write there: who waits for it holds nothing that others want."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from bots.models import BotProfile, Outcome
from conversations.annotating.changing import add_note, set_tags
from conversations.annotating.feedback import set_feedback
from conversations.erasing.deleting import delete_part
from conversations.handoffs.asking import call_person, leave_message
from conversations.handoffs.changing import join, say
from conversations.handoffs.rules import set_rules
from conversations.models import (
    Chat,
    ChatRetention,
    Handoff,
    HandoffReason,
    Message,
    MessageRole,
)
from conversations.models.retention import RetentionAct
from conversations.retention.keeping import keep_no_longer, make_anonymous
from conversations.turns.recording import close_turn, open_turn
from conversations.turns.state import Answer, Asker
from minirag.lib.errors import NotFound
from tenants.models import User
from tests.waiting import beside, wait_until_somebody_waits


@pytest.fixture
def bot(initech) -> BotProfile:
    bot = BotProfile.objects.create(name="Helper")
    set_rules(bot, {"is_offered": True, "takes_messages": True})
    return bot


@pytest.fixture
def chat(bot) -> Chat:
    """With one question answered."""
    turn = open_turn(bot.pk, None, "How long?", Asker())
    close_turn(turn, Answer(content="36 months", outcome=Outcome.ANSWERED))
    return Chat.objects.get(pk=turn.chat.pk)


@pytest.fixture
def bill(initech) -> User:
    return User.objects.get(email="bill@initech.example.com")


def end_a_turn(chat, bill):
    turn = open_turn(chat.bot_profile_id, chat.pk, "And then?", Asker())
    return lambda: close_turn(turn, Answer(content="Nothing.", outcome=Outcome.ANSWERED))


def ask_a_person_who_is_there(chat, bill):
    join(call_person(chat, HandoffReason.PROGRAM), bill)
    return lambda: open_turn(chat.bot_profile_id, chat.pk, "Are you there?", Asker())


def answer_as_a_person(chat, bill):
    handoff = join(call_person(chat, HandoffReason.PROGRAM), bill)
    return lambda: say(handoff, bill, "I am.")


def judge(chat, bill):
    answer = Message.objects.get(chat=chat, role=MessageRole.ASSISTANT)
    return lambda: set_feedback(answer, "negative", "wrong")


def annotate(chat, bill):
    return lambda: add_note(chat, "Called back", bill)


def tag(chat, bill):
    return lambda: set_tags(chat, ["urgent"], bill)


def call(chat, bill):
    return lambda: call_person(chat, HandoffReason.PROGRAM)


def leave_word(chat, bill):
    return lambda: leave_message(
        chat, "Please write", contact="kim@example.com", name="Kim", language="en", request_id=""
    )


def leave_word_again(chat, bill):
    leave_word(chat, bill)()
    return leave_word(chat, bill)


WRITERS = (
    end_a_turn, ask_a_person_who_is_there, answer_as_a_person, judge, annotate, tag, call, leave_word,
    leave_word_again,
)  # fmt: skip


@pytest.mark.parametrize("begin", WRITERS)
def test_whoever_writes_in_a_chat_waits_for_it_first_and_is_told_when_it_has_gone(
    initech, chat, bill, begin
):
    write = begin(chat, bill)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            list(Chat.objects.select_for_update().filter(pk=chat.pk))
            written = pool.submit(beside, initech, write)
            assert wait_until_somebody_waits() == 0
            delete_part([chat.pk])
        if begin is end_a_turn:
            assert written.result(30) is None
        else:
            with pytest.raises(NotFound):
                written.result(30)
    assert not Message.objects.exists() and not Handoff.objects.exists()


@pytest.mark.parametrize("end", [delete_part, make_anonymous])
def test_whoever_ends_chats_waits_for_them_first(initech, chat, end):
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            list(Chat.objects.select_for_update().filter(pk=chat.pk))
            ended = pool.submit(beside, initech, partial(end, [chat.pk]))
            assert wait_until_somebody_waits() == 0
        assert ended.result(30) == 1


@pytest.mark.parametrize("act", RetentionAct.values)
def test_an_old_chat_is_kept_no_longer_though_a_turn_ends_in_it_at_that_moment(initech, bot, act):
    """Where retention held the chat and the turn its question, PostgreSQL ended one of them."""
    ChatRetention.objects.create(days=30, act=act)
    turn = open_turn(bot.pk, None, "How long?", Asker())
    held = Handoff.objects.create(chat=turn.chat, bot_profile=bot, state="closed")
    old = timezone.now() - timedelta(days=40)
    Chat.objects.update(created_at=old, updated_at=old)
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            list(Handoff.objects.select_for_update().filter(pk=held.pk))
            kept = pool.submit(beside, initech, keep_no_longer)
            wait_until_somebody_waits()
            answer = Answer(content="36 months", outcome=Outcome.ANSWERED)
            ended = pool.submit(beside, initech, partial(close_turn, turn, answer))
            wait_until_somebody_waits(2)
        assert kept.result(30) == 1
        stored = ended.result(30)
    assert (stored is None) == (act == RetentionAct.DELETE) == (not Chat.objects.exists())

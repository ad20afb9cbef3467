"""A turn that several end in one moment, or whose chat is deleted meanwhile, with real commits: all is counted once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial
from threading import Barrier

import psycopg
import pytest
from django.db import OperationalError, connections

from bots.models import BotProfile, Outcome, UsageEvent
from bots.quotas.changing import remove_quotas
from bots.quotas.counting import find_standings
from bots.quotas.models import Quota
from conversations.erasing.deleting import delete_chat
from conversations.following.orphans import end_orphan
from conversations.models import Chat, Message, MessageRole
from conversations.turns.recording import close_turn, open_turn
from conversations.turns.state import Answer, Asker, OpenTurn
from minirag.lib.errors import NotFound
from tenants.backend.cursor import TenantCursor
from tenants.context import tenant_context
from webhooks.models import Delivery, Webhook
from webhooks.subscriptions import delete_webhook

ROUNDS, AT_ONCE = 6, 3


def subscribe() -> Webhook:
    return Webhook.objects.create(url="https://hooks.example.com", events=["chat.message"])


@pytest.fixture
def bot(initech) -> BotProfile:
    subscribe()
    return BotProfile.objects.create(name="Helper")


@pytest.fixture
def quotas(bot) -> list[Quota]:
    return [
        Quota.objects.create(resource=each, period="month", limit=10_000)
        for each in ("tokens", "messages")
    ]


def end(turn: OpenTurn, said: str) -> Message | None:
    return close_turn(
        turn,
        Answer(
            content=said, outcome=Outcome.ANSWERED, model="x/y", prompt_tokens=7,
            completion_tokens=3, cost_usd=Decimal("0.5"),
        ),
    )  # fmt: skip


def do_at_once(tenant, *works):
    """What each of them returns."""
    barrier = Barrier(len(works))

    def do(work):
        try:
            with tenant_context(tenant):
                barrier.wait(60)
                return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return [each.result(60) for each in [pool.submit(do, work) for work in works]]


def used(quotas) -> list[Decimal]:
    found = find_standings(quotas)
    return [found[each.pk].used for each in quotas]


def test_of_those_who_end_it_at_once_one_does(initech, bot, quotas):
    for round_ in range(1, ROUNDS + 1):
        turn = open_turn(bot.pk, None, "How long?", Asker())
        ends = [replace(turn, chat=Chat.objects.get(pk=turn.chat.pk)) for _ in range(AT_ONCE)]
        told = do_at_once(
            initech,
            *(lambda each=each, at=at: end(each, f"Said {at}") for at, each in enumerate(ends)),
        )
        [stored] = filter(None, told)
        chat = Chat.objects.get(pk=turn.chat.pk)
        assert chat.messages.get(role=MessageRole.ASSISTANT) == stored
        assert (chat.message_count, chat.total_prompt_tokens) == (2, 7)
        assert UsageEvent.objects.get(chat_id=chat.pk).message_id == stored.pk
        assert Delivery.objects.count() == round_
        assert used(quotas) == [10 * round_, round_]


def test_the_same_where_a_turn_is_taken_to_have_neither_quota_nor_webhook(initech):
    bot = BotProfile.objects.create(name="Helper")
    for round_ in range(ROUNDS):
        turn = open_turn(bot.pk, None, "How long?", Asker())
        ends = [
            partial(end, replace(turn, chat=Chat.objects.get(pk=turn.chat.pk)), "36 months")
            for _ in range(AT_ONCE)
        ]
        if round_ % 2:
            do_at_once(initech, partial(delete_chat, turn.chat), ends[0])
            assert not Message.objects.filter(chat=turn.chat.pk).exists()
        else:
            [stored] = filter(None, do_at_once(initech, *ends))
            assert Message.objects.get(chat=turn.chat.pk, role=MessageRole.ASSISTANT) == stored
        assert UsageEvent.objects.get(chat_id=turn.chat.pk).total_tokens == 10


def test_an_end_in_one_message_whose_commit_is_not_heard_of_is_stored_once(initech, monkeypatch):
    bot, send = BotProfile.objects.create(name="Helper"), TenantCursor.execute
    end(open_turn(bot.pk, None, "How long?", Asker()), "36 months")  # now it is known to be plain
    turn, lost = open_turn(bot.pk, None, "How long?", Asker()), []

    def lose(cursor, query, *values, **options):
        send(cursor, query, *values, **options)
        if query == "COMMIT" and not lost:
            lost.append(query)
            cursor.connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return cursor

    monkeypatch.setattr(TenantCursor, "execute", lose)
    with pytest.raises(OperationalError):
        end(turn, "24 months")
    connections.close_all()
    assert end(turn, "24 months") is None
    assert Chat.objects.get(pk=turn.chat.pk).message_count == turn.chat.messages.count() == 2
    assert UsageEvent.objects.get(chat_id=turn.chat.pk).total_tokens == 10


def test_what_it_spent_is_counted_once_where_its_chat_is_deleted_at_that_moment(
    initech, bot, quotas
):
    for round_ in range(1, ROUNDS + 1):
        turn = open_turn(bot.pk, None, "How long?", Asker())
        do_at_once(
            initech, lambda turn=turn: end(turn, "36 months"), partial(delete_chat, turn.chat)
        )  # fmt: skip
        assert not Message.objects.exists() and not Chat.objects.exists()
        assert UsageEvent.objects.get(chat_id=turn.chat.pk).total_tokens == 10
        assert used(quotas) == [10 * round_, round_]


def test_what_it_spent_is_counted_once_though_its_process_was_taken_for_dead_meanwhile(
    initech, bot, quotas
):
    turn = open_turn(bot.pk, None, "How long?", Asker())
    seen = Message.objects.select_related("chat__bot_profile").get(pk=turn.question.pk)
    delete_chat(turn.chat)
    assert not end_orphan(seen, lambda error, request_id: {})
    end(turn, "36 months")
    assert not end_orphan(seen, lambda error, request_id: {})
    assert UsageEvent.objects.get(chat_id=turn.chat.pk).total_tokens == 10
    assert used(quotas) == [10, 1]


def test_what_it_spent_is_counted_once_though_its_end_was_not_heard_of_and_its_chat_has_gone(
    initech, bot, quotas
):
    turn = open_turn(bot.pk, None, "How long?", Asker())
    end(turn, "36 months")
    delete_chat(turn.chat)
    assert end(turn, "36 months") is None
    assert UsageEvent.objects.get(chat_id=turn.chat.pk).total_tokens == 10
    assert used(quotas) == [10, 1]


def test_a_chat_is_deleted_though_its_visitor_asks_on_at_that_moment(initech, bot):
    for _ in range(ROUNDS):
        chat = open_turn(bot.pk, None, "How long?", Asker()).chat

        def ask_on(chat=chat):
            with suppress(NotFound):
                open_turn(bot.pk, chat.pk, "And then?", Asker())

        do_at_once(initech, ask_on, partial(delete_chat, chat))
        assert not Message.objects.exists() and not Chat.objects.exists()


def test_it_is_stored_where_a_quota_or_a_webhook_is_removed_at_that_moment(initech, bot):
    for _ in range(ROUNDS):
        Quota.objects.create(resource="tokens", period="month", limit=10_000)
        subscribed = subscribe()
        turn = open_turn(bot.pk, None, "How long?", Asker())
        stored, *_ = do_at_once(
            initech, lambda turn=turn: end(turn, "36 months"),
            lambda: remove_quotas(Quota.objects.all()), partial(delete_webhook, subscribed.pk),
        )  # fmt: skip
        assert stored is not None and UsageEvent.objects.filter(chat_id=turn.chat.pk).count() == 1

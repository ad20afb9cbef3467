"""The same question from several processes in one moment, with real commits: it is stored and counted once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from bots.models import BotProfile
from conversations.models import Message
from conversations.turns.recording import open_turn
from conversations.turns.state import AlreadyAsked, Asker
from conversations.widget.asked import require_new_question
from conversations.widget.sessions import WidgetSession
from tenants.context import tenant_context
from tenants.models import Tenant

AT_ONCE = 4


def ask(tenant: Tenant, bot: BotProfile, barrier: Barrier, request_id: str, text: str) -> str:
    session = WidgetSession(tenant, bot.pk, "visitor-0001", "https://x.example.com", timezone.now())
    asker = Asker(
        visitor_id=session.visitor_id,
        request_id=request_id,
        require_new=partial(require_new_question, session, request_id, text),
    )
    try:
        with tenant_context(tenant):
            barrier.wait(60)
            return str(open_turn(bot.pk, None, text, asker).question.pk)
    except AlreadyAsked as asked:
        return str(asked.question.pk)
    finally:
        connections.close_all()


def test_of_those_who_ask_the_same_at_once_one_asks_and_the_others_follow(initech):
    with tenant_context(initech):
        bot = BotProfile.objects.create(name="Helper")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for round_ in range(10):
            barrier, request_id = Barrier(AT_ONCE), uuid4().hex
            asks = [
                pool.submit(ask, initech, bot, barrier, request_id, f"Question {round_}?")
                for _ in range(AT_ONCE)
            ]
            assert len({each.result(60) for each in asks}) == 1
    with tenant_context(initech):
        assert Message.objects.count() == 10


def test_other_questions_do_not_wait_for_it_nor_join_it(initech):
    with tenant_context(initech):
        bot = BotProfile.objects.create(name="Helper")
    barrier = Barrier(AT_ONCE)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asks = [
            pool.submit(ask, initech, bot, barrier, "q-1", f"Question {number}?")
            for number in range(AT_ONCE)
        ]
        assert len({each.result(60) for each in asks}) == AT_ONCE


def test_the_same_from_another_visitor_or_in_another_tenant_is_another_question(acme, globex):
    asked = set()
    for party in (acme, globex):
        with tenant_context(party.tenant):
            bot = BotProfile.objects.create(name="Helper")
            for visitor in ("visitor-0001", "visitor-0002"):
                session = WidgetSession(party.tenant, bot.pk, visitor, "", timezone.now())
                asker = Asker(
                    visitor_id=visitor,
                    request_id="q-1",
                    require_new=partial(require_new_question, session, "q-1", "Why?"),
                )
                asked.add(open_turn(bot.pk, None, "Why?", asker).question.pk)
                with pytest.raises(AlreadyAsked) as told:
                    open_turn(bot.pk, None, "Why?", asker)
                assert told.value.question.pk in asked
    assert len(asked) == 4

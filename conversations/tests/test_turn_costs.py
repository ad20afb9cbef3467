"""How often a turn goes to PostgreSQL and to Redis: counted, since each time costs more than most of what it thinks.

What is inserted with the statement after it (tenants.backend.holding) goes nowhere by itself, and is not counted.
A figure that has to rise is raised here, in the commit that needs it and says why.
"""

from __future__ import annotations

from collections import Counter

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from redis import Redis

from bots.models import PriceOverride, UsageEvent
from bots.quotas.models import Quota, QuotaUse
from conversations.following import journal
from conversations.tests.test_api_chat import post_chat
from conversations.tests.test_consumer import bot, open_session, question, talk
from webhooks.models import Delivery, Webhook

__all__ = ["bot"]

QUESTION = "How long is the warranty of the Aeris One?"  # no word in it is unknown to the sources
COUNTED = ("evalsha", "eval", "rpush", "publish")  # not what a script calls inside of Redis


class Trips:
    """What went over the wire within its block: statements, transactions around several of them, Redis commands."""

    def __enter__(self):
        self._redis = Redis.from_url(settings.REDIS_URL)
        self._before = self._read_commands()
        self._queries = CaptureQueriesContext(connection).__enter__()
        return self

    def __exit__(self, *exception):
        self._queries.__exit__(*exception)
        sent = [each["sql"] for each in self._queries.captured_queries]
        # Inside of the test's own transaction another one is a savepoint.
        self.transactions = sum(sql.startswith("SAVEPOINT") for sql in sent)
        self.statements = [
            sql
            for sql in sent
            # A process remembers the reminders that it has seen committed, and here nothing commits.
            if not sql.startswith(("SAVEPOINT", "RELEASE")) and "INTO tenants_duework" not in sql
        ]
        self.commands = sum((self._read_commands() - self._before).values())
        self._redis.close()

    def _read_commands(self):
        stats = self._redis.info("commandstats")
        return Counter({name: stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in COUNTED})

    def expect_at_most(self, *, statements, transactions, commands):
        listed = "\n".join(sql[:160] for sql in self.statements)
        counted = {
            "statements": len(self.statements),
            "transactions": self.transactions,
            "commands": self.commands,
        }
        allowed = {"statements": statements, "transactions": transactions, "commands": commands}
        assert all(counted[name] <= most for name, most in allowed.items()), f"{counted}\n{listed}"


@pytest.fixture
def answers(model, monkeypatch):
    # Or a turn that takes longer than that, on a busy machine, has its events written in two goes.
    monkeypatch.setattr(journal, "WRITE_SECONDS", 60)
    for _ in range(5):
        model.enqueue("It lasts 36 months [1].")


def stream(acme, bot, **fields):
    body = {"bot_profile_id": str(bot.pk), "message": QUESTION, "stream": True}
    response, content = post_chat(acme, body | fields)
    assert response.status_code == 200 and "event: done" in content


def test_a_streamed_turn(acme, acme_bot, answers):
    """One Redis command is the limits', one the journal's, which `post_chat` writes as its loop ends."""
    stream(acme, acme_bot)  # the first one writes reminders and fills caches
    with Trips() as trips:
        stream(acme, acme_bot)
    trips.expect_at_most(statements=6, transactions=2, commands=2)


def test_a_further_question_in_a_chat(acme, acme_bot, answers):
    stream(acme, acme_bot)
    chat_id = str(acme_bot.chats.get().pk)
    stream(acme, acme_bot, chat_id=chat_id)
    with Trips() as trips:
        stream(acme, acme_bot, chat_id=chat_id)
    trips.expect_at_most(statements=8, transactions=2, commands=2)


def test_a_question_of_the_widget(bot, answers):
    """With the search for the one question that may be asked next here: of such, four are tried at the most."""
    token = open_session(bot).json()["session_token"]
    talk(question(QUESTION), token=token)
    with Trips() as alone:
        talk(token=token)
    with Trips() as trips:
        seen = talk(question(QUESTION, request_id="a-question-of-its-own"), token=token)
    assert seen[-1]["type"] == "done", seen
    trips.statements = trips.statements[len(alone.statements) :]
    trips.commands -= alone.commands
    trips.expect_at_most(statements=9, transactions=2, commands=2)


def test_what_a_tenant_has_since_its_last_turn_counts_in_the_next(acme, acme_bot, answers):
    """Of a turn that was taken to have no price of the tenant's, no quota and no webhook."""
    stream(acme, acme_bot)
    Webhook.objects.create(url="https://hooks.example.com", events=["chat.message"])
    stream(acme, acme_bot)
    assert Delivery.objects.count() == 1
    Webhook.objects.all().delete()
    stream(acme, acme_bot)
    stream(acme, acme_bot)
    quota = Quota.objects.create(
        subject="bot", subject_id=acme_bot.pk, resource="tokens", limit=10**6
    )
    PriceOverride.objects.create(
        model=acme_bot.model, prompt_cost_per_1m=1, completion_cost_per_1m=1
    )
    stream(acme, acme_bot)
    assert QuotaUse.objects.get(quota=quota).used == sum(
        UsageEvent.objects.values_list("total_tokens", flat=True)
    )


@pytest.mark.parametrize(
    "path", ["/v1/bot-profiles/{}", "/v1/sources?bot_profile_id={}", "/v1/chat"]
)
def test_a_read(acme, acme_bot, path):
    def read():
        answer = Client().get(path.format(acme_bot.pk), **acme.bearer)
        assert answer.status_code == 200, answer.content

    read()
    with Trips() as trips:
        read()
    trips.expect_at_most(statements=3, transactions=0, commands=1)

"""A web process that dies in the middle of turns eats nobody's quota, and only one writer ends a turn."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from bots.models import Outcome
from bots.quotas.models import Quota, QuotaUse
from conversations.following.orphans import end_orphans
from conversations.models import Message
from conversations.tests.test_turns import QUESTION, take
from conversations.turns.recording import close_turn, open_turn
from conversations.turns.schemas import tell_error
from conversations.turns.state import Answer as TurnAnswer
from conversations.turns.state import Asker
from tenants.context import tenant_context

ROOT = Path(__file__).resolve().parents[2]


def ask(bot, question=QUESTION):
    """Store a question as a turn does, and go no further: its process was killed."""
    return open_turn(bot.pk, None, question, Asker())


def sweep() -> int:
    """Look at every open turn, however young; none of them has a process."""
    Message.objects.update(created_at=timezone.now() - timedelta(seconds=60))
    return end_orphans(tell_error)


@pytest.fixture(autouse=True)
def sure_at_once(monkeypatch):
    monkeypatch.setattr("conversations.following.orphans.SURE_SECONDS", 0.0)


def used() -> list[int]:
    return [int(use.used) for use in QuotaUse.objects.order_by("pk")]


@pytest.fixture
def quotas(in_acme, acme_bot) -> list[Quota]:
    """At most two questions: of the tenant in a month, of its bot in a day."""
    bot = {"subject": "bot", "subject_id": acme_bot.pk, "period": "day"}
    return [Quota.objects.create(resource="messages", limit=2, **each) for each in ({}, bot)]


def test_a_killed_turn_gives_its_question_back_to_every_quota(quotas, acme_bot, model):
    ask(acme_bot)
    ask(acme_bot)
    assert used() == [2, 2]
    assert sweep() == 2
    assert used() == [0, 0]
    model.enqueue("36 months [1].")
    assert take(acme_bot)[-1].message.outcome == "answered"
    assert used() == [1, 1]


def test_a_question_is_given_back_once_however_often_the_sweeper_comes(quotas, acme_bot, model):
    model.enqueue("36 months [1].")
    take(acme_bot)
    ask(acme_bot)
    assert [sweep() for _ in range(3)] == [1, 0, 0]
    assert used() == [1, 1]


def test_a_turn_that_was_swept_while_it_ran_changes_nothing_when_it_ends(quotas, acme_bot):
    turn = ask(acme_bot)
    assert sweep() == 1
    assert close_turn(turn, TurnAnswer(content="Late.", outcome=Outcome.ANSWERED)) is None
    assert used() == [0, 0]
    assert Message.objects.get().outcome == "failed"


def test_a_turn_that_ended_before_the_sweeper_came_is_left_alone(quotas, acme_bot):
    close_turn(ask(acme_bot), TurnAnswer(content="In time.", outcome=Outcome.ANSWERED))
    assert sweep() == 0
    assert used() == [1, 1]
    assert not Message.objects.exclude(reserved_in=None).exists()


def test_a_quota_that_is_gone_meanwhile_does_not_keep_a_question_pending(quotas, acme_bot):
    ask(acme_bot)
    Quota.objects.all().delete()
    assert sweep() == 1


def test_the_sweeper_gives_back_to_its_own_tenant_alone(quotas, globex, globex_bot, acme_bot):
    ask(acme_bot)
    with tenant_context(globex.tenant):
        Quota.objects.create(resource="messages", limit=2)
        ask(globex_bot)
        assert sweep() == 1
        assert used() == [0]
    assert used() == [1, 1]


def names_of_writers(path: Path) -> Iterator[str]:
    """Where a file sets `outcome` on what is stored, or on an object."""
    for node in ast.walk(ast.parse(path.read_text())):
        called = getattr(node.func, "attr", "") if isinstance(node, ast.Call) else ""
        if called in ("update", "bulk_update") and "outcome" in ast.unparse(node):
            yield path.name
        said = node.value if isinstance(node, ast.Constant) else None
        if isinstance(said, str) and "UPDATE conversations_message" in said and "outcome =" in said:
            yield path.name
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        for target in filter(None, targets):
            for part in ast.walk(target):
                if isinstance(part, ast.Attribute) and part.attr == "outcome":
                    yield f"{path.name}: {ast.unparse(part.value)}"


def test_only_the_message_itself_leads_a_turn_out_of_pending():
    """Other code that set `outcome` on stored messages would forget what the question had reserved."""
    files = (ROOT / "conversations").rglob("*.py")
    ours = [path for path in files if not {"tests", "migrations"} & set(path.parts)]
    writers = {name for path in ours for name in names_of_writers(path)}
    # What is written at its end, by close_turn.
    turn_itself = {
        "speaking.py: answer",
        "taking.py: answer",
        "orphans.py: answer",
        "small_talk.py: answer",
        "asking_back.py: answer",
        "rehearsing.py: answer",
    }
    assert writers == {"messages.py"} | turn_itself

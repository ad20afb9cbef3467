"""Floors that fit a bot's own knowledge: who gets them, what they do, and that each tenant has its own."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command

from knowledge.models import ANYONE, RefusalFloors, Source
from knowledge.models.floors import CALIBRATE_AFTER
from knowledge.retrieval.calibrating import (
    REST,
    STRANGERS,
    calibrate_bot,
    calibrate_outdated,
    find_outdated_bots,
    load_strangers,
    next_calibration,
)
from knowledge.retrieval.retrieving import retrieve
from knowledge.tests.conftest import make_bot, teach
from tenants.context import tenant_context
from tenants.due import DueKind, DueWork

BASES = Path(__file__).resolve().parents[2] / "bench" / "quality" / "bases"


def floors_of(bot):
    return list(bot.refusal_floors.values_list("language", "hopeless", "balanced", "strict"))


def test_a_bots_floors_are_made_from_its_knowledge_and_used_from_then_on(bot):
    teach(bot)
    usual = async_to_sync(retrieve)(bot, "How long is the warranty?", audience=ANYONE).threshold
    [made] = calibrate_bot(bot)
    assert floors_of(bot) == [
        ("en", made.floors.hopeless, made.floors.balanced, made.floors.strict)
    ]
    assert 0 <= made.floors.hopeless <= made.floors.balanced <= made.floors.strict
    bot.model = "minirag/extractive"
    found = async_to_sync(retrieve)(bot, "How long is the warranty?", audience=ANYONE)
    assert found.threshold == pytest.approx(made.floors.balanced) and found.threshold != usual
    bot.model = "openai/gpt-4o"
    assert async_to_sync(retrieve)(bot, "Warranty?", audience=ANYONE).threshold == pytest.approx(
        made.floors.hopeless
    )
    calibrate_bot(bot)
    assert RefusalFloors.objects.count() == 1


def test_a_bot_without_knowledge_has_nothing_to_measure(bot):
    assert calibrate_bot(bot) == [] and find_outdated_bots() == [] and next_calibration() is None


def test_floors_are_made_once_and_again_after_a_large_change(bot):
    teach(bot)
    assert find_outdated_bots() == [bot] and next_calibration() is not None
    assert calibrate_outdated() == 1
    assert find_outdated_bots() == [] and next_calibration() is None and calibrate_outdated() == 0
    Source.objects.update(chunk_count=500)
    assert find_outdated_bots() == [bot]


def test_another_embedding_model_wants_floors_of_its_own(bot):
    teach(bot)
    calibrate_outdated()
    bot.embedding_model = "text-embedding-3-small"
    bot.save()
    assert find_outdated_bots() == [bot]


def test_the_first_ingestion_of_a_bot_is_followed_by_its_floors_at_once(bot):
    """A small base needs them most, and nobody calls the command."""
    teach(bot)
    due = DueWork.objects.get(kind=DueKind.CALIBRATION).due_at
    assert due < Source.objects.get().last_refreshed_at + CALIBRATE_AFTER
    assert calibrate_outdated() == 1 and floors_of(bot)
    found = async_to_sync(retrieve)(bot, "How long is the warranty?", audience=ANYONE)
    assert found.measured.floors.made_for == "base"
    DueWork.objects.all().delete()
    source = teach(bot, "# More\n\nThe shop opens at nine.", name="More")
    due = DueWork.objects.get(kind=DueKind.CALIBRATION).due_at
    assert due == source.last_refreshed_at + CALIBRATE_AFTER


def test_floors_that_were_just_made_stand_a_while_however_much_comes(bot):
    teach(bot)
    calibrate_outdated()
    Source.objects.update(chunk_count=500)
    made = RefusalFloors.objects.get().made_at
    assert calibrate_outdated() == 0 and next_calibration() == made + REST
    RefusalFloors.objects.update(made_at=made - REST)
    assert calibrate_outdated() == 1 and next_calibration() is None


def test_the_command_calibrates_one_tenant_or_all_and_nobody_elses(acme, globex):
    bots = {}
    for tenant in (acme.tenant, globex.tenant):
        with tenant_context(tenant):
            bots[tenant.slug] = make_bot()
            teach(bots[tenant.slug])
    said = StringIO()
    call_command("calibrate", tenant=acme.tenant.slug, stdout=said)
    assert acme.tenant.slug in said.getvalue() and "balanced" in said.getvalue()
    with tenant_context(globex.tenant):
        assert not RefusalFloors.objects.exists()
    call_command("calibrate", all=True, stdout=said)
    with tenant_context(globex.tenant):
        assert [row.bot_profile_id for row in RefusalFloors.objects.all()] == [
            bots[globex.tenant.slug].pk
        ]


@pytest.mark.parametrize("path", sorted(STRANGERS.glob("*.txt")), ids=lambda path: path.stem)
def test_the_strange_questions_are_many_different_and_none_of_those_we_measure_by(path):
    questions = path.read_text().splitlines()
    assert len(questions) == len(set(questions)) >= 32 and all(each.strip() for each in questions)
    measured = {
        json.loads(line)["q"].casefold().strip(" ?")
        for file in BASES.glob("*/questions.jsonl")
        for line in file.read_text().splitlines()
        if line.startswith("{")
    }
    assert measured and not {each.casefold().strip(" ?") for each in questions} & measured


def test_a_language_without_strangers_of_its_own_gets_the_english_ones():
    assert load_strangers("xx") == load_strangers("en") and len(load_strangers("en")) == 100

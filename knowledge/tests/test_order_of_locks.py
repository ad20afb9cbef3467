"""Sources are locked before the bots in whose rows their bytes are counted, also by who links bots with datasets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bots.models import BotProfile
from knowledge.datasets.changing import delete_dataset, link_bot, replace_links, unlink_bot
from knowledge.models import BotDataset, Dataset, Source
from knowledge.sources.changing import update_source
from tests.waiting import beside, wait_until_somebody_waits


@pytest.fixture
def bot(initech) -> BotProfile:
    return BotProfile.objects.create(name="Helper")


@pytest.fixture
def other(initech) -> BotProfile:
    return BotProfile.objects.create(name="Other")


@pytest.fixture
def source(bot, other) -> Source:
    """Of a shared dataset, waiting for a bot that could embed it, and counted for one."""
    dataset = Dataset.objects.create(name="Handbook", embedding_model=bot.effective_embedding_model)
    link_bot(dataset.pk, other.pk)
    return Source.objects.create(
        dataset=dataset, bot_profile=other, source_type="text", name="Page", content="Old.", stored_bytes=4,
        status="error", error_code="no_bot_linked",
    )  # fmt: skip


WRITERS = {
    "link": lambda source, bot: link_bot(source.dataset_id, bot.pk),
    "unlink": lambda source, bot: unlink_bot(source.dataset_id, source.bot_profile_id),
    "replace": lambda source, bot: replace_links(
        bot.pk, [{"dataset_id": source.dataset_id, "priority": None, "is_active": True}]
    ),
    "delete": lambda source, bot: delete_dataset(source.dataset_id, force=True),
}


@pytest.mark.parametrize("which", WRITERS)
def test_whoever_links_a_dataset_waits_for_its_sources_and_holds_no_bot_meanwhile(
    initech, bot, source, which
):
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            list(Source.objects.select_for_update().filter(pk=source.pk))
            linked = pool.submit(beside, initech, lambda: WRITERS[which](source, bot))
            assert wait_until_somebody_waits() == 0
            update_source(source.pk, {"content": "A longer text."})  # counted in the bot's row
        linked.result(30)
    assert Source.objects.get(pk=source.pk).content == "A longer text."


def test_the_links_that_are_replaced_are_those_there_are_once_it_is_ones_turn(bot, source):
    link_bot(source.dataset_id, bot.pk)
    with CaptureQueriesContext(connection) as asked:
        replace_links(bot.pk, [])
    said = [each["sql"] for each in asked]
    turn = next(place for place, sql in enumerate(said) if "pg_advisory_xact_lock" in sql)
    assert not [sql for sql in said[:turn] if BotDataset._meta.db_table in sql]
    assert "FOR UPDATE" in said[turn + 1] and BotDataset._meta.db_table in said[turn + 1]
    assert not BotDataset.objects.filter(bot_profile=bot).exists()

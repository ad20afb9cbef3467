"""A bot of acme that knows three things, and a chat model that says what it is told."""

from __future__ import annotations

import pytest

from bots.models import BotProfile
from knowledge.indexing.ingestion import ingest
from knowledge.models import Source
from knowledge.sources.homes import private_dataset
from tenants.context import tenant_context
from tests.fakes.chat_model import FakeChatModel

FACTS = """# Warranty

The Aeris One is covered by a warranty of 36 months from the day of purchase.

# Returns

Unused devices may be sent back within 30 days. The refund is paid within five working days.

# Calibration

Calibrate the sensor every 6 months with the blue calibration cap.
"""


def make_bot(**fields) -> BotProfile:
    defaults = {"name": "Helper", "model": "openai/gpt-test", "embedding_model": "minirag/hash"}
    return BotProfile.objects.create(**defaults | fields)


def teach(bot: BotProfile, text: str, name: str = "Facts") -> Source:
    source = Source.objects.create(
        bot_profile=bot, dataset=private_dataset(bot), name=name, source_type="text", content=text
    )
    ingest(source.pk)
    source.refresh_from_db()
    assert source.status == "ready", source.error_message
    return source


@pytest.fixture
def acme_bot(in_acme) -> BotProfile:
    bot = make_bot()
    teach(bot, FACTS)
    return bot


@pytest.fixture
def globex_bot(globex) -> BotProfile:
    with tenant_context(globex.tenant):
        bot = make_bot(name="Gardener")
        teach(bot, "# Roses\n\nPrune roses in March, before the buds open, and burn what was cut.")
        return bot


@pytest.fixture
def model(monkeypatch) -> FakeChatModel:
    return FakeChatModel().take_over(monkeypatch)

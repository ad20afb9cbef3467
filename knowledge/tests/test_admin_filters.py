"""The admin's form says which sources a bot answers from by a field each, and how a new source counts."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from bots.models import BotDraft, BotProfile, QualityGate
from knowledge.models import Source
from knowledge.tests.conftest import make_bot, teach
from tenants.context import tenant_context
from tests.test_admin import Browser, bot_form, browser


@pytest.fixture
def alice(acme, bot) -> Browser:
    return browser(acme.owner.email, "acme")


def save(client: Client, bot: BotProfile, **fields) -> BotProfile:
    """Save the bot's form as it is, but for some fields; the bot as it is afterwards."""
    answer = client.post(
        f"/admin/bots/botprofile/{bot.pk}/change/", bot_form(name=bot.name, **fields)
    )
    said = re.findall(r"(?s)<ul class=.errorlist.*?</ul>", answer.content.decode())
    assert answer.status_code == (200 if said else 302), answer.status_code
    found = BotProfile.objects.get(pk=bot.pk)
    found.said = " ".join(said)
    return found


def test_each_field_is_a_part_of_the_filter_and_all_empty_is_none(alice, acme, bot):
    source = teach(bot, "Sandals are blue.")
    found = save(
        alice, bot, filter_tags=" shoes, returns ,shoes", filter_languages=["de", "en"],
        filter_datasets=[source.dataset_id], filter_sources=[source.pk], filter_from="2026-01-01",
        filter_until="2026-12-31",
    )  # fmt: skip
    assert found.source_filter == {
        "tags": ["shoes", "returns"], "languages": ["de", "en"], "dataset_ids": [str(source.dataset_id)],
        "source_ids": [str(source.pk)], "dated_from": "2026-01-01", "dated_until": "2026-12-31",
    }, found.said  # fmt: skip
    page = alice.get(f"/admin/bots/botprofile/{bot.pk}/change/").content.decode()
    assert "shoes, returns" in page and f'value="{source.pk}" selected' in page
    assert save(alice, bot).source_filter == {}


def test_what_makes_no_sense_is_said_at_a_field(alice, bot, globex):
    with tenant_context(globex.tenant):
        foreign = teach(make_bot(), "Roses are red.").pk
    for fields in (
        {"filter_from": "2026-02-01", "filter_until": "2026-01-01"}, {"filter_tags": "x" * 51},
        {"filter_languages": ["xx"]}, {"filter_sources": [foreign]}, {"filter_from": "soon"},
    ):  # fmt: skip
        found = save(alice, bot, **fields)
        assert found.said and found.source_filter == {}, fields


def test_a_source_that_is_gone_stays_named_since_more_would_answer_without_it(alice, bot):
    gone = "9b2f5a52-0000-4000-8000-000000000000"
    BotProfile.objects.filter(pk=bot.pk).update(source_filter={"source_ids": [gone]})
    assert save(alice, bot).source_filter == {"source_ids": [gone]}


def test_a_gate_holds_a_changed_filter_back(alice, bot):
    QualityGate.objects.create(bot_profile=bot)
    assert save(alice, bot, filter_tags="shoes").source_filter == {}
    assert BotDraft.objects.get().changes["source_filter"] == {"tags": ["shoes"]}


def test_who_may_only_look_reads_it(acme, bot, bob):
    BotProfile.objects.filter(pk=bot.pk).update(source_filter={"tags": ["shoes"]})
    page = browser(bob.email, "acme").get(f"/admin/bots/botprofile/{bot.pk}/change/")
    assert page.status_code == 200 and "tags: shoes" in page.content.decode()


def test_a_new_source_says_at_once_how_it_counts(alice, bot):
    said = {
        "bot_profile": str(bot.pk), "source_type": "text", "name": "Sandals", "content": "Sandals are blue.",
        "tags": "shoes, public", "dated_on": "2026-01-31", "is_pinned": "on", "weight": "1.5",
    }  # fmt: skip
    answer = alice.post("/admin/knowledge/source/add/", said)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    made = Source.objects.get(name="Sandals")
    assert (made.tags, made.is_pinned, made.weight) == (["shoes", "public"], True, 1.5)
    assert str(made.dated_on) == "2026-01-31"
    plain = alice.post(
        "/admin/knowledge/source/add/",
        said | {"name": "Plain", "tags": "", "dated_on": "", "weight": ""} | {"is_pinned": ""},
    )
    assert plain.status_code == 302 and Source.objects.get(name="Plain").weight == 1.0
    assert alice.post("/admin/knowledge/source/add/", said | {"weight": "9"}).status_code == 200

"""Filters: which of a bot's sources a question may be answered from. They only ever take away."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bots.models import BotProfile, SourceFilter
from knowledge.models import ANYONE, BotDataset, Dataset, Document, RestrictedPart, Source
from knowledge.retrieval.retrieving import Retrieval, retrieve
from knowledge.retrieval.scope import count_chunks, filters_of, load_scope
from knowledge.retrieval.tongues import list_titles
from knowledge.tests.conftest import make_bot, make_source, run, teach
from knowledge.tests.sites import Site
from minirag.lib.tests.conftest import outside  # noqa: F401 - a fixture
from tenants.context import tenant_context

QUESTION = "How long does the warranty last?"
TODAY = timezone.now().date()


def note(month: int) -> str:
    return f"The warranty of the Aeris lasts for {month} months from the day of purchase."


def ask(bot: BotProfile, **wanted) -> Retrieval:
    source_filter = SourceFilter.model_validate(wanted) if wanted else None
    return async_to_sync(retrieve)(bot, QUESTION, audience=ANYONE, source_filter=source_filter)


def names(found: Retrieval) -> set[str]:
    ids = {passage.source_id for passage in found.passages}
    return set(Source.objects.filter(pk__in=ids).values_list("name", flat=True))


@pytest.fixture
def shelf(bot) -> dict[str, Source]:
    """Four sources that all know something: a public one, one of last year, a German one, and a shared one."""
    public = teach(bot, note(12), name="public", tags=["public", "web"])
    old = teach(bot, note(24), name="old", dated_on=date(2025, 3, 1))
    german = teach(
        bot, "Die Garantie (warranty) des Geräts gilt für alle Teile und beginnt mit dem Kauf.", name="german"
    )  # fmt: skip
    shared = Dataset.objects.create(
        name="Shared", embedding_model="minirag/hash", tags=["partners"]
    )
    BotDataset.objects.create(bot_profile=bot, dataset=shared)
    theirs = teach(bot, note(36), name="shared")
    Source.objects.filter(pk=theirs.pk).update(dataset=shared)
    return {"public": public, "old": old, "german": german, "shared": theirs}


def test_each_kind_of_filter_leaves_what_it_names(bot, shelf):
    everything = {"public", "old", "german", "shared"}
    rows = [
        ({}, everything),
        ({"tags": ["public"]}, {"public"}),
        ({"tags": [" web ", "partners"]}, {"public", "shared"}),
        (
            {"dataset_ids": [str(shelf["shared"].dataset_id), str(uuid.uuid4())]},
            {"shared"} - {"shared"},
        ),
        ({"source_ids": [str(shelf["old"].pk)]}, {"old"}),
        ({"languages": ["de"]}, {"german"}),
        ({"dated_until": "2025-12-31"}, {"old"}),
        ({"dated_from": str(TODAY - timedelta(days=1))}, everything - {"old"}),
        ({"dated_from": "2025-03-01", "dated_until": "2025-03-01"}, {"old"}),
        ({"tags": ["public"], "languages": ["en"]}, {"public"}),
    ]
    shared_id = Dataset.objects.get(name="Shared").pk
    rows[3] = ({"dataset_ids": [str(shared_id), str(uuid.uuid4())]}, {"shared"})
    assert {str(wanted): names(ask(bot, **wanted)) for wanted, _ in rows} == {
        str(wanted): expected for wanted, expected in rows
    }


def test_a_child_has_its_parents_tags_and_is_named_by_its_parent(bot):
    parent = make_source(bot, None, name="folder", tags=["manuals"])
    teach(bot, note(12), name="page", parent=parent)
    teach(bot, note(24), name="other")
    assert names(ask(bot, tags=["manuals"])) == {"page"}
    assert names(ask(bot, source_ids=[parent.pk])) == {"page"}


def test_the_bots_own_filter_and_the_questions_both_have_to_be_met(bot, shelf):
    bot.source_filter = {"tags": ["public", "partners"]}
    assert names(ask(bot)) == {"public", "shared"}
    assert names(ask(bot, tags=["partners"])) == {"shared"}
    assert ask(bot, source_ids=[shelf["old"].pk]).is_filtered_out, "a question cannot widen it"
    assert set(list_titles(bot, "en", 9, ANYONE)) == {"public", "shared"}, (
        "nor does small talk name more"
    )


GERMAN = (
    "Die Garantie (warranty) des Geräts gilt für alle Teile und beginnt mit dem Tag, an dem es gekauft wurde. "
    "Wer ein Teil ersetzt haben möchte, schickt es mit der Rechnung an unsere Werkstatt."
)


@pytest.fixture
def site_of_two_languages(bot, outside, settings) -> Source:
    """Three English pages, a German one, and one that says no language."""
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    site = Site(outside)
    for number in (12, 24, 36):
        site.page(
            f"/en{number}", note(number) + " It is written in the English language, as you see."
        )
    site.page("/de", GERMAN)
    site.page("/none", "Warranty: 555-0199, 555-0147")
    site.page(
        "/", "Welcome to the house of warranty, which is a fine house.", links=tuple(site.paths)
    )
    source = run(site.source(bot, "/"))
    assert source.language == "en", source.error_message
    assert source.documents.filter(url__endswith="/de", language="de").exists()
    source.documents.filter(url__endswith="/none").update(language="")
    return source


def pages_read(found: Retrieval) -> set[str]:
    return {"/" + passage.url.rsplit("/", 1)[1] for passage in found.passages}


def test_a_language_is_that_of_a_page_and_not_of_most_of_its_site(bot, site_of_two_languages):
    english = {"/en12", "/en24", "/en36"}
    assert pages_read(ask(bot, languages=["de"])) == {"/de"}
    in_english = pages_read(ask(bot, languages=["en"]))
    assert in_english & english and "/none" in in_english and "/de" not in in_english
    assert ask(bot, languages=["fr"]).is_filtered_out
    bot.source_filter = {"languages": ["de"]}
    assert pages_read(ask(bot)) == {"/de"} and count_chunks(bot) == {"de": 1}
    assert list_titles(bot, "en", 9, ANYONE) == ["/de"]
    assert ask(bot, languages=["en"]).is_filtered_out, "both have to be met, by the same page"
    scope = load_scope(bot, filters_of(bot), ANYONE)
    assert (scope.languages, scope.spoken) == (["de"], ("de",))
    bot.source_filter = {}
    assert load_scope(bot, filters_of(bot), ANYONE).spoken == ()


def test_a_page_that_not_everybody_may_read_does_not_show_that_its_language_is_there(
    bot, site_of_two_languages
):
    part = RestrictedPart.objects.create(
        id=uuid.uuid4(), source=site_of_two_languages, groups=["staff"]
    )
    Document.objects.filter(language="de").update(restricted_to=part)
    assert ask(bot, languages=["de"]).is_filtered_out


def test_large_bases_leave_other_languages_out_as_well(bot, site_of_two_languages, settings):
    settings.EXACT_SCAN_ROWS = 1
    assert pages_read(ask(bot, languages=["de"])) == {"/de"}


def test_what_a_filter_leaves_empty_is_said_to_be_so(bot, shelf):
    found = ask(bot, tags=["secret"])
    assert found.is_filtered_out and found.passages == () and found.is_weak
    assert not ask(bot).is_filtered_out and not ask(bot, tags=["web"]).is_filtered_out
    assert not ask(make_bot(name="Empty")).is_filtered_out, "it knows nothing at all"


def test_nobody_reaches_another_bots_or_tenants_sources_by_naming_them(bot, shelf, globex):
    other = make_bot(name="Other")
    hidden = teach(other, note(48), name="hidden")
    with tenant_context(globex.tenant):
        stranger = make_bot(name="Theirs")
        foreign = teach(stranger, note(60), name="foreign", tags=["public"])
        dataset_id = foreign.dataset_id
    for wanted in (
        {"source_ids": [hidden.pk]},
        {"dataset_ids": [hidden.dataset_id]},
        {"source_ids": [foreign.pk]},
        {"dataset_ids": [dataset_id]},
    ):
        assert ask(bot, **wanted).is_filtered_out
    assert names(ask(bot, tags=["public"])) == {"public"}


def test_a_search_with_a_filter_asks_the_database_as_often_as_one_without(bot, shelf):
    def count(**wanted) -> int:
        with CaptureQueriesContext(connection) as asked:
            ask(bot, **wanted)
        return len(asked)

    ask(bot)  # what is asked once a process
    assert count(tags=["public"], languages=["en"], dated_from="2020-01-01") == count()


def test_what_a_document_says_of_itself_is_filtered_by_until_a_person_says_another(bot):
    def head(tags: str, day: str) -> str:
        return f"---\ntags: {tags}\ndate: {day}\n---\n{note(12)}"

    source = teach(bot, head("[web, ' public ']", "2025-03-01"), name="own")
    assert (source.tags, source.dated_on) == (["web", "public"], date(2025, 3, 1))
    assert names(ask(bot, tags=["public"], dated_until="2025-12-31")) == {"own"}
    Source.objects.update(content=head("a, b", "2025-04-01"))
    assert run(source).tags == ["a", "b"] and source.dated_on == date(2025, 4, 1)
    Source.objects.update(tags=["mine"], content=head("c", "2025-05-01"))
    assert run(source).tags == ["mine"] and source.dated_on == date(2025, 5, 1)
    Source.objects.update(tags=[], content=note(12))
    assert run(source).tags == [] and source.dated_on is None

"""Texts that people write while others write, while their source is read, and while it loses them: nothing is lost,
and what must answer no more does not."""

from __future__ import annotations

import pytest

from knowledge import tasks
from knowledge.edits.changing import change_document
from knowledge.models import Chunk, Document, DocumentEdit, DocumentVersion, Source
from knowledge.tests.conftest import HANDBOOK, run, teach
from knowledge.tests.sites import (  # noqa: F401 - fixtures
    Site,
    hasty_source,
    look,
    says,
    small_site,
)
from knowledge.versions.finding import read_version
from minirag.lib.tests.conftest import outside  # noqa: F401 - fixtures

pytestmark = pytest.mark.usefixtures("no_worker", "open_hosts")


def order(document: Document, text: str | None) -> None:
    change_document(document.pk, {"content": text})


def put_in(document: Document) -> None:
    tasks.apply_edit.run(str(document.pk))


def page(source: Source, path: str) -> Document:
    return Document.objects.get(source=source, url__endswith=path)


def once(embedder, act) -> None:
    def meanwhile() -> None:
        embedder.then = lambda: None
        act()

    embedder.then = meanwhile


def test_what_the_source_comes_to_say_while_an_edit_is_undone_is_what_answers(bot, embedder):
    source = teach(bot)
    document = Document.objects.get(source=source)
    order(document, f"{HANDBOOK}\n\nWritten by hand.")
    put_in(document)
    order(document, None)

    def rewrite() -> None:
        Source.objects.filter(pk=source.pk).update(content=HANDBOOK.replace("30 days", "60 days"))
        assert run(source).status == "ready"

    # What was said before has its vectors no more, so that there is something to embed.
    Source.objects.filter(pk=source.pk).update(content=HANDBOOK.replace("30 days", "50 days"))
    run(source)
    once(embedder, rewrite)
    put_in(document)
    put_in(document)
    assert not DocumentEdit.objects.exists()
    assert says(source, "60 days") and not says(source, "50 days") and not says(source, "by hand")


def test_an_undone_edit_of_a_page_that_is_gone_meanwhile_goes_as_well(site, source):
    document = page(source, "/p1")
    order(document, "Written by hand.")
    put_in(document)
    order(document, None)
    site.paths.remove("/p1")
    site.gone("/p1")
    site.front()
    look(source)
    put_in(document)
    assert not says(source, "by hand") and not says(source, "Page 1 says")
    assert (
        not DocumentEdit.objects.exists() and not Document.objects.filter(pk=document.pk).exists()
    )


def test_a_page_that_is_for_nobody_now_is_so_though_somebody_edits_it_just_then(
    site, source, embedder
):
    document = page(source, "/p0")
    text = b"---\nvisibility: private\n---\n# Page\n\nPage 0 is for nobody now."
    site.outside.serve("/p0", text, content_type="text/markdown")
    site.page("/p1", "Page 1 says something new, so that there is something to embed.")
    once(embedder, lambda: order(document, "Written by hand."))
    look(source)
    put_in(document)
    assert says(source, "Page 1 says something new")
    assert not says(source, "Page 0 says") and says(source, "by hand")
    chunk = Chunk.objects.get(content__contains="by hand")
    assert chunk.document.own_groups == [] and chunk.index_entry.source_id != source.pk


def test_a_page_that_is_edited_while_its_site_loses_it_stays_until_that_is_decided(
    site, source, embedder
):
    document = page(source, "/p0")
    site.paths.remove("/p0")
    site.gone("/p0")
    site.page("/p1", "Page 1 says something new, so that there is something to embed.")
    site.front()
    once(embedder, lambda: order(document, "Written by hand."))
    look(source)
    put_in(document)
    assert says(source, "by hand") and DocumentEdit.objects.get().is_gone
    source.refresh_from_db()
    assert source.chunk_count == source.chunks.count()


def test_a_text_that_another_one_overtakes_before_it_answers_is_among_the_versions(bot):
    source = teach(bot)
    document = Document.objects.get(source=source)
    order(document, f"{HANDBOOK}\n\nMy words.")
    order(document, f"{HANDBOOK}\n\nYour words.")
    put_in(document)
    assert says(source, "Your words")
    kept = [read_version(each) for each in DocumentVersion.objects.order_by("number")]
    assert len(kept) == 2 and "My words" in kept[0] and "words" not in kept[1]


def test_what_stands_between_rules_in_an_edited_text_is_text(bot):
    source = teach(bot)
    document = Document.objects.get(source=source)
    order(document, f"{HANDBOOK}\n\n---\nNote: closed on Mondays\n---\n\nAnd more.")
    put_in(document)
    (more,) = Chunk.objects.filter(content__contains="And more")
    assert more.heading.endswith("Note: closed on Mondays")

"""Edited texts of web pages, when their site is looked at again: they change, stay, vanish, and come back."""

from __future__ import annotations

import pytest

from knowledge import tasks
from knowledge.edits.changing import change_document, keep_mine, take_theirs
from knowledge.indexing.lexicon import count_statistics, stored_statistics
from knowledge.models import Chunk, Document, DocumentEdit, Source
from knowledge.sources.storage import measure_edits
from knowledge.tests.conftest import make_source, run
from knowledge.tests.sites import (  # noqa: F401 - fixtures
    Site,
    answering,
    hasty_source,
    look,
    says,
    small_site,
)
from minirag.lib.tests.conftest import outside  # noqa: F401 - fixtures

pytestmark = pytest.mark.usefixtures("no_worker", "open_hosts")


def document_at(source: Source, path: str) -> Document:
    return Document.objects.get(source=source, url__endswith=path)


def write(document: Document, text: str | None) -> None:
    change_document(document.pk, {"content": text})
    tasks.apply_edit.run(str(document.pk))
    assert stored_statistics() == count_statistics()


def conflicts() -> set[str]:
    edits = DocumentEdit.objects.in_conflict().select_related("document")
    return {"/" + edit.document.url.split("/", 3)[3] for edit in edits}


def test_edited_pages_outlast_what_their_site_does(site, source):
    stays, changes, goes = (document_at(source, path) for path in ("/p0", "/p1", "/p2"))
    for document in (stays, changes, goes):
        write(document, f"Written by hand for {document.url[-2:]}.")
    site.page("/p1", "Page 1 says something new.", title="New")
    site.page("/p3", "Page 3 says something new as well.")
    site.paths.remove("/p2")
    site.gone("/p2")
    site.front()
    assert look(source).state == "done"
    assert all(says(source, f"by hand for p{number}.") for number in (0, 1, 2))
    assert says(source, "Page 3 says something new") and not says(source, "Page 1 says")
    assert conflicts() == {"/p1", "/p2"}
    keep_mine(goes.pk)
    take_theirs(changes.pk)
    tasks.apply_edit.run(str(changes.pk))
    assert says(source, "Page 1 says something new.") and not says(source, "by hand for p1.")
    write(stays, None)
    assert says(source, "Page 0 says that")
    site.page("/p3", "Page 3 says yet something else.")
    assert look(source).state == "done"
    assert says(source, "by hand for p2.") and conflicts() == set()
    site.page("/p2", "Page 2 is back.")
    site.front()
    assert look(source).state == "done" and conflicts() == {"/p2"}
    take_theirs(goes.pk)
    tasks.apply_edit.run(str(goes.pk))
    assert says(source, "Page 2 is back.") and answering(source) == {
        "/",
        "/p0",
        "/p1",
        "/p2",
        "/p3",
    }
    source.refresh_from_db()
    assert measure_edits(source.pk) == 0 and source.document_count == 5


def test_an_edited_page_that_comes_to_be_for_nobody_takes_what_was_written_with_it(site, source):
    write(document_at(source, "/p0"), "Written by hand.")
    text = b"---\nvisibility: private\n---\n# Page\n\nPage 0 is for nobody now."
    site.outside.serve("/p0", text, content_type="text/markdown")
    look(source)
    assert says(source, "by hand") and document_at(source, "/p0").own_groups == []
    chunk = Chunk.objects.get(content__contains="by hand")
    assert chunk.index_entry.source_id != source.pk
    # Left out by its language, and so gone from its site; which says in the same breath that it is for some.
    write(document_at(source, "/p1"), "Meant for all, by hand.")
    Source.objects.update(config={**source.config, "languages": ["en"]})
    text = "---\ngroups: [staff]\n---\n# Seite\n\nDiese Seite ist jetzt auf Deutsch und nur für wenige von uns da."
    site.outside.serve("/p1", text.encode(), content_type="text/markdown")
    assert look(source).state == "done"
    assert says(source, "by hand") and document_at(source, "/p1").own_groups == ["staff"]


def test_a_single_page_that_is_gone_goes_on_answering_as_it_was_written(site, bot):
    source = run(make_source(bot, None, source_type="url", config={"url": site.url("/p0")}))
    assert source.status == "ready", source.error_message
    document = Document.objects.get(source=source)
    write(document, "Written by hand.")
    source.refresh_from_db()
    read = source.stored_bytes - measure_edits(source.pk)
    site.gone("/p0", status=410)
    assert run(source).error_code == "page_gone"
    assert says(source, "Written by hand.") and DocumentEdit.objects.get().is_gone
    assert take_theirs(document.pk) is None
    assert not says(source, "by hand") and not Document.objects.filter(source=source).exists()
    source.refresh_from_db()
    assert read > 0 and source.stored_bytes == 0

"""Corrections of chunks against all that happens to a source: sites, archives, races, crashes, other embedders."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from knowledge import tasks
from knowledge.corrections import refitting
from knowledge.corrections.changing import add_chunk, change_chunk, decide, undo_correction
from knowledge.corrections.patching import apply_change, find_change, share_run
from knowledge.indexing.forgetting import forget_knowledge
from knowledge.indexing.upkeep.reconciling import reconcile_knowledge
from knowledge.models import (
    Chunk,
    Correction,
    Dataset,
    Decision,
    Document,
    IndexEntry,
    Redo,
    Reembedding,
    Source,
    SourceFile,
)
from knowledge.sources.changing import delete_source, update_source
from knowledge.tests.conftest import HANDBOOK, RETURNS, WARRANTY, make_upload, run, teach
from knowledge.tests.office_files import make_package
from knowledge.tests.sites import Site, look
from knowledge.tests.test_corrections import (
    MINE,
    NEIGHBOURS,
    again,
    ann,
    check,
    chunk_of,
    found,
    said,
)
from minirag.lib.errors import Conflict
from minirag.lib.tests.conftest import inside, outside  # noqa: F401 - fixtures

__all__ = ["ann"]
pytestmark = pytest.mark.usefixtures("no_worker", "open_hosts")


def test_what_is_corrected_while_a_worker_is_at_the_source_holds_when_it_ends(bot, ann, embedder):
    source = teach(bot)
    chunk = chunk_of(source, "36 months")
    embedder.texts.clear()

    def correct_once():
        embedder.then = lambda: None
        change_chunk(chunk.pk, {"content": MINE}, author=ann)

    embedder.then = correct_once
    again(source, HANDBOOK.replace(RETURNS, "Send it back within 60 days. " + RETURNS))
    source.refresh_from_db()
    assert source.status == "ready" and MINE in said(source) and WARRANTY not in said(source)
    assert Correction.objects.get().state == "live"
    assert len(embedder.texts) == 2, "nothing is embedded twice"
    check(source)


def test_what_is_switched_off_while_a_worker_is_at_it_is_off_when_it_ends(bot, ann, embedder):
    source = teach(bot)
    chunk = chunk_of(source, "36 months")
    embedder.then = lambda: change_chunk(chunk.pk, {"is_off": True}, author=ann)
    again(source, HANDBOOK.replace("36 months", "3 years") + RETURNS)
    assert not [each for each in said(source) if "3 years" in each or "36 months" in each]
    check(source)


def test_a_killed_worker_leaves_corrections_as_they_were(bot, ann, embedder):
    source = teach(bot)
    change_chunk(chunk_of(source, "36 months").pk, {"content": MINE}, author=ann)
    before, theirs = said(source), Correction.objects.get().theirs

    def die():
        raise KeyboardInterrupt

    embedder.then = die
    Source.objects.filter(pk=source.pk).update(content=HANDBOOK.replace("36 months", "3 years"))
    with pytest.raises(KeyboardInterrupt):
        run(source)
    assert said(source) == before and Correction.objects.get().theirs == theirs
    embedder.then = lambda: None
    Source.objects.filter(pk=source.pk).update(claim_id=None, heartbeat_at=None)
    run(source)
    assert Correction.objects.get().state == "changed" and MINE in said(source)
    check(source)


def test_a_correction_whose_chunk_is_replaced_meanwhile_is_refused_and_changes_nothing(
    bot, ann, embedder
):
    source = teach(bot)
    chunk = chunk_of(source, "36 months")

    def ingest_meanwhile():
        embedder.then = lambda: None
        again(source, HANDBOOK.replace(WARRANTY, RETURNS[::-1]))

    embedder.then = ingest_meanwhile
    change_chunk(chunk.pk, {"content": MINE}, author=ann)
    # The text is gone by then: what was said of it is kept, and shown as a conflict.
    assert Correction.objects.get().state == "vanished" and MINE not in said(source)
    check(source)


def test_two_people_who_correct_one_chunk_at_once_do_not_overwrite_each_other(bot, ann, embedder):
    source = teach(bot)
    chunk = chunk_of(source, "36 months")

    def other():
        embedder.then = lambda: None
        change_chunk(chunk.pk, {"content": MINE}, author="bob@example.com")

    embedder.then = other
    with pytest.raises(Conflict) as refused:
        change_chunk(chunk.pk, {"content": WARRANTY.replace("36", "24")}, author=ann)
    assert refused.value.code == "knowledge_changed"
    assert Correction.objects.get().author == "bob@example.com" and MINE in said(source)
    check(source)


def _keep(correction, ann):
    decide(correction.pk, Decision.KEEP_MINE, author=ann)


def _neither(correction, ann):
    decide(correction.pk, Decision.DROP, author=ann)


def _pin(correction, ann):
    change_chunk(correction.pk, {"is_pinned": True}, author=ann)


def _correct(correction, ann):
    change_chunk(correction.pk, {"content": f"{MINE} Really."}, author=ann)


def test_rows_that_disagree_about_a_chunk_break_no_act_on_it(bot, ann):
    """A held chunk that the index has too, or that two corrections hold: as an import or hand-made rows may have it."""
    now = WARRANTY.replace("36", "24")
    for act, mine in ((_correct, False), (_keep, True), (_neither, False), (_pin, True)):
        source = teach(bot)
        change_chunk(chunk_of(source, "36 months").pk, {"content": MINE}, author=ann)
        again(source, HANDBOOK.replace(WARRANTY, now))
        correction = Correction.objects.get(source=source)
        (theirs,) = [each for each in correction.theirs if each["held"]]
        document = Document.objects.get(source=source)
        Chunk.objects.create(
            id=theirs["id"], document=document, source=source, ordinal=theirs["ordinal"], heading=theirs["heading"],
            content=now, token_count=9, content_hash=theirs["content_hash"],
        )  # fmt: skip
        Correction.objects.create(
            source=source, document_id=document.pk, anchor_content="What it said.", content="Else.", theirs=[theirs],
            anchor_heading=theirs["heading"], anchor_hash="0", state="changed",
        )  # fmt: skip
        act(correction, ann)
        assert now not in said(source) and (MINE in said(source)) == mine, act.__name__


def test_a_row_that_others_make_in_the_same_moment_is_a_conflict_and_no_fault(
    bot, ann, monkeypatch
):
    source = teach(bot)
    chunk = chunk_of(source, "36 months")

    def meet(*_, **__):
        raise IntegrityError("duplicate key")

    monkeypatch.setattr(refitting, "insert_chunks", meet)
    for changes in ({"content": MINE}, {"is_pinned": True, "content": MINE}):
        with pytest.raises(Conflict) as refused:
            change_chunk(chunk.pk, changes, author=ann)
        assert refused.value.code == "knowledge_changed"
    assert not Correction.objects.exists() and WARRANTY in said(source)


def test_pages_of_a_site_keep_their_corrections_whether_they_change_or_not(bot, ann, outside):
    site = Site(outside)
    site.fill(4)
    source = site.source(bot)
    look(source)
    wrong = chunk_of(source, "take thirty days")
    change_chunk(wrong.pk, {"content": wrong.content.replace("thirty", "sixty")}, author=ann)
    off = chunk_of(source, "leave at noon")
    change_chunk(off.pk, {"is_off": True}, author=ann)
    site.page("/p3", "Page 3 says that batteries last five hours now, and no other page does.")
    look(source)  # another page has changed, so all of them are swapped
    texts = " ".join(said(source))
    assert "five hours" in texts and "sixty days" in texts
    assert "thirty days" not in texts and "at noon" not in texts
    assert set(Correction.objects.values_list("state", flat=True)) == {"live"}
    check(source)
    site.page("/p1", "Page 1 says that returns take thirty working days, and no other page does.")
    look(source)
    assert "working" not in " ".join(said(source)) and "sixty days" in " ".join(said(source))
    assert Correction.objects.get(is_off=False).state == "changed"
    site.gone("/p1", status=410)
    site.paths.remove("/p1")
    site.front()
    look(source)
    assert "sixty" not in " ".join(said(source)), "a page that is gone says nothing"
    for correction in Correction.objects.all():
        undo_correction(Correction.objects.get(pk=correction.pk))
    assert "at noon" in " ".join(said(source))
    check(source)


def test_a_text_that_moves_to_another_file_of_an_archive_takes_its_correction_along(bot, ann):
    first = {"a.md": f"# Rules\n\n{WARRANTY}", "b.md": f"# Other\n\n{RETURNS}"}
    source = run(make_upload(bot, make_package(first), "zip"))
    change_chunk(chunk_of(source, "36 months").pk, {"content": MINE}, author=ann)
    moved = {"c.md": f"# Terms\n\n{WARRANTY}", "b.md": f"# Other\n\n{RETURNS}"}
    SourceFile.objects.filter(source=source).update(data=make_package(moved))
    run(source)
    correction = Correction.objects.get()
    assert correction.state == "live" and MINE in said(source) and WARRANTY not in said(source)
    assert Document.objects.get(pk=correction.document_id).metadata["path"] == "c.md"
    check(source)


@pytest.mark.parametrize("way", ["restricted", "deleted"])
def test_what_is_restricted_or_deleted_stays_gone_though_it_was_corrected(bot, ann, way):
    source = teach(bot)
    change_chunk(chunk_of(source, "36 months").pk, {"content": MINE, "is_pinned": True}, author=ann)
    add_chunk(
        document_id=None, source_id=source.pk, content="A word of ours.", heading="", is_pinned=False,
        note="", author=ann,
    )  # fmt: skip
    if way == "restricted":
        again(source, f"---\nvisibility: private\n---\n{HANDBOOK}")
    else:
        delete_source(source.pk)
        forget_knowledge(source.pk, only_deleted=True)
    assert found(bot) == [] and not IndexEntry.objects.filter(source_id=source.pk).exists()
    if way == "deleted":
        assert said(source) == []
        assert set(Correction.objects.values_list("state", flat=True)) == {"vanished"}
    Source.objects.filter(pk=source.pk).update(content=HANDBOOK)
    if way == "deleted":
        update_source(source.pk, {"is_active": True})
    run(source)
    assert {MINE, "A word of ours."} < set(said(source)) and WARRANTY not in said(source)
    check(source)


def test_reading_and_embedding_anew_and_another_embedder_keep_corrections(bot, ann, embedder):
    source = teach(bot)
    change_chunk(chunk_of(source, "36 months").pk, {"content": MINE}, author=ann)
    change_chunk(chunk_of(source, "30 days").pk, {"is_off": True}, author=ann)
    kept = said(source)
    for redo in (Redo.PARSE, Redo.EMBED):
        Source.objects.filter(pk=source.pk).update(redo=redo)
        embedder.texts.clear()
        run(source)
        assert said(source) == kept
    assert len(embedder.texts) == 2 and any(MINE in text for text in embedder.texts)
    bot.embedding_model = "minirag/minilm"
    bot.save()
    tasks.reembed_outdated()
    tasks.reembed.run(str(Reembedding.objects.get().pk))
    assert Dataset.objects.get().embedding_model == "minirag/minilm" and said(source) == kept
    change_chunk(Correction.objects.get(is_off=True).pk, {"is_off": False}, author=ann)
    assert RETURNS in said(source) and set(IndexEntry.objects.values_list("dim", flat=True)) == {
        384
    }
    check(source)


def test_what_people_write_counts_as_stored(api, ann):
    source = api.teach(bot_profile_id=api.bot())
    size = api.row(source).stored_bytes
    chunk = api.get(f"chunks?source_id={source}&q=warranty")["items"][0]
    text = "x" * 100
    assert api.send("patch", f"chunks/{chunk['id']}", content=text).status_code == 200
    assert api.row(source).stored_bytes == size + 100
    api.ingest(source)
    added = api.make("chunks", source_id=source, content="y" * 50)
    assert api.row(source).stored_bytes == size + 150
    api.send("patch", f"sources/{source}", content=HANDBOOK + "More.")
    api.ingest(source)
    assert api.row(source).stored_bytes == len((HANDBOOK + "More.").encode()) + 150
    assert api.send("delete", f"chunks/{added['id']}").status_code == 204
    api.make(
        "quotas", resource="stored_bytes", period="total", limit=api.row(source).stored_bytes + 20
    )
    refused = api.send("post", "chunks", source_id=source, content="z" * 30)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert reconcile_knowledge(mend=False) == []


@pytest.mark.parametrize(
    ("before", "after", "text", "expected"),
    [
        ("One is red here. Two is so.", "One is blue here. Two is so.", "Zero. One is red here.",
         "Zero. One is blue here."),
        ("One is red here. Two is so.", "Two is so.", "One is red here. Three.", "Three."),
        ("One is red here. Two is so.", "One is red here. New. Two is so.", "One is red here. Two is so. X.",
         "One is red here. New. Two is so. X."),
        ("- a is one thing here\n- b", "- a is one thing here\n- new\n- b", "- a is one thing here\n- b\n- c",
         "- a is one thing here\n- new\n- b\n- c"),
        ("One is red here. Two.", "One is blue here. Two.", "One is red here. One is red here.", None),
        ("One is red here. Two.", "One is blue here. Two.", "One is green here.", None),
        ("No.", "Yes.", "Maybe. No. Never.", None),
    ],
)  # fmt: skip
def test_a_change_is_made_to_another_text_only_where_that_is_certain(before, after, text, expected):
    assert apply_change(find_change(before, after), text) == expected


def test_the_run_that_neighbours_share_is_found():
    assert share_run("A b c d. E f g.", "E f g. H i.") == ("E f g.",)
    assert share_run("A b.", "C d.") == () and len(NEIGHBOURS) > 1000


def test_what_is_said_of_a_document_for_some_is_for_them_alone(bot, ann):
    secret = {
        "a.md": f"---\ngroups: [staff]\n---\n# Rules\n\n{WARRANTY}",
        "b.md": f"# Other\n\n{RETURNS}",
    }
    source = run(make_upload(bot, make_package(secret), "zip"))
    assert source.status == "ready", source.error_message
    chunk = chunk_of(source, "36 months")
    change_chunk(chunk.pk, {"content": MINE}, author=ann)
    add_chunk(
        document_id=chunk.document_id, source_id=None, content="Staff get 60 months.", heading="", is_pinned=True,
        note="", author=ann,
    )  # fmt: skip
    entries = IndexEntry.objects.filter(chunk__document=chunk.document_id)
    assert entries.count() == 2 and not entries.filter(source_id=source.pk).exists()
    assert all("60" not in each and "48" not in each for each in found(bot))
    # The text comes to stand in a file for everybody, and what was said of it in the other does not follow.
    opened = {"c.md": f"# Rules\n\n{WARRANTY}", "b.md": f"# Other\n\n{RETURNS}"}
    SourceFile.objects.filter(source=source).update(data=make_package(opened))
    run(source)
    assert MINE not in said(source) and WARRANTY in said(source)
    assert set(Correction.objects.values_list("state", flat=True)) == {"vanished"}
    check(source)

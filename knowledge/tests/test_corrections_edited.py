"""Corrections of chunks together with what else happens to their documents: edits, versions, restrictions, copies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conversations.logs.traces import load_places
from knowledge.corrections.changing import add_chunk, change_chunk, decide, undo_correction
from knowledge.corrections.finding import find_chunk
from knowledge.corrections.patching import find_change
from knowledge.edits.changing import change_document, restore_version
from knowledge.indexing.chunk_rows import delete_chunks
from knowledge.indexing.upkeep.reconciling import reconcile_knowledge
from knowledge.locating.wanted import Wanted
from knowledge.locating.whereabouts import explain_nothing
from knowledge.models import (
    Chunk,
    Correction,
    Decision,
    Document,
    DocumentEdit,
    DocumentVersion,
    IndexEntry,
    SourceFile,
)
from knowledge.ordering.joining import join_cut
from knowledge.retrieval.passages import Passage
from knowledge.tasks import apply_edit
from knowledge.tests.conftest import (
    CALIBRATION,
    HANDBOOK,
    RETURNS,
    WARRANTY,
    make_upload,
    run,
    teach,
)
from knowledge.tests.office_files import make_package
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
from knowledge.versions.texts import join_drafts, read_drafts

pytestmark = pytest.mark.usefixtures("no_worker")

__all__ = ["ann"]


def put_in() -> None:
    """Do as a worker would what waits."""
    for pk in DocumentEdit.objects.busy().values_list("pk", flat=True):
        apply_edit.run(str(pk))
    assert not DocumentEdit.objects.exclude(error_code="").exists()


def add(document: Document, text: str, ann: str) -> None:
    add_chunk(
        document_id=document.pk, source_id=None, content=text, heading="", is_pinned=False, note="",
        author=ann,
    )  # fmt: skip


def edit(document: Document, content: str | None) -> None:
    change_document(document.pk, {"content": content})
    put_in()


def test_what_is_said_of_chunks_holds_while_their_document_is_edited_restored_and_undone(bot, ann):
    source = teach(bot)
    document = Document.objects.get(source=source)
    text = join_drafts(read_drafts(document.pk))
    change_chunk(chunk_of(source, "36 months").pk, {"content": MINE}, author=ann)
    change_chunk(chunk_of(source, "30 days").pk, {"is_off": True}, author=ann)
    change_chunk(chunk_of(source, "calibration cap").pk, {"is_pinned": True}, author=ann)
    add(document, "The Aeris One weighs 7 kilograms.", ann)

    def holds() -> None:
        told = said(source)
        assert MINE in told and "The Aeris One weighs 7 kilograms." in told
        assert WARRANTY not in told and RETURNS not in told
        assert set(Correction.objects.values_list("state", flat=True)) == {"live"}
        assert Chunk.objects.get(source=source, is_pinned=True).content == CALIBRATION
        check(source)

    edit(document, f"{text}\n\n# Parking\n\nVisitors park behind the house.")
    assert any("behind the house" in each for each in said(source))
    holds()
    run(source)
    holds()
    edit(document, text.replace(RETURNS, RETURNS.replace("30 days", "60 days")))
    off = Correction.objects.get(is_off=True)
    assert off.state == "changed" and not [each for each in said(source) if "60 days" in each]
    check(source)
    version = DocumentVersion.objects.filter(document=document).order_by("number").first()
    restore_version(document.pk, version.pk)
    put_in()
    holds()
    edit(document, text.replace(WARRANTY, WARRANTY.replace("36", "60")))
    assert MINE in said(source) and Correction.objects.get(content=MINE).state == "changed"
    decide(Correction.objects.get(content=MINE).pk, Decision.KEEP_MINE, author=ann)
    assert MINE in said(source)
    edit(document, None)
    assert MINE in said(source) and WARRANTY not in said(source)
    for each in Correction.objects.all():
        undo_correction(Correction.objects.get(pk=each.pk))
    assert set(said(source)) == {WARRANTY, CALIBRATION, RETURNS}
    check(source)


def test_a_note_decides_no_conflict_and_lets_nothing_answer(bot, ann):
    source = teach(bot, f"# Parts\n\n{NEIGHBOURS}")
    middle = Chunk.objects.filter(source=source).order_by("ordinal")[1]
    change_chunk(middle.pk, {"is_off": True}, author=ann)
    shifted = NEIGHBOURS.replace("says that", "tells everybody that")
    again(source, f"# Parts\n\nA first sentence is new and as long as the others are. {shifted}")
    off = Correction.objects.get()
    assert off.state == "changed"
    before = said(source)
    change_chunk(off.pk, {"note": "Still wrong"}, author=ann)
    assert said(source) == before
    off.refresh_from_db()
    assert (off.state, off.note) == ("changed", "Still wrong")
    check(source)


RULES = [f"Rule {n} of house {n} is that {n} guests may stay for {n} days." for n in range(1, 7)]
FILLER = [f"Remark {n} on a garden is: tree {n} has {n} leaves in {n} colours." for n in range(40)]


@pytest.mark.parametrize("way", ["off", "corrected"])
def test_a_text_that_comes_to_stand_in_two_chunks_stays_silent_in_both_as_it_is_decided(
    bot, ann, way
):
    source = teach(bot, "# House\n\n" + " ".join(RULES))
    (chunk,) = Chunk.objects.filter(source=source)
    wrong = (RULES[0], RULES[5])
    right = [rule.replace("days", "weeks") for rule in wrong]
    mine = chunk.content.replace(wrong[0], right[0]).replace(wrong[1], right[1])
    change = {"is_off": True} if way == "off" else {"content": mine}
    silent = RULES if way == "off" else wrong
    change_chunk(chunk.pk, change, author=ann)
    again(source, "# House\n\n" + " ".join([*RULES[:3], *FILLER, *RULES[3:]]))
    correction = Correction.objects.get()
    assert correction.state == "changed" and len(correction.theirs) > 1
    for decided in (False, True):
        told = " ".join(said(source))
        assert not [rule for rule in silent if rule in told], decided
        assert way == "off" or all(rule in told for rule in right)
        check(source)
        if not decided:
            decide(correction.pk, Decision.KEEP_MINE, author=ann)
    run(source)
    told = " ".join(said(source))
    assert not [rule for rule in silent if rule in told]


@pytest.mark.parametrize("is_pinned", [False, True])
def test_a_chunk_between_two_that_are_switched_off_says_nothing_of_either(bot, ann, is_pinned):
    source = teach(bot, f"# Parts\n\n{NEIGHBOURS}")
    before = said(source)
    first, second, third = Chunk.objects.filter(source=source).order_by("ordinal")[:3]
    if is_pinned:
        change_chunk(second.pk, {"is_pinned": True}, author=ann)
    for each in (first, third):
        change_chunk(each.pk, {"is_off": True}, author=ann)
    told = " ".join(said(source))
    for sentence in (*first.content.split(". "), *third.content.split(". ")):
        assert sentence.rstrip(".") not in told
    assert find_chunk(second.pk).is_pinned is is_pinned and find_chunk(second.pk).is_answering
    run(source)
    assert " ".join(said(source)) == told
    check(source)
    for each in list(Correction.objects.all()):
        undo_correction(Correction.objects.get(pk=each.pk))
    assert said(source) == before
    check(source)


def test_a_correction_can_be_shortened_and_switched_off_where_no_byte_is_left(api, ann):
    source = api.teach(bot_profile_id=api.bot())
    chunk = api.get(f"chunks?source_id={source}&q=warranty")["items"][0]["id"]
    assert api.send("patch", f"chunks/{chunk}", content="x" * 100).status_code == 200
    api.make("quotas", resource="stored_bytes", period="total", limit=api.row(source).stored_bytes)
    for changes in ({"is_off": True}, {"is_off": False}, {"content": "x" * 90}, {"content": None}):
        response = api.send("patch", f"chunks/{chunk}", **changes)
        assert response.status_code == 200, response.content
    assert api.row(source).stored_bytes == len(HANDBOOK.encode())


def test_one_text_twice_in_a_document_is_switched_off_wherever_it_stands(bot, ann):
    text = f"# Terms\n\n{WARRANTY}\n\n# Else\n\n{RETURNS}\n\n# Terms\n\n{WARRANTY}"
    source = teach(bot, text)
    for chunk in Chunk.objects.filter(source=source, content=WARRANTY):
        change_chunk(chunk.pk, {"is_off": True}, author=ann)
    assert said(source) == [RETURNS]
    again(source, text + "\n\nMore.")
    assert WARRANTY not in said(source)
    check(source)


def test_an_edit_takes_no_id_of_a_chunk_that_is_switched_off_elsewhere(bot, ann):
    files = {"a.md": f"# Rules\n\n{WARRANTY}", "b.md": f"# Rules\n\n{RETURNS}"}
    source = run(make_upload(bot, make_package(files), "zip"))
    change_chunk(chunk_of(source, "36 months").pk, {"is_off": True}, author=ann)
    other = Document.objects.get(metadata__path="b.md")
    edit(other, f"{RETURNS}\n\n{WARRANTY}")
    undo_correction(Correction.objects.get())
    assert said(source).count(WARRANTY) == 2
    check(source)


def test_what_is_added_to_a_document_follows_it_when_it_comes_to_be_for_some(bot, ann):
    opened = {"a.md": f"# Rules\n\n{WARRANTY}", "b.md": f"# Other\n\n{RETURNS}"}
    source = run(make_upload(bot, make_package(opened), "zip"))
    document = Document.objects.get(metadata__path="a.md")
    add(document, "Rules are made by the warranty board of 12 months.", ann)
    change_chunk(chunk_of(source, "36 months").pk, {"content": MINE}, author=ann)
    closed = opened | {"a.md": f"---\ngroups: [staff]\n---\n# Rules\n\n{WARRANTY}"}
    SourceFile.objects.filter(source=source).update(data=make_package(closed))
    run(source)
    entries = IndexEntry.objects.filter(chunk__document=document.pk)
    assert entries.count() == 2 and not entries.filter(source_id=source.pk).exists()
    assert not [each for each in found(bot) if "board" in each or "48" in each]
    edit(document, f"{WARRANTY}\n\nAnd a new line of the warranty rules for staff.")
    entries = IndexEntry.objects.filter(chunk__document=document.pk)
    assert entries.count() >= 2 and not entries.filter(source_id=source.pk).exists()
    check(source)


def test_a_change_among_thousands_of_equal_lines_is_found_in_no_time():
    change = find_change("a\n" * 500, "a\nb\n" * 2000)
    assert change and all(hunk.new for hunk in change)


def test_a_cut_list_is_not_joined_with_what_is_switched_off(bot, ann):
    rows = "\n".join(
        f"- Part {n} is kept in drawer {n} of the tall cupboard in hall {n}." for n in range(60)
    )
    source = teach(bot, f"# Parts\n\nThese are the parts:\n\n{rows}")
    middle = Chunk.objects.filter(source=source).order_by("ordinal")[1]
    lines = set(middle.content.split("\n"))
    change_chunk(middle.pk, {"is_off": True}, author=ann)
    for chunk in Chunk.objects.filter(source=source):
        (joined,) = join_cut([make_passage(chunk)])
        assert not lines & set(joined.content.split("\n"))


def test_those_who_look_for_a_switched_off_or_corrected_chunk_are_told_so(bot, ann):
    source = teach(bot)
    off, corrected = chunk_of(source, "30 days"), chunk_of(source, "36 months")
    change_chunk(off.pk, {"is_off": True}, author=ann)
    change_chunk(corrected.pk, {"content": MINE}, author=ann)
    own = [source.pk]
    for wanted in (Wanted(chunk_id=off.pk), Wanted(text=RETURNS[:60])):
        assert explain_nothing(wanted, own) == ("chunk_off", "")
        assert explain_nothing(replace(wanted, own_only=True), own) == ("chunk_off", "")
        assert explain_nothing(replace(wanted, own_only=True), [])[0] != "chunk_off"
    assert explain_nothing(Wanted(text="quite another thing"), own) == ("text_unknown", "")
    places = load_places([str(off.pk), str(corrected.pk), str(source.pk)])
    assert places.keys() == {str(off.pk), str(corrected.pk)}
    assert places[str(corrected.pk)]["excerpt"].startswith(MINE[:50])


def test_reconcile_finds_a_correction_that_does_not_answer_and_has_it_answer_again(bot, ann):
    source = teach(bot)
    change_chunk(chunk_of(source, "36 months").pk, {"content": MINE}, author=ann)
    delete_chunks([chunk_of(source, "48 months").pk])
    told = {each.what for each in reconcile_knowledge(mend=True)}
    assert "corrections whose chunks are not as they say" in told
    run(source)
    assert MINE in said(source)
    check(source)


def test_hostile_words_find_nothing_and_break_nothing(api, ann):
    api.teach(bot_profile_id=api.bot())
    for words in ("%25", "_", "%5C", "%22", "%E2%80%9C%E2%80%9D", "'%3B--", "a" * 255, "%E4%B8%AD" * 80, "1 " * 120,
                  "%F0%9F%92%A9"):  # fmt: skip
        assert api.get(f"chunks?q={words}")["total"] in (0, 3), words
        assert api.get(f"corrections?q={words}")["total"] == 0
    for route in ("chunks", "corrections"):
        assert api.client.get(f"/v1/{route}?q=a%00b").status_code in (200, 422)
    chunk = api.get("chunks?q=warranty")["items"][0]["id"]
    for content in ("a\0b", "\ud800", "x" * 2**20):
        response = api.send("patch", f"chunks/{chunk}", content=content)
        assert response.status_code == 422, content[:5]


def test_who_may_not_manage_looks_at_chunks_and_changes_none(api, acme, ann):
    api.teach(bot_profile_id=api.bot())
    chunk = api.get("chunks?q=warranty")["items"][0]["id"]
    said = api.send("patch", f"chunks/{chunk}", is_pinned=True).json()["correction"]["id"]
    type(acme.owner).objects.filter(pk=acme.owner.pk).update(role="member")
    assert api.get(f"chunks/{chunk}")["id"] == chunk and api.get("corrections")["total"] == 1
    assert api.send("patch", f"chunks/{chunk}", is_off=True).status_code == 403
    assert api.send("delete", f"corrections/{said}").status_code == 403
    assert api.send("post", f"corrections/{said}/decide", decision="drop").status_code == 403


def test_a_text_within_the_config_of_a_text_is_named_as_ignored(api):
    response = api.send(
        "post", "sources", name="T", source_type="text", config={"content": "x", "text": "x", "own": 1}, content="y",
        bot_profile_id=api.bot(),
    )  # fmt: skip
    assert (
        response.status_code == 201
        and response["X-Ignored-Fields"] == "config.content, config.text"
    )


def make_passage(chunk: Chunk) -> Passage:
    return Passage(
        chunk.pk, chunk.source_id, document_id=chunk.document_id, title="", url="", page=None, heading=chunk.heading,
        content=chunk.content, score=1.0, cosine=0.0, bm25=0.0, external_id="", place="",
    )  # fmt: skip

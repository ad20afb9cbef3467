"""Chunks that people have switched off, corrected, added or pinned: at once, and still so after the next ingestion."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync

from bots.models import BotProfile
from knowledge.corrections.changing import (
    add_chunk,
    change_chunk,
    decide,
    delete_chunk,
    undo_correction,
)
from knowledge.corrections.finding import find_chunk
from knowledge.indexing.lexicon import count_statistics, stored_statistics
from knowledge.indexing.upkeep.reconciling import reconcile_knowledge
from knowledge.models import ANYONE, Chunk, Correction, Decision, IndexEntry, Source
from knowledge.retrieval.retrieving import retrieve
from knowledge.tests.conftest import CALIBRATION, HANDBOOK, RETURNS, WARRANTY, make_bot, run, teach

QUESTION = "How many months does the warranty of the Aeris One last?"
MINE = WARRANTY.replace("36", "48")


@pytest.fixture
def ann(in_acme, acme) -> str:
    return acme.owner.email


def said(source: Source) -> list[str]:
    """What of a source can answer."""
    rows = Chunk.objects.filter(source=source, index_entry__isnull=False)
    return list(rows.order_by("document", "ordinal").values_list("content", flat=True))


def chunk_of(source: Source, text: str) -> Chunk:
    return Chunk.objects.get(source=source, content__contains=text)


def found(bot: BotProfile, question: str = QUESTION) -> list[str]:
    return [
        each.content for each in async_to_sync(retrieve)(bot, question, audience=ANYONE).passages
    ]


def again(source: Source, content: str) -> Source:
    """The source says something else at its next ingestion."""
    Source.objects.filter(pk=source.pk).update(content=content)
    return run(source)


def check(source: Source) -> None:
    """Counts, sizes and word statistics are those of the rows."""
    sizes = ("sources whose size is wrong", "bots that count their storage wrongly")  # made by hand
    assert [each for each in reconcile_knowledge(mend=False) if each.what not in sizes] == []
    assert count_statistics() == stored_statistics()
    assert IndexEntry.objects.count() == Chunk.objects.count()


def test_a_switched_off_chunk_answers_no_more_and_comes_back_when_it_is_switched_on(bot, ann):
    source = teach(bot)
    chunk = chunk_of(source, "36 months")
    change_chunk(chunk.pk, {"is_off": True}, author=ann)
    assert all("36 months" not in each for each in found(bot))
    assert find_chunk(chunk.pk).is_answering is False and find_chunk(chunk.pk).original == WARRANTY
    run(source)
    again(source, HANDBOOK + "\n\nMore.")
    assert all("36 months" not in each for each in said(source))
    check(source)
    change_chunk(chunk.pk, {"is_off": False}, author=ann)
    assert found(bot)[0] == WARRANTY and not Correction.objects.exists()
    assert Chunk.objects.get(content=WARRANTY).pk == chunk.pk
    check(source)


def test_a_corrected_chunk_answers_with_the_corrected_text_after_each_ingestion(bot, ann, embedder):
    source = teach(bot)
    chunk = chunk_of(source, "36 months")
    embedder.texts.clear()
    changed = change_chunk(chunk.pk, {"content": MINE, "note": "As of May"}, author=ann)
    assert len(embedder.texts) == 1 and found(bot)[0] == MINE
    assert (changed.content, changed.original, changed.correction.author) == (
        MINE,
        WARRANTY,
        ann,
    )
    check(source)
    for text in (HANDBOOK, HANDBOOK + "\n\nMore.", HANDBOOK.replace(RETURNS, "Never.")):
        again(source, text)
        assert MINE in said(source) and WARRANTY not in said(source)
        assert Correction.objects.get().state == "live"
        check(source)
    assert find_chunk(chunk.pk).content == MINE
    undo_correction(Correction.objects.get())
    assert found(bot)[0] == WARRANTY
    check(source)


NEIGHBOURS = " ".join(
    f"Sentence number {n} says that part {n} is kept in drawer {n}." for n in range(60)
)


def test_a_change_in_neighbouring_text_that_shifts_the_cutting_leaves_a_correction_in_force(
    bot, ann
):
    source = teach(bot, f"# Parts\n\n{NEIGHBOURS}")
    wrong, right = "part 30 is kept in drawer 30.", "part 30 is kept in drawer 99."
    chunk = chunk_of(source, wrong)
    change_chunk(chunk.pk, {"content": chunk.content.replace(wrong, right)}, author=ann)
    assert wrong not in " ".join(said(source))
    again(
        source,
        f"# Parts\n\nA new first sentence stands here and is about as long as the others. {NEIGHBOURS}",
    )
    assert wrong not in " ".join(said(source)) and right in " ".join(said(source))
    correction = Correction.objects.get()
    assert correction.state == "live" and correction.anchor_content != chunk.content
    check(source)


def test_what_a_neighbour_repeats_of_a_switched_off_chunk_answers_no_more_either(bot, ann):
    source = teach(bot, f"# Parts\n\n{NEIGHBOURS}")
    before = said(source)
    middle = Chunk.objects.filter(source=source).order_by("ordinal")[1]
    change_chunk(middle.pk, {"is_off": True}, author=ann)
    for sentence in middle.content.split(". "):
        assert sentence.rstrip(".") not in " ".join(said(source))
    check(source)
    near = Chunk.objects.filter(source=source).order_by("ordinal")[0]
    change_chunk(
        near.pk, {"content": "Only this."}, author=ann
    )  # a neighbour can be corrected all the same
    assert "Only this." in said(source) and Correction.objects.count() == 2
    for correction in Correction.objects.all():
        undo_correction(Correction.objects.get(pk=correction.pk))
    assert said(source) == before
    check(source)


@pytest.mark.parametrize(
    ("decision", "answers", "left"),
    [
        (Decision.KEEP_MINE, MINE, 1),
        (Decision.TAKE_THEIRS, WARRANTY.replace("36", "60"), 0),
        (Decision.DROP, None, 1),
    ],
)
def test_a_text_that_has_changed_is_a_conflict_that_is_decided(bot, ann, decision, answers, left):
    source = teach(bot)
    chunk = chunk_of(source, "36 months")
    change_chunk(chunk.pk, {"content": MINE}, author=ann)
    theirs = WARRANTY.replace("36", "60")
    for _ in range(2):  # and stays one until it is decided
        again(source, HANDBOOK.replace(WARRANTY, theirs) + "\n\nMore.")
        correction = Correction.objects.get()
        assert (correction.state, correction.their_content) == ("changed", theirs)
        assert MINE in said(source) and theirs not in said(source) and WARRANTY not in said(source)
        check(source)
        again(source, HANDBOOK.replace(WARRANTY, theirs))
    decide(correction.pk, decision, author=ann)
    for _ in range(2):
        warranties = [each for each in said(source) if "warranty" in each.lower()]
        assert warranties == ([answers] if answers else [])
        assert Correction.objects.count() == left
        assert not Correction.objects.exclude(state="live").exists()
        check(source)
        again(source, HANDBOOK.replace(WARRANTY, theirs) + "\n\nAnd more.")


def test_a_switched_off_text_that_is_reworded_stays_off_until_somebody_decides(bot, ann):
    source = teach(bot)
    change_chunk(chunk_of(source, "36 months").pk, {"is_off": True}, author=ann)
    again(source, HANDBOOK.replace("36 months", "3 years"))
    assert not [each for each in said(source) if "3 years" in each]
    assert Correction.objects.get().state == "changed"
    again(source, HANDBOOK)  # as it was: nothing to decide
    assert Correction.objects.get().state == "live" and WARRANTY not in said(source)
    check(source)


def test_a_text_that_is_removed_answers_no_more_and_its_correction_can_be_kept(bot, ann):
    source = teach(bot)
    change_chunk(chunk_of(source, "36 months").pk, {"content": MINE}, author=ann)
    without = HANDBOOK.replace(WARRANTY, "Ask us about it.")
    again(source, without)
    correction = Correction.objects.get()
    assert correction.state == "vanished" and MINE not in said(source)
    again(source, HANDBOOK)
    assert Correction.objects.get().state == "live" and MINE in said(source)
    again(source, without)
    decide(correction.pk, Decision.KEEP_MINE, author=ann)
    assert MINE in said(again(source, without + "\n\nMore."))
    assert (Correction.objects.get().state, Correction.objects.get().is_added) == ("live", True)
    check(source)


def test_a_source_that_comes_to_say_the_corrected_text_itself_is_no_conflict(bot, ann):
    source = teach(bot)
    change_chunk(chunk_of(source, "36 months").pk, {"content": MINE}, author=ann)
    again(source, HANDBOOK.replace(WARRANTY, MINE))
    assert Correction.objects.get().state == "resting" and said(source).count(MINE) == 1
    again(source, HANDBOOK)
    assert Correction.objects.get().state == "live" and WARRANTY not in said(source)
    check(source)


def test_the_same_text_twice_is_corrected_where_it_was_corrected(bot, ann):
    hours = (
        "We are open from 9 to 17 on all days of the week, public holidays and the first Monday of a month excepted. "
        "Whoever comes later rings the bell at the yard, where somebody from the workshop will open the door."
    )
    text = f"# Berlin\n\n{hours}\n\n# Hamburg\n\n{hours}"
    source = teach(bot, text)
    berlin = Chunk.objects.get(source=source, heading__contains="Berlin")
    change_chunk(berlin.pk, {"content": hours.replace("17", "20")}, author=ann)
    for each in (text, text + "\n\nMore.", f"# Bonn\n\n{RETURNS}\n\n{text}"):
        again(source, each)
        told = dict(Chunk.objects.filter(source=source).values_list("heading", "content"))
        assert [("20" in told[name], name) for name in sorted(told) if hours[:11] in told[name]] == [
            (True, "Handbook > Berlin"), (False, "Handbook > Hamburg")
        ]  # fmt: skip
    again(source, text.replace("# Berlin", "# Potsdam"))  # a new heading above the same words
    told = dict(Chunk.objects.filter(source=source).values_list("heading", "content"))
    assert "20" in told["Handbook > Potsdam"] and "20" not in told["Handbook > Hamburg"]
    # The corrected text goes away, and the same words elsewhere are not taken for it.
    again(source, f"# Bonn\n\n{RETURNS}\n\n# Hamburg\n\n{hours}")
    assert said(source) == [RETURNS, hours] and Correction.objects.get().state == "vanished"
    check(source)


def test_an_added_chunk_answers_counts_and_survives(bot, ann, embedder):
    source = teach(bot)
    added = add_chunk(
        document_id=None, source_id=source.pk, content="The Aeris One weighs 7 kilograms.", heading="Weight",
        is_pinned=False, note="", author=ann,
    )  # fmt: skip
    assert (
        found(bot, "How much does the Aeris One weigh?")[0] == "The Aeris One weighs 7 kilograms."
    )
    assert IndexEntry.objects.get(chunk_id=added.id).dim == 384
    source.refresh_from_db()
    assert source.chunk_count == 4
    again(source, HANDBOOK.replace(WARRANTY, "Something else."))
    assert "The Aeris One weighs 7 kilograms." in said(source)
    change_chunk(added.id, {"content": "The Aeris One weighs 8 kilograms."}, author=ann)
    assert find_chunk(added.id).content == "The Aeris One weighs 8 kilograms."
    check(source)
    delete_chunk(added.id)
    assert len(said(source)) == 3 and not Correction.objects.exists()
    check(source)


def test_a_pinned_chunk_wins_over_what_contradicts_it_and_over_what_fits_about_as_well(bot, ann):
    other = make_bot(name="Other")
    low = "Shipping within the country costs 4.90 euros and takes 5 working days."
    high = "Shipping within the country costs 6.90 euros and takes 2 working days."
    first, second = teach(bot, low, name="Prices"), teach(bot, high, name="Prices")
    question = "What does shipping within the country cost?"
    assert set(found(bot, question)) == {low, high}
    for source, text in ((first, low), (second, high)):
        chunk = chunk_of(source, "Shipping")
        change_chunk(chunk.pk, {"is_pinned": True}, author=ann)
        assert found(bot, question) == [text]
        run(source)
        again(source, f"{text}\n\n# Else\n\n{RETURNS}\n\n# More\n\n{CALIBRATION}")
        assert [each for each in found(bot, question) if "Shipping" in each] == [text]
        undo_correction(Correction.objects.get())
        again(source, text)
    assert found(other, question) == []
    check(first)

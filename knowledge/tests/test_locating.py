"""Why a passage was not found: each reason for itself, and the figures that it is told with."""

from __future__ import annotations

from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync

from knowledge.datasets.changing import create_dataset, link_bot
from knowledge.locating.reasons import explain_nothing, explain_place
from knowledge.locating.wanted import MOST_WANTED, Wanted
from knowledge.locating.whereabouts import locate, read_ids
from knowledge.models import ANYONE, Chunk, Source
from knowledge.retrieval.queries import Query
from knowledge.retrieval.retrieving import retrieve
from knowledge.tests.conftest import make_bot, make_source, run, teach
from tenants.context import tenant_context

FILLER = "It stands on three legs and weighs a kilogram. " * 20
QUESTION = "How long is the waranty of the lantern?"
LANTERN = "# Lantern\n\nThe lantern has a warranty of 24 months, and its battery one of 6 months."
STOVE = "# Stove\n\nThe stove burns gas. Its warranty is 36 months from the day of purchase."


def ask(bot, wanted, question=QUESTION, **fields):
    for name, value in fields.items():
        setattr(bot, name, value)
    query = Query(question)
    return locate(bot, query, async_to_sync(retrieve)(bot, query, audience=ANYONE), wanted, ANYONE)


def codes(bot, located):
    [each] = located.found
    told = explain_place(
        each, wanted=bot.passage_count, asked_in="en", is_dense=True, is_english_only=False
    )
    assert all(reason.says for reason in told)
    return [reason.code for reason in told]


def chunk_of(source: Source) -> Wanted:
    return Wanted(chunk_id=Chunk.objects.get(source=source).pk)


def test_a_passage_that_was_read_is_told_with_its_words_scores_and_places(bot):
    lantern = teach(bot, LANTERN, name="Lantern")
    teach(bot, STOVE, name="Stove")
    located = ask(bot, chunk_of(lantern))
    [each] = located.found
    assert (each.fate, each.at, each.by_words.at, each.compared) == ("read", 1, 1, 2)
    assert each.by_words.score > 0 and each.has_vector and each.passage is not None
    words = {word.word: word for word in each.words}
    assert words["waranty"].instead == ("warranti",) and words["waranty"].is_there
    assert words["waranty"].known_in == 2 and words["lantern"].known_in == 1
    assert codes(bot, located) == ["read"]
    assert (located.sources, located.rows, located.languages) == (2, 2, ("en",))


def test_one_behind_those_that_are_read_is_told_how_many_would_have_to_be(bot):
    teach(bot, LANTERN, name="Lantern")
    stove = teach(bot, STOVE, name="Stove")
    located = ask(bot, chunk_of(stove), passage_count=1)
    [first, second] = explain_place(
        located.found[0], wanted=1, asked_in="de", is_dense=True, is_english_only=True
    )[:2]
    assert (first.code, second.code) == ("limit", "words_missing")
    assert "passage_count=2" in first.helps and "lantern" in second.says
    assert codes(bot, located) == ["limit", "words_missing"]
    told = explain_place(
        located.found[0], wanted=1, asked_in="de", is_dense=True, is_english_only=True
    )
    assert told[-1].code == "other_language" and "English only" in told[-1].helps


def test_one_that_repeats_another_names_it(bot):
    first, second = (teach(bot, LANTERN, name=name) for name in ("Lantern", "Lantern again"))
    fates = {source: ask(bot, chunk_of(source)).found[0] for source in (first, second)}
    [repeat] = [each for each in fates.values() if each.fate == "repeat"]
    [read] = [each for each in fates.values() if each.fate == "read"]
    assert repeat.repeat_of == read.chunk_id


def test_one_without_any_of_the_words_and_below_both_lists_is_outranked(bot):
    for number in range(60):
        teach(bot, f"# Lantern {number}\n\nThe lantern {number} has a warranty.", name=f"L{number}")
    other = teach(bot, "# Tents\n\nPitch tents on dry ground.", name="Tents")
    located = ask(bot, chunk_of(other))
    assert located.found[0].by_words.at > 50
    assert codes(bot, located) == ["outranked", "no_word"]


@pytest.mark.parametrize(
    ("what", "code"),
    [("source", "source_off"), ("link", "not_linked"), ("dataset", "dataset_off")],
)
def test_what_is_switched_off_or_not_the_bots_is_not_searched(bot, what, code):
    teach(bot, LANTERN, name="Lantern")
    other = make_bot(name="Other")
    dataset = create_dataset({"name": "Shared", "embedding_model": "minirag/hash"})
    link_bot(dataset.pk, bot.pk, priority=1)
    source = make_source(bot, STOVE, name="Stove")
    if what != "source":
        Source.objects.filter(pk=source.pk).update(dataset=dataset, bot_profile=None)
    run(source)
    if what == "source":
        Source.objects.filter(pk=source.pk).update(is_active=False)
    elif what == "dataset":
        type(dataset).objects.filter(pk=dataset.pk).update(is_active=False)
    asked = other if what == "link" else bot
    located = ask(asked, chunk_of(source))
    [each] = located.found
    assert each.hindrances == (code,) and each.fate == "not_searched"
    assert codes(asked, located) == [code]


def test_another_bots_own_knowledge_is_told_as_such(bot):
    theirs = teach(make_bot(name="Other"), STOVE, name="Stove")
    assert codes(bot, ask(bot, chunk_of(theirs))) == ["other_bot"]


def test_a_source_is_told_by_what_fits_the_question_best_and_words_find_their_passage(bot):
    pages = "\n\n".join(
        f"# Part {n}\n\nPart {n} is {'a lantern' if n == 3 else 'a stove'} with warranty. " + FILLER
        for n in range(5)
    )
    source = teach(bot, pages, name="Parts")
    found = ask(bot, Wanted(source_id=source.pk)).found
    assert len(found) == MOST_WANTED and "lantern" in found[0].excerpt
    [quoted] = ask(bot, Wanted(text="part 3 is a LANTERN")).found[:1]
    assert "lantern" in quoted.excerpt


def test_where_there_is_no_such_passage_it_is_said_why(bot, globex):
    failed = make_source(bot, None, source_type="url", config={"url": "https://gone.test"})
    Source.objects.filter(pk=failed.pk).update(status="error", error_message="It was not found.")
    waiting = make_source(bot, "Later", name="Later")
    with tenant_context(globex.tenant):
        theirs = chunk_of(teach(make_bot(), STOVE))
    for wanted, code in (
        (theirs, "chunk_unknown"), (Wanted(chunk_id=uuid4()), "chunk_unknown"),
        (Wanted(source_id=uuid4()), "source_unknown"), (Wanted(source_id=failed.pk), "source_failed"),
        (Wanted(source_id=waiting.pk), "source_not_ready"),
        (Wanted(text="nobody ever wrote this"), "text_unknown"), (Wanted(text="🙂" * 50), "text_unknown"),
    ):  # fmt: skip
        located = ask(bot, wanted)
        assert located.found == () and located.why_nothing == code
        assert explain_nothing(located).code == code and explain_nothing(located).says


def test_a_deleted_source_is_gone_for_this_too(bot):
    source = teach(bot, LANTERN)
    wanted = chunk_of(source)
    Source.objects.filter(pk=source.pk).put_away()
    assert ask(bot, wanted).why_nothing == "chunk_unknown"


def test_the_index_tells_its_terms():
    assert read_ids("{1:0.5,70:1.2}/1000000000") == {1, 70} and read_ids("{}/9") == set()

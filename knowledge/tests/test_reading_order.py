"""Of the first passages those come first whose fullest sentence takes up most of an English question."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace

import pytest
from asgiref.sync import async_to_sync

from knowledge.ordering import reading
from knowledge.ordering.reading import (
    DEPTH,
    ROOM,
    WEIGHT,
    asks_something,
    count_with_room,
    follow_order,
    order_by_reading,
    put_in_order,
)
from knowledge.retrieval.found import Retrieval
from knowledge.retrieval.passages import Passage
from knowledge.retrieval.queries import Carried, Query
from knowledge.tests.conftest import make_bot, teach
from knowledge.tests.test_retrieval import QUESTION, ask, contents
from minirag.ai.builtin.local import MOST_TOKENS, find_sentence_reader
from minirag.ai.builtin.minilm import MiniLM

PUMPS = """# Pumps

## Care

The pump is cleaned with warm water and a soft cloth by whoever has last used it. A pump and its filter are dear, and
both of them must be paid for by those who break them, since the association has no money left for another one.

## Filters

Replace the filter of the pump after half a year. New ones lie in the cupboard beside the door of the cellar, where
the keys hang too, and the old ones go into the bin in the yard, from which they are collected on the first of May.
"""
FAR = (
    "It stands in one of the halls of the old works by the river, where visitors may look at it on every Sunday. "
    * 3
)
ASKED = "When must the filter of the pump be changed?"


def make(name: str, score: float, **fields) -> Passage:
    one = uuid.uuid5(uuid.NAMESPACE_OID, name)
    return Passage(one, one, one, "", "", None, "", name, score, 0.5, 3.0, **fields)


def names(passages) -> list[str]:
    return [each.content for each in passages]


# --- Orders, without a model ----------------------------------------------------------------------------------------


def test_what_takes_up_more_comes_first_and_each_place_keeps_its_score():
    ordered = put_in_order(
        [make("one", 1.0), make("two", 0.9), make("three", 0.5)], [0.2, 0.8, 0.7]
    )
    assert names(ordered) == ["two", "one", "three"]
    assert [each.score for each in ordered] == [1.0, 0.9, 0.5]
    assert [each.taken_up for each in ordered] == [0.8, 0.2, 0.7]


def test_what_is_far_ahead_stays_first():
    passages = [make("one", 1.0), make("two", 1.0 - WEIGHT)]
    assert names(put_in_order(passages, [0.1, 0.9])) == ["one", "two"]


def test_it_counts_beside_scores_as_they_were_before_the_best_was_made_1():
    taken_up = [0.5, 0.8]
    alone = [make("one", 1.0), make("two", 0.9)]
    close = [replace(alone[0], fused=1.0, closeness=0.8), replace(alone[1], fused=0.9, closeness=0.72)]  # fmt: skip
    assert names(put_in_order(alone, taken_up)) == ["two", "one"]
    assert names(put_in_order(close, taken_up)) == ["one", "two"]


def test_what_is_alike_in_both_keeps_its_order_and_nothing_scored_is_an_order_too():
    passages = [make("one", 0.0), make("two", 0.0)]
    assert names(put_in_order(passages, [0.3, 0.3])) == ["one", "two"]
    assert names(put_in_order(passages, [0.3, 0.4])) == ["two", "one"]


def test_candidates_follow_and_what_stands_between_them_stays_in_its_place():
    candidates = [make("one", 1.0), make("a repeat", 0.95), make("two", 0.9), make("last", 0.1)]
    ordered = put_in_order([replace(candidates[0], content="one, joined"), candidates[2]], [0.1, 0.9])  # fmt: skip
    followed = follow_order(candidates, ordered)
    assert names(followed) == ["two", "a repeat", "one", "last"]
    assert [each.score for each in followed] == [1.0, 0.95, 0.9, 0.1]
    assert [each.taken_up for each in followed] == [0.9, None, 0.1, None]


def test_as_many_are_read_as_there_is_room_for_and_two_in_any_case():
    assert count_with_room([200] * 5) == 5 and count_with_room([]) == 0
    assert count_with_room([ROOM - 600, 300, 300, 1]) == 3
    assert count_with_room([ROOM, ROOM, 0]) == 2 and count_with_room([ROOM + 1]) == 1


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Is it open on Sunday", True), ("how do I pay", True), ("The pump leaks. And now?", True),
        ("Vitamin D is bad for bones.", False), ("opening hours", False), ("", False), ("…", False),
    ],
)  # fmt: skip
def test_a_question_has_its_mark_or_begins_with_a_word_that_asks(text, asks):
    assert asks_something(text) is asks


# --- In a search ----------------------------------------------------------------------------------------------------


@pytest.fixture
def english_bot(in_acme):
    return make_bot(embedding_model="minirag/minilm")


def read_by_search(found: Retrieval) -> list[float]:
    return [each.taken_up for each in found.passages if each.taken_up is not None]


def test_the_first_passages_of_a_search_are_read_and_the_rest_is_as_it_was(english_bot):
    teach(
        english_bot,
        "\n".join(f"# Pump {n}\n\nPump {n} has a filter. {FAR}\n" for n in range(DEPTH + 2)),
    )
    found = ask(english_bot, ASKED, limit=DEPTH + 2)
    assert len(found.passages) == DEPTH + 2
    assert [each.taken_up is not None for each in found.passages] == [*[True] * DEPTH, False, False]
    assert all(0 < value <= 1 for value in read_by_search(found))
    scores = [each.score for each in found.passages]
    assert scores == sorted(scores, reverse=True)
    assert [each.chunk_id for each in found.candidates] == [each.chunk_id for each in found.passages]  # fmt: skip


def test_a_sentence_that_says_it_in_other_words_takes_up_more_and_may_bring_its_passage_first(
    english_bot, monkeypatch
):
    teach(english_bot, PUMPS)
    found = ask(english_bot, ASKED)
    read = {each.heading.rpartition(" > ")[2]: each.taken_up for each in found.passages}
    assert read["Filters"] > read["Care"]
    monkeypatch.setattr(reading, "WEIGHT", 10.0)
    assert contents(ask(english_bot, ASKED))[0].startswith("Replace the filter")


def test_rows_without_an_end_are_read_to_a_bound_and_those_behind_keep_their_places(
    english_bot, monkeypatch
):
    row = "filter of the pump " + "4f9a 17:03:22 ok; " * 60
    teach(english_bot, "\n".join(f"# Log {n}\n\n{n} {row}\n" for n in range(DEPTH)))
    widths, run = [], MiniLM._run_words

    def note(embedder, width, rows):
        widths.append(width)
        return run(embedder, width, rows)

    monkeypatch.setattr(MiniLM, "_run_words", note)
    found = ask(english_bot, ASKED, limit=DEPTH)
    depth = len(read_by_search(found))
    assert len(found.passages) == DEPTH > depth >= 2
    assert all(each.taken_up is None for each in found.passages[depth:])
    assert max(widths) == MOST_TOKENS


@pytest.mark.parametrize(
    "asked",
    [
        "The filter of the pump is changed after half a year.", "Wann muss der Filter der Pumpe gewechselt werden?",
        Query(ASKED, by_words=True),
    ],
)  # fmt: skip
def test_what_asks_nothing_or_is_not_read_is_ordered_as_before(english_bot, asked):
    teach(english_bot, PUMPS)
    found = ask(english_bot, asked)
    assert found.passages and not read_by_search(found)


def test_a_bot_of_another_model_or_order_or_something_pinned_keeps_its_order(english_bot):
    source = teach(english_bot, PUMPS)
    assert read_by_search(ask(english_bot, ASKED))
    for own in ({"dense_weight": 0.5}, {"fusion": "rrf"}, {"model": "openai/gpt-4o-mini"}):
        bot = make_bot(embedding_model="minirag/minilm", **own)
        teach(bot, PUMPS)
        assert not read_by_search(ask(bot, ASKED)), own
    source.is_pinned = True
    source.save()
    assert not read_by_search(ask(english_bot, ASKED))
    other = make_bot()
    teach(other, PUMPS)
    assert not read_by_search(ask(other, ASKED))


def test_pages_in_another_language_are_not_read_by_an_english_model(english_bot):
    teach(english_bot, "# Pumpe\n\nDer Filter der Pumpe wird nach einem halben Jahr von uns gewechselt.\n\n"
          "# Pflege\n\nDie Pumpe reinigt, wer sie zuletzt benutzt hat, und der Filter ist teuer.")  # fmt: skip
    found = ask(english_bot, "Is the Filter of the Pumpe changed?")
    assert found.language == "en" and not read_by_search(found)


def test_a_follow_up_is_read_with_what_it_goes_on_from_in_a_thread_of_the_models(english_bot, monkeypatch):  # fmt: skip
    teach(english_bot, PUMPS)
    found = ask(english_bot, ASKED)
    threads, questions = [], []

    def find_reader(model):
        read = find_sentence_reader(model)

        def note(texts):
            threads.append(threading.current_thread().name)
            questions.append(texts[0])
            return read(texts)

        return note

    monkeypatch.setattr(reading, "find_sentence_reader", find_reader)
    before = (Carried("filter of the pump", 0.5),)
    leaning = Query("And when?", carried=before, meaning="filter of the pump, and when?")
    standing = Query(ASKED, carried=before)
    for query in (leaning, standing):
        async_to_sync(order_by_reading)(english_bot, query, found)
    assert questions == ["And when? filter of the pump", ASKED]
    assert all(name.startswith("minirag-local-model") for name in threads)


def test_where_nobody_can_read_sentences_the_order_stays(english_bot, monkeypatch):
    teach(english_bot, PUMPS)
    monkeypatch.setattr(reading, "find_sentence_reader", lambda model: None)
    found = ask(english_bot, QUESTION.replace("warranty", "filter"))
    assert found.passages and not read_by_search(found)

"""A model is sent what it can read: the best passages and the newest of what was said."""

import pytest

from conversations.tests.test_grounding import passage
from conversations.turns.fitting import Reading, fit, room_of, surely_fits
from minirag.ai.tokens import count_prompt_tokens, count_tokens

FRAME = ({"role": "system", "content": "Be kind."}, {"role": "user", "content": "How long?"})
PASSAGES = tuple(passage(f"Passage {number}. " + "word " * 100) for number in range(5))
HISTORY = tuple(
    (role, f"{role} {number} " + "said " * 50)
    for number in range(10)
    for role in ("user", "assistant")
)


def size_of(reading: Reading) -> int:
    return sum(count_tokens(each.content) for each in reading.passages) + sum(
        count_tokens(content) for _, content in reading.history
    )


def test_what_fits_is_left_as_it_is():
    reading = Reading(HISTORY, PASSAGES)
    assert fit(reading, FRAME, 10_000) == reading


@pytest.mark.parametrize("room", [200, 400, 700, 1200])
def test_what_is_kept_fits(room):
    kept = fit(Reading(HISTORY, PASSAGES), FRAME, room)
    assert size_of(kept) + count_prompt_tokens(FRAME) <= room


def test_the_best_passages_and_the_newest_of_the_history_are_kept():
    kept = fit(Reading(HISTORY, PASSAGES), FRAME, 600)
    assert kept.passages == PASSAGES[: len(kept.passages)] and 2 <= len(kept.passages) < 5
    assert kept.history == HISTORY[-len(kept.history) :] and kept.history[0][0] == "user"


def test_the_history_never_takes_the_passages_room():
    long = (("user", "said " * 5000), ("assistant", "Yes."))
    kept = fit(Reading(long, PASSAGES), FRAME, 800)
    assert len(kept.passages) == 4 and kept.history == ()


def test_of_a_passage_that_is_too_long_the_beginning_is_kept():
    kept = fit(Reading((), (passage("word " * 5000),)), FRAME, 300)
    assert kept.passages[0].content.startswith("word word") and size_of(kept) <= 300


def test_where_nothing_fits_something_is_still_asked():
    kept = fit(Reading(HISTORY, PASSAGES), FRAME, 0)
    assert kept.history == () and len(kept.passages) == 1


def test_a_context_is_known_from_the_price_map_and_leaves_room_for_the_answer():
    assert room_of("gpt-4", 1024) == int(8192 * 0.85) - 1024
    assert room_of("acme/own-model", 1024) is None
    assert room_of("gpt-4", 100_000) > 2000


def test_short_messages_need_no_counting():
    assert surely_fits(FRAME, 100)
    assert not surely_fits(FRAME, 10)

"""A model's thoughts are not part of its answer, however they are marked and wherever a stream is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minirag.ai.providers.thoughts import ThoughtFilter

SAID = "Parcels are accepted until 17:45 [1]."


def hear(pieces: list[str], **options: bool) -> str:
    """What a reader is left with."""
    thoughts, left = ThoughtFilter(**options), ""
    for piece in [*pieces, None]:
        shown = thoughts.flush() if piece is None else thoughts.feed(piece)
        if thoughts.has_retracted:
            thoughts.has_retracted, left = False, ""
        left += shown
    return left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (SAID, SAID),
        (f"<think>hm [2]</think>{SAID}", SAID),
        (f"<think>\nhm\n</think>\n\n{SAID}", SAID),
        (f"hm, so\n</think>\n{SAID}", SAID),
        (f"<think>a<think>b</think>c</think>{SAID}", SAID),
        (f"<think>no <think> now</think>{SAID}", SAID),
        (f"<think type='x'>hm</think>{SAID}", SAID),
        (f"{SAID}<think>never ends", SAID),
        ("<think>never ends", ""),
        (f"{SAID}</think>", SAID),
        (f"{SAID} <think>hm</think>And letters.", f"{SAID} And letters."),
        (f"<think>hm</think><answer>{SAID}</answer>", SAID),
        (f"<|channel|>analysis<|message|>hm<|channel|>final<|message|>{SAID}", SAID),
        (f"<|start|>assistant<|channel|>final<|message|>{SAID}<|return|>", SAID),
        (f"<unused94>thought hm<unused95>{SAID}", SAID),
        ("Write `<think>` to begin, `</think>` to end.",) * 2,
        ("If a < b and [x] <b>or</b> <|other|> it is.",) * 2,
        ("<answer>x</answer>",) * 2,
        ("analysis of parcels",) * 2,
        ("an",) * 2,
        ("",) * 2,
    ],
)
class TestThoughts:
    def test_are_left_out(self, text, left):
        assert hear([text]) == hear(list(text)) == left

    @given(st.randoms())
    def test_wherever_a_stream_is_cut(self, text, left, random):
        cuts = sorted(random.choices(range(len(text) + 1), k=5))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        assert hear(pieces) == left


def test_one_that_thinks_first_shows_nothing_before_it_has_thought():
    thoughts = ThoughtFilter(thinks_first=True)
    assert [thoughts.feed(piece) for piece in ("hm", " [2]", "</th", "ink>", "So.")] == [
        "", "", "", "", "So.",
    ]  # fmt: skip


def test_one_that_is_only_believed_to_think_first_is_heard_at_the_end():
    assert hear(list(SAID), thinks_first=True) == SAID


def test_one_that_was_cut_while_it_thought_shows_nothing():
    thoughts = ThoughtFilter(thinks_first=True)
    assert thoughts.feed("Okay, the user asks") + thoughts.flush(is_cut=True) == ""


def test_nothing_is_held_back_where_thoughts_come_apart():
    thoughts = ThoughtFilter(thinks_first=True)
    assert thoughts.feed("Par") == ""
    assert (thoughts.release(), thoughts.feed("cels")) == ("Par", "cels")


@given(st.text(alphabet="abc <>[]/|`\n", max_size=80))
def test_text_without_marks_passes_whole(text):
    assert hear(list(text)) == text

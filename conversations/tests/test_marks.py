"""Whatever a model writes for a citation mark becomes `[1]`, and nothing else is touched, however a stream is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.citing.marks import MarkerFilter

SAID = "Parcels are accepted until 17:45"


def stream(pieces: list[str], passage_count: int) -> tuple[str, MarkerFilter]:
    markers = MarkerFilter(passage_count)
    text = "".join(markers.feed(piece) for piece in pieces) + markers.flush()
    return text, markers


def test_a_good_marker_passes_and_is_noted():
    text, markers = stream(["It lasts 36 months ", "[1]."], 2)
    assert text == "It lasts 36 months [1]."
    assert list(markers.cited) == [1]


def test_an_invented_marker_is_dropped_with_the_space_before_it():
    text, markers = stream(["It lasts 36 months", " [7", "]", "."], 2)
    assert text == "It lasts 36 months."
    assert not markers.cited and markers.dropped == 1


def test_a_list_of_markers_keeps_only_the_good_ones():
    text, markers = stream(["Both [1, 9; 2] say so."], 2)
    assert text == "Both [1][2] say so."
    assert list(markers.cited) == [1, 2]


@pytest.mark.parametrize(
    "text", ["See [the manual].", "array[", "x = a[i]", "[", "[12", "Price [EUR 12] net"]
)
def test_brackets_that_are_no_markers_pass_untouched(text):
    assert stream(list(text), 3)[0] == text


@given(
    st.lists(
        st.sampled_from(
            [
                *"ab [](){}0123,;.\\^【】†:\n-§",
                "Source ",
                "doc",
                "(1)",
                "[1]",
                " (2)",
                "[[1]]",
                "http://",
            ]
        ),
        max_size=40,
    ).map("".join),
    st.integers(0, 12),
    st.randoms(),
)
def test_however_a_stream_is_cut_the_result_is_the_same(text, count, random):
    cuts = sorted(random.sample(range(len(text) + 1), k=min(4, len(text)))) if text else []
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert stream(pieces, count)[0] == stream([text], count)[0]


@pytest.mark.parametrize(
    "mark",
    ["【1】", "[^1]", "[^1^]", "[[1]]", "[[1]](https://acme.example/a_(b))", "[1](https://acme.example)", "[Source 1]",
     "[source: 1]", "[Source 1: Handbook, page 3]", "(Source 1)", "[Quelle 1]", "[Fuente 1]", "[Doc 1]", "[ref_1]",
     "[citation:1]", "[cite: 1]", "【1†source】", "【1:0†handbook.pdf】", "［1］", "\\[1\\]", "(1)", "[1]"],
)  # fmt: skip
def test_other_marks_become_ours_where_the_passage_exists(mark):
    for pieces in ([f"{SAID} {mark}."], list(f"{SAID} {mark}.")):
        text, markers = stream(pieces, 2)
        assert (text, list(markers.cited), markers.dropped) == (f"{SAID} [1].", [1], 0)


@pytest.mark.parametrize(
    "mark",
    ["【9】", "[^9]", "[[9]](https://x.example)", "[Source 9: Book]", "[9](https://x.example)"],
)
def test_other_marks_that_lead_nowhere_are_dropped(mark):
    text, markers = stream(list(f"{SAID} {mark}."), 2)
    assert (text, markers.dropped) == (f"{SAID}.", 1)


@pytest.mark.parametrize(
    "text",
    ["(1) Open the lid. (2) Close it.", "Do this: (1) open, (2) close.", "- (1) open\n- (2) close (1).",
     "In [2024] it was so.", "Call f(1).", "As § 5 (1).", "As Section 5 (1).", "See step (1).", "item(s) (see below)",
     "within three (3) days", "It takes three (3).", f"{SAID} (7).", f"{SAID} [1]. There are two options (2).",
     "[Sourcery 1]", "(Document 12)", "Price [EUR 12] net", "1) a 2) b"],
)  # fmt: skip
def test_what_is_no_citation_stays_as_it_is(text):
    for pieces in ([text], list(text)):
        assert stream(pieces, 3)[0] == text


def test_round_marks_may_follow_one_another():
    text, markers = stream([f"{SAID} (1)(2), letters until noon (2)."], 2)
    assert text == f"{SAID} [1][2], letters until noon [2]."
    assert list(markers.cited) == [1, 2]


def test_a_footnote_keeps_its_text():
    assert stream(list("So it is[^1].\n[^1]: Handbook"), 1)[0] == "So it is[1].\n[1] Handbook"


def test_without_passages_only_square_numbers_are_taken_for_citations():
    text = "A note[^1] by 【1】 and [Source 1]."
    assert stream(list(text), 0)[0] == text

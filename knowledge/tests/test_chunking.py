"""Documents become chunks that fit, read well and lose nothing."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.formats.parsing import parse
from knowledge.formats.sections import ParsedDocument, Section
from knowledge.indexing.chunking import (
    ChunkDraft,
    chunk_document,
    cut_document,
    estimate_tokens,
    hash_content,
    indexed_text,
)
from knowledge.models import Chunk


def document_of(*sections: Section, title: str = "Manual") -> ParsedDocument:
    return ParsedDocument(title=title, sections=sections, metadata={}, language="en")


def count_words(texts: list[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def chunk_words(
    *sections: Section, max_tokens: int = 20, overlap_tokens: int = 0
) -> list[ChunkDraft]:
    return chunk_document(
        document_of(*sections),
        max_tokens=max_tokens,
        overlap_tokens=overlap_tokens,
        count_tokens=count_words,
    )


def sentence(number: int, words: int = 5) -> str:
    return " ".join([f"Sentence{number}", *["word"] * (words - 1)]) + "."


class TestCutting:
    def test_a_document_without_text_has_no_chunks(self):
        assert chunk_document(document_of()) == []

    def test_a_short_section_is_one_chunk_with_its_paragraphs(self):
        (chunk,) = chunk_words(Section(("Care",), "First one.\n\nSecond one."))
        assert chunk.content == "First one.\n\nSecond one."
        assert chunk.heading == "Manual > Care"
        assert indexed_text(chunk) == "Manual > Care. First one.\n\nSecond one."
        assert (chunk.ordinal, chunk.page, chunk.token_count) == (0, None, 4)

    def test_no_chunk_crosses_a_heading(self):
        chunks = chunk_words(Section(("A",), sentence(1)), Section(("B",), sentence(2)))
        assert [(chunk.heading, chunk.content) for chunk in chunks] == [
            ("Manual > A", sentence(1)),
            ("Manual > B", sentence(2)),
        ]

    def test_paragraphs_are_kept_together_where_the_chunk_is_half_full(self):
        first, second = " ".join(map(sentence, range(3))), " ".join(map(sentence, range(3, 6)))
        assert [c.content for c in chunk_words(Section((), f"{first}\n\n{second}"))] == [
            first,
            second,
        ]

    def test_long_paragraphs_are_cut_between_sentences(self):
        chunks = chunk_words(Section((), " ".join(map(sentence, range(6)))))
        assert [chunk.content for chunk in chunks] == [
            " ".join(map(sentence, range(4))),
            " ".join(map(sentence, range(4, 6))),
        ]

    def test_an_endless_sentence_is_cut_between_words(self):
        words = [f"w{number}" for number in range(50)]
        chunks = chunk_words(Section((), " ".join(words)))
        assert [chunk.content for chunk in chunks] == [
            " ".join(words[at : at + 20]) for at in (0, 20, 40)
        ]

    def test_text_without_spaces_is_cut_between_characters(self):
        text = "".join(chr(0x4E00 + number) for number in range(480))
        chunks = chunk_document(document_of(Section((), text)), max_tokens=50, overlap_tokens=0)
        assert "".join(chunk.content for chunk in chunks) == text
        assert max(chunk.token_count for chunk in chunks) <= 50

    def test_list_items_keep_their_lines(self):
        (chunk,) = chunk_words(Section((), "Steps:\n- open\n- clean\n- close"))
        assert chunk.content == "Steps:\n- open\n- clean\n- close"

    def test_pages_under_one_heading_flow_together_and_the_first_page_is_named(self):
        chunks = chunk_words(*(Section(("A",), sentence(page), page) for page in (3, 4, 5, 6, 7)))
        assert [(chunk.page, chunk.token_count) for chunk in chunks] == [(3, 20), (7, 5)]


class TestOverlap:
    def test_the_last_sentences_are_repeated_within_a_section(self):
        chunks = chunk_words(Section((), " ".join(map(sentence, range(7)))), overlap_tokens=5)
        assert [re.findall(r"\d", chunk.content) for chunk in chunks] == [
            list("0123"),
            list("3456"),
        ]

    def test_nothing_is_repeated_under_another_heading(self):
        chunks = chunk_words(
            Section(("A",), sentence(1, 20)), Section(("B",), sentence(2, 20)), overlap_tokens=10
        )
        assert "Sentence1" not in chunks[1].content

    def test_overlap_gives_way_to_a_paragraph_that_would_fit_whole(self):
        first, second = " ".join(map(sentence, range(4))), " ".join(map(sentence, range(4, 8)))
        chunks = chunk_words(Section((), f"{first}\n\n{second}"), overlap_tokens=10)
        assert [chunk.content for chunk in chunks] == [first, second]

    def test_no_chunk_only_repeats(self):
        chunks = chunk_words(Section((), " ".join(map(sentence, range(40)))), overlap_tokens=15)
        numbers = [re.findall(r"Sentence(\d+)", chunk.content) for chunk in chunks]
        assert all(set(after) - set(before) for before, after in pairwise(numbers))


class TestTablesAndCode:
    def test_a_small_table_stays_with_its_text(self):
        (chunk,) = chunk_words(
            Section((), "Prices:"), Section((), "Model | Price\nAX | 10", None, "table")
        )
        assert chunk.content == "Prices:\n\nModel | Price\nAX | 10"

    def test_a_long_table_repeats_its_header(self):
        rows = [f"M{number} | {number}" for number in range(12)]
        chunks = chunk_words(Section((), "\n".join(["Model | Price", *rows]), None, "table"))
        assert len(chunks) > 1
        assert all(chunk.content.startswith("Model | Price\n") for chunk in chunks)
        assert [line for chunk in chunks for line in chunk.content.split("\n")[1:]] == rows

    def test_a_row_too_long_for_a_chunk_is_cut_under_the_header(self):
        chunks = chunk_words(Section((), "A | B\nx | " + "word " * 60, None, "table"))
        assert all(
            chunk.content.startswith("A | B\n") and chunk.token_count <= 20 for chunk in chunks
        )

    def test_records_are_never_torn_apart_while_they_fit(self):
        records = [f"Model: M{number}\nPrice: {number} EUR" for number in range(9)]
        chunks = chunk_words(Section((), "\n\n".join(records), None, "table"))
        assert [record for chunk in chunks for record in chunk.content.split("\n\n")] == records
        assert max(chunk.token_count for chunk in chunks) <= 10

    def test_code_that_fits_is_kept_whole_and_long_code_is_cut_between_lines(self):
        code = "\n".join(f"    call({number})  # step" for number in range(8))
        (whole,) = chunk_words(Section((), code, None, "code"), max_tokens=30)
        assert whole.content == code
        parts = chunk_words(Section((), code, None, "code"), max_tokens=10)
        assert "\n".join(part.content for part in parts) == code


class TestHeadings:
    def test_a_title_that_the_first_heading_repeats_stands_once(self):
        (chunk,) = chunk_document(document_of(Section(("Care", "Oil"), "Text here."), title="CARE"))
        assert chunk.heading == "Care > Oil"

    def test_a_heading_is_no_longer_than_it_is_stored(self):
        path = tuple(f"{depth} {'long ' * 40}" for depth in range(9))
        (chunk,) = chunk_document(document_of(Section(path, "Text.")))
        assert len(chunk.heading) == Chunk._meta.get_field("heading").max_length
        assert chunk.content_hash == hash_content(chunk.heading, chunk.content)

    def test_a_document_without_headings_is_headed_by_its_title(self):
        assert (
            chunk_document(document_of(Section((), "Text."), title="Notes"))[0].heading == "Notes"
        )

    def test_neighbours_of_a_few_words_are_merged_under_their_parent(self):
        sections = [Section(("FAQ", f"Question {n}?"), "Yes.") for n in range(3)]
        (chunk,) = chunk_document(document_of(*sections))
        assert chunk.heading == "Manual > FAQ"
        assert chunk.content == "\n\n".join(f"## Question {n}?\nYes." for n in range(3))

    def test_a_heading_is_never_parted_from_its_few_words(self):
        sections = [Section(("FAQ", f"Question {n}?"), "Yes. Or no.") for n in range(40)]
        chunks = chunk_document(document_of(*sections), max_tokens=60, overlap_tokens=10)
        read = [part for chunk in chunks for part in chunk.content.split("\n\n")]
        assert len(chunks) > 5 and read == [f"## Question {n}?\nYes. Or no." for n in range(40)]

    def test_a_section_with_something_to_say_is_never_merged(self):
        sections = [Section(("FAQ", f"Question {n}?"), sentence(n, 40)) for n in range(2)]
        assert [c.heading for c in chunk_document(document_of(*sections))] == [
            "Manual > FAQ > Question 0?",
            "Manual > FAQ > Question 1?",
        ]


class TestHashes:
    def test_the_hash_does_not_know_the_position(self):
        moved = Section(("B",), sentence(1, 30), 7)
        first = chunk_document(document_of(moved))
        second = chunk_document(document_of(Section(("A",), sentence(2, 30)), moved))
        assert first[0].content_hash == second[1].content_hash
        assert len(first[0].content_hash) == 64

    def test_heading_and_content_both_count(self):
        hashes = {
            chunk_document(document_of(Section((heading,), text)))[0].content_hash
            for heading, text in (("A", "x"), ("B", "x"), ("A", "y"))
        }
        assert len(hashes) == 3

    def test_what_stands_twice_is_kept_once(self):
        same = Section(("A",), sentence(1, 30))
        chunks = chunk_document(document_of(same, Section(("B",), sentence(2, 30)), same))
        assert [chunk.ordinal for chunk in chunks] == [0, 1]

    def test_a_change_in_one_section_changes_no_other_hash(self):
        sections = [Section((f"H{n}",), sentence(n, 40)) for n in range(5)]
        before = chunk_document(document_of(*sections))
        sections[2] = Section(("H2",), "Entirely " + sentence(9, 40))
        after = chunk_document(document_of(*sections))
        assert (
            sum(a.content_hash != b.content_hash for a, b in zip(before, after, strict=True)) == 1
        )


WORD = st.text(alphabet="abcdeABéßж保.,!?:-|", min_size=1, max_size=9)
LINE = st.lists(WORD, min_size=1, max_size=25).map(" ".join)
TEXT = st.lists(LINE, min_size=1, max_size=4).map("\n".join)
SECTION = st.builds(
    lambda heading, paragraphs, page, kind: Section(
        tuple(heading), "\n\n".join(paragraphs), page, kind
    ),
    st.lists(st.sampled_from("ABC"), max_size=2),
    st.lists(TEXT, min_size=1, max_size=4),
    st.none() | st.integers(1, 3),
    st.sampled_from(("text", "table", "code")),
)


def test_the_first_chunk_is_there_before_the_rest_is_cut():
    counted: list[str] = []

    def count(texts: list[str]) -> list[int]:
        counted.extend(texts)
        return count_words(texts)

    sections = [Section((f"Part {number}",), sentence(number, 15)) for number in range(50)]
    coming = cut_document(
        document_of(*sections), max_tokens=20, overlap_tokens=0, count_tokens=count
    )
    assert next(coming).heading == "Manual > Part 0" and len(counted) < 5
    assert len(list(coming)) == 49 and len(counted) == 50


class TestProperties:
    @given(st.lists(SECTION, max_size=5), st.integers(4, 60), st.integers(0, 3), st.booleans())
    @settings(deadline=None, max_examples=300)
    def test_nothing_is_lost_nothing_is_too_long_and_twice_is_the_same(
        self, sections, size, quarter, words
    ):
        count = count_words if words else estimate_tokens
        document = document_of(*sections)
        chunks = chunk_document(
            document, max_tokens=size, overlap_tokens=size * quarter // 4, count_tokens=count
        )
        assert chunks == chunk_document(
            document, max_tokens=size, overlap_tokens=size * quarter // 4, count_tokens=count
        )
        assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
        assert len({chunk.content_hash for chunk in chunks}) == len(chunks)
        for chunk in chunks:
            assert chunk.content.strip()
            assert chunk.token_count <= size
            assert count([chunk.content])[0] <= chunk.token_count
        found = {word for chunk in chunks for word in chunk.content.split()}
        for section in sections:
            # Only a word that is too long on its own is cut; in a table it shares the room with the header.
            longest = size // 2 if section.kind == "table" else size
            for word in section.text.split():
                assert word in found or count([word])[0] > longest

    @given(st.text(max_size=400))
    @settings(deadline=None)
    def test_any_uploaded_text_is_chunked(self, text):
        document = parse(text.replace("\0", "").encode("utf-8", "ignore"), kind="txt", name="t")
        chunks = chunk_document(document, max_tokens=20, overlap_tokens=5)
        written = "".join(section.text for section in document.sections)
        kept = "".join(chunk.content for chunk in chunks)
        assert set("".join(kept.split())) == set("".join(written.split()))
        assert all(chunk.token_count <= 20 for chunk in chunks)


class TestEstimate:
    @pytest.mark.parametrize(
        ("text", "tokens"),
        [
            ("", 0),
            ("a cat sat", 3),
            ("internationalisation", 3),
            ("保修期", 3),
            ("Done.", 2),
            ("2026", 2),
            ("гарантия", 2),
        ],
    )
    def test_tokens_are_estimated(self, text, tokens):
        assert estimate_tokens([text]) == [tokens]

    @given(st.lists(WORD, min_size=1, max_size=10))
    def test_the_estimate_of_a_text_is_the_sum_of_its_words(self, words):
        assert estimate_tokens([" ".join(words)])[0] == sum(estimate_tokens(words))

    def test_a_book_is_cut_whole(self):
        text = "\n\n".join(" ".join(sentence(p * 7 + n, 17) for n in range(7)) for p in range(4000))
        chunks = chunk_document(document_of(Section((), text)))
        assert len(chunks) > 2000 and max(chunk.token_count for chunk in chunks) <= 200

    @pytest.mark.parametrize(
        "unit", ["a", "保", "a ", "a. ", "| ", "\n", "A|B\n", "- x\n", "(", "...", "。"]
    )
    @pytest.mark.parametrize("kind", ["txt", "md", "csv"])
    def test_a_monotonous_file_is_cut_in_linear_time(self, unit, kind):
        data = (unit * (200_000 // len(unit))).encode()
        started = time.process_time()
        chunk_document(parse(data, kind=kind, name="x"))
        assert time.process_time() - started < 60  # quadratic would take minutes

    def test_impossible_sizes_are_a_programming_error(self):
        with pytest.raises(ValueError, match="overlap"):
            chunk_document(document_of(), max_tokens=10, overlap_tokens=10)

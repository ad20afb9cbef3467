"""Small files that would take hours, gigabytes or the whole process, and the sentence or text that they give instead.

Without its bound each of these runs for minutes or fails with another exception; no time is measured here.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile

import pytest

from knowledge.formats.archive.members import read_members
from knowledge.formats.parsing import ParseError, parse
from knowledge.formats.restrictions import find_restriction
from knowledge.indexing.chunking import chunk_document

MERGED = "a0: &a0 {k: v}\n" + "".join(
    f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 12)}]\n" for n in range(1, 9)
)
HEADS = [
    "notes: 5", "notes: true", "notes: seen by Ann", "encoding: 5", "x: .nan", "x: [.inf, 1]", "x: 1e999",
    f"x: 0x{'f' * 9000}", f"? 0x{'f' * 9000}\n: 1", '"a\\0b": 1', '"a\\ud800b": "\\0"', f"x: {':'.join(['5'] * 3000)}",
]  # fmt: skip


def read(text: str, kind: str):
    return parse(text.encode(), kind=kind, name="file")


@pytest.mark.parametrize("head", [*HEADS, MERGED])
def test_a_head_of_markdown_gives_only_what_a_database_takes(head):
    found = read(f"---\n{head}\n---\nOpen from nine.", "md")
    assert "Open from nine." in found.sections[-1].text
    stored = json.dumps(found.metadata, allow_nan=False)
    assert "\\u0000" not in stored and "\\ud800" not in stored and len(stored) < 100_000
    assert found.notes == []
    assert read("+++\nx = nan\ny = 1\n+++\nOpen.", "md").metadata == {"y": 1}


@pytest.mark.parametrize("head", [f"{MERGED}\nvisibility: private", '"visi\\u200bbility": private'])
def test_a_restriction_is_found_in_a_hostile_head(head):
    assert find_restriction(read(f"---\n{head}\n---\nSecret.", "md").metadata)


def test_tables_with_absurd_cells_are_read_in_one_pass():
    blanks = " " * 400_000
    assert "3" in read(f"a,b\n1{blanks}x,2\n-{blanks}x,3\n", "csv").sections[0].text
    assert len(read("x," * 100_000 + "y\n", "csv").metadata["columns"]) == 100_001
    for text, kind in (
        (f"{'h' * 500_000},b\n" + "1,2\n" * 100_000, "csv"),
        (f"|{'h' * 30_000}|b|\n|-|-|\n" + "|1|\n" * 8000, "md"),
    ):
        with pytest.raises(ParseError) as caught:
            read(text, kind)
        assert caught.value.code == "too_large"


def test_a_voice_that_never_ends_is_words():
    cue = "00:00:01.000 --> 00:00:02.000\n"
    assert read(cue + "<v." * 200_000, "subtitles").sections
    assert read(f"{cue}<v.loud Ann Lee>Hello", "subtitles").sections[0].text == "Ann Lee: Hello"


@pytest.mark.parametrize(
    "text",
    [f"x{' ' * 400_000}y", "a\n" * 400_000, f"{'Ab. ' * 50_000}"],
    ids=["blanks", "lines", "ends"],
)
def test_text_without_end_is_cut_in_one_pass(text):
    assert chunk_document(read(text, "txt"))


def pack(names: list[str], method: int) -> bytearray:
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name in names:
            archive.writestr(name, f"The words of {name}. " * 20)
    return bytearray(packed.getvalue())


@pytest.mark.parametrize("hurt", [slice(4, 5), slice(12, 40)])
def test_a_file_that_is_packed_wrongly_leaves_the_others_alone(hurt):
    data = pack(["a.txt", "b.txt"], zipfile.ZIP_LZMA)
    start = data.index(b"a.txt") + 5
    at = slice(start + hurt.start, start + hurt.stop)
    data[at] = bytes(0xFF for _ in data[at])
    hurt_one, whole = read_members(bytes(data), largest=10_000)
    assert hurt_one.code == "broken" and whole.document


def test_two_files_of_one_name_are_both_read():
    data = pack(["a (2).txt", "a.txt", "a.txt", "b.txt"], zipfile.ZIP_STORED)
    found = list(read_members(bytes(data), largest=10_000))
    assert len({each.path for each in found}) == 4 and all(each.document for each in found)

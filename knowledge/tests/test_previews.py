"""A preview reads and cuts a file where it may take neither our time nor our memory, and says the same as ingestion."""

from __future__ import annotations

import io
import zipfile

import pytest

from knowledge.formats import previews
from knowledge.formats.encodings import find_codec
from knowledge.formats.isolated import measuring
from knowledge.formats.isolated.measuring import check_isolated, measure, measure_isolated
from knowledge.formats.pages.webpage import decode_html
from knowledge.formats.parsing import ParseError, parse
from knowledge.formats.previews import preview_file
from knowledge.indexing.chunking import chunk_document
from knowledge.tests.conftest import make_upload, run

LONG = "The pump runs at night. It is serviced in May.\n\n" * 3000


def pack(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


@pytest.fixture
def nothing_here(monkeypatch):
    """Fails the test where this process reads or cuts anything itself."""

    def refuse(*args, **options):
        raise AssertionError("read in our own process")

    monkeypatch.setattr(measuring, "parse", refuse)
    monkeypatch.setattr(measuring, "chunk_document", refuse)


@pytest.mark.parametrize("kind", ["txt", "csv", "md", "program", "subtitles", "html"])
def test_a_large_file_is_read_and_cut_in_the_child(nothing_here, kind):
    data = (LONG if kind != "subtitles" else f"00:00:01.000 --> 00:00:02.000\n{LONG}").encode()
    assert preview_file(data, kind=kind, name="a").chunks > 0
    check_isolated(data, kind=kind, name="a")


def test_so_are_the_files_of_an_archive(nothing_here):
    found = preview_file(pack({"a.txt": LONG, "b.exe": "x"}), kind="zip", name="all.zip")
    assert found.can_be_ingested and found.warnings == (
        "b.exe: Files of this kind cannot be read.",
    )


def test_the_child_says_what_we_would():
    data = LONG.encode()
    assert measure_isolated(data, kind="txt", name="a") == measure(data, kind="txt", name="a")
    with pytest.raises(ParseError) as caught:
        check_isolated(b"a\0b" + data, kind="txt", name="a")
    assert caught.value.code == "nul_bytes"


def test_the_files_of_an_archive_share_one_limit_of_time(monkeypatch):
    now = [0.0]

    def take_half_a_minute(data, **options):
        now[0] += 30
        return measure(data, kind="txt", name="a")

    monkeypatch.setattr(previews.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(previews, "measure_isolated", take_half_a_minute)
    found = preview_file(pack({f"{n}.txt": LONG for n in range(9)}), kind="zip", name="all.zip")
    assert found.warnings == ("Only the first 2 of 9 files were looked at.",)


def test_a_preview_counts_the_chunks_that_ingestion_makes(bot):
    data = LONG.encode() + b"Other words."
    shown = preview_file(data, kind="txt", name="file.txt")
    assert run(make_upload(bot, data, "txt")).chunk_count == shown.chunks


def test_lines_beyond_number_are_refused_and_what_no_vocabulary_knows_fills_chunks_all_the_same():
    with pytest.raises(ParseError) as caught:
        parse(b"A\n" * 1_100_000, kind="txt", name="a")
    assert caught.value.code == "too_large"
    for text in ("x" * 100_000, "\ufffd " * 50_000, "\u2420 " * 50_000):
        drafts = chunk_document(
            parse(text.encode(), kind="txt", name="a"),
            count_tokens=lambda texts: [len(each) < 50 for each in texts],
        )
        assert max(len(draft.content) for draft in drafts) <= 200 * 32


def test_only_encodings_of_text_are_taken_from_strangers():
    assert [find_codec(name) for name in ("Latin-1", "utf8", "Shift_JIS", "windows-1251")] == [
        "iso8859-1", "utf-8", "shift_jis", "cp1251",
    ]  # fmt: skip
    for name in ("punycode", "idna", "unicode_escape", "zlib", "rot13", "", "\0", "x" * 1000):
        assert find_codec(name) is None
    assert decode_html(b'<meta charset="punycode">caf\xc3\xa9')[0].endswith("café")


def test_halves_of_pairs_in_utf8_are_left_out_and_the_rest_is_utf8():
    found = parse(b"Open \xed\xa0\xbd\xed\xb8\x80 from nine.", kind="txt", name="a")
    assert found.sections[0].text == "Open  from nine." and "6 bytes" in found.notes[0]


def test_an_archive_of_more_entries_than_are_allowed_is_told_by_its_directory_alone():
    with pytest.raises(ParseError) as caught:
        check_isolated(pack({f"{n}/": "" for n in range(10_001)}), kind="zip", name="a.zip")
    assert caught.value.code == "too_large"


def test_a_long_document_that_was_read_is_cut_in_the_child_and_counted_as_here(monkeypatch):
    long = parse(LONG.encode(), kind="txt", name="a")
    here, drafts = measuring.count_chunks(long), chunk_document(long)
    monkeypatch.setattr(measuring, "chunk_document", None)
    assert measuring.cut_isolated(long) == drafts
    assert measuring.count_chunks_isolated(long) == here

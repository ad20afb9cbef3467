"""Files of every kind, whole and hurt, become sections or a reason that a person understands."""

from __future__ import annotations

import csv
import ctypes
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.formats.isolated import asking
from knowledge.formats.isolated.nursery import Nursery
from knowledge.formats.parsing import ParseError, parse, parse_isolated
from knowledge.formats.registry import FORMATS, format_of_answer
from knowledge.formats.sections import Section
from knowledge.tests.files import make_docx, make_pdf, mark_encrypted, replace_part, save_docx

ROOT = Path(__file__).resolve().parents[2]

WORD_NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def parse_text(text: str, kind: str = "md", name: str = "file"):
    return parse(text.encode(), kind=kind, name=name)


def all_text(document) -> str:
    return "\n".join(
        " ".join(section.heading) + "\n" + section.text for section in document.sections
    )


def refusal(data: bytes, kind: str) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(data, kind=kind, name=f"file.{kind}")
    assert caught.value.reason.endswith(".")
    return caught.value


class TestKinds:
    @pytest.mark.parametrize(
        ("filename", "content_type", "kind"),
        [
            ("a.PDF", None, "pdf"),
            ("notes.markdown", "text/plain", "md"),
            ("page", "text/html; charset=utf-8", "html"),
            ("report.pdf", "application/octet-stream", "pdf"),
            ("index.php", "text/html", "html"),
            ("data.csv", "text/csv", "csv"),
            ("readme", "text/plain", "txt"),
            ("a.exe", "application/x-msdownload", None),
            ("noextension", None, None),
            ("", "", None),
        ],
    )
    def test_the_kind_comes_from_the_content_type_or_the_extension(
        self, filename, content_type, kind
    ):
        found = format_of_answer(filename, content_type)
        assert (found.kind if found else None) == kind

    def test_an_unknown_kind_is_refused(self):
        assert refusal(b"MZ", "exe").code == "unsupported"

    @pytest.mark.parametrize("kind", ["txt", "md", "csv", "html"])
    @pytest.mark.parametrize("data", [b"", b" \n\t\r\n ", b"\xef\xbb\xbf"])
    def test_an_empty_file_has_no_sections(self, kind, data):
        assert parse(data, kind=kind, name="empty").sections == ()

    def test_an_empty_docx_has_no_sections(self):
        assert parse(make_docx(), kind="docx", name="empty.docx").sections == ()


class TestPlainText:
    def test_paragraphs_stay_apart_and_line_ends_are_unified(self):
        document = parse(b"One\r\nline\r\n\r\n\r\n\r\nTwo\rthree", kind="txt", name="notes.txt")
        assert document.sections == (Section((), "One\nline\n\nTwo\nthree"),)
        assert document.title == "notes"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
    def test_unicode_encodings_with_their_marks_are_read(self, encoding):
        document = parse("Größe: 保修".encode(encoding), kind="txt", name="a.txt")
        assert document.sections[0].text == "Größe: 保修"

    def test_broken_utf_16_is_refused(self):
        assert refusal(b"\xff\xfea", "txt").code == "encoding"

    @pytest.mark.parametrize("kind", ["txt", "md", "csv"])
    def test_nul_bytes_are_refused(self, kind):
        for data in (b"abc\0def", b"# a\0b\nword", b"a\0b "):
            assert refusal(data, kind).code == "nul_bytes"

    def test_control_characters_become_spaces(self):
        assert parse_text("a\x01b\x1bc", "txt").sections[0].text == "a b c"

    def test_the_language_is_recognised(self):
        assert parse_text("Die Garantie beträgt zwei Jahre ab dem Kauf.", "txt").language == "de"


class TestMarkdown:
    def test_headings_make_paths(self):
        document = parse_text("intro\n# A\none\n## B\ntwo\n### C ###\nthree\n## D\nfour\n# E\nfive")
        assert [(section.heading, section.text) for section in document.sections] == [
            ((), "intro"),
            (("A",), "one"),
            (("A", "B"), "two"),
            (("A", "B", "C"), "three"),
            (("A", "D"), "four"),
            (("E",), "five"),
        ]

    def test_underlined_headings_count_and_rules_do_not(self):
        document = parse_text("Title\n=====\ntext\n\nSub\n---\nmore\n\n---\n\nend")
        assert [section.heading for section in document.sections] == [("Title",), ("Title", "Sub")]
        assert document.sections[1].text == "more\n\nend"
        assert document.title == "Title"

    def test_front_matter_becomes_metadata_and_title(self):
        text = "---\ntitle: The Handbook\nauthor: Ada\ntags: [a, b]\ndate: 2026-01-02\nnested: {a: 1}\n---\nBody"
        document = parse_text(text)
        assert document.title == "The Handbook"
        assert document.metadata == {
            "title": "The Handbook",
            "author": "Ada",
            "tags": ["a", "b"],
            "date": "2026-01-02",
        }
        assert document.sections[0].text == "Body"
        json.dumps(document.metadata)

    @pytest.mark.parametrize(
        "matter",
        ["a: [", "!!python/object:os.system x", "- just\n- a list", "[" * 5000, "d: 2026-99-99"],
    )
    def test_what_is_no_front_matter_stays_text_or_is_read_safely(self, matter):
        document = parse_text(f"---\n{matter}\n---\nBody")
        assert "Body" in all_text(document)
        assert document.title == "file"

    def test_fenced_code_is_kept_whole_and_unread(self):
        document = parse_text("# A\n```python\n# no heading\n\n| no | table |\n```\nafter")
        assert document.sections[0] == Section(
            ("A",), "# no heading\n\n| no | table |", None, "code"
        )
        assert document.sections[1].text == "after"

    def test_an_unclosed_fence_runs_to_the_end(self):
        assert parse_text("~~~\n# code").sections == (Section((), "# code", None, "code"),)

    def test_tables_keep_header_and_rows(self):
        document = parse_text(
            "| Model | Price |\n|---|--:|\n| AX-200 | **10** |\n| B \\| C | 20 |\n\nText"
        )
        assert document.sections[0] == Section(
            (), "Model | Price\nAX-200 | 10\nB | C | 20", None, "table"
        )

    def test_marks_go_and_words_stay(self):
        marked = "**Bold** and *it* ~~old~~ `x = *p` [it](https://a.b) ![lid](l.png) \\*star\\* <br><tenant> a_b 2*3*4"
        plain = "Bold and it x = *p it (https://a.b) lid *star* <tenant> a_b 2*3*4"
        assert " ".join(parse_text(marked).sections[0].text.split()) == plain

    def test_comments_are_not_text(self):
        assert parse_text("a <!-- secret\nplan --> b").sections[0].text.split() == ["a", "b"]

    @given(st.lists(st.text(alphabet="ab#*_`[()|-~>!1. ", max_size=20), max_size=12).map("\n".join))
    @settings(deadline=None, max_examples=300)
    def test_no_letter_is_lost_whatever_the_marks(self, text):
        # Letters behind a fence name a language and are not shown; fences have their own tests.
        # What is struck out is left out.
        text = text.replace("```", "").replace("~~", "")
        # Cells beyond the columns of a table are shown nowhere.
        if re.search(r"^[ >|-]*-[ |-]*$", text, re.MULTILINE):
            text = text.replace("|", "")
        shown = all_text(parse_text(text))
        assert sorted(set(re.findall("[ab]", shown))) == sorted(set(re.findall("[ab]", text)))
        assert len(re.findall("[ab]", shown)) >= len(re.findall("[ab]", text))

    @pytest.mark.parametrize(
        "unit", ["[", "*a ", "`", "|", "<a ", "> ", "![", "_a_", "# ", "[a](", "\\", "<!--", "- "]
    )
    def test_hostile_repetition_takes_no_more_than_a_moment(self, unit):
        started = time.process_time()
        parse_text(unit * (60_000 // len(unit)))
        assert time.process_time() - started < 60  # quadratic would take minutes


class TestCsv:
    def test_rows_become_records_of_header_and_value(self):
        document = parse_text("Model,Price\nAX-200,10\nB,20\n", "csv", "prices.csv")
        assert document.sections == (
            Section((), "Model: AX-200\nPrice: 10\n\nModel: B\nPrice: 20", None, "table"),
        )
        assert document.metadata == {"rows": 2, "columns": ["Model", "Price"]}
        assert document.title == "prices"

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_the_delimiter_is_found(self, delimiter):
        text = f'Name{delimiter}Note\nPump{delimiter}"3,5 bar; |max|\tnow"\nLid{delimiter}"a, b"'
        assert (
            parse_text(text, "csv")
            .sections[0]
            .text.startswith("Name: Pump\nNote: 3,5 bar; |max|\tnow")
        )

    def test_quoted_line_breaks_quotes_and_a_byte_order_mark_are_understood(self):
        document = parse(
            '\ufeffQ,A\r\n"Why?\r\nReally?","He said ""no""."\r\n'.encode(),
            kind="csv",
            name="f.csv",
        )
        assert document.sections[0].text == 'Q: Why?\nReally?\nA: He said "no".'

    def test_ragged_and_empty_rows_lose_nothing(self):
        document = parse_text("A,B\n1\n\n,\n1,2,3\n", "csv")
        assert document.sections[0].text == "A: 1\n\nA: 1\nB: 2\nColumn 3: 3"

    def test_a_single_row_is_data(self):
        assert "Column 1: x" in parse_text("x,y", "csv").sections[0].text
        assert parse_text("just a sentence", "csv").sections[0].text == "just a sentence"

    def test_a_cell_may_hold_an_article(self):
        assert (
            len(parse_text('A,B\n1,"' + "word " * 60_000 + '"', "csv").sections[0].text) > 290_000
        )

    @given(
        st.lists(
            st.lists(st.text(alphabet="ab1 ;\"'\n|", max_size=8), min_size=2, max_size=4),
            min_size=2,
            max_size=5,
        )
    )
    @settings(deadline=None)
    def test_every_cell_of_every_row_is_found(self, rows):
        buffer = io.StringIO()
        csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(rows)
        document = parse_text(buffer.getvalue(), "csv")
        shown = " ".join([all_text(document), *document.metadata.get("columns", [])])
        body = [row for row in rows if any(cell.strip() for cell in row)][1:]
        for cell in (cell for row in body for cell in row):
            assert all(word in shown for word in cell.split())


class TestHtml:
    PAGE = """<!doctype html><html lang=en><head><title>Pumps - Acme</title>
      <meta name="description" content="All pumps"><style>p{color:red}</style></head>
      <body><header>Acme shop</header><nav><a href=/>Home</a></nav>
      <main><h1>Pum<b>ps</b><a href="#x">#</a></h1><p>First <i>para</i>graph.<br>New line</p>
      <script>alert("evil")</script><noscript>Enable JavaScript</noscript><div hidden>ghost</div>
      <h2>Parts</h2><ul><li>Lid</li><li><p>Hose</p><ol><li>short</li><li>long</li></ol></li></ul>
      <table><caption>Prices</caption><thead><tr><th>Model<th>Price</thead><tr><td>AX<br>200<td><p>10</p>EUR</table>
      <pre><code>run()
    now</code></pre><nav>On this page</nav></main><footer>Imprint</footer></body></html>"""

    def test_a_page_is_read_as_a_person_reads_it(self):
        document = parse_text(self.PAGE, "html", "page.html")
        assert document.title == "Pumps - Acme"
        assert document.metadata["description"] == "All pumps"
        assert document.sections == (
            Section(("Pumps",), "First paragraph.\nNew line"),
            Section(("Pumps", "Parts"), "- Lid\n- Hose\n  1. short\n  2. long\n\nPrices"),
            Section(("Pumps", "Parts"), "Model | Price\nAX 200 | 10 EUR", None, "table"),
            Section(("Pumps", "Parts"), "run()\n    now", None, "code"),
        )

    def test_without_a_main_part_all_but_the_menus_is_read(self):
        document = parse_text("<nav>Menu</nav><p>Text</p><footer>Open 9 to 5</footer>", "html")
        assert [word in all_text(document) for word in ("Menu", "Text", "9 to 5")] == [
            False,
            True,
            True,
        ]
        assert "Menu" in all_text(parse_text("<nav>Menu</nav>", "html"))

    def test_an_empty_main_part_falls_back_to_the_page(self):
        assert "Text" in all_text(parse_text("<main><div id=app></div></main><p>Text</p>", "html"))

    def test_tables_that_only_lay_out_the_page_are_no_tables(self):
        document = parse_text(
            "<table><tr><td><h2>A</h2><p>x</p><table><tr><td>b<td>c</table></table>", "html"
        )
        assert document.sections == (Section(("A",), "x"), Section(("A",), "b | c", None, "table"))

    @pytest.mark.parametrize(
        ("data", "encoding"),
        [
            ("<meta charset=iso-8859-1><p>Größe".encode("latin-1"), "iso-8859-1"),
            ("<p>Größe".encode(), "utf-8"),
            ("<p>Größe".encode("cp1252"), "windows-1252"),
            ("<meta charset=us-ascii><p>Größe".encode(), "utf-8"),
            ("<meta charset=shift_jis><p>保証".encode("shift_jis"), "shift_jis"),
            ("<p>Größe".encode("utf-16"), "utf-16"),
        ],
    )
    def test_declared_and_standard_encodings_are_read(self, data, encoding):
        document = parse(data, kind="html", name="p.html")
        assert document.metadata["encoding"] == encoding
        assert document.sections[0].text in ("Größe", "保証")

    def test_nul_bytes_are_dropped_as_the_standard_says(self):
        assert parse(b"<p>a\0b", kind="html", name="p").sections[0].text == "ab"

    def test_very_deep_nesting_is_no_recursion(self):
        assert "deep" in all_text(parse(b"<div>" * 5000 + b"deep", kind="html", name="p"))

    @given(st.text(alphabet="ab<>/!-=\"' pdivlu&;#1", max_size=120))
    @settings(deadline=None, max_examples=200)
    def test_any_markup_is_read(self, text):
        assert isinstance(parse_text(text, "html").sections, tuple)


class TestPdf:
    def test_pages_are_numbered_and_the_title_is_read(self):
        data = make_pdf(
            [["The pump needs oil.", "Check it weekly."], ["The lid is blue."]], title="Pump manual"
        )
        document = parse(data, kind="pdf", name="x.pdf")
        assert document.title == "Pump manual"
        assert document.metadata["pages"] == 2
        assert [section.page for section in document.sections] == [1, 2]
        assert "The pump needs oil." in document.sections[0].text
        assert document.sections[1].text == "The lid is blue."

    def test_printed_lines_are_joined_and_broken_words_mended(self):
        first = "This line is as long as the lines of this page are, it goes on and the bat-"
        second = "tery of the AX-"
        third = "200 is full of energy and it will stay so for a very long time, or so we hope."
        document = parse(make_pdf([[first, second, third]]), kind="pdf", name="x.pdf")
        assert "the AX-200 is full" in document.sections[0].text
        assert "the battery of the" in document.sections[0].text

    def test_the_outline_gives_headings(self):
        pages = [["Safety", "Keep dry."], ["Cleaning", "Use water.", "Storage", "Keep cool."]]
        data = make_pdf(pages, outline=[("Safety", 0), ("Cleaning", 1), ("Storage", 1)])
        document = parse(data, kind="pdf", name="x.pdf")
        assert [(s.heading, s.page, s.text) for s in document.sections] == [
            (("Safety",), 1, "Keep dry."),
            (("Cleaning",), 2, "Use water."),
            (("Storage",), 2, "Keep cool."),
        ]

    def test_running_heads_and_feet_are_left_out(self):
        pages = [["Acme Handbook", f"Fact number {word} is here.", f"Page {i}"] for i, word in
                 enumerate(["one", "two", "three", "four", "five"], 1)]  # fmt: skip
        text = all_text(parse(make_pdf(pages), kind="pdf", name="x.pdf"))
        assert "Acme Handbook" not in text
        assert "Page 3" not in text
        assert "Fact number three is here." in text

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"", "broken"),
            (b"%PDF-1.7 nonsense", "broken"),
            (b"\0" * 5000, "broken"),
            (make_pdf([["secret"]], encrypted=True), "encrypted"),
            (make_pdf([[], []]), "no_text"),
        ],
    )
    def test_a_pdf_that_cannot_be_read_has_a_reason(self, data, code):
        assert refusal(data, "pdf").code == code

    def test_a_truncated_pdf_is_read_or_refused_but_never_crashes(self):
        whole = make_pdf([["Hello pump"]] * 5)
        for length in range(0, len(whole), 97):
            try:
                parse(whole[:length], kind="pdf", name="x.pdf")
            except ParseError as error:
                assert error.code in ("broken", "no_text")

    def test_too_many_pages_are_refused(self, monkeypatch):
        monkeypatch.setattr("knowledge.formats.pdf.reading.MAX_PAGES", 3)
        assert refusal(make_pdf([["x"]] * 4), "pdf").code == "too_many_pages"


class TestDocx:
    def test_headings_paragraphs_lists_and_tables_keep_their_order(self):
        document = docx.Document()
        document.core_properties.title = "Manual"
        document.add_paragraph("Before")
        document.add_heading("Safety", 1)
        document.add_paragraph("Keep dry.")
        table = document.add_table(2, 2)
        for cell, text in zip(
            (c for row in table.rows for c in row.cells),
            ("Model", "Price", "AX", "10"),
            strict=True,
        ):
            cell.text = text
        document.add_paragraph("First", style="List Bullet")
        document.add_paragraph("Second", style="List Bullet")
        document.add_heading("Details", 2)
        document.add_paragraph("After\tthe tab")
        parsed = parse(save_docx(document), kind="docx", name="x.docx")
        assert parsed.title == "Manual"
        assert parsed.sections == (
            Section((), "Before"),
            Section(("Safety",), "Keep dry."),
            Section(("Safety",), "Model | Price\nAX | 10", None, "table"),
            Section(("Safety",), "- First\n- Second"),
            Section(("Safety", "Details"), "After\tthe tab"),
        )

    def test_text_in_content_controls_and_insertions_is_read_and_deletions_are_not(self):
        document = docx.Document()
        body = document.element.body
        body.insert(0, parse_xml(
            f"<w:sdt {WORD_NAMESPACE}><w:sdtContent><w:p><w:r><w:t>controlled</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        ))  # fmt: skip
        body.insert(1, parse_xml(
            f'<w:p {WORD_NAMESPACE}><w:ins w:id="1" w:author="a"><w:r><w:t>inserted</w:t></w:r></w:ins>'
            f'<w:del w:id="2" w:author="a"><w:r><w:delText>deleted</w:delText></w:r></w:del></w:p>'
        ))  # fmt: skip
        text = all_text(parse(save_docx(document), kind="docx", name="x.docx"))
        assert text.split() == ["controlled", "inserted"]

    def test_nested_tables_are_read(self):
        document = docx.Document()
        outer = document.add_table(1, 2)
        outer.cell(0, 0).text = "left"
        outer.cell(0, 1).add_table(1, 1).cell(0, 0).text = "inner"
        assert {"left", "inner"} <= set(
            all_text(parse(save_docx(document), kind="docx", name="x")).split()
        )

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"", "broken"),
            (b"PK\x03\x04 nonsense", "broken"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "encrypted"),
            (mark_encrypted(make_docx("secret")), "encrypted"),
            (make_docx("text")[:-200], "broken"),
            (replace_part(make_docx("text"), "word/document.xml", b"<not xml"), "broken"),
            (replace_part(make_docx("text"), "[Content_Types].xml", b""), "broken"),
        ],
    )
    def test_a_docx_that_cannot_be_read_has_a_reason(self, data, code):
        assert refusal(data, "docx").code == code

    def test_another_zip_file_is_no_docx(self, tmp_path):
        path = tmp_path / "x.zip"
        with zipfile.ZipFile(path, "w") as package:
            package.writestr("hello.txt", "hello")
        assert refusal(path.read_bytes(), "docx").code == "broken"

    def test_a_zip_bomb_is_refused_before_it_is_unpacked(self):
        bomb = replace_part(make_docx("x"), "word/media/bomb.bin", b"\0" * (300 * 1024 * 1024))
        assert len(bomb) < 1024 * 1024
        started = time.process_time()
        assert refusal(bomb, "docx").code == "too_large"
        assert time.process_time() - started < 60

    def test_entities_are_not_expanded(self):
        entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 9))
        xml = (
            f'<!DOCTYPE x [<!ENTITY e0 "lol">{entities}]>'
            f"<w:document {WORD_NAMESPACE}><w:body><w:p><w:r><w:t>&e8;</w:t></w:r></w:p></w:body></w:document>"
        )
        data = replace_part(make_docx("x"), "word/document.xml", xml.encode())
        try:
            assert len(all_text(parse(data, kind="docx", name="x"))) < 1000
        except ParseError as error:
            assert error.code == "broken"


def find_nursery() -> int:
    process = asking.NURSERY.process
    assert process is not None
    return process.pid


def list_readers() -> list[int]:
    if asking.NURSERY.process is None:
        return []
    told = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(find_nursery())], capture_output=True, text=True
    )
    return [int(each) for each in told.stdout.split()]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def adopting():
    """Orphans become ours, as where a container's first process is of our session: the kernel then hangs up on none."""
    set_subreaper = partial(ctypes.CDLL(None).prctl, 36)
    set_subreaper(1, 0, 0, 0)
    yield
    set_subreaper(0, 0, 0, 0)


class TestIsolation:
    def test_the_child_gives_what_the_parser_gives(self):
        for kind, data in (
            ("html", TestHtml.PAGE.encode()),
            ("pdf", make_pdf([["One."], ["Two."]], title="T")),
            ("docx", make_docx("Größe", "保修")),
            ("txt", b"plain"),
            ("csv", b"a,b\n1,2\n"),
            ("md", b"# A\n" + b"word " * 300_000),
        ):
            assert parse_isolated(data, kind=kind, name="f") == parse(data, kind=kind, name="f")

    def test_reasons_come_back_from_the_child(self):
        with pytest.raises(ParseError) as caught:
            parse_isolated(make_pdf([["secret"]], encrypted=True), kind="pdf", name="x.pdf")
        assert caught.value.code == "encrypted"
        assert "password" in caught.value.reason

    def test_a_file_that_takes_too_long_is_given_up(self):
        with pytest.raises(ParseError) as caught:
            parse_isolated(b"<div>" * 400_000, kind="html", name="x.html", timeout_seconds=1)
        assert caught.value.code == "timeout"

    def test_a_file_that_needs_too_much_memory_is_given_up(self):
        with pytest.raises(ParseError) as caught:
            parse_isolated(b"<p>word</p>" * 2_000_000, kind="html", name="x.html", memory_mb=300)
        assert caught.value.code == "too_large"

    def test_a_child_that_dies_is_a_reason(self, monkeypatch):
        asking.NURSERY.forget()
        monkeypatch.setattr("knowledge.formats.isolated.asking.sys.executable", "/bin/false")
        with pytest.raises(ParseError) as caught:
            parse_isolated(b"<p>x", kind="html", name="x.html")
        assert caught.value.code == "crashed"

    def test_a_nursery_that_was_killed_is_replaced(self):
        parse_isolated(b"<p>x", kind="html", name="x.html")
        os.kill(find_nursery(), signal.SIGKILL)
        assert parse_isolated(b"<p>word", kind="html", name="x.html").sections[0].text == "word"

    def test_a_nursery_that_is_killed_while_it_reads_costs_no_file(self):
        parse_isolated(b"<p>x", kind="html", name="x.html")
        slow = b"<p>Some words.</p>" * 50_000
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(parse_isolated, slow, kind="html", name="x.html")
            wait_until(lambda: bool(list_readers()))
            os.kill(find_nursery(), signal.SIGKILL)
            assert reading.result().sections

    def test_a_nursery_that_hangs_is_replaced(self, monkeypatch):
        parse_isolated(b"<p>x", kind="html", name="x.html")
        hanging = asking.NURSERY.process
        os.kill(hanging.pid, signal.SIGSTOP)
        monkeypatch.setattr(asking, "GREETED_WITHIN", [0.2, 120.0])
        assert parse_isolated(b"<p>word", kind="html", name="x.html").sections[0].text == "word"
        assert hanging.returncode == -signal.SIGKILL and find_nursery() != hanging.pid

    def test_a_nursery_that_hangs_ends_with_its_process(self, adopting):
        code = (
            "import os, signal; from knowledge.formats.isolated import asking; "
            "from knowledge.formats.parsing import parse_isolated; "
            "parse_isolated(b'<p>x', kind='html', name='x'); pid = asking.NURSERY.process.pid; "
            "os.kill(pid, signal.SIGSTOP); print(pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
        )
        told = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
        )
        state = Path(f"/proc/{int(told.stdout)}/status")
        wait_until(lambda: not state.exists() or "State:\tZ" in state.read_text())

    def test_a_nursery_whose_asker_ends_just_after_giving_up_kills_all_its_readers(self):
        ours, theirs = socket.socketpair()
        ours_ended, ended = socket.socketpair()
        asker, at_the_nursery = socket.socketpair()
        nursery = Nursery(theirs, ended)
        reader = subprocess.Popen(["sleep", "60"])
        nursery._askers[reader.pid] = at_the_nursery
        nursery._poll.register(at_the_nursery, 0)
        with ours_ended, ended, theirs, at_the_nursery:
            asker.close()
            nursery._kill(at_the_nursery.fileno())
            ours.close()
            nursery.run()
            assert reader.wait(10) == -signal.SIGKILL

    def test_no_reader_is_left_behind(self):
        with pytest.raises(ParseError):
            parse_isolated(b"<div>" * 400_000, kind="html", name="x.html", timeout_seconds=0.5)
        wait_until(lambda: not list_readers())

    def test_readers_know_no_secret_and_see_no_other_file(self, monkeypatch):
        monkeypatch.setenv("SECRET_KEY", "known to us alone")
        asking.NURSERY.forget()
        slow = partial(
            parse_isolated, b"<div>" * 400_000, kind="html", name="x", timeout_seconds=20
        )
        with ThreadPoolExecutor(2) as pool:
            reading = [pool.submit(slow) for _ in range(2)]
            wait_until(lambda: len(list_readers()) == 2)
            for reader in list_readers():
                wait_until(lambda: Path(f"/proc/{reader}/fd/3").exists())
                opened = [os.readlink(each) for each in Path(f"/proc/{reader}/fd").iterdir()]
                assert len({each for each in opened if each.startswith("socket")}) == 1, opened
                known = Path(f"/proc/{reader}/environ").read_bytes().split(b"\0")
                assert {each.partition(b"=")[0] for each in known} <= {
                    b"", b"PATH", b"LC_ALL", b"PYTHONDONTWRITEBYTECODE",
                }  # fmt: skip
                os.kill(reader, signal.SIGKILL)
            for each in reading:
                with pytest.raises(ParseError, match="crashed"):
                    each.result()

    def test_many_threads_may_parse_at_once(self):
        files = [make_pdf([[f"Page of file {number}"]]) for number in range(6)]
        with ThreadPoolExecutor(3) as pool:
            documents = list(
                pool.map(lambda data: parse_isolated(data, kind="pdf", name="x"), files)
            )
        assert [document.sections[0].text for document in documents] == [
            f"Page of file {number}" for number in range(6)
        ]

    def test_the_child_starts_without_django(self):
        program = (
            "import knowledge.formats.parsing_child, sys; "
            "print([m for m in sys.modules if m.split('.')[0] == 'django'])"
        )
        answer = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert answer.stdout.strip() == "[]"

    @given(st.sampled_from(sorted(FORMATS)), st.binary(max_size=300))
    @settings(deadline=None, max_examples=200)
    def test_any_bytes_are_read_or_refused(self, kind, data):
        try:
            document = parse(data, kind=kind, name="f")
        except ParseError as error:
            assert error.reason
            assert error.code
        else:
            assert all(
                section.text.strip() and "\0" not in section.text for section in document.sections
            )
            json.dumps(document.metadata)


def test_children_that_read_what_strangers_send_load_neither_django_nor_celery():
    """They have no settings, and half a second of imports would be most of their time."""
    children = ["knowledge.formats.parsing_child", "knowledge.formats.isolated.nursery"]
    children.append("knowledge.sites.pages.reading_child")
    asked = "print({name.partition('.')[0] for name in sys.modules} & {'django', 'celery'})"
    for child in children:
        loaded = subprocess.run(
            [sys.executable, "-c", f"import sys, {child}; {asked}"],
            env={"PATH": os.defpath}, cwd=ROOT, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert loaded.stdout.strip() == "set()", (child, loaded.stdout, loaded.stderr[-500:])

"""What a reader sees of files of each further kind, word by word, and the reason why one cannot be read."""

from __future__ import annotations

import io
import json
import time
from email.message import EmailMessage

import openpyxl
import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE

from knowledge.formats.parsing import ParseError, parse, parse_isolated
from knowledge.formats.registry import FORMATS
from knowledge.indexing.chunking import chunk_document
from knowledge.tests.files import make_docx, make_pdf, mark_encrypted
from knowledge.tests.office_files import EPUB, ODT, RTF, make_package


def told(data: bytes | str, kind: str, name: str = "file"):
    """(heading path, place, text) of each section."""
    data = data if isinstance(data, bytes) else data.encode()
    sections = parse(data, kind=kind, name=name).sections
    return [(" > ".join(each.heading), each.place, each.text) for each in sections]


def metadata(data: bytes | str, kind: str):
    return parse(data if isinstance(data, bytes) else data.encode(), kind=kind, name="x").metadata


def refusal(data: bytes | str, kind: str) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(data if isinstance(data, bytes) else data.encode(), kind=kind, name="file")
    assert caught.value.reason.endswith(".")
    return caught.value


class TestStructured:
    def test_json_is_a_record_for_each_thing_with_numbers_as_they_are_written(self):
        catalogue = (
            '{"title": "Prices", "version": 1.10, "products": [{"name": "Tea", "price": 4.50, "tags": ["hot", "green"],'
            ' "maker": {"city": "Bern", "organic": true}}, {"name": "Cup", "note": null, "body": "<p>A <b>blue</b> '
            'cup</p><p>of clay</p>"}], "about": {"hours": {"monday": "9-17"}}}'
        )
        assert told(catalogue, "json") == [
            ("", "", "title: Prices\nversion: 1.10"),
            (
                "products",
                "record 1",
                "name: Tea\nprice: 4.50\ntags: hot, green\nmaker.city: Bern\nmaker.organic: true",
            ),
            ("products", "record 2", "name: Cup\nbody: A blue cup\nof clay"),
            ("about > hours", "", "monday: 9-17"),
        ]
        assert parse(catalogue.encode(), kind="json", name="a.json").title == "Prices"

    def test_a_name_that_comes_twice_and_what_no_database_takes_survive(self):
        assert told('{"a": "1", "a": "2\\ud800\\u0000x"}', "json") == [("", "", "a: 1\na: 2  x")]

    def test_a_broken_line_of_json_lines_is_named_and_the_rest_is_read(self):
        lines = '{"a": 1}\n\n{"b": {"c": [1, {"d": 2}]}}\n{broken\n'
        assert told(lines, "jsonl") == [
            ("", "line 1", "a: 1"),
            ("", "line 3", "b.c 1: 1\nb.c 2.d: 2"),
        ]
        assert metadata(lines, "jsonl") == {
            "records": 2,
            "notes": ["Not read, for they are no JSON: lines 4."],
        }

    def test_yaml_means_what_it_says(self):
        text = (
            "country: no\nversion: 1.10\nempty: ~\nbase: &base {colour: red, size: 3}\n"
            "pump: {<<: *base, size: 4}\nitems:\n- name: Tea\n  kind: !Ref Hot\n- name: Cup\n"
        )
        assert told(text, "yaml") == [
            ("", "", "country: no\nversion: 1.10"),
            ("base", "", "colour: red\nsize: 3"),
            ("pump", "", "colour: red\nsize: 4"),
            ("items", "record 1", "name: Tea\nkind: Hot"),
            ("items", "record 2", "name: Cup"),
        ]
        assert told("a: 1\n---\na: 2\n", "yaml") == [
            ("", "document 1", "a: 1"),
            ("", "document 2", "a: 2"),
        ]

    def test_xml_in_an_encoding_of_its_own_is_records_with_attributes_and_links(self):
        text = (
            '<?xml version="1.0" encoding="iso-8859-1"?><!-- no --><list xmlns="urn:x"><title>Menü</title>'
            '<dish id="1"><name>Crêpe</name><price>4.50</price></dish><dish id="2"><name>Tea</name></dish>'
            '<note>See <a href="https://acme.example/menu">the menu</a> first</note></list>'
        ).encode("iso-8859-1")
        assert told(text, "xml") == [
            ("", "", "title: Menü\nnote: See the menu (https://acme.example/menu) first"),
            ("dish", "record 1", "id: 1\nname: Crêpe\nprice: 4.50"),
            ("dish", "record 2", "id: 2\nname: Tea"),
        ]

    @pytest.mark.parametrize(
        ("kind", "data", "code"),
        [
            ("json", '{"a": ', "broken"),
            ("json", "[" * 100_000, "broken"),
            ("json", "[" * 90 + "1" + "]" * 90, "broken"),
            ("jsonl", "no\nno\n", "broken"),
            ("yaml", "a: [b", "broken"),
            ("yaml", "[" * 500, "broken"),
            ("yaml", "&a [*a, x]", "broken"),
            ("xml", "<a><b></a>", "broken"),
            ("xml", "<a>" * 500 + "</a>" * 500, "broken"),
            ("xml", '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "unsupported"),
            ("xml", '<!DOCTYPE x SYSTEM "file:///etc/passwd" [<!ENTITY % a SYSTEM "b">]><x/>', "unsupported"),
        ],
    )  # fmt: skip
    def test_what_is_broken_or_absurd_has_a_reason(self, kind, data, code):
        assert refusal(data, kind).code == code

    def test_aliases_of_aliases_end_at_a_bound(self):
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
        assert refusal("\n".join(lines), "yaml").code == "too_large"


class TestOffice:
    def test_excel_rows_are_records_with_their_sheet_and_row(self):
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "Prices"
        for row in (["Price list"], [], ["Item", "Price", "VAT"], ["Tea", 4.5, 0.19], ["Cup", 12]):
            sheet.append(row)
        sheet["B4"].number_format, sheet["C4"].number_format = '#,##0.00 "€"', "0%"
        sheet["A5"].hyperlink = "https://acme.example/cup"
        book.create_sheet("Secret").sheet_state = "hidden"
        book["Secret"]["A1"] = "nobody sees this"
        book.properties.title, book.properties.creator = "Shop", "Ann"
        data = save(book)
        assert told(data, "xlsx") == [
            ("Prices", "sheet Prices, row 1", "Price list"),
            ("Prices", "sheet Prices, row 4", "Item: Tea\nPrice: 4.50 €\nVAT: 19%"),
            ("Prices", "sheet Prices, row 5", "Item: Cup (https://acme.example/cup)\nPrice: 12"),
        ]
        found = metadata(data, "xlsx")
        assert (found["title"], found["author"], found["sheets"]) == ("Shop", "Ann", ["Prices"])
        assert found["notes"] == ["Hidden sheets are not read: Secret."]

    def test_powerpoint_slides_keep_titles_lists_tables_charts_and_notes(self):
        deck = pptx.Presentation()
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = "Pump care"
        frame = slide.placeholders[1].text_frame
        frame.text = "Check the oil"
        second = frame.add_paragraph()
        second.text, second.level = "every week", 1
        run = frame.add_paragraph().add_run()
        run.text, run.hyperlink.address = "manual", "https://acme.example/manual"
        slide.notes_slide.notes_text_frame.text = "Say it twice"
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = "Figures"
        table = slide.shapes.add_table(2, 2, 0, 0, 100, 100).table
        for at, word in enumerate(("Year", "Pumps", "2026", "12")):
            table.cell(at // 2, at % 2).text = word
        data = CategoryChartData()
        data.categories = ["East", "West"]
        data.add_series("Q1", (1.5, 2))
        slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 100, 100, data)
        deck.slides.add_slide(deck.slide_layouts[6])._element.set("show", "0")
        assert told(save(deck), "pptx") == [
            (
                "Pump care",
                "slide 1",
                "- Check the oil\n  - every week\n- manual (https://acme.example/manual)\n\nNotes: Say it twice",
            ),
            ("Figures", "slide 2", "Year | Pumps\n2026 | 12"),
            ("Figures", "slide 2", " | Q1\nEast | 1.5\nWest | 2"),
        ]
        assert metadata(save(deck), "pptx")["notes"] == ["Hidden slides are not read: 3."]

    def test_open_document_keeps_headings_numbers_notes_and_links_and_not_what_was_deleted(self):
        assert told(ODT, "odt") == [
            (
                "Pump",
                "",
                "Open  from here (https://acme.example/). [Not on Sunday]\n\n1. first\n  - inner\n2. second",
            ),
            ("Pump", "", "Item | Price\nTea | 4"),
        ]
        assert metadata(ODT, "odt") == {"title": "Care", "author": "Ann", "date": "2026-03-01"}

    def test_rich_text_keeps_words_tables_and_links(self):
        assert told(RTF, "rtf") == [
            ("", "", "Hello wörld.\n\nSecond € line"),
            ("", "", "Item | Price\nTea | 4"),
            ("", "", "See the manual (https://acme.example/m)"),
        ]
        assert metadata(RTF, "rtf") == {"title": "Prüfung", "author": "Ann", "date": "2026-03-01"}

    def test_rich_text_shows_what_its_readers_see(self):
        parts = (
            rb"{\listtext\pard\plain 1.\tab}Close\par {\pntext\f0 2.\tab}{\*\pn\pnlvlbody}Drain\par "
            rb"Warranty {\b\deleted one}{\revised two} years{\super\chftn{\footnote\pard From \{today\}.\par}}.\par "
            rb"{\v hidden}{\v0 shown}\par {\shp{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt\pard Call 112\par}}}End\par",
        )
        text = told(rb"{\rtf1\ansi " + b"".join(parts) + b"}", "rtf")[0][2]
        assert text.split("\n\n") == [
            "1.\tClose", "2.\tDrain", "Warranty two years [From {today}. ].", "shown", "Call 112", "End",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("source", "seen"),
        [
            (rb"Seen \v hidden \'e4\u228?\v0 shown", "Seen shown"),
            (rb"Seen {\v hidden {\b and bold}\v0 shown} after", "Seen shown after"),
            (rb"Seen {\b\deleted gone\plain\i new}", "Seen new"),
            (rb"Seen \{\vertalc \}", "Seen {}"),
            (rb"A smile \u-10179?\u-8704? and half \u-10179? of one", "A smile \N{GRINNING FACE} and half of one"),
        ],
    )  # fmt: skip
    def test_rich_text_is_read_until_it_is_hidden_and_from_where_it_is_not(self, source, seen):
        assert told(rb"{\rtf1\ansi " + source + rb"\par}", "rtf")[0][2].split() == seen.split()

    def test_rich_text_whose_groups_never_end_takes_no_time(self):
        begun = time.process_time()
        for part in (rb"{\shp{\shptxt x", rb"{\footnote a", rb"{\b\i\v0"):
            parse(rb"{\rtf1" + part * 20_000, kind="rtf", name="x")
        assert time.process_time() - begun < 10

    def test_a_table_below_an_empty_row_has_a_header_of_its_own(self):
        book = openpyxl.Workbook()
        rows: list[list[object]] = [
            ["Name", "Age"], ["Ann", 30], ["Ben", 41], [], ["Cem", 52], [],
            ["Towns"], ["City", "Zip"], ["Ulm", "89073"], [], ["Köln", 50667], [], ["Dora", "none"],
        ]  # fmt: skip
        for row in rows:
            book.active.append(row)
        said = [text for _, _, text in told(save(book), "xlsx")]
        assert said == [
            "Name: Ann\nAge: 30", "Name: Ben\nAge: 41", "Name: Cem\nAge: 52", "Towns", "City: Ulm\nZip: 89073",
            "City: Köln\nZip: 50667", "City: Dora\nZip: none",
        ]  # fmt: skip

    @pytest.mark.parametrize("price", ["on request", "–", "n/a"])
    def test_what_stands_for_a_number_begins_no_table(self, price):
        book = openpyxl.Workbook()
        for row in (
            ["Part", "Price"],
            ["Nozzle", 3],
            ["Hose", 4],
            [],
            ["Pump", price],
            ["Valve", 5],
        ):
            book.active.append(row)
        said = [text for _, _, text in told(save(book), "xlsx")]
        assert said[2:] == [f"Part: Pump\nPrice: {price}", "Part: Valve\nPrice: 5"]

    def test_words_in_the_first_column_alone_begin_no_table(self):
        book = openpyxl.Workbook()
        for row in (
            ["Name", "Town"],
            ["Ann", "Ulm"],
            [],
            ["Ben", "Bonn"],
            ["Cem", "Ulm 2"],
            [],
            ["Eva", "Köln"],
        ):
            book.active.append(row)
        assert [text for _, _, text in told(save(book), "xlsx")] == [
            "Name: Ann\nTown: Ulm", "Name: Ben\nTown: Bonn", "Name: Cem\nTown: Ulm 2", "Name: Eva\nTown: Köln",
        ]  # fmt: skip

    def test_cells_that_are_joined_downwards_say_the_same_in_each_row_of_a_slide(self):
        deck = pptx.Presentation()
        slide = deck.slides.add_slide(deck.slide_layouts[6])
        table = slide.shapes.add_table(3, 2, 0, 0, 100, 100).table
        for row, cells in enumerate((("Part", "Shelf"), ("Nozzle", "A7"), ("Pipe", ""))):
            for column, text in enumerate(cells):
                table.cell(row, column).text = text
        table.cell(1, 1).merge(table.cell(2, 1))
        assert told(save(deck), "pptx")[0][2] == "Part | Shelf\nNozzle | A7\nPipe | A7"

    def test_what_is_said_after_a_long_pause_is_cited_at_its_own_time(self):
        spoken = (("00:00:01", "Hello."), ("00:00:04", "On."), ("00:01:10", "Bye."))
        cues = "\n\n".join(f"{start},000 --> 00:02:00,000\n{words}" for start, words in spoken)
        assert told(cues, "subtitles") == [("", "00:00:01", "Hello. On."), ("", "00:01:10", "Bye.")]

    def test_a_book_is_its_chapters_in_reading_order(self):
        assert told(EPUB, "epub") == [
            ("One", "chapter 1", "First words."),
            ("Two", "chapter 2", "Second words."),
        ]
        assert metadata(EPUB, "epub") == {"title": "Book", "author": "Ann", "date": "2026-01-02"}

    def test_packages_that_lie_or_are_locked_have_a_reason(self):
        book = save(openpyxl.Workbook())
        for kind, data, code in (
            ("xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "encrypted"),
            ("pptx", mark_encrypted(book), "encrypted"),
            ("odt", b"no zip", "broken"),
            ("odt", make_package({"content.xml": '<!DOCTYPE a [<!ENTITY b "x">]><a>&b;</a>'}), "broken"),
            ("odt", make_package({"content.xml": "<a/>"}), "unsupported"),
            ("xlsx", book[: len(book) // 2], "broken"),
            ("epub", make_package({"META-INF/container.xml": "<a/>"}), "broken"),
            ("rtf", "no rtf", "broken"),
            ("eml", b"\x00\x01", "broken"),
            ("srt", "words", "unsupported"),
        ):  # fmt: skip
            assert refusal(data, kind).code == code, (kind, data[:20])

    def test_a_part_that_unpacks_to_more_than_is_allowed_is_refused(self, monkeypatch):
        monkeypatch.setattr("knowledge.formats.office.packages.LARGEST_PART", 1000)
        assert refusal(make_package({"content.xml": "x" * 1001}), "odt").code == "too_large"


def save(document) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


class TestTexts:
    def test_subtitles_are_sentences_with_the_time_at_which_they_begin(self):
        talk = " ".join(["word"] * 50)
        text = (
            "1\n00:00:01,000 --> 00:00:02,500\nHello <i>there</i>\nfriends.\n\n2\n00:00:03,000 --> 00:00:05,000\n"
            f"{talk} end.\n\n3\n01:02:03,000 --> 01:02:05,000\nBye\n"
        )
        assert told(text, "subtitles") == [
            ("", "00:00:01", f"Hello there friends. {talk} end."),
            ("", "01:02:03", "Bye"),
        ]
        speakers = (
            "WEBVTT - Pump talk\n\nNOTE not\nshown\n\n00:01.000 --> 00:02.000 align:start\n<v Ann>Hi &amp; welcome\n\n"
            "00:02.000 --> 00:03.000\n<v Ben>Thanks"
        )
        assert told(speakers, "subtitles") == [("", "00:00:01", "Ann: Hi & welcome Ben: Thanks")]
        assert refusal("words", "subtitles").code == "broken"

    def test_code_is_kept_in_its_form_under_the_names_of_what_it_defines(self):
        text = 'import os\n\n\ndef start(pump):\n    """On."""\n\n    pump.on()\n\n\nclass Pump:\n    pass\n'
        assert told(text, "program") == [
            ("", "line 1", "import os"),
            ("start", "line 4", 'def start(pump):\n    """On."""\n\n    pump.on()'),
            ("Pump", "line 10", "class Pump:\n    pass"),
        ]
        names = {
            "func (p *Pump) Start(a int) error {": "Start",
            "int main(void) {": "main",
            "export const go = async (x) => {": "go",
            "CREATE TABLE IF NOT EXISTS prices (": "prices",
            "pub fn stop() {}": "stop",
            "public class Shop extends Base {": "Shop",
            "x = 1": "",
        }
        assert {line: told(line, "program")[0][0] for line in names} == names

    def test_a_notebook_is_texts_code_and_what_it_printed(self):
        cells = [
            {"cell_type": "markdown", "source": ["# Pump\n", "Some **text**"]},
            {"cell_type": "code", "source": "print(1)", "outputs": [{"text": ["1\n"]}, {"data": {"image/png": "x"}}]},
            {"cell_type": "markdown", "source": "## More\nx"},
            7,
        ]  # fmt: skip
        assert told(json.dumps({"cells": cells}), "ipynb") == [
            ("Pump", "cell 1", "Some text"),
            ("Pump", "cell 2", "print(1)"),
            ("Pump", "cell 2", "1"),
            ("Pump > More", "cell 3", "x"),
        ]
        assert refusal("[]", "ipynb").code == refusal("{", "ipynb").code == "broken"

    def test_lists_within_the_text_of_xml_keep_their_words_apart(self):
        text = "<faq><q>How?</q><a>Two <b>y</b>ears:<ul><li>one</li><li>two</li></ul></a></faq>"
        assert told(text, "xml") == [("", "", "q: How?\na: Two years: one two")]

    def test_an_email_goes_on_below_a_picture_and_what_it_passes_on_is_read_once(self):
        third = EmailMessage()
        third["Subject"] = "Third"
        third.set_content("The third text.")
        second, first = EmailMessage(), EmailMessage()
        second["Subject"], first["Subject"] = "Second", "First"
        for outer, inner in ((second, third), (first, second)):
            outer.set_content(f"Text of {outer['Subject']}.")
            outer.add_attachment(b"x", maintype="image", subtype="png", filename="a.png")
            below = EmailMessage()
            below.set_content(f"Below the picture of {outer['Subject']}.")
            outer.attach(below)
            outer.add_attachment(inner)
        texts = [text for _, _, text in told(first.as_bytes(), "eml")]
        whole = "\n".join(texts)
        assert [whole.count(words) for words in (
            "Text of First", "Below the picture of First", "Text of Second", "picture of Second", "third text",
            "Attachments: a.png",
        )] == [1, 1, 1, 1, 1, 2]  # fmt: skip

    @pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
    def test_an_email_that_names_no_encoding_is_read_by_its_bytes(self, encoding):
        mail = "From: Jürgen <j@x.org>\nSubject: Größe\n\nGrüße ans Büro".encode(encoding)
        assert told(mail, "eml") == [
            ("", "", "From: Jürgen <j@x.org>\nSubject: Größe\n\nGrüße ans Büro")
        ]
        assert told(b"\xef\xbb\xbf" + mail, "eml") == told(mail, "eml")

    @pytest.mark.parametrize(
        "head", ["Date: Mon, 32 Foo 99999 99:99", "From: <<<>>>;;@@", f"From: {'(' * 60_000}",
                 "Subject: =?utf-7?q?+2AA-?=", "Content-Type: text/plain; charset=undefined"],
    )  # fmt: skip
    def test_an_email_with_a_broken_header_keeps_its_text(self, head):
        assert "The pump runs." in told(f"{head}\nTo: a@x.org\n\nThe pump runs.", "eml")[0][2]

    def test_years_name_the_columns_of_a_sheet(self):
        book = openpyxl.Workbook()
        for row in (["Region", 2025, 2026], ["North", 12, 15]):
            book.active.append(row)
        saved = io.BytesIO()
        book.save(saved)
        assert [text for _, _, text in told(saved.getvalue(), "xlsx")] == [
            "Region: North\n2025: 12\n2026: 15"
        ]

    def test_an_email_says_who_wrote_when_and_holds_what_it_passes_on(self):
        message, inner = EmailMessage(), EmailMessage()
        message["From"], message["To"] = "Ann <ann@acme.example>", "ben@acme.example"
        message["Subject"], message["Date"] = "Prüfung der Pumpe", "Tue, 03 Mar 2026 10:00:00 +0100"
        message.set_content("Hello\n> quoted\nbye")
        message.add_alternative("<p>Hello <b>html</b></p>", subtype="html")
        message.add_attachment(b"x", maintype="application", subtype="pdf", filename="plan.pdf")
        inner["Subject"], inner["From"] = "Old one", "cleo@acme.example"
        inner.set_content("<p>Grüße</p>", subtype="html", charset="iso-8859-1")
        message.add_attachment(inner)
        assert told(message.as_bytes(), "eml") == [
            (
                "",
                "",
                "From: Ann <ann@acme.example>\nTo: ben@acme.example\nDate: Tue, 03 Mar 2026 10:00:00 +0100\n"
                "Subject: Prüfung der Pumpe\n\nHello\nquoted\nbye\n\nAttachments: plan.pdf",
            ),
            ("Old one", "", "From: cleo@acme.example\nSubject: Old one\n\nGrüße"),
        ]
        found = metadata(message.as_bytes(), "eml")
        assert (found["title"], found["date"]) == ("Prüfung der Pumpe", "2026-03-03")


class TestWhatAFileIs:
    @pytest.mark.parametrize(
        ("kind", "data", "is_a"),
        [
            ("txt", make_pdf([["The pump runs."]]), "PDF with text"),
            ("csv", make_docx("The pump runs."), "Word"),
            ("docx", EPUB, "EPUB book"),
            ("md", b" <!DOCTYPE HTML><p>The pump runs.", "Web page"),
            ("json", RTF, "Rich text"),
        ],
    )
    def test_content_that_says_otherwise_than_the_name_is_read_as_what_it_is(
        self, kind, data, is_a
    ):
        document = parse_isolated(data, kind=kind, name=f"file.{kind}")
        assert document.sections and f"read as {is_a}," in document.metadata["notes"][0]

    def test_a_picture_is_named_as_such(self):
        assert "picture" in refusal(b"\x89PNG\r\n\x1a\n" + b"x" * 50, "txt").reason

    @pytest.mark.parametrize("kind", [kind for kind, row in FORMATS.items() if row.is_text])
    def test_nothing_is_made_of_nothing(self, kind):
        assert parse(b" \n", kind=kind, name="empty").sections == ()


class TestPlaces:
    def test_each_chunk_says_where_it_begins(self):
        rows = [{"name": f"Item {n}", "text": "words " * 30} for n in range(6)]
        document = parse(json.dumps(rows).encode(), kind="json", name="a.json")
        drafts = chunk_document(document)
        assert [draft.place for draft in drafts] == ["record 1", "record 3", "record 5"]
        assert all(draft.content.startswith("name: Item") for draft in drafts)

    def test_a_place_is_cut_to_what_is_stored(self):
        book = openpyxl.Workbook()
        book.active.title = "x" * 31
        book.active.append(["a\u202eb", "c"])
        assert all(len(place) <= 120 for _, place, _ in told(save(book), "xlsx"))

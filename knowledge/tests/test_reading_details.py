"""What people bring besides, and what is easily read wrong: each text compared whole."""

from __future__ import annotations

import io
from email.message import EmailMessage

import openpyxl
import pptx
import pytest

from knowledge.formats.parsing import parse
from knowledge.formats.registry import advise
from knowledge.tests.files import make_pdf
from knowledge.tests.office_files import make_package
from knowledge.tests.test_formats import metadata, save, told
from knowledge.tests.word_files import paragraph, write_word

NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{urn}:1.0"'
    for name, urn in {
        "office": "office", "text": "text", "table": "table", "style": "style", "draw": "drawing",
        "presentation": "presentation", "svg": "svg-compatible",
    }.items()
)  # fmt: skip


def open_document(holds: str, body: str, styles: str = "") -> bytes:
    return make_package({
        "mimetype": f"application/vnd.oasis.opendocument.{holds}",
        "content.xml": (
            f"<office:document-content {NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:{holds}>{body}</office:{holds}></office:body></office:document-content>"
        ),
    })  # fmt: skip


def cell(text: str, more: str = "") -> str:
    return f"<table:table-cell {more}><text:p>{text}</text:p></table:table-cell>"


def html(body: str) -> list[str]:
    return [text for _, _, text in told(f"<html><body>{body}</body></html>", "html")]


class TestOpenDocument:
    SHEET = open_document(
        "spreadsheet",
        '<table:table table:name="Prices"><table:table-header-rows><table:table-row>'
        f"{cell('Item')}{cell('Price')}{cell('From')}</table:table-row></table:table-header-rows>"
        '<table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>'
        f"<table:table-row>{cell('Tea', 'table:number-rows-spanned=' + repr('2'))}"
        f"{cell('4,50 €', 'office:value-type=' + repr('currency'))}"
        + cell("1.3.26", "office:value-type='date' office:date-value='2026-03-01'")
        + "<table:table-cell table:number-columns-repeated='16000'/></table:table-row>"
        f"<table:table-row><table:covered-table-cell/>{cell('5 €')}</table:table-row>"
        "<table:table-row table:number-rows-repeated='1048000'><table:table-cell/></table:table-row></table:table>"
        "<table:table table:name='Secret' table:style-name='ta2'><table:table-row>"
        f"{cell('nobody')}</table:table-row></table:table>",
        "<style:style style:name='ta2'><style:table-properties table:display='false'/></style:style>",
    )

    def test_sheets_are_records_with_their_row(self):
        assert told(self.SHEET, "ods") == [
            ("Prices", "sheet Prices, row 5", "Item: Tea\nPrice: 4,50 €\nFrom: 2026-03-01"),
            ("Prices", "sheet Prices, row 6", "Item: Tea\nPrice: 5 €"),
        ]
        assert metadata(self.SHEET, "ods") == {
            "sheets": ["Prices"], "rows": 3, "notes": ["Hidden sheets are not read: Secret."],
        }  # fmt: skip

    def test_slides_have_titles_lists_tables_pictures_and_notes(self):
        deck = open_document(
            "presentation",
            "<draw:page><draw:frame presentation:class='title'><draw:text-box><text:p>Pump care</text:p>"
            "</draw:text-box></draw:frame><draw:frame presentation:class='outline'><draw:text-box><text:list>"
            "<text:list-item><text:p>Check the oil</text:p></text:list-item></text:list></draw:text-box></draw:frame>"
            "<draw:frame><draw:image/><svg:desc>A pump with its valve open</svg:desc></draw:frame>"
            f"<draw:frame><table:table><table:table-row>{cell('Year')}{cell('Pumps')}</table:table-row>"
            f"<table:table-row>{cell('2026')}{cell('12')}</table:table-row></table:table></draw:frame>"
            "<draw:frame presentation:class='page-number'><draw:text-box><text:p>1</text:p></draw:text-box>"
            "</draw:frame><presentation:notes><draw:frame><draw:text-box><text:p>Say it twice</text:p></draw:text-box>"
            "</draw:frame>"
            "</presentation:notes></draw:page>",
        )
        assert told(deck, "odp") == [
            ("Pump care", "slide 1", "- Check the oil\n\nPicture: A pump with its valve open"),
            ("Pump care", "slide 1", "Year | Pumps\n2026 | 12"),
            ("Pump care", "slide 1", "Notes: Say it twice"),
        ]

    def test_each_is_known_by_its_content(self):
        assert told(self.SHEET, "odt") == told(self.SHEET, "docx") == told(self.SHEET, "ods")

    def test_a_text_says_what_is_said_of_its_pictures_once(self):
        box = "<draw:frame><draw:text-box><text:p>Inner {}</text:p></draw:text-box></draw:frame>"
        text = open_document("text", f"<text:p>Outer{box.format(box.format('end'))}</text:p>")
        assert "".join(each[2] for each in told(text, "odt")).count("end") == 1


class TestMail:
    def make(self, subject: str) -> EmailMessage:
        letter = EmailMessage()
        letter["Subject"], letter["From"] = subject, "ann@acme.example"
        letter.set_content(f"About {subject}.\n>From here on it is quiet.")
        return letter

    def test_attachments_are_read_as_what_they_are(self):
        letter = self.make("offer")
        for name, data in (
            ("offer.pdf", make_pdf([["Tea is 4 euros."], ["Cups are 12."]])),
            ("plan.csv", b"day,hours\nMonday,9 to 5\n"),
            ("secret.md", b"---\nvisibility: private\n---\nNobody reads this."), ("broken.docx", b"PK\x03\x04"),
            ("tool.exe", b"MZ"), ("all.zip", make_package({"a.txt": "x"})),
        ):  # fmt: skip
            letter.add_attachment(
                data, maintype="application", subtype="octet-stream", filename=name
            )
        found = told(letter.as_bytes(), "eml")
        assert found[1:] == [
            ("offer.pdf", "offer.pdf, page 1", "Tea is 4 euros."),
            ("offer.pdf", "offer.pdf, page 2", "Cups are 12."),
            ("plan.csv", "plan.csv", "day: Monday\nhours: 9 to 5"),
        ]
        notes = metadata(letter.as_bytes(), "eml")["notes"]
        assert [note.partition(":")[0] for note in notes] == ["secret.md", "broken.docx"]

    def test_a_mailbox_is_its_letters(self):
        box = b"".join(
            b"From ann@acme.example Mon Mar  2 10:00:00 2026\n" + each.as_bytes() + b"\n"
            for each in (self.make("tea"), self.make("cups"))
        )
        assert told(box, "mbox") == [
            (name, f"message {number}",
             f"From: ann@acme.example\nSubject: {name}\n\nAbout {name}.\nFrom here on it is quiet.")
            for number, name in ((1, "tea"), (2, "cups"))
        ]  # fmt: skip


class TestOffice:
    def test_a_cell_in_the_far_corner_of_a_sheet_is_one_cell(self):
        book = openpyxl.Workbook()
        for row in (["Item", "Price"], ["Tea", 4]):
            book.active.append(row)
        book.active["XFD1048576"] = "far"
        assert [text for _, _, text in told(save(book), "xlsx")] == [
            "Item: Tea\nPrice: 4", "Column XFD: far",
        ]  # fmt: skip

    def test_word_shows_symbols_exponents_marks_of_notes_and_what_is_said_of_pictures(self):
        drawing = (
            '<w:r><w:drawing><wp:docPr xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/'
            'wordprocessingDrawing" id="1" name="Picture 1" descr="{}"/></w:drawing></w:r>'
        )
        data = write_word(
            paragraph("Up to 10", '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>6</w:t></w:r>', " m",
                      '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>2</w:t></w:r>', ", ",
                      '<w:r><w:sym w:font="Symbol" w:char="F0A3"/></w:r>', " 20 ",
                      '<w:r><w:sym w:font="Symbol" w:char="F0B0"/></w:r>', "C ",
                      '<w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>')
            + paragraph("Two years.", '<w:r><w:footnoteReference w:id="2"/></w:r>', " Not more.")
            + paragraph("Here", drawing.format("A pump with its valve open"), drawing.format("photo 1 of pump.png")),
            footnotes=f'<w:footnote w:id="2">{paragraph("Batteries: one year.")}</w:footnote>',
        )  # fmt: skip
        assert [text for _, _, text in told(data, "docx")] == [
            "Up to 10⁶ m², ≤ 20 °C ✓\n\nTwo years *1. Not more.\n\nHere\n\nPicture: A pump with its valve open\n\n"
            "*1 Batteries: one year."
        ]

    def test_powerpoint_says_what_is_said_of_its_pictures(self):
        deck = pptx.Presentation()
        slide = deck.slides.add_slide(deck.slide_layouts[6])
        dot = io.BytesIO(bytes.fromhex(
            "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
            "e221bc330000000049454e44ae426082"
        ))  # fmt: skip
        picture = slide.shapes.add_picture(dot, 0, 0)
        picture._element.nvPicPr.cNvPr.set("descr", "A pump with its valve open")
        assert [text for _, _, text in told(save(deck), "pptx")] == [
            "Picture: A pump with its valve open"
        ]


class TestPages:
    def test_cells_that_span_rows_and_columns_stand_where_they_are_shown(self):
        assert html(
            "<table><tr><th>Day</th><th>Hall</th><th>Hours</th></tr><tr><td rowspan=2>Monday</td><td>A</td>"
            "<td>9 to 5</td></tr><tr><td>B</td><td>10 to 4</td></tr><tr><td colspan=2>Sunday</td><td>closed</td></tr>"
            "</table>"
        ) == ["Day | Hall | Hours\nMonday | A | 9 to 5\nMonday | B | 10 to 4\nSunday |  | closed"]

    def test_two_rows_of_heads_name_their_columns_together(self):
        assert html(
            "<table><tr><th rowspan=2>Day</th><th colspan=2>Hours</th></tr><tr><th>from</th><th>to</th></tr>"
            "<tr><td>Monday</td><td>8</td><td>20</td></tr></table>"
        ) == ["Day | Hours from | Hours to\nMonday | 8 | 20"]

    def test_lists_keep_the_numbers_that_they_show(self):
        assert html('<ol start="5"><li>five<li>six<li value="9">nine<li>ten</ol>') == [
            "5. five\n6. six\n9. nine\n10. ten"
        ]

    def test_exponents_are_no_figures_of_a_number_and_marks_of_references_are_left_out(self):
        assert html(
            "<p>10<sup>6</sup> m<sup>2</sup> a year<sup><a href='#n1'>[1]</a></sup> on the 1<sup>st</sup></p>"
        ) == ["10⁶ m² a year on the 1st"]

    def test_what_a_link_calls_is_said(self):
        assert html(
            "<p><a href='mailto:help@acme.example?subject=x'>Write to us</a> or <a href='tel:+4930123'>call</a>, "
            "<a href='tel:+49-30-123'>+49 30 123</a>, <a href='/more'>more</a>.</p>"
        ) == ["Write to us (help@acme.example) or call (+4930123), +49 30 123, more."]

    def test_links_that_words_do_not_name_lead_somewhere(self):
        page = (
            "<table><tr><td>Form A</td><td><a href='../files/a.pdf'>Download</a></td></tr><tr><td>Tea</td><td>4</td>"
            "</tr></table><p>Order <a href='/order?x=1'>here</a>, read <a href='/more'>about tea</a> or go "
            "<a href='#top'>up here</a>, <a href='javascript:x'>here</a>.</p>"
        )

        def read(head: str, address: str = "") -> str:
            data = f"<html><head>{head}</head><body>{page}</body></html>".encode()
            sections = parse(data, kind="html", name="x", address=address).sections
            return "\n".join(section.text for section in sections)

        bare = "Form A | Download\nTea | 4\nOrder here, read about tea or go up here, here."
        assert read("") == bare
        whole = bare.replace("Download", "Download (https://acme.example/files/a.pdf)")
        whole = whole.replace("Order here", "Order here (https://acme.example/order?x=1)")
        assert read("", "https://acme.example/tea/prices") == whole
        assert read("<link rel=canonical href='https://acme.example/tea/prices'>") == whole
        assert read("<base href='/shop/'>", "https://acme.example/tea/x") == whole

    def test_a_picture_that_stands_alone_says_what_is_said_of_it(self):
        assert html(
            "<p><img alt='A pump with its valve open'></p><p>Pump <img alt='a pump once more'></p><img alt='logo'>"
        ) == ["Picture: A pump with its valve open\n\nPump"]


@pytest.mark.parametrize(
    ("name", "saved_as"), [("a.DOC", ".docx"), ("b.xls", ".xlsx"), ("c.msg", ".eml")]
)
def test_an_old_file_is_refused_with_what_to_do(name, saved_as):
    assert advise(name) == f" Open it, save it as {saved_as}, and use that."
    assert advise("a.exe") == advise("a.docx") == ""

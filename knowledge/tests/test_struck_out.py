"""What is struck out does not hold any more, and is no answer: it is left out of every format that knows it."""

from __future__ import annotations

import io

import docx
import openpyxl
import pptx
import pytest
from openpyxl.styles import Font

from knowledge.formats.parsing import parse
from knowledge.tests.files import save_docx
from knowledge.tests.office_files import make_package

OASIS = "urn:oasis:names:tc:opendocument:xmlns"
NAMES = (
    "".join(f' xmlns:{name}="{OASIS}:{name}:1.0"' for name in ("office", "text", "style", "table"))
    + f' xmlns:draw="{OASIS}:drawing:1.0"'
)


def read(kind: str, data: bytes | str) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return "\n".join(section.text for section in parse(raw, kind=kind, name="f").sections).strip()


def write_word() -> bytes:
    document = docx.Document()
    paragraph = document.add_paragraph("Price: ")
    paragraph.add_run("12 EUR ").font.strike = True
    paragraph.add_run("11 EUR ").font.double_strike = True
    raised = paragraph.add_run("2")
    raised.font.superscript = raised.font.strike = True
    paragraph.add_run("9 EUR")
    return save_docx(document)


def write_slides() -> bytes:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    frame = slide.shapes.add_textbox(0, 0, 999, 999).text_frame
    for words, strike in (("Price: ", "noStrike"), ("12 EUR", "sngStrike"), ("9 EUR", None)):
        run = frame.paragraphs[0].add_run()
        run.text = words
        if strike:
            run.font._element.set("strike", strike)
    file = io.BytesIO()
    deck.save(file)
    return file.getvalue()


def write_workbook() -> bytes:
    book = openpyxl.Workbook()
    for row in (("Model", "Before", "Price"), ("A", 12, 9)):
        book.active.append(row)
    book.active["B2"].font = Font(strike=True)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def write_open(holds: str, body: str) -> bytes:
    looks = '<style:text-properties style:text-line-through-style="solid"/>'
    content = (
        f"<office:document-content{NAMES}><office:automatic-styles>"
        f'<style:style style:name="T1">{looks}</style:style><style:style style:name="T2"/>'
        f"</office:automatic-styles><office:body><office:{holds}>{body}</office:{holds}></office:body>"
        "</office:document-content>"
    )
    return make_package({"content.xml": content})


LINE = (
    '<text:p>Price: <text:span text:style-name="T1">12 <text:span>EUR</text:span></text:span>'
    '<text:span text:style-name="T2">9 EUR</text:span></text:p><text:p text:style-name="T1">gone</text:p>'
)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("md", "Price: ~~12 *EUR*~~ 9 EUR"),
        ("md", "Price: <del>12 **EUR**</del> <S>11 [EUR](https://acme.example)</S> 9 EUR"),
        ("md", "<div>\nPrice: <strike>12 EUR</strike> 9 EUR\n</div>"),
        ("html", "<p>Price: <del>12 EUR</del> <s>11 <b>EUR</b></s> <strike>10</strike> 9 EUR</p>"),
        ("html", "<p>Price: <span style='text-decoration: line-through red'>12</span> 9 EUR</p>"),
        ("docx", write_word()),
        ("pptx", write_slides()),
        ("odt", write_open("text", LINE)),
        ("odp", write_open("presentation", f"<draw:page><draw:frame>{LINE}</draw:frame></draw:page>")),
        ("rtf", r"{\rtf1 Price: \strike 12 EUR\strike0 {\striked1 11 EUR}9 EUR}"),
    ],
)  # fmt: skip
def test_a_price_that_is_struck_out_is_no_price(kind, data):
    assert " ".join(read(kind, data).split()) == "Price: 9 EUR"


def test_a_cell_that_is_struck_out_is_empty():
    assert read("xlsx", write_workbook()) == "Model: A\nPrice: 9"
    cell = "<table:table-cell{}><text:p>{}</text:p></table:table-cell>"
    rows = (
        (("", "Model"), ("", "Before"), ("", "Price")),
        (
            ("", "A"),
            (' table:style-name="T1"', "12"),
            ("", "9"),
        ),
    )
    table = "".join(
        f"<table:table-row>{''.join(cell.format(*each) for each in row)}</table:table-row>"
        for row in rows
    )
    sheet = f'<table:table table:name="Sheet1">{table}</table:table>'
    assert read("ods", write_open("spreadsheet", sheet)) == "Model: A\nPrice: 9"


def test_an_item_that_is_all_struck_out_leaves_no_mark():
    items = "- ~~a~~\n- [x] ~~b~~\n  - below\n- c\n- ~~d~~\n\n  but e\n1. ~~f~~\n2. X\n"
    assert read("md", items) == "  - below\n- c\n- but e\n\n2. X".strip()


def test_what_only_looks_like_it_stays():
    assert read("md", "Use `<s>` and <s> for ~~~ or ~one~") == "Use <s> and <s> for ~~~ or ~one~"
    assert read("md", "**a <del>b** c</del> d").replace("*", "").split()[0] == "a"

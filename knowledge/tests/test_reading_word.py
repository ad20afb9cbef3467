"""Word files as a person reads them, word by word: what Word counts, calculates, hides and puts beside the text."""

from __future__ import annotations

import pytest

from knowledge.formats.parsing import parse
from knowledge.formats.sections import Section
from knowledge.formats.word.numbering import write_number
from knowledge.tests.word_files import numbered, paragraph, write_word

LEVELS = (
    '<w:abstractNum w:abstractNumId="0">'
    '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:pStyle w:val="H1"/>'
    '<w:lvlText w:val="%1"/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>'
    '<w:lvl w:ilvl="2"><w:numFmt w:val="bullet"/><w:lvlText w:val="o"/></w:lvl></w:abstractNum>'
    '<w:abstractNum w:abstractNumId="5"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/>'
    '<w:lvlText w:val="§ %1."/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="5"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="5"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="4"/>'
    "</w:lvlOverride></w:num>"
)
STYLES = (
    '<w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/>'
    '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H1"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="TOC1"><w:name w:val="toc 1"/></w:style>'
)


def read(data: bytes) -> tuple[Section, ...]:
    return parse(data, kind="docx", name="x.docx").sections


def text_of(data: bytes) -> str:
    return "\n\n".join(section.text for section in read(data))


def styled(text: str, style: str) -> str:
    return paragraph(text, properties=f'<w:pStyle w:val="{style}"/>')


def test_numbers_of_headings_and_lists_are_counted():
    body = (
        styled("1 Scope 3", "TOC1")
        + styled("Scope", "H1")
        + numbered("first", 1)
        + numbered("second", 1)
    )
    body += (
        numbered("point", 2)
        + paragraph("Between.")
        + styled("Terms", "Mine")
        + numbered("third", 1)
    )
    body += (
        paragraph("Rules:")
        + numbered("Rent", 0, 2)
        + numbered("Pets", 0, 2)
        + numbered("Garden", 0, 3)
    )
    assert read(write_word(body, numbering=LEVELS, styles=STYLES)) == (
        Section(("1 Scope",), "  1.a) first\n  1.b) second\n    - point\n\nBetween."),
        Section(("2 Terms",), "  2.a) third\n\nRules:\n\n§ I. Rent\n§ II. Pets\n§ IV. Garden"),
    )


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [(3, "decimal", "3"), (7, "decimalZero", "07"), (27, "lowerLetter", "aa"), (3, "upperLetter", "C"),
     (44, "lowerRoman", "xliv"), (1999, "upperRoman", "MCMXCIX"), (5, "chicago", "5"), (5000, "lowerRoman", "5000")],
)  # fmt: skip
def test_numbers_are_written_as_the_list_says(value, kind, text):
    assert write_number(value, kind) == text


def run(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


@pytest.mark.parametrize(
    ("equation", "text"),
    [
        (f"{run('Q=')}<m:f><m:num>{run('V')}</m:num><m:den>{run('t')}</m:den></m:f>", "Q=V/t"),
        (f"<m:f><m:num>{run('a+b')}</m:num><m:den>{run('2')}</m:den></m:f>", "(a+b)/2"),
        (f"{run('E=m')}<m:sSup><m:e>{run('c')}</m:e><m:sup>{run('2')}</m:sup></m:sSup>", "E=mc^2"),
        (f"<m:sSub><m:e>{run('x')}</m:e><m:sub>{run('i+1')}</m:sub></m:sSub>", "x_(i+1)"),
        (f"<m:rad><m:deg/><m:e>{run('a+b')}</m:e></m:rad>", "√(a+b)"),
        (f"<m:rad><m:deg>{run('3')}</m:deg><m:e>{run('x')}</m:e></m:rad>", "√[3](x)"),
        (
            f'<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>{run("i=1")}</m:sub><m:sup>{run("n")}</m:sup>'
            f"<m:e>{run('i')}</m:e></m:nary>", "∑_(i=1)^n i",
        ),
        (f'<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr><m:e>{run("x")}</m:e></m:d>', "[x]"),
        (f"<m:func><m:fName>{run('sin')}</m:fName><m:e>{run('2x')}</m:e></m:func>", "sin 2x"),
        (f"<m:m><m:mr><m:e>{run('1')}</m:e><m:e>{run('0')}</m:e></m:mr><m:mr><m:e>{run('0')}</m:e><m:e>{run('1')}</m:e>"
         "</m:mr></m:m>", "[1, 0; 0, 1]"),
    ],
)  # fmt: skip
def test_equations_are_read_in_one_line(equation, text):
    body = paragraph("It is ", f"<m:oMath>{equation}</m:oMath>", " in all.")
    assert text_of(write_word(body)) == f"It is {text} in all."


def test_notes_stand_at_the_end_of_their_section_and_headers_once():
    notes = '<w:footnote w:type="separator" w:id="-1"><w:p/></w:footnote>' + (
        f'<w:footnote w:id="2">{paragraph("Batteries: one year.")}</w:footnote>'
    )
    ends = f'<w:endnote w:id="2">{paragraph("Since 2026.")}</w:endnote>'
    body = styled("Warranty", "H1") + paragraph(
        "It is three years", '<w:r><w:footnoteReference w:id="2"/></w:r>', "."
    )
    body += paragraph("Ask us", '<w:r><w:endnoteReference w:id="2"/></w:r>', ".") + styled(
        "Price", "H1"
    )
    body += paragraph("It costs 4 EUR.")
    data = write_word(
        body, styles=STYLES, footnotes=notes, endnotes=ends, header1=paragraph("Acme, NW-4471"),
        header2=paragraph("Acme, NW-4471"), footer1=paragraph("Page ", "3", " of 9") + paragraph("Confidential"),
    )  # fmt: skip
    assert read(data) == (
        Section(
            ("Warranty",),
            "It is three years *1.\n\nAsk us *2.\n\n*1 Batteries: one year.\n\n*2 Since 2026.",
        ),
        Section(("Price",), "It costs 4 EUR."),
        Section((), "Acme, NW-4471\nConfidential"),
    )


def test_text_boxes_follow_their_paragraph_and_are_read_once():
    box = f"<w:txbxContent>{paragraph('In the box.')}{numbered('one')}</w:txbxContent>"
    drawn = (
        f"<w:r><mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback><w:pict><v:textbox>{box}</v:textbox>"
        "</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    data = write_word(
        paragraph("Before ", drawn, "and after.") + paragraph("Next."), numbering=LEVELS
    )
    assert text_of(data) == "Before and after.\n\nIn the box.\n\n1 one\n\nNext."


def test_changes_are_accepted_and_hidden_text_left_out():
    gone = "<w:r><w:delText>old</w:delText></w:r>"
    body = paragraph(
        "The price is ",
        f'<w:del w:id="1">{gone}</w:del>',
        '<w:ins w:id="2"><w:r><w:t>12 EUR</w:t></w:r></w:ins>',
        ".",
    )
    body += paragraph(
        '<w:moveFrom w:id="3"><w:r><w:t>moved</w:t></w:r></w:moveFrom>',
        "Stays.",
        '<w:moveTo w:id="3"><w:r><w:t> moved</w:t></w:r></w:moveTo>',
    )
    body += paragraph("One ", properties='<w:rPr><w:del w:id="5"/></w:rPr>') + paragraph(
        "paragraph."
    )
    body += paragraph("<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>", "Seen.")
    removed = '<w:trPr><w:del w:id="6"/></w:trPr>'
    body += "<w:tbl>" + "".join(
        f"<w:tr>{change}<w:tc>{paragraph(a)}</w:tc><w:tc>{paragraph(b)}</w:tc></w:tr>"
        for change, a, b in (("", "Model", "Price"), (removed, "Old", "1"), ("", "New", "2"))
    ) + "</w:tbl>"  # fmt: skip
    assert text_of(write_word(body)) == (
        "The price is 12 EUR.\n\nStays. moved\n\nOne paragraph.\n\nSeen.\n\nModel | Price\nNew | 2"
    )


def test_open_comments_stand_at_the_end_of_their_section_with_their_author():
    def comment(name: int, author: str, *said: str) -> str:
        w14 = 'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml"'
        texts = "".join(
            f'<w:p {w14} w14:paraId="0{name}"><w:r><w:t>{text}</w:t></w:r></w:p>' for text in said
        )
        return f'<w:comment w:id="{name}" w:author="{author}">{texts}</w:comment>'

    marks = "".join(f'<w:r><w:commentReference w:id="{n}"/></w:r>' for n in (1, 2, 3, 9))
    data = write_word(
        styled("Prices", "H1") + paragraph("Tea is 4 euros", marks, ".") + styled("Hours", "H1") + paragraph("To 5."),
        styles=STYLES, comments=comment(1, "Ann", "From May on.", "Not before.") + comment(2, "Bob", "Resolved")
        + comment(3, "", "Cups too?"),
        commentsExtended='<w15:commentEx xmlns:w15="http://schemas.microsoft.com/office/word/2012/wordml" '
        'w15:paraId="02" w15:done="1"/>',
    )  # fmt: skip
    assert read(data) == (
        Section(
            ("Prices",),
            "Tea is 4 euros.\n\nComment (Ann): From May on. Not before.\n\nComment: Cups too?",
        ),
        Section(("Hours",), "To 5."),
    )


def test_merged_cells_keep_the_columns():
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"

    rows = [
        cell("Group") + cell("Model") + cell("Price"),
        cell("Pumps", '<w:vMerge w:val="restart"/>') + cell("AX") + cell("1"),
        cell("", "<w:vMerge/>") + cell("BX") + cell("2"),
        cell("On request", '<w:gridSpan w:val="2"/>') + cell("3"),
    ]
    table = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    assert text_of(write_word(table)) == (
        "Group | Model | Price\nPumps | AX | 1\nPumps | BX | 2\nOn request |  | 3"
    )


def test_the_strict_form_is_read_like_any_other():
    body = (
        styled("Depot", "H1") + numbered("Emden", 1) + paragraph(f"<m:oMath>{run('a=b')}</m:oMath>")
    )
    usual, strict = (
        write_word(body, strict=is_strict, numbering=LEVELS, styles=STYLES)
        for is_strict in (False, True)
    )
    assert read(strict) == read(usual) == (Section(("1 Depot",), "  1.a) Emden\n\na=b"),)

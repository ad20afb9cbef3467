"""PDF: the text layer, page by page, with titles of the outline, or large lines, as headings and no running heads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Final

from knowledge.formats.pdf.continuing import continue_tables
from knowledge.formats.pdf.fields import read_fields
from knowledge.formats.pdf.grids import find_rules, take_tables
from knowledge.formats.pdf.headings import Cut, find_headings, sink_footnotes
from knowledge.formats.pdf.layout import Line, order_lines
from knowledge.formats.pdf.running import Page, drop_running_lines
from knowledge.formats.pdf.segments import TextLayer, read_segments
from knowledge.formats.pdf.words import Vocabulary, join_lines
from knowledge.formats.sections import ParseError, SectionWriter, clean_line
from minirag.lib.telling.kept_sentences import kept

if TYPE_CHECKING:
    import pypdfium2

MAX_PAGES: Final = 3000
_FPDF_ERR_PASSWORD: Final = 4
_MOST_NOTES: Final = 20
# What programs write where nobody wrote anything.
_SAYS_NOTHING: Final = frozenset(("untitled", "anonymous", "unspecified", "unknown", "(untitled)"))
_WRITTEN_BY: Final = re.compile(r"^Microsoft (?:Word|PowerPoint|Excel) - ")


def _open_document(data: bytes) -> pypdfium2.PdfDocument:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
        pages = len(document)
    except pypdfium2.PdfiumError as error:
        if (
            getattr(error, "err_code", None) == _FPDF_ERR_PASSWORD
            or "password" in str(error).lower()
        ):
            reason = "This PDF is encrypted. Please upload a copy without a password."
            raise ParseError(reason, code="encrypted") from None
        raise ParseError("This PDF is broken and cannot be opened.") from None
    if pages > MAX_PAGES:
        reason = f"This PDF has {pages} pages; at most {MAX_PAGES} are read. Please split it."
        raise ParseError(reason, code="too_many_pages")
    if pages == 0:
        raise ParseError("This PDF has no pages.")
    return document


def _read_page(document: pypdfium2.PdfDocument, index: int) -> Page:
    """A page that PDFium cannot load counts as empty, the others are still worth reading."""
    import pypdfium2

    try:
        page = document.get_page(index)
    except pypdfium2.PdfiumError:
        return Page()
    try:
        text_page = page.get_textpage()
        try:
            found = _read_layer(page, TextLayer(text_page))
        finally:
            text_page.close()
        if document.formenv is not None:
            found.values = read_fields(page, document.formenv)
        return found
    except pypdfium2.PdfiumError:
        return Page()
    finally:
        page.close()


def _read_layer(page: pypdfium2.PdfPage, layer: TextLayer) -> Page:
    import pypdfium2.raw as pdfium

    if not layer.text.strip():
        return Page(is_picture=pdfium.FPDFPage_CountObjects(page.raw) > 0)
    segments, aslant = read_segments(layer)
    lines = order_lines(take_tables(layer, segments, find_rules(page)))
    _, bottom, _, top = layer.turn(*page.get_bbox())
    lines += [Line(text, bottom, bottom, opens=True) for text in aslant]
    return Page(lines, bottom, top)


def _read_outline(document: pypdfium2.PdfDocument) -> dict[int, list[tuple[int, str]]]:
    """Page index -> [(level, title)], in the outline's order."""
    import pypdfium2

    outline: dict[int, list[tuple[int, str]]] = {}
    try:
        for bookmark in document.get_toc(max_depth=6):
            target = bookmark.get_dest()
            index = target.get_index() if target is not None else None
            title = clean_line(bookmark.get_title() or "")
            if index is not None and title:
                outline.setdefault(index, []).append((bookmark.level + 1, title))
    except pypdfium2.PdfiumError:
        return {}
    return outline


def _find_titles(page: Page, titles: list[tuple[int, str]]) -> list[Cut]:
    """The lines that are titles of the outline, emptied; titles that are not found open the page."""
    lines = page.lines
    plain = [clean_line(line.text).casefold() for line in lines]
    cuts: list[Cut] = []
    after = 0
    for level, title in titles:
        wanted = title.casefold()
        at = next(
            (i for i in range(after, len(plain)) if plain[i] and plain[i].endswith(wanted)), None
        )
        cuts.append((after if at is None else at, level, title))
        if at is not None:
            lines[at], plain[at] = Line("", lines[at].bottom, lines[at].top), ""
            after = at
    return cuts


def _write_page(page: Page, cuts: list[Cut], vocabulary: Vocabulary, writer: SectionWriter) -> None:
    """Cuts the page at its headings."""
    lines = page.lines
    start = 0
    for at, level, title in cuts:
        _write_lines(lines[start:at], vocabulary, writer)
        writer.open_heading(level, title)
        start = at
    _write_lines(lines[start:], vocabulary, writer)
    writer.add_paragraph("\n".join(page.values))


def _write_lines(lines: list[Line], vocabulary: Vocabulary, writer: SectionWriter) -> None:
    for is_table, group in groupby(lines, key=lambda line: line.rows is not None):
        if not is_table:
            writer.add_paragraph(join_lines(list(group), vocabulary))
            continue
        for table in group:
            writer.add_table(
                [
                    [vocabulary.join_all(cell.split("\n")) for cell in row]
                    for row in table.rows or []
                ]
            )


def _print(line: Line) -> Iterator[str]:
    """The printed lines of a line, or of each cell of a table."""
    if line.rows is None:
        yield line.text
    for row in line.rows or []:
        for cell in row:
            yield from cell.split("\n")


def _name_pictures(pages: list[Page]) -> list[str]:
    """ "Pages 3 to 9 are pictures": nothing of them can be read."""
    notes = []
    numbered = enumerate(pages, 1)
    for is_picture, group in groupby(numbered, key=lambda each: each[1].is_picture):
        numbers = [number for number, _ in group]
        if not is_picture:
            continue
        first, last = numbers[0], numbers[-1]
        notes.append(
            kept(f"Page {first} is a picture without text, which cannot be read.")
            if first == last
            else kept(f"Pages {first} to {last} are pictures without text, which cannot be read.")
        )
    return notes[:_MOST_NOTES]


def parse_pdf(data: bytes, writer: SectionWriter) -> dict[str, object]:
    document = _open_document(data)
    try:
        outline = _read_outline(document)
        if document.get_formtype():
            document.init_forms()
        pages = [_read_page(document, index) for index in range(len(document))]
        information = document.get_metadata_dict(skip_empty=True)
    finally:
        document.close()
    if not any(
        character.isalnum()
        for page in pages
        for text in (*(line.text for line in page.lines), *page.values)
        for character in text
    ):
        reason = "This PDF has no text layer (it is probably scanned). Please upload a version with recognised text."
        raise ParseError(reason, code="no_text")
    drop_running_lines(pages)
    continue_tables(pages)
    sink_footnotes(pages)
    vocabulary = Vocabulary(
        [text for page in pages for line in page.lines for text in _print(line)]
    )
    cuts = (
        {index: _find_titles(pages[index], outline.get(index, [])) for index in range(len(pages))}
        if outline
        else find_headings(pages)
    )
    for index, page in enumerate(pages):
        writer.turn_page(index + 1)
        _write_page(page, cuts.get(index, []), vocabulary, writer)
    metadata: dict[str, object] = {"pages": len(pages)}
    for key in ("Title", "Author", "Subject"):
        value = _WRITTEN_BY.sub("", clean_line(information.get(key, "")))[:500]
        if value and value.casefold() not in _SAYS_NOTHING:
            metadata[key.lower()] = value
    if notes := _name_pictures(pages):
        metadata["notes"] = notes
    return metadata

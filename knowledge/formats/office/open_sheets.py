"""OpenDocument spreadsheets (ODS) and presentations (ODP)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from knowledge.formats.office.open_document import (
    DRAW,
    OFFICE,
    STYLE,
    TABLE,
    TEXT,
    OpenReader,
    open_content,
    words_of,
)
from knowledge.formats.office.sheets import Row, open_sheet, write_rows
from knowledge.formats.sections import SectionWriter, clean_line
from minirag.lib.telling.kept_sentences import kept

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_PRESENTATION: Final = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_WIDEST: Final = 1000
_MOST_REPEATED: Final = 1000
_ON_EACH_SLIDE: Final = ("date-time", "footer", "header", "page-number")


def parse_ods(data: bytes, writer: SectionWriter) -> dict[str, object]:
    root, body, metadata = open_content(data, "spreadsheet")
    unseen = _find_unseen(root)
    sheets = body.findall(f"{TABLE}table")
    shown = [sheet for sheet in sheets if sheet.get(f"{TABLE}style-name") not in unseen]
    hidden = [_name(sheet) for sheet in sheets if sheet.get(f"{TABLE}style-name") in unseen]
    rows = 0
    for sheet in shown:
        open_sheet(_name(sheet), len(shown), writer)
        rows += write_rows(_name(sheet), _read_rows(sheet), writer)
    told: dict[str, Any] = {"sheets": [_name(sheet) for sheet in shown], "rows": rows}
    if hidden:
        told["notes"] = [kept(f"Hidden sheets are not read: {', '.join(hidden)}.")]
    return metadata | told


def _name(sheet: Element) -> str:
    return clean_line(sheet.get(f"{TABLE}name") or "Sheet")


def _find_unseen(root: Element) -> set[str | None]:
    """The styles of sheets and slides that are hidden."""
    return {
        style.get(f"{STYLE}name")
        for style in root.iter(f"{STYLE}style")
        for each in style
        if each.get(f"{TABLE}display") == "false" or each.get(f"{_PRESENTATION}visibility") == "hidden"
    }  # fmt: skip


def _read_rows(sheet: Element) -> Iterator[Row]:
    """Rows that say something; the same row many times is written once, and a joined cell says the same below."""
    number = 1
    joined: dict[int, tuple[int, str]] = {}  # column: (rows that are left, text)
    for row in sheet.iter(f"{TABLE}table-row"):
        cells, joined = _read_cells(row, joined)
        if any(map(str.strip, cells)):
            yield number, cells
        number += _times(row, "rows", 2**20)


def _read_cells(
    row: Element, joined: dict[int, tuple[int, str]]
) -> tuple[list[str], dict[int, tuple[int, str]]]:
    cells: list[str] = []
    going_on: dict[int, tuple[int, str]] = {}
    for cell in row:
        if cell.tag not in (f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
            continue
        text = _show(cell)
        for _ in range(_times(cell, "columns", _WIDEST)):
            column = len(cells)
            left, above = joined.get(column, (0, ""))
            spans = cell.get(f"{TABLE}number-rows-spanned") or "1"
            if left and not text:
                cells.append(above)
                going_on |= {column: (left - 1, above)} if left > 1 else {}
            else:
                cells.append(text)
                if text and spans.isdigit() and 1 < int(spans) < _MOST_REPEATED:
                    going_on[column] = (int(spans) - 1, text)
            if column >= _WIDEST:
                break
    while cells and not cells[-1]:
        cells.pop()
    return cells, going_on


def _times(element: Element, what: str, most: int) -> int:
    told = element.get(f"{TABLE}number-{what}-repeated") or "1"
    return min(int(told), most) if told.isdigit() else 1


def _show(cell: Element) -> str:
    """As people see it; a day is written as one, for its form differs from country to country."""
    day = cell.get(f"{OFFICE}date-value")
    if day and cell.get(f"{OFFICE}value-type") == "date":
        return day[:10] if day[10:] in ("", "T00:00:00") else day[:16].replace("T", " ")
    return "\n".join(filter(None, (words_of(p).strip() for p in cell.findall(f"{TEXT}p"))))


def parse_odp(data: bytes, writer: SectionWriter) -> dict[str, object]:
    root, body, metadata = open_content(data, "presentation")
    reader = OpenReader(writer, root)
    unseen = _find_unseen(root)
    hidden = []
    pages = body.findall(f"{DRAW}page")
    for number, page in enumerate(pages, 1):
        if page.get(f"{DRAW}style-name") in unseen:
            hidden.append(number)
        else:
            _write_slide(page, number, reader)
    told: dict[str, Any] = {"slides": len(pages)}
    if hidden:
        told["notes"] = [kept(f"Hidden slides are not read: {', '.join(map(str, hidden))}.")]
    return metadata | told


def _write_slide(page: Element, number: int, reader: OpenReader) -> None:
    writer = reader.writer
    writer.end_headings()
    writer.move_to(f"slide {number}")
    frames = [each for each in page if each.get(f"{_PRESENTATION}class") not in _ON_EACH_SLIDE]
    title = next((each for each in frames if each.get(f"{_PRESENTATION}class") == "title"), None)
    if title is not None:
        writer.open_heading(1, " ".join(words_of(p) for p in title.iter(f"{TEXT}p")))
    for frame in frames:
        if frame.tag == f"{_PRESENTATION}notes":
            notes = "\n".join(
                words_of(p) for box in frame.iter(f"{DRAW}text-box") for p in box.iter(f"{TEXT}p")
            )
            if notes.strip():
                writer.add_paragraph(f"Notes: {notes.strip()}")
        elif frame is not title:
            reader.read_shape(frame, 0)

"""Sheets of any spreadsheet: each row is a record of "header: value" lines, with the sheet and the row it stands in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from knowledge.formats.sections import SectionWriter, clean_line

Row = tuple[int, list[str]]
_GENERIC: Final = re.compile(
    r"(?:sheet|tabelle|blatt|feuil|hoja|foglio|arkusz|лист|工作表|シート) ?\d*$", re.IGNORECASE
)
_LOOKED_AT: Final = 50
_YEAR: Final = re.compile(r"(?:19|20)\d\d")


def open_sheet(title: str, sheets: int, writer: SectionWriter) -> None:
    """Its name is a heading, unless it is the program's own."""
    if not _GENERIC.match(title):
        writer.open_heading(1, title)
    elif sheets > 1:
        writer.end_headings()


def write_rows(title: str, rows: Iterator[Row], writer: SectionWriter) -> int:
    """Write the rows of a sheet, each with its number as people see it; returns how many say something."""
    first = [row for _, row in zip(range(_LOOKED_AT), rows, strict=False)]
    header_at = _find_header(first)
    names: list[str] = []
    written = 0
    for index, (number, cells) in enumerate(_chain(first, rows)):
        written += 1
        place = f"sheet {clean_line(title)}, row {number}"
        if index == header_at:
            names = [clean_line(cell) for cell in cells]
        elif header_at is None or index < header_at or sum(map(bool, cells)) == 1 > len(names):
            # A title above the table, or a list of one column.
            writer.move_to(place)
            writer.add_paragraph(" | ".join(filter(None, map(clean_line, cells))))
        else:
            writer.add_record(_name_cells(names, cells), place)
    if header_at is not None and written == header_at + 1:
        writer.add_paragraph(" | ".join(filter(None, names)))
    return written


def _chain(first: list[Row], rest: Iterator[Row]) -> Iterator[Row]:
    yield from first
    yield from rest


def _name_cells(names: Sequence[str], cells: Sequence[str]) -> Iterator[tuple[str, str]]:
    for column, cell in enumerate(cells):
        if cell.strip():
            name = names[column] if column < len(names) else ""
            yield name or f"Column {_name_letter(column)}", cell


def _name_letter(column: int) -> str:
    letters = ""
    number = column + 1
    while number:
        number, at = divmod(number - 1, 26)
        letters = chr(65 + at) + letters
    return letters


def _find_header(rows: Sequence[Row]) -> int | None:
    """The first row that names at least half of the columns in words; None for a sheet without one."""
    widths = [sum(map(bool, cells)) for _, cells in rows]
    width = max(widths[1:] or widths, default=0)
    if width < 2 or len(rows) < 2:
        return None
    for index, (_, cells) in enumerate(rows[:-1]):
        said = [cell for cell in cells if cell]
        if len(said) * 2 > width and len(said) > 1:
            # Years name columns too: "Region", 2025, 2026.
            names = [any(map(str.isalpha, cell)) or bool(_YEAR.fullmatch(cell)) for cell in said]
            is_first = _has_years(cells) and _has_years(rows[index + 1][1])
            return index if all(names) and not is_first else None
    return None


def _has_years(cells: Sequence[str]) -> bool:
    return any(map(_YEAR.fullmatch, cells))

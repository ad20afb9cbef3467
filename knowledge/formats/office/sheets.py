"""Sheets of any spreadsheet: each row is a record of "header: value" lines, with the sheet and the row it stands in."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from knowledge.formats.sections import SectionWriter, clean_line

Row = tuple[int, list[str]]
_GENERIC: Final = re.compile(
    r"(?:sheet|tabelle|blatt|feuil|hoja|foglio|arkusz|лист|工作表|シート) ?\d*$", re.IGNORECASE
)
_LOOKED_AT: Final = 50
_LOOKED_BELOW: Final = 5
_YEAR: Final = re.compile(r"(?:19|20)\d\d")


def open_sheet(title: str, sheets: int, writer: SectionWriter) -> None:
    """Its name is a heading, unless it is the program's own."""
    if not _GENERIC.match(title):
        writer.open_heading(1, title)
    elif sheets > 1:
        writer.end_headings()


def write_rows(title: str, rows: Iterator[Row], writer: SectionWriter) -> int:
    """Write the rows of a sheet, each with its number as people see it; returns how many say something.

    Below an empty row another table may begin, with a header of its own.
    """
    first = [row for _, row in zip(range(_LOOKED_AT), rows, strict=False)]
    header_at = _find_header(first)
    ahead = _Ahead(chain(first, rows))
    table = Table([])
    written = last = 0
    for index, (number, cells) in enumerate(ahead):
        written += 1
        place = f"sheet {clean_line(title)}, row {number}"
        if table.names and number > last + 1:
            found = table.find_next_header([cells, *ahead.look_below(number)])
            header_at = header_at if found is None else index + found
        last = number
        if index == header_at:
            table = Table([clean_line(cell) for cell in cells])
        elif (
            header_at is None or index < header_at or sum(map(bool, cells)) == 1 > len(table.names)
        ):
            # A title above the table, or a list of one column.
            writer.move_to(place)
            writer.add_paragraph(" | ".join(filter(None, map(clean_line, cells))))
        else:
            table.note(cells)
            writer.add_record(_name_cells(table.names, cells), place)
    if header_at is not None and written == header_at + 1:
        writer.add_paragraph(" | ".join(filter(None, table.names)))
    return written


class _Ahead:
    """Rows, of which the next ones can be looked at before their turn."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self._seen: deque[Row] = deque()

    def __iter__(self) -> Iterator[Row]:
        while True:
            row = self._seen.popleft() if self._seen else next(self._rows, None)
            if row is None:
                return
            yield row

    def look_below(self, number: int) -> list[list[str]]:
        """The cells of some rows that follow row `number` without an empty one between them."""
        while len(self._seen) < _LOOKED_BELOW and (row := next(self._rows, None)) is not None:
            self._seen.append(row)
        return [cells for below, (at, cells) in enumerate(self._seen, 1) if at == number + below]


@dataclass
class Table:
    """The names of a table's columns, and which columns hold a number in every row so far."""

    names: list[str]
    counted: dict[int, bool] = field(default_factory=dict)

    def note(self, cells: Sequence[str]) -> None:
        for column, cell in enumerate(cells):
            if cell:
                self.counted[column] = self.counted.get(column, True) and _has_number(cell)

    def find_next_header(self, block: Sequence[Sequence[str]]) -> int | None:
        """Which row of the block below an empty row is the header of another table; None where this one goes on.

        A header holds no number, and stands above a column of numbers. In this table that column has nothing but
        numbers as well, or the columns are others. "On request" is what a price may be: each cell of a header holds a
        letter, and begins with no small one unless one of this table's does.
        """
        at = next((at for at, cells in enumerate(block) if sum(map(bool, cells)) > 1), len(block))
        head, below = block[at : at + 1], block[at + 1 :]
        if not head or not below:
            return None
        said = {column: cell for column, cell in enumerate(head[0]) if cell}
        if any(map(_has_number, said.values())) or len(set(said.values())) < len(said):
            return None
        if not all(map(_has_letter, said.values())):
            return None
        if any(map(_begins_small, said.values())) and not any(map(_begins_small, self.names)):
            return None
        telling = [
            column
            for column in said
            if all(column < len(cells) and _has_number(cells[column]) for cells in below)
        ]
        stands_out = said.keys() != self.counted.keys() or any(map(self.counted.get, telling))
        return at if telling and stands_out else None


def _has_number(cell: str) -> bool:
    return any(map(str.isdigit, cell))


def _has_letter(cell: str) -> bool:
    return any(map(str.isalpha, cell))


def _begins_small(cell: str) -> bool:
    return cell.strip()[:1].islower()


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

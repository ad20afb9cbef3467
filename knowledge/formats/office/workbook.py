"""Excel: each row of a sheet is a record of "header: value" lines, with the sheet and the row that it stands in."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from knowledge.formats.office.packages import open_package
from knowledge.formats.office.sheets import open_sheet, write_rows
from knowledge.formats.sections import ParseError, SectionWriter, clean_line
from minirag.lib.telling.kept_sentences import kept

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

_WHOLE: Final = 8 * 1024 * 1024
"""Up to this size of a workbook's parts links and joined cells are read too, which takes all of it in memory."""
_CURRENCY: Final = re.compile(r'\[\$([^\]\-]{1,5})[^\]]*\]|([€$£¥])|"([A-Z]{3}|[^"\d\s]{1,3})"')
_DECIMALS: Final = re.compile(r"\.(0+)")


class _Nothing:
    """A cell that is not there."""

    value = None


def parse_xlsx(data: bytes, writer: SectionWriter) -> dict[str, object]:
    package = open_package(data, "Excel file", "[Content_Types].xml")
    size = sum(part.file_size for part in package.archive.infolist())
    book = _open(data, is_whole=size <= _WHOLE)
    shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"]
    rows = 0
    # To ask each cell for its font takes as long as all the rest.
    strikes = any(font.strike for font in book._fonts)
    try:
        for sheet in shown:
            open_sheet(sheet.title, len(shown), writer)
            rows += write_rows(sheet.title, _read_rows(sheet, strikes=strikes), writer)
    except (
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        IndexError,
        OSError,
        EOFError,
    ) as error:
        if isinstance(error, ParseError):
            raise
        raise ParseError("This Excel file is broken and cannot be read.") from None
    properties = book.properties
    metadata: dict[str, object] = {
        "sheets": [clean_line(sheet.title) for sheet in shown],
        "rows": rows,
    }
    if hidden:
        metadata["notes"] = [
            kept(f"Hidden sheets are not read: {', '.join(map(clean_line, hidden))}.")
        ]
    for key, value in (("title", properties.title), ("author", properties.creator)):
        if isinstance(value, str) and value != "openpyxl" and clean_line(value):
            metadata[key] = clean_line(value)[:500]
    if isinstance(properties.modified, datetime.datetime):
        metadata["date"] = properties.modified.date().isoformat()
    return metadata


def _open(data: bytes, *, is_whole: bool) -> Workbook:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        return openpyxl.load_workbook(
            io.BytesIO(data), read_only=not is_whole, data_only=True, keep_links=False
        )
    # The library meets broken files with whatever goes wrong first.
    except (
        InvalidFileException,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        OSError,
        EOFError,
    ):
        raise ParseError("This Excel file is broken and cannot be read.") from None


def _read_rows(sheet: Any, *, strikes: bool) -> Iterator[tuple[int, list[str]]]:
    """Rows that say something, each with its number as people see it."""
    if hasattr(sheet, "reset_dimensions"):
        sheet.reset_dimensions()  # what the file says of its size may be absurd
    merged = _find_merged(sheet)
    above: dict[int, str] = {}
    for number, row in _rows_of(sheet):
        cells = ["" if strikes and _is_struck(cell) else _show(cell) for cell in row]
        for column in (merged or {}).get(number, ()):
            if column < len(cells):
                cells[column] = above.get(column, "")
        above = dict(enumerate(cells)) if merged else above
        while cells and not cells[-1]:
            cells.pop()
        if any(map(str.strip, cells)):
            yield number, cells


def _rows_of(sheet: Any) -> Iterator[tuple[int, Sequence[Any]]]:
    """Only rows that are there: one cell in the far corner of a sheet would make seventeen thousand million."""
    there = getattr(sheet, "_cells", None)
    if there is None:
        yield from enumerate(sheet.iter_rows(), 1)
        return
    for number, places in groupby(sorted(there), key=itemgetter(0)):
        row: list[Any] = []
        for _, column in places:
            row += [_Nothing] * (column - 1 - len(row))
            row.append(there[number, column])
        yield number, row


def _find_merged(sheet: Any) -> dict[int, set[int]] | None:
    """Cells that are joined with the one above, by row; None where that is not known."""
    ranges = getattr(sheet, "merged_cells", None)
    if ranges is None:
        return None
    found: dict[int, set[int]] = {}
    for each in ranges.ranges:
        if each.max_row - each.min_row < 10_000:
            for row in range(each.min_row + 1, each.max_row + 1):
                found.setdefault(row, set()).add(each.min_col - 1)
    return found


def _is_struck(cell: Any) -> bool:
    return bool(getattr(getattr(cell, "font", None), "strike", False))


def _show(cell: Any) -> str:
    """A cell as people see it: 19 % and not 0.19, a day and not a number."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.datetime):
        is_day = not (value.hour or value.minute or value.second)
        return value.date().isoformat() if is_day else value.isoformat(" ", "minutes")
    if isinstance(value, datetime.time):
        return value.isoformat("seconds" if value.second else "minutes")
    if isinstance(value, int | float):
        return _show_number(value, getattr(cell, "number_format", "") or "")
    link = getattr(getattr(cell, "hyperlink", None), "target", None) or ""
    text = str(value)
    return f"{text} ({link})" if "://" in link and link not in text else text


def _show_number(value: float, form: str) -> str:
    form = form.partition(";")[0]
    decimals = _DECIMALS.search(form)
    if "%" in form:
        value, unit = value * 100, "%"
    else:
        found = _CURRENCY.search(form)
        unit = next(filter(None, found.groups()), "") if found else ""
    if decimals is not None and "E" not in form:
        text = f"{value:.{min(len(decimals[1]), 10)}f}"
    else:
        text = str(value) if isinstance(value, int) else f"{value:.12g}"
    return f"{text} {unit}".strip() if unit != "%" else f"{text}%"

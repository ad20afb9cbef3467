"""CSV: every row becomes a record of "header: value" lines, so that a row found alone still explains itself.

What stands above the header is a title, and a sentence below the last row a note; neither is a row. A first row that is
like all the others names nothing, and the columns are counted. Below an empty row another table may begin.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from knowledge.formats.office.sheets import Table
from knowledge.formats.plain import decode_text
from knowledge.formats.restrictions import note_columns
from knowledge.formats.sections import (
    MAX_CHARACTERS,
    MAX_LINES,
    ParseError,
    Section,
    SectionWriter,
    clean_line,
    clean_text,
    name_columns,
)

_DELIMITERS = (",", ";", "\t", "|")
_NAMED_DELIMITER = re.compile(r"""["']?sep=(.)["']?\r?\n""", re.IGNORECASE)
_NUMBER = re.compile(r"[-+(]?\s*[$€£¥%]?\s*\d[\d.,'\u2019/:\s-]*\s*[%$€£¥]?\)?")
_LONGEST_NUMBER = 60
_DIVIDING_COMMA = re.compile(r"(?<!\d),|,(?!\d)")
_YEAR = re.compile(r"(?:19|20)\d\d")
_SAMPLE_CHARACTERS = 64 * 1024
_SAMPLE_ROWS = 50
_LOOKED_BELOW = 6
# A cell may hold an article; the module's own limit (128 KiB) would refuse the whole file. It is global, on purpose.
_LONGEST_CELL = 16 * 1024 * 1024
csv.field_size_limit(_LONGEST_CELL)


def _read_rows(
    text: str, delimiter: str, limit: int | None = None, *, strict: bool = False
) -> list[list[str]]:
    """Raises ParseError as soon as they are more than a document may have: they take far more memory than the file."""
    return [row for row, _ in islice(_take_rows(text, delimiter, strict=strict), limit)]


def _take_rows(
    text: str, delimiter: str, *, strict: bool = False
) -> Iterator[tuple[list[str], bool]]:
    """Rows that say something, and whether each stands below an empty one."""
    characters = cells = 0
    is_apart = False
    source = io.StringIO(text, newline="")
    for row in csv.reader(source, delimiter=delimiter, strict=strict):
        if not any(clean_text(cell).strip() for cell in row):
            is_apart = True
            continue
        characters += sum(map(len, row))
        cells += _count_filled(row)
        if characters > MAX_CHARACTERS or cells > MAX_LINES:
            raise ParseError(
                "This table holds more text, or more cells, than one document may have: divide it.",
                code="too_large",
            )
        yield row, is_apart
        is_apart = False


def _agreement(sample: str, delimiter: str, strict: bool) -> tuple[float, int]:
    """(share of the rows that have the most usual width above one, that width)."""
    try:
        widths = Counter(map(len, _read_rows(sample, delimiter, _SAMPLE_ROWS, strict=strict)))
    except csv.Error:
        return 0.0, 0
    wide = {width: count for width, count in widths.items() if width > 1}
    if not wide:
        return 0.0, 0
    width = max(wide, key=lambda columns: (wide[columns], columns))
    return wide[width] / widths.total(), width


def sniff_delimiter(text: str) -> str:
    """The delimiter that gives most rows the same number (above one) of columns; a comma when none does.

    Quotes in wrong places rule a delimiter out, unless they rule out all of them.
    """
    # Whole lines only: a sample that ends within quotes would count as wrongly quoted.
    sample = (
        text
        if len(text) <= _SAMPLE_CHARACTERS
        else text[: text.rfind("\n", 0, _SAMPLE_CHARACTERS) + 1]
    )
    # "4,20" holds no comma that divides, where something else may.
    is_decimal = ";" in sample and not _DIVIDING_COMMA.search(sample)
    return max(
        _DELIMITERS[is_decimal:],
        key=lambda d: (_agreement(sample, d, True), _agreement(sample, d, False)),
    )


def _spell_quotes(text: str) -> str:
    """Databases write a quotation mark within quotes as \\", which is "" elsewhere; where that reads better."""
    if '\\"' not in text or '""' in text:
        return text
    spelled = text.replace('\\"', '""')
    as_it_is, changed = (
        max(_agreement(each[:_SAMPLE_CHARACTERS], d, True) for d in _DELIMITERS)
        for each in (text, spelled)
    )
    return spelled if changed > as_it_is else text


def _find_header(rows: list[list[str]]) -> int:
    """Where the table begins: the first row that fills most of its columns; 0 where no row does."""
    widths = Counter(_count_filled(row) for row in rows[:_SAMPLE_ROWS])
    # By cells: an invoice has more lines of a name and a value around its table than rows in it.
    usual = max(widths, key=lambda columns: (widths[columns] * columns, columns))
    if usual < 2:
        return 0
    least = max(2, 0.6 * usual)
    start = next((at for at, row in enumerate(rows) if _count_filled(row) >= least), 0)
    return start if all(row[0].strip() for row in rows[:start]) else 0


def _count_filled(row: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _is_number(cell: str) -> bool:
    cell = cell.strip()
    return len(cell) <= _LONGEST_NUMBER and _NUMBER.fullmatch(cell) is not None


def _is_header(first: list[str], body: list[list[str]]) -> bool:
    """Not where it has numbers in the columns of numbers, unless they are years, which the others are not."""
    votes = 0
    for column, cell in enumerate(first):
        below = [
            row[column] for row in body[:_SAMPLE_ROWS] if column < len(row) and row[column].strip()
        ]
        numbers = [value for value in below if _is_number(value)]
        if not below or len(numbers) < 0.6 * len(below) or not cell.strip():
            continue
        is_number = _is_number(cell)
        is_year = _YEAR.fullmatch(cell.strip()) and not all(map(_YEAR.fullmatch, numbers))
        votes += -1 if is_number and not is_year else 1
    return votes >= 0


def _find_end(rows: list[list[str]], width: int) -> int:
    """Where the table ends and notes begin: rows of nothing but a sentence in the first cell."""
    end = len(rows)
    while end > 1 and _is_note(rows[end - 1], width):
        end -= 1
    return end


def _is_note(row: list[str], width: int) -> bool:
    first = row[0].strip() if row else ""
    if width < 2 or _count_filled(row) != 1 or not first:
        return False
    words = first.split()
    return len(words) > 3 or (width > 2 and first.startswith(("*", "†", "¹")))


def _write_lines(rows: list[list[str]]) -> list[str]:
    return [clean_line(" ".join(row)) for row in rows]


def parse_csv(data: bytes, writer: SectionWriter) -> dict[str, object]:
    text = decode_text(data).lstrip("\ufeff")
    named = _NAMED_DELIMITER.match(text)
    text = _spell_quotes(text[named.end() :] if named else text)
    delimiter = named.group(1) if named else sniff_delimiter(text)
    try:
        told = [*_take_rows(text, delimiter)]
    except csv.Error as error:
        if "field limit" in str(error):
            raise ParseError(
                f"One cell of this table holds more than {_LONGEST_CELL // 2**20} MB of text. Is a quotation mark "
                "open, or are the lines not divided?",
                code="too_large",
            ) from None
        raise ParseError(f"This CSV file cannot be read: {error}.") from None
    if not told:
        return {}
    written = 0
    columns: list[str] = []
    notes: list[str] = []
    for rows in _divide(
        [row for row, _ in told], {at for at, (_, is_apart) in enumerate(told) if is_apart}
    ):
        count, names, header = _write_table(rows, writer)
        written += count
        columns += [name for name in names if name not in columns]
        notes += note_columns(header)
    return {
        "rows": written, "columns": columns,
        **({"delimiter": delimiter} if delimiter != "," else {}), **({"notes": notes} if notes else {}),
    }  # fmt: skip


def _divide(rows: list[list[str]], apart: set[int]) -> Iterator[list[list[str]]]:
    """The tables among the rows: below an empty row, before the rows in `apart`, another one may begin."""
    start = noted = 0
    table: Table | None = None
    for at in sorted(apart):
        if table is None or (len(table.counted) < 2 and at - start <= _SAMPLE_ROWS):
            noted = start + _find_header(rows[start : start + _SAMPLE_ROWS])
            has_header = noted + 1 < at and _is_header(rows[noted], rows[noted + 1 : at])
            table = Table(rows[noted] if has_header else [])
            noted += has_header
        for row in rows[noted:at]:
            table.note(_strip(row))
        noted = max(noted, at)
        end = next(
            (each for each in range(at + 1, at + _LOOKED_BELOW) if each in apart),
            at + _LOOKED_BELOW,
        )
        block = [_strip(row) for row in rows[at:end]]
        # What has one column so far is the title of what comes.
        if len(table.counted) > 1 and table.find_next_header(block) is not None:
            while start < at - 1 and at - 1 in apart and _count_filled(rows[at - 1]) == 1:
                at -= 1  # its title, between two empty rows
            yield rows[start:at]
            start, table = at, None
    yield rows[start:]


def _strip(row: list[str]) -> list[str]:
    return [cell.strip() for cell in row]


def _write_table(rows: list[list[str]], writer: SectionWriter) -> tuple[int, list[str], list[str]]:
    """Returns how many records there are, the names of the columns, and the header that these are from."""
    start = _find_header(rows)
    title, table = _write_lines(rows[:start]), rows[start:]
    # A single row has nothing to describe: it is data without a header.
    has_header = len(table) > 1 and _is_header(table[0], table[1:])
    header, body = (table[0], table[1:]) if has_header else ([], table)
    names = name_columns(header, max(map(len, table)))
    end = _find_end(body, len(names))
    if title:
        writer.open_heading(1, title[0])
        writer.add_paragraph("\n".join(title[1:]))
    records = writer.write_records(names, body[:end])
    if len(names) == 1 and not header and len(records) == 1:
        writer.add_paragraph(records[0].partition(": ")[2])
    elif records:
        writer.close_section()
        writer.sections.append(Section(writer.heading, "\n\n".join(records), None, "table"))
    writer.add_paragraph("\n".join(_write_lines(body[end:])))
    return end, names, header

"""CSV: every row becomes a record of "header: value" lines, so that a row found alone still explains itself."""

from __future__ import annotations

import csv
import io
from collections import Counter

from knowledge.formats.plain import decode_text
from knowledge.formats.sections import (
    ParseError,
    Section,
    SectionWriter,
    clean_text,
    name_columns,
    write_record,
)

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_CHARACTERS = 64 * 1024
_SAMPLE_ROWS = 50
# A cell may hold an article; the module's own limit (128 KiB) would refuse the whole file. It is global, on purpose.
csv.field_size_limit(16 * 1024 * 1024)


def _read_rows(
    text: str, delimiter: str, limit: int | None = None, *, strict: bool = False
) -> list[list[str]]:
    rows = []
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict):
        if any(clean_text(cell).strip() for cell in row):
            rows.append(row)
            if limit is not None and len(rows) >= limit:
                break
    return rows


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
    return max(
        _DELIMITERS, key=lambda d: (_agreement(sample, d, True), _agreement(sample, d, False))
    )


def parse_csv(data: bytes, writer: SectionWriter) -> dict[str, object]:
    text = decode_text(data)
    try:
        rows = _read_rows(text, sniff_delimiter(text))
    except csv.Error as error:
        raise ParseError(f"This CSV file cannot be read: {error}.") from None
    if not rows:
        return {}
    # A single row has nothing to describe: it is data without a header.
    header, body = (rows[0], rows[1:]) if len(rows) > 1 else ([], rows)
    names = name_columns(header, max(map(len, rows)))
    records = [record for row in body if (record := write_record(names, row))]
    if len(names) == 1 and not header:
        writer.add_paragraph(records[0].partition(": ")[2])
    elif records:
        writer.sections.append(Section((), "\n\n".join(records), None, "table"))
    return {"rows": len(body), "columns": names}

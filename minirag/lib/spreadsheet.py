"""CSV that a spreadsheet opens as text: RFC 4180 with CRLF, and no cell that it would run as a formula.

The rule is OWASP's against CSV injection: a text that begins with one of `= + - @`, their full-width forms, a tab, a
carriage return or a line feed gets a single quote in front, which spreadsheets take as "this is text". Numbers are
written as numbers, so a negative one keeps its minus. A program that reads the file removes one quote before such a
character.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from pydantic_core import to_json

_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")


def write_rows(rows: Iterable[Iterable[Any]]) -> bytes:
    """Return rows as lines of CSV in UTF-8.

    None is an empty cell, a boolean `true` or `false`, a list or dict JSON; everything else is its text.
    """
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\r\n").writerows(
        [render_cell(value) for value in row] for row in rows
    )
    return lines.getvalue().encode()


def render_cell(value: Any) -> Any:
    """Return the content of a cell; text is kept from being a formula."""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in _FORMULA_STARTS and value else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return to_json(value).decode()
    return value

"""Tables that go on from one page to the next, without the row that names their columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from knowledge.formats.pdf.layout import Line
from knowledge.formats.pdf.running import Page


def continue_tables(pages: Sequence[Page]) -> None:
    """Give the rest of a table its head again, so that each of its rows is read with the names of its columns.

    That it is the same table is told by where it stands and by its columns; that its first row is no head of its own,
    by figures, which heads have not and the rows below them have.
    """
    for above, below in pairwise(pages):
        last = next((line for line in reversed(above.lines) if _says_something(line)), None)
        first = next((line for line in below.lines if _says_something(line)), None)
        if last is None or first is None or not last.rows or not first.rows:
            continue
        head, *body = last.rows
        is_like_it = len(first.rows[0]) == len(head) and first.rows[0] != head
        if is_like_it and body and not _counts(head) and all(map(_counts, [*body, first.rows[0]])):
            first.rows = [head, *first.rows]


def _says_something(line: Line) -> bool:
    return bool(line.rows or line.text.strip())


def _counts(row: Sequence[str]) -> bool:
    return any(map(str.isdigit, " ".join(row)))

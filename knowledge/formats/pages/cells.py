"""The cells of an HTML table, each where it is shown: one that spans rows or columns stands in all of its rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_WIDEST: Final = 1000
_LONGEST_SPAN: Final = 5000
_MOST_HEADS: Final = 3


def lay_out(rows: list[list[LexborNode]], read: Callable[[LexborNode], str]) -> list[list[str]]:
    """Rows of texts. A cell that spans columns says so once; what spans rows is said again in each."""
    shown: list[list[str]] = []
    going_on: dict[int, tuple[int, str]] = {}  # column: (rows that are left, text)
    for row in rows:
        cells: list[str] = []
        going_on = _fill(cells, going_on, row, read)
        shown.append(cells)
    return shown


def _fill(
    cells: list[str], going_on: dict[int, tuple[int, str]], row: list[LexborNode],
    read: Callable[[LexborNode], str],
) -> dict[int, tuple[int, str]]:  # fmt: skip
    left = dict(going_on)

    def take_from_above() -> None:
        while len(cells) in left and len(cells) < _WIDEST:
            cells.append(left.pop(len(cells))[1])

    below = {at: (rows - 1, text) for at, (rows, text) in going_on.items() if rows > 1}
    for node in row:
        take_from_above()
        text, wide, high = read(node), _span(node, "colspan"), _span(node, "rowspan")
        for number in range(min(wide, _WIDEST - len(cells))):
            if high > 1:
                below[len(cells)] = (high - 1, "" if number else text)
            cells.append("" if number else text)
    take_from_above()
    return below


def _span(node: LexborNode, name: str) -> int:
    told = ((node.attributes or {}).get(name) or "").strip()
    return min(int(told), _LONGEST_SPAN) if told.isdecimal() and int(told[:6]) > 0 else 1


def count_heads(rows: list[list[LexborNode]]) -> int:
    """How many rows at the top name the columns: more than one where the first has cells that span."""
    if not rows or not any(
        _span(cell, "colspan") > 1 or _span(cell, "rowspan") > 1 for cell in rows[0]
    ):
        return 1
    heads = 0
    for row in rows[:_MOST_HEADS]:
        if not row or any(cell.tag != "th" for cell in row):
            break
        heads += 1
    return max(heads, 1) if heads < len(rows) else 1


def join_heads(rows: list[list[str]]) -> list[str]:
    """ "Time" above "from" and "to" names two columns: "Time from", "Time to"."""
    width = max(map(len, rows))
    names: list[list[str]] = [[] for _ in range(width)]
    for number, row in enumerate(rows):
        before = ""
        for column, name in enumerate(row):
            name = name or (before if number < len(rows) - 1 else "")
            before = name
            if name and name not in names[column]:
                names[column].append(name)
    return [" ".join(each) for each in names]

"""Tables that are drawn by lines: their rules make a grid, and what is written in each cell belongs together."""

from __future__ import annotations

import ctypes
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from knowledge.formats.pdf.segments import Box, Segment, TextLayer, read_stretch

if TYPE_CHECKING:
    import pypdfium2

_MOST_OBJECTS: Final = 20_000
_MOST_RULES: Final = 3000
_MOST_GRIDS: Final = 100
_MOST_POINTS: Final = 2000
_NEAR: Final = 3.0
_FEWEST_LEVELS: Final = 3
_MOST_CELLS: Final = 5000


@dataclass(slots=True)
class _Grid:
    """Rules that touch each other. `across` and `down` are where they stand."""

    left: float
    bottom: float
    right: float
    top: float
    across: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)

    def touches(self, box: Box) -> bool:
        return (
            self.left - _NEAR <= box[2] and box[0] <= self.right + _NEAR
            and self.bottom - _NEAR <= box[3] and box[1] <= self.top + _NEAR
        )  # fmt: skip

    def holds(self, segment: Segment) -> bool:
        return (
            self.left - _NEAR <= segment.left <= self.right
            and self.bottom - _NEAR <= segment.middle <= self.top + _NEAR
        )

    @property
    def is_table(self) -> bool:
        return (
            len(self.across) >= _FEWEST_LEVELS and len(self.down) >= _FEWEST_LEVELS
            and len(self.across) * len(self.down) <= _MOST_CELLS
        )  # fmt: skip


def find_rules(page: pypdfium2.PdfPage) -> list[Box]:
    """All straight lines that a page draws across or down, also as edges and as thin boxes; not what is nested."""
    import pypdfium2.raw as pdfium

    count = pdfium.FPDFPage_CountObjects(page.raw)
    rules: list[Box] = []
    if count > _MOST_OBJECTS:
        return rules
    for index in range(count):
        drawn = pdfium.FPDFPage_GetObject(page.raw, index)
        if pdfium.FPDFPageObj_GetType(drawn) == pdfium.FPDF_PAGEOBJ_PATH:
            rules += _edges(pdfium, drawn)
        if len(rules) > _MOST_RULES:
            return []
    return rules


def take_tables(layer: TextLayer, segments: list[Segment], rules: Iterable[Box]) -> list[Segment]:
    """The segments with those of a table become one, which has its rows."""
    for grid in _join_rules([layer.turn(*rule) for rule in rules]):
        inside = [each for each in segments if each.rows is None and grid.holds(each)]
        rows = _fill(layer, grid, inside) if grid.is_table and inside else []
        if sum(any(row) for row in rows) < 2 or sum(map(any, zip(*rows, strict=True))) < 2:
            continue
        taken = {id(each) for each in inside}
        order = min(each.order for each in inside)
        text = " ".join(cell for row in rows for cell in row if cell)
        table = Segment(text, grid.left, grid.bottom, grid.right, grid.top, order, rows)
        segments = [*(each for each in segments if id(each) not in taken), table]
    return segments


def _edges(pdfium: Any, path: Any) -> Iterator[Box]:
    count = pdfium.FPDFPath_CountSegments(path)
    if not 2 <= count <= _MOST_POINTS:
        return
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(path, matrix)
    x, y = ctypes.c_float(), ctypes.c_float()
    first: tuple[float, float] | None = None
    before: tuple[float, float] | None = None
    for index in range(count):
        part = pdfium.FPDFPath_GetPathSegment(path, index)
        pdfium.FPDFPathSegment_GetPoint(part, x, y)
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        kind = pdfium.FPDFPathSegment_GetType(part)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            first = point
        elif kind == pdfium.FPDF_SEGMENT_LINETO and before is not None:
            yield from _straight(before, point)
        if pdfium.FPDFPathSegment_GetClose(part) and first is not None:
            yield from _straight(point, first)
        before = point


def _straight(one: tuple[float, float], other: tuple[float, float]) -> Iterator[Box]:
    wide, high = abs(one[0] - other[0]), abs(one[1] - other[1])
    if min(wide, high) <= 1 and max(wide, high) > 2 * _NEAR:
        yield (
            min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]), max(one[1], other[1]),
        )  # fmt: skip


def _join_rules(rules: list[Box]) -> list[_Grid]:
    grids: list[_Grid] = []
    for rule in sorted(rules, key=lambda box: -box[3]):
        touched = [grid for grid in grids if grid.touches(rule)]
        grid = _Grid(*rule)
        for each in touched:
            grid.left, grid.bottom = min(grid.left, each.left), min(grid.bottom, each.bottom)
            grid.right, grid.top = max(grid.right, each.right), max(grid.top, each.top)
            grid.across += each.across
            grid.down += each.down
        if rule[2] - rule[0] > rule[3] - rule[1]:
            grid.across.append((rule[1] + rule[3]) / 2)
        else:
            grid.down.append((rule[0] + rule[2]) / 2)
        grids = [each for each in grids if not any(each is other for other in touched)]
        grids.append(grid)
        if len(grids) > _MOST_GRIDS:
            # A drawing, and no tables.
            return []
    for grid in grids:
        grid.across, grid.down = _thin_out(grid.across), _thin_out(grid.down)
    return grids


def _thin_out(levels: list[float]) -> list[float]:
    kept: list[float] = []
    for level in sorted(levels):
        if not kept or level - kept[-1] > _NEAR:
            kept.append(level)
    return kept


def _fill(layer: TextLayer, grid: _Grid, inside: list[Segment]) -> list[list[str]]:
    """Rows of cells, each cell with its lines."""
    columns = len(grid.down) - 1
    cells: dict[tuple[int, int], list[tuple[float, float, str]]] = {}
    for segment in inside:
        row = _place(grid.across, segment.middle)
        for left, text in _divide(layer, grid, segment):
            column = _place(grid.down, left + 1)
            cells.setdefault((row, column), []).append((segment.middle, left, text))
    rows: list[list[str]] = []
    for row in reversed(range(len(grid.across) - 1)):
        lines = [_lines_of(cells.get((row, column), [])) for column in range(columns)]
        rows += (
            _divide_row(lines)
            if len(grid.across) == _FEWEST_LEVELS
            else [["\n".join(cell) for cell in lines]]
        )
    return rows


def _place(levels: list[float], value: float) -> int:
    return min(max(bisect_right(levels, value) - 1, 0), len(levels) - 2)


def _divide(layer: TextLayer, grid: _Grid, segment: Segment) -> list[tuple[float, str]]:
    """A segment that runs over rules, cut at those that its letters leave free."""
    rules = [level for level in grid.down if segment.left + _NEAR < level < segment.right - _NEAR]
    if not rules:
        return [(segment.left, segment.text)]
    parts: list[tuple[float, str]] = []
    start, left = segment.first, segment.left
    boxes = [(at, layer.box(at)) for at in range(segment.first, segment.last)]
    shown = [(at, box) for at, box in boxes if box is not None and not layer.text[at].isspace()]
    for (_, before), (at, box) in pairwise(shown):
        crossed = any(before[2] - 1 <= level <= box[0] + 1 for level in rules)
        if crossed and box[0] - before[2] > 1:
            parts.append((left, read_stretch(layer, start, at)))
            start, left = at, box[0]
    return [*parts, (left, read_stretch(layer, start, segment.last))]


def _lines_of(written: list[tuple[float, float, str]]) -> list[str]:
    """What is written in a cell, line by line."""
    lines: list[tuple[float, list[tuple[float, str]]]] = []
    for middle, left, text in sorted(written, key=lambda each: (-each[0], each[1])):
        if lines and abs(lines[-1][0] - middle) < _NEAR:
            lines[-1][1].append((left, text))
        else:
            lines.append((middle, [(left, text)]))
    return [" ".join(text for _, text in sorted(parts)) for _, parts in lines]


def _divide_row(lines: list[list[str]]) -> list[list[str]]:
    """Some tables rule only their head and their columns: as many lines in each column are as many rows."""
    counts = {len(cell) for cell in lines if cell}
    if len(counts) != 1 or sum(map(bool, lines)) < 2 or counts == {1}:
        return [["\n".join(cell) for cell in lines]]
    return [[cell[at] if cell else "" for cell in lines] for at in range(counts.pop())]

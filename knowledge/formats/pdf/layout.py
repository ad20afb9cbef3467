"""The order in which a person reads a page: columns of prose one after the other, all else line by line.

A page is cut where an empty gutter divides it for several lines. What stands on both sides is two columns where both
are prose, or one is and the page draws it wholly before the other; otherwise it is read by rows, and rows whose cells
stand below each other are a table. What crosses the gutter, such as a title, divides what is above from what is below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median
from typing import Final

from knowledge.formats.pdf.right_to_left import is_right_to_left
from knowledge.formats.pdf.segments import Segment

_FEWEST_LINES: Final = 3
_FEWEST_CELLS: Final = 3
_PROSE_CHARACTERS: Final = 18
_PROSE_FILL: Final = 0.55
_MOST_SEGMENTS: Final = 3000
_DEEPEST: Final = 4
_NEW_PARAGRAPH: Final = 1.45


@dataclass(slots=True)
class Line:
    """A printed line, or (with `rows`) a table; `opens`: more room above it than lines have."""

    text: str
    bottom: float
    top: float
    rows: list[list[str]] | None = None
    opens: bool = False
    size: float = 0.0


def order_lines(segments: list[Segment]) -> list[Line]:
    """Lines in reading order."""
    if len(segments) > _MOST_SEGMENTS:
        lines = [_join([segment]) for segment in segments]
    else:
        blocks = [_find_rows(block) for block in _cut(segments, 0)]
        lines = [line for rows in blocks for line in _write_rows(rows)]
    _mark_paragraphs(lines)
    return lines


def _cut(segments: list[Segment], depth: int) -> list[list[Segment]]:
    """Blocks in reading order, each to be read by rows."""
    gutter = _find_gutter(segments) if depth < _DEEPEST else None
    if gutter is None:
        return [segments]
    blocks: list[list[Segment]] = []
    band: list[Segment] = []
    for segment in sorted(segments, key=lambda each: -each.middle):
        if segment.left < gutter < segment.right:
            blocks += [*_cut_band(band, gutter, depth), [segment]]
            band = []
        else:
            band.append(segment)
    return [*blocks, *_cut_band(band, gutter, depth)]


def _cut_band(band: list[Segment], gutter: float, depth: int) -> list[list[Segment]]:
    left = [segment for segment in band if segment.right <= gutter]
    right = [segment for segment in band if segment.right > gutter]
    if not left or not right or not _are_columns(left, right):
        return [band] if band else []
    if is_right_to_left("".join(segment.text for segment in band)):
        left, right = right, left
    return [*_cut(left, depth + 1), *_cut(right, depth + 1)]


def _find_gutter(segments: list[Segment]) -> float | None:
    """Where most lines begin beside others, if several do and few cross it."""
    rows = _find_rows(segments)
    starts: dict[int, list[tuple[float, float]]] = {}
    for row in rows:
        for one, other in pairwise(row):
            starts.setdefault(round(other.left / 6), []).append((one.right, other.left))
    best: tuple[int, float] | None = None
    for place, found in starts.items():
        # What is centred or justified begins a little to the left or right of its neighbours.
        near = [*found, *starts.get(place + 1, []), *starts.get(place - 1, [])]
        gutter = min(left for _, left in near) - 0.5
        crossing = sum(segment.left < gutter < segment.right for segment in segments)
        clear = sum(right <= gutter for right, _ in near)
        if clear >= _FEWEST_LINES and crossing <= clear and (best is None or clear > best[0]):
            best = clear, gutter
    return None if best is None else best[1]


def _are_columns(left: list[Segment], right: list[Segment]) -> bool:
    if min(len(left), len(right)) < _FEWEST_LINES:
        return False
    if any(segment.rows is not None for segment in (*left, *right)):
        return True
    firsts = min(each.order for each in left), min(each.order for each in right)
    lasts = max(each.order for each in left), max(each.order for each in right)
    if lasts[0] < firsts[1] or lasts[1] < firsts[0]:
        return _is_prose(left) or _is_prose(right)
    return _is_prose(left) and _is_prose(right)


def _is_prose(column: list[Segment], depth: int = 0) -> bool:
    """Whether these are the lines of one column, or of several beside each other that go on from line to line."""
    if _fills_lines(column):
        return depth == 0 or _goes_on(column)
    gutter = _find_gutter(column) if depth < _DEEPEST else None
    if gutter is None:
        return False
    left = [segment for segment in column if segment.right <= gutter]
    right = [segment for segment in column if segment.left >= gutter]
    return (
        min(len(left), len(right)) >= _FEWEST_LINES
        and len(left) + len(right) == len(column)
        and _is_prose(left, depth + 1)
        and _is_prose(right, depth + 1)
    )


def _goes_on(column: list[Segment]) -> bool:
    """Sentences run on into the next line; cells of a table begin anew."""
    return 2 * sum(each.text[:1].islower() for each in column) > len(column)


def _fills_lines(column: list[Segment]) -> bool:
    width = max(each.right for each in column) - min(each.left for each in column)
    return (
        median(len(each.text) for each in column) >= _PROSE_CHARACTERS
        and median(each.right - each.left for each in column) >= _PROSE_FILL * width
    )


def _find_rows(segments: list[Segment]) -> list[list[Segment]]:
    """What stands at one height, from left to right; rows from the top down."""
    rows: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda each: (-each.middle, each.left)):
        if rows and segment.rows is None and _shares_line(rows[-1], segment):
            rows[-1].append(segment)
        else:
            rows.append([segment])
    return [sorted(row, key=lambda each: each.left) for row in rows]


def _shares_line(row: list[Segment], segment: Segment) -> bool:
    first = row[0]
    if first.rows is not None:
        return False
    # A raised figure stands in the line of the larger letters beside it.
    return abs(first.middle - segment.middle) <= 0.5 * max(first.height, segment.height)


def _write_rows(rows: list[list[Segment]]) -> Iterator[Line]:
    """A line for each row, and a table for rows of as many cells, three or more, that stand below each other."""
    for _, same in groupby(_number_tables(rows), key=lambda each: each[0]):
        members = [row for _, row in same]
        if len(members) < _FEWEST_LINES or not _has_head(members):
            yield from (_join(row) for row in members)
            continue
        line = _join([segment for row in members for segment in row])
        line.rows = [[segment.text for segment in row] for row in members]
        if is_right_to_left(line.text):
            line.rows = [row[::-1] for row in line.rows]
        yield line


def _has_head(rows: list[list[Segment]]) -> bool:
    """Whether the first row names what the others count; else it would be taken for the names of the columns."""
    head, *body = (any(map(str.isdigit, _join(row).text)) for row in rows)
    return not head and all(body)


def _number_tables(rows: list[list[Segment]]) -> Iterator[tuple[int, list[Segment]]]:
    """Each row with a number that it shares with the rows of its table."""
    number, before = 0, None
    for row in rows:
        if before is None or not _are_in_one_table(before, row):
            number += 1
        yield number, row
        before = row


def _are_in_one_table(above: list[Segment], below: list[Segment]) -> bool:
    return len(above) == len(below) >= _FEWEST_CELLS and all(
        one.left < other.right and other.left < one.right
        for one, other in zip(above, below, strict=True)
    )


def _join(row: list[Segment]) -> Line:
    text = " ".join(segment.text for segment in row)
    if len(row) > 1 and is_right_to_left(text):
        text = " ".join(segment.text for segment in reversed(row))
    return Line(
        text,
        min(segment.bottom for segment in row),
        max(segment.top for segment in row),
        row[0].rows,
        opens=len(row) > 1,
        size=min(segment.size for segment in row),
    )


def _mark_paragraphs(lines: list[Line]) -> None:
    """From one line to the next below it, where there is clearly more room than is usual on the page."""
    pitches = [one.bottom - other.bottom for one, other in pairwise(lines) if other.top < one.top]
    if len(pitches) < 3:
        return
    usual = median(pitches)
    for one, other in pairwise(lines):
        other.opens |= one.bottom - other.bottom > _NEW_PARAGRAPH * usual

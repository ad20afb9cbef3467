"""Which lines, or words, two texts have in common, in order: `match`, in bounded time however long they are.

Python's difflib is quadratic where many lines differ, and worse where they repeat; ten megabytes kept it busy for
minutes. Here what is equal at both ends is taken off first; then lines that both sides have once each are anchors, as
in patience diff; and only between anchors, where little is left, everything is compared with everything.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

Block = tuple[int, int, int]
"""So many items from these places on are the same: (place before, place after, how many)."""

_MOST_CELLS: Final = 40_000
"""Of a gap in which all pairs are compared."""
_MOST_WORK: Final = 4_000_000
"""Comparisons in all; beyond, what is left counts as different. About two seconds."""


def match(before: Sequence[str], after: Sequence[str]) -> list[Block]:
    """Return what is the same in both, in order, as blocks that are as long as can be."""
    pairs = sorted(_find_pairs(before, after))
    blocks: list[Block] = []
    for i, j in pairs:
        if blocks and (i, j) == (blocks[-1][0] + blocks[-1][2], blocks[-1][1] + blocks[-1][2]):
            start, other, size = blocks.pop()
            blocks.append((start, other, size + 1))
        else:
            blocks.append((i, j, 1))
    return blocks


def _find_pairs(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int]]:
    gaps = [(0, len(before), 0, len(after))]
    left = _MOST_WORK
    while gaps:
        i, i_end, j, j_end = gaps.pop()
        while i < i_end and j < j_end and before[i] == after[j]:
            yield i, j
            i, j = i + 1, j + 1
        while i < i_end and j < j_end and before[i_end - 1] == after[j_end - 1]:
            i_end, j_end = i_end - 1, j_end - 1
            yield i_end, j_end
        rows, columns = i_end - i, j_end - j
        cost = rows * columns if rows * columns <= _MOST_CELLS else rows + columns
        left -= cost
        if not rows or not columns or left < 0:
            continue
        if rows * columns <= _MOST_CELLS:
            common = _find_longest(before[i:i_end], after[j:j_end])
            yield from ((i + a, j + b) for a, b in common)
            continue
        anchors = _find_anchors(before, after, (i, i_end, j, j_end))
        for a, b in anchors:
            yield a, b
            gaps.append((i, a, j, b))
            i, j = a + 1, b + 1
        if anchors:
            gaps.append((i, i_end, j, j_end))


def _find_anchors(
    before: Sequence[str], after: Sequence[str], gap: tuple[int, int, int, int]
) -> list[tuple[int, int]]:
    """The longest row of items, in order in both, that each side of the gap has exactly once."""
    i, i_end, j, j_end = gap
    counts = Counter(before[i:i_end])
    others = Counter(after[j:j_end])
    places = {after[b]: b for b in range(j, j_end) if others[after[b]] == 1}
    pairs = [
        (a, places[before[a]])
        for a in range(i, i_end)
        if counts[before[a]] == 1 and before[a] in places
    ]
    # Longest increasing run of the places after, by the last pair of each pile.
    tops: list[int] = []
    piles: list[int] = []
    links: list[int] = []
    for number, (_, b) in enumerate(pairs):
        pile = bisect_left(tops, b)
        links.append(piles[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [b]
        piles[pile : pile + 1] = [number]
    found = []
    at = piles[-1] if piles else -1
    while at >= 0:
        found.append(pairs[at])
        at = links[at]
    return found[::-1]


def _find_longest(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """The longest common subsequence of two short rows."""
    rows, columns = len(before), len(after)
    table = [[0] * (columns + 1) for _ in range(rows + 1)]
    for a in range(rows - 1, -1, -1):
        here, below = table[a], table[a + 1]
        for b in range(columns - 1, -1, -1):
            here[b] = below[b + 1] + 1 if before[a] == after[b] else max(below[b], here[b + 1])
    found, a, b = [], 0, 0
    while a < rows and b < columns:
        if before[a] == after[b]:
            found.append((a, b))
            a, b = a + 1, b + 1
        elif table[a + 1][b] >= table[a][b + 1]:
            a += 1
        else:
            b += 1
    return found

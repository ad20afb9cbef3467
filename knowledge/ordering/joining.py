"""Puts a list or a table together again that was cut between chunks: what leads to it, and how it goes on.

A chunk that begins in the middle of a list says nothing of what the list is of, and one that ends in it not all of it.
The neighbours' lines of the same list are joined, with the line before them; no more than a bounded number of
characters. Costs a statement where a passage is cut so, and nothing else.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from knowledge.retrieval.passages import Passage
from minirag.lib.rows import FixedStatement, fetch_together

MOST_JOINED: Final = 5  # passages, the best ones
REACH: Final = 2  # chunks on each side
LONGEST_JOINED: Final = 900  # characters on each side
_ITEM = re.compile(r"\s*(?:[-*•‣◦–]|\d{1,3}[.)]|[a-zA-Z][.)])\s+\S")
_ROW = re.compile(r"\S\s+\|(?:\s|$)|^\s*\|\s|\S\t+\S")
_NEIGHBOURS = FixedStatement(
    f"""
SELECT h.id, n.ordinal - h.ordinal, n.content
  FROM knowledge_chunk h
  JOIN knowledge_chunk n ON n.source_id = h.source_id AND n.ordinal BETWEEN h.ordinal - {REACH} AND h.ordinal + {REACH}
   AND n.document_id = h.document_id AND n.heading = h.heading AND n.id <> h.id
 WHERE h.id = ANY(%(chunks)s)""",  # noqa: S608
    {"chunks": "uuid[]"},
)

Neighbours = Mapping[int, str]
"""Contents by how far they stand from a passage: -1 is the chunk before it."""


def join_cut(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """Return the passages, the best of them whole where a list or table of theirs was cut. Reads in the caller's
    transaction."""
    cut = [each.chunk_id for each in passages[:MOST_JOINED] if is_cut(each.content)]
    if not cut:
        return tuple(passages)
    found: dict[uuid.UUID, dict[int, str]] = {}
    [neighbours] = fetch_together((_NEIGHBOURS, cut))
    for chunk_id, distance, content in neighbours:
        found.setdefault(chunk_id, {})[distance] = content
    return tuple(
        each.but(content=join(each.content, found[each.chunk_id]))
        if each.chunk_id in found
        else each
        for each in passages
    )


def is_cut(content: str) -> bool:
    """Whether it begins or ends among the lines of a list or a table."""
    lines = content.strip("\n").split("\n")
    return _is_line_of_list(lines[0]) or _is_line_of_list(lines[-1])


def join(content: str, neighbours: Neighbours) -> str:
    """The content with the lines of its neighbours that belong to its first and its last list or table.

    Each piece of a table begins with the table's header (see indexing.pieces), which stands once in what is joined.
    """
    lines = content.lstrip("\n").rstrip().split("\n")
    first, last = lines[0], _last_block(lines)[0]
    if _is_header(first):
        lead, rows = _rows_before(first, neighbours, lines)
        lines = [*lead, first, *rows, *lines[1:]]
    elif _is_line_of_list(first):
        lines = [*_items_before(neighbours, lines), *lines]
    if _is_header(last):
        return "\n".join([*lines, *_rows_after(last, neighbours, lines)])
    after = _items_after(neighbours, lines) if _is_line_of_list(lines[-1]) else []
    return "\n".join([*lines, *after])


def _is_line_of_list(line: str) -> bool:
    return bool(_ITEM.match(line) or _ROW.search(line))


def _is_header(line: str) -> bool:
    """Whether a line that opens a block names the columns of a table."""
    return bool(_ROW.search(line)) and not _ITEM.match(line)


def _last_block(lines: Sequence[str]) -> list[str]:
    """The lines behind the last blank one, and behind what leads to a list or table among them."""
    block = list(takewhile(str.strip, reversed(lines)))[::-1]
    rows = list(takewhile(_is_line_of_list, reversed(block)))[::-1]
    return rows or block or [""]


@dataclass
class _Room:
    """How much may still be joined on one side, and what was."""

    taken: set[str]
    left: int = LONGEST_JOINED
    lines: list[str] = field(default_factory=list)

    def take(self, line: str, *, before: bool) -> bool:
        """Whether there was room; neighbours repeat a little of each other, which is taken once."""
        if line in self.taken:
            return True
        if len(line) > self.left:
            self.left = 0
            return False
        self.left -= len(line)
        self.taken.add(line)
        self.lines.insert(0, line) if before else self.lines.append(line)
        return True


def _rows_before(
    header: str, neighbours: Neighbours, lines: Sequence[str]
) -> tuple[list[str], list[str]]:
    """What leads to the table, and its rows before the first one here as far as there is room."""
    room = _Room(set(lines))
    for distance in range(-1, -REACH - 1, -1):
        for block in reversed(_blocks_of(neighbours.get(distance, ""))):
            if header not in block:
                line = block[-1]
                return ([] if _is_line_of_list(line) else [line]), room.lines
            at = block.index(header)
            for row in reversed(block[at + 1 :]):
                if not room.take(row, before=True):
                    break
            if at:
                return [block[at - 1]], room.lines
    return [], room.lines


def _rows_after(header: str, neighbours: Neighbours, lines: Sequence[str]) -> list[str]:
    room = _Room(set(lines))
    for distance in range(1, REACH + 1):
        for first, *rows in _blocks_of(neighbours.get(distance, "")):
            if first != header or not all(room.take(row, before=False) for row in rows):
                return room.lines
    return room.lines


def _items_before(neighbours: Neighbours, lines: Sequence[str]) -> list[str]:
    """What leads to the list, and its items before the first one here as far as there is room."""
    room = _Room(set(lines))
    for distance in range(-1, -REACH - 1, -1):
        for line in reversed(neighbours.get(distance, "").strip("\n").split("\n")):
            if _is_header(line):
                return room.lines
            if _is_line_of_list(line):
                room.take(line, before=True)
            elif line.strip():
                return [line, *room.lines]
    return room.lines


def _items_after(neighbours: Neighbours, lines: Sequence[str]) -> list[str]:
    """How the list goes on behind the last line."""
    room = _Room(set(lines))
    for distance in range(1, REACH + 1):
        for line in neighbours.get(distance, "").strip("\n").split("\n"):
            if not _ITEM.match(line) or not room.take(line, before=False):
                return room.lines
    return room.lines


def _blocks_of(content: str) -> list[list[str]]:
    """The lines between blank lines, block by block."""
    return [block.split("\n") for block in content.strip("\n").split("\n\n") if block.strip()]

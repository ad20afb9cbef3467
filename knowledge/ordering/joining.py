"""Puts a list or a table together again that was cut between chunks: what leads to it, and how it goes on.

A chunk that begins in the middle of a list says nothing of what the list is of, and one that ends in it not all of it.
The neighbours' lines of the same list are joined, with the line before them; no more than a bounded number of
characters. Costs a statement where a passage is cut so, and nothing else.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from django.db import connection

from knowledge.retrieval.passages import Passage

MOST_JOINED: Final = 5  # passages, the best ones
REACH: Final = 2  # chunks on each side
LONGEST_JOINED: Final = 900  # characters on each side
_ITEM = re.compile(r"\s*(?:[-*•‣◦–]|\d{1,3}[.)]|[a-zA-Z][.)])\s+\S")
_ROW = re.compile(r"\S\s*(?:\||\t)\s*\S")
_STATEMENT = f"""
SELECT h.id, n.ordinal - h.ordinal, n.content
  FROM knowledge_chunk h
  JOIN knowledge_chunk n ON n.source_id = h.source_id AND n.ordinal BETWEEN h.ordinal - {REACH} AND h.ordinal + {REACH}
   AND n.document_id = h.document_id AND n.heading = h.heading AND n.id <> h.id
 WHERE h.id = ANY(%s)"""  # noqa: S608

Neighbours = Mapping[int, str]
"""Contents by how far they stand from a passage: -1 is the chunk before it."""


def join_cut(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """Return the passages, the best of them whole where a list or table of theirs was cut. Reads in the caller's
    transaction."""
    cut = [each.chunk_id for each in passages[:MOST_JOINED] if is_cut(each.content)]
    if not cut:
        return tuple(passages)
    found: dict[uuid.UUID, dict[int, str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, [cut])
        for chunk_id, distance, content in cursor.fetchall():
            found.setdefault(chunk_id, {})[distance] = content
    return tuple(
        replace(each, content=join(each.content, found[each.chunk_id]))
        if each.chunk_id in found
        else each
        for each in passages
    )


def is_cut(content: str) -> bool:
    """Whether it begins or ends among the lines of a list or a table."""
    lines = content.strip().split("\n")
    return _is_line_of_list(lines[0]) or _is_line_of_list(lines[-1])


def join(content: str, neighbours: Neighbours) -> str:
    """The content with the lines of its neighbours that belong to its first and its last list."""
    lines = content.strip().split("\n")
    before = _look_back(lines, neighbours) if _is_line_of_list(lines[0]) else []
    after = _look_on(lines, neighbours) if _is_line_of_list(lines[-1]) else []
    return "\n".join([*before, *lines, *after])


def _is_line_of_list(line: str) -> bool:
    return bool(_ITEM.match(line) or _ROW.search(line))


def _look_back(lines: Sequence[str], neighbours: Neighbours) -> list[str]:
    """What stands before the first line, back to the line that leads to the list."""
    joined: list[str] = []
    for distance in range(-1, -REACH - 1, -1):
        for line in reversed(neighbours.get(distance, "").strip().split("\n")):
            if not line.strip():
                if _is_line_of_list((joined or lines)[0]):
                    continue  # a blank line before the list
                return joined
            if line in lines or line in joined:  # neighbours repeat a little of each other
                continue
            if sum(map(len, joined)) + len(line) > LONGEST_JOINED:
                return joined
            joined.insert(0, line)
            if not _is_line_of_list(line):
                return joined
    return joined


def _look_on(lines: Sequence[str], neighbours: Neighbours) -> list[str]:
    """How the list goes on behind the last line."""
    joined: list[str] = []
    for distance in range(1, REACH + 1):
        for line in neighbours.get(distance, "").strip().split("\n"):
            if line in lines or line in joined:
                continue
            if not _is_line_of_list(line) or sum(map(len, joined)) + len(line) > LONGEST_JOINED:
                return joined
            joined.append(line)
    return joined

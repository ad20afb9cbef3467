"""The folders of a source: its documents by where each lies, counted and cut into pages by the database.

Where a document lies is its path in an archive or a connector, else its address without what follows `?` or `#`. A
folder that holds nothing but another folder is passed over: `https://docs.example.com/en/` is one step, not three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

_SAID = """
WITH said AS (
  SELECT id, title, chunk_count, error_code <> '' AS has_failed,
         split_part(split_part(coalesce(nullif(metadata->>'path', ''), url), '?', 1), '#', 1) AS path
    FROM knowledge_document WHERE source_id = %(source)s
), inside AS (
  SELECT said.*, strpos(substr(path, length(%(folder)s) + 1), '/') AS slash
    FROM said WHERE starts_with(path, %(folder)s)
)
"""
_ENDS = """
SELECT min(path COLLATE "C"), max(path COLLATE "C") FROM inside WHERE path <> ''
"""
_COUNTS = """
SELECT count(DISTINCT left(path, length(%(folder)s) + slash)) FILTER (WHERE slash > 0),
       count(*) FILTER (WHERE slash = 0)
       + (SELECT count(*) FROM said WHERE %(is_top)s AND NOT starts_with(path, %(folder)s))
  FROM inside
"""
_FOLDERS = """
SELECT left(path, length(%(folder)s) + slash), count(*), sum(chunk_count), count(*) FILTER (WHERE has_failed)
  FROM inside WHERE slash > 0 GROUP BY 1 ORDER BY 1 LIMIT %(limit)s OFFSET %(offset)s
"""
_DOCUMENTS = """
SELECT id FROM said
 WHERE CASE WHEN starts_with(path, %(folder)s) THEN strpos(substr(path, length(%(folder)s) + 1), '/') = 0
            ELSE %(is_top)s END
 ORDER BY title, id LIMIT %(limit)s OFFSET %(offset)s
"""


@dataclass(frozen=True)
class Folder:
    """One step below another; `path` begins with that one's and ends with a slash."""

    path: str
    name: str
    documents: int
    chunks: int
    failed: int


@dataclass(frozen=True)
class Shelf:
    """One folder of a source, the whole of it where `folder` is empty: how much lies in it, and pages of that."""

    source_id: UUID
    folder: str
    is_top: bool
    folders: int
    documents: int

    @classmethod
    def open(cls, source_id: UUID, folder: str = "") -> Shelf:
        """Look into a folder, past steps that hold nothing but one folder."""
        asked = {"source": source_id, "folder": folder, "is_top": not folder}
        first, last = _ask(_ENDS, asked)[0]
        inner = _common_folder(first or "", last or "")
        if len(inner) > len(folder):
            asked["folder"] = inner
        folders, documents = _ask(_COUNTS, asked)[0]
        return cls(source_id, str(asked["folder"]), not folder, folders, documents)

    def list_folders(self, offset: int, limit: int) -> list[Folder]:
        rows = _ask(_FOLDERS, self._asked(offset, limit))
        start = len(self.folder)
        return [
            Folder(path, path[start:].rstrip("/") or path, documents, int(chunks or 0), failed)
            for path, documents, chunks, failed in rows
        ]

    def list_documents(self, offset: int, limit: int) -> list[UUID]:
        """The ids of those that lie in it itself, by title."""
        return [row[0] for row in _ask(_DOCUMENTS, self._asked(offset, limit))]

    def _asked(self, offset: int, limit: int) -> dict[str, Any]:
        return {
            "source": self.source_id, "folder": self.folder, "is_top": self.is_top, "offset": offset,
            "limit": limit,
        }  # fmt: skip


def _common_folder(first: str, last: str) -> str:
    """The folder that holds both of two paths, and so all that lie between them."""
    same = 0
    for one, other in zip(first, last, strict=False):
        if one != other:
            break
        same += 1
    return first[: first.rfind("/", 0, same) + 1]


def _ask(statement: str, parameters: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_SAID + statement, parameters)
        return list(cursor.fetchall())

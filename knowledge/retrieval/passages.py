"""Passages, and how those found here and those of external bases become one list. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from knowledge.sources.configs import AUTHORITIES

MAX_EXTERNAL_PASSAGES: Final = 20
MAX_EXTERNAL_CHARACTERS: Final = 24_000
"""About 6,000 tokens: what external bases may add to a prompt, however many there are."""


@dataclass(frozen=True)
class Passage:
    """A chunk with its scores. `score` orders (0 to 1), `cosine` and `bm25` are its raw parts.

    `heading` is the path "Title > A > B", `page` counts from 1 and is None for documents without pages. A passage of
    an external base has an `authority` ("mandatory", "guideline" or "informational"), the base's own `score` on a
    scale of its own, and the base's name for the chunk as `external_id`.
    """

    chunk_id: uuid.UUID
    source_id: uuid.UUID
    document_id: uuid.UUID
    title: str
    url: str
    page: int | None
    heading: str
    content: str
    score: float
    cosine: float
    bm25: float
    authority: str = ""
    external_id: str = ""

    @property
    def shown_id(self) -> str:
        """The chunk's id as clients see it."""
        return self.external_id or str(self.chunk_id)


def choose_external(passages: Iterable[Passage]) -> tuple[Passage, ...]:
    """Order external passages by authority, then score, and keep what fits into a prompt.

    The same text twice is kept where it binds most. At most 20 passages with 24,000 characters.
    """
    ranked = sorted(
        passages, key=lambda each: (AUTHORITIES.index(each.authority), -each.score, each.shown_id)
    )
    chosen: list[Passage] = []
    seen: set[str] = set()
    room = MAX_EXTERNAL_CHARACTERS
    for passage in ranked:
        if len(chosen) == MAX_EXTERNAL_PASSAGES:
            break
        if passage.content in seen or len(passage.content) > room:
            continue
        chosen.append(passage)
        seen.add(passage.content)
        room -= len(passage.content)
    return tuple(chosen)


def merge_passages(local: Sequence[Passage], external: Sequence[Passage]) -> tuple[Passage, ...]:
    """What binds comes first: mandatory, guideline, informational, then what was found here, each by its score."""
    known = {passage.content for passage in external}
    return (*external, *(passage for passage in local if passage.content not in known))

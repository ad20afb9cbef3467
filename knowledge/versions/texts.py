"""A document's text and its chunks: one put together from the other, and chunks packed to be kept."""

from __future__ import annotations

import hashlib
import json
import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence

from knowledge.corrections.own_text import read_own_text
from knowledge.indexing.chunking import ChunkDraft, hash_content

_SHORTEST_OVERLAP, _LONGEST_OVERLAP = 8, 2000


def join_contents(contents: Iterable[str]) -> str:
    """Join overlapping pieces of a text; those that do not overlap are divided by a blank line."""
    return "".join(added for _, added in _join(contents))


def span_drafts(drafts: Iterable[ChunkDraft]) -> list[tuple[int, int]]:
    """Where each chunk stands in the text that `join_drafts` makes of them: its first character, and its end."""
    spans: list[tuple[int, int]] = []
    end = 0
    for shared, added in _join(draft.content for draft in drafts):
        divider = 0 if shared or not spans else 2
        spans.append((end + divider - shared, end + len(added)))
        end += len(added)
    return spans


def _join(contents: Iterable[str]) -> Iterator[tuple[int, str]]:
    """For each piece how much of it was said already, and what the text grows by."""
    last: str | None = None
    for content in contents:
        shared = _measure_overlap(last, content) if last else 0
        yield shared, content[shared:] if shared or last is None else f"\n\n{content}"
        last = content


def _measure_overlap(before: str, after: str) -> int:
    """How many characters at the end of `before` are the beginning of `after`; a few alone are a coincidence."""
    beginning = after[:_SHORTEST_OVERLAP]
    at = before.find(beginning, max(0, len(before) - min(len(after), _LONGEST_OVERLAP)))
    while at >= 0 and len(beginning) == _SHORTEST_OVERLAP:
        if after.startswith(before[at:]):
            return len(before) - at
        at = before.find(beginning, at + 1)
    return 0


def join_drafts(drafts: Iterable[ChunkDraft]) -> str:
    return join_contents(draft.content for draft in drafts)


def hash_words(drafts: Iterable[ChunkDraft]) -> str:
    """The same for all that say the same, whatever their headings and wherever they are cut."""
    return hashlib.sha256(join_drafts(drafts).encode("utf-8", "surrogatepass")).hexdigest()


def hash_drafts(drafts: Iterable[ChunkDraft]) -> str:
    """A document's `content_hash`."""
    return hashlib.sha256("".join(draft.content_hash for draft in drafts).encode()).hexdigest()


def read_drafts(document_id: uuid.UUID) -> list[ChunkDraft]:
    """What a document's source says now, as if it came to be put there; corrections of single chunks are left out."""
    return [chunk.draft for chunk in read_own_text([document_id])]


def pack(drafts: Sequence[ChunkDraft]) -> bytes:
    rows = [[d.heading, d.content, d.page, d.token_count, d.place] for d in drafts]
    return zlib.compress(json.dumps(rows).encode())


def unpack(body: bytes | memoryview) -> list[ChunkDraft]:
    return [
        ChunkDraft(ordinal, heading, content, page, tokens, hash_content(heading, content), place)
        for ordinal, (heading, content, page, tokens, place) in enumerate(
            json.loads(zlib.decompress(body))
        )
    ]

"""A document, to be read: its chunks in order, a page at a time, with what was switched off where it stood.

A search finds chunks by the index's own terms, so that cases, endings and accents agree, and marks what it found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from knowledge.corrections.finding import (
    FoundChunk,
    corrections_of,
    find_chunk,
    listed_chunks,
    listed_corrections,
    show_chunk,
)
from knowledge.corrections.searching import search_chunks
from knowledge.models import Correction, Document
from minirag.lib.text.analysis import analyse

PAGE: Final = 40
_MOST_OFF: Final = 200
_WORDS = re.compile(r"(\w+)")
_QUOTED = re.compile(r"[\"“„«»]([^\"“”„«»]+)[\"”“«»]")


@dataclass(frozen=True)
class ReadChunk:
    """A chunk on the page. `parts` is its text, cut where a hit begins or ends."""

    chunk: FoundChunk
    parts: list[tuple[str, bool]]
    is_off: bool = False

    @property
    def said(self) -> Correction | None:
        return self.chunk.correction


@dataclass(frozen=True)
class ReaderPage:
    """`total` counts what answers, of a search what it found; `off` what was switched off."""

    chunks: list[ReadChunk]
    total: int
    off: int
    offset: int

    @property
    def next_offset(self) -> int | None:
        end = self.offset + PAGE
        return end if end < self.total else None

    @property
    def previous_offset(self) -> int | None:
        return max(0, self.offset - PAGE) if self.offset else None


def read_page(document: Document, *, text: str = "", offset: int = 0) -> ReaderPage:
    """Return a page of a document's chunks; with `text` those that have all its words."""
    found = listed_chunks().filter(document=document)
    if text.strip():
        found = search_chunks(found, text)
    rows = list(found.order_by("ordinal", "id")[offset : offset + PAGE + 1])
    shown, beyond = rows[:PAGE], rows[PAGE:]
    said = corrections_of(shown)
    chunks = [show_chunk(row, said.get(row.pk)) for row in shown]
    first = chunks[0].ordinal or 0 if chunks and offset else -1
    last = beyond[0].ordinal if beyond else None
    off = _find_off(document.pk, text)
    here = [each for each in off if _stands(each) >= first and (last is None or _stands(each) < last)]  # fmt: skip
    wanted = _terms_of(text, document.language)
    both = [(chunk.ordinal or 0, 0, chunk, False) for chunk in chunks]
    both += [(_stands(each), 1, _show_off(each, document), True) for each in here]
    return ReaderPage(
        [
            ReadChunk(chunk, _mark(chunk.content, text, wanted, document.language), is_off)
            for _, _, chunk, is_off in sorted(both, key=lambda each: each[:2])
        ],
        found.count(), len(off), offset,
    )  # fmt: skip


def find_place(chunk_id: UUID) -> tuple[UUID, int, UUID]:
    """Return the document that a chunk is read in, the offset of its page, and its id there.

    The chunk is named by any id it ever had. Raises NotFound.
    """
    found = find_chunk(chunk_id)
    before = 0
    if found.ordinal is not None:
        ahead = Q(ordinal__lt=found.ordinal) | Q(ordinal=found.ordinal, id__lt=found.id)
        before = listed_chunks().filter(ahead, document=found.document_id).count()
    return found.document_id, before // PAGE * PAGE, found.id


def _find_off(document_id: UUID, text: str) -> list[Correction]:
    """What was switched off; with `text` that which has its words as they are written."""
    found = listed_corrections().filter(document_id=document_id, is_off=True)
    for word in _WORDS.findall(text):
        found = found.filter(anchor_content__icontains=word)
    return list(found.order_by("created_at")[:_MOST_OFF])


def _stands(correction: Correction) -> int:
    """Where it stood; what its source says no more stands at the end."""
    own = (each for each in correction.theirs if not each.get("echo"))
    return int(next((each["ordinal"] for each in own if each.get("ordinal") is not None), 10**9))


def _show_off(correction: Correction, document: Document) -> FoundChunk:
    own = (each for each in correction.theirs if not each.get("echo"))
    theirs: dict[str, Any] = next(own, {})
    own_id = UUID(str(theirs.get("id") or next(iter(correction.chunk_ids), correction.pk)))
    return FoundChunk(
        id=own_id, own_id=own_id, source_id=correction.source_id, document_id=document.pk, document=document,
        heading=correction.anchor_heading, content=correction.content or correction.anchor_content,
        original=correction.anchor_content, original_hash=correction.anchor_hash, ordinal=theirs.get("ordinal"),
        page=theirs.get("page"), place=theirs.get("place") or "", token_count=0, is_answering=False,
        is_pinned=correction.is_pinned, correction=correction,
    )  # fmt: skip


def _terms_of(text: str, language: str) -> frozenset[str]:
    return frozenset(analyse(_QUOTED.sub(" ", text), language or "en"))


def _mark(content: str, text: str, wanted: Iterable[str], language: str) -> list[tuple[str, bool]]:
    """Cut a text at its hits: quoted words where they stand so, all others by their terms."""
    if not text.strip():
        return [(content, False)]
    terms = set(wanted)
    said_words = {each.casefold() for each in _WORDS.findall(content)} if terms else set()
    words = {each for each in said_words if terms.intersection(analyse(each, language or "en"))}
    phrases = [each.strip() for each in _QUOTED.findall(text)]
    if not terms and not phrases:
        phrases = [text.strip()]
    said = "|".join(re.escape(each) for each in phrases if each)
    cut = re.split(f"({said})", content, flags=re.IGNORECASE) if said else [content]
    parts: list[tuple[str, bool]] = []
    for place, piece in enumerate(cut):
        if place % 2:
            parts.append((piece, True))
        else:
            parts += [(each, each.casefold() in words) for each in _WORDS.split(piece) if each]
    return _join(parts)


def _join(parts: Iterable[tuple[str, bool]]) -> list[tuple[str, bool]]:
    joined: list[tuple[str, bool]] = []
    for piece, is_hit in parts:
        if joined and joined[-1][1] == is_hit:
            joined[-1] = (joined[-1][0] + piece, is_hit)
        elif piece:
            joined.append((piece, is_hit))
    return joined

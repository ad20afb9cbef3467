"""Chunks and corrections as people find them: by any id a chunk ever had, by words, by what was said of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from knowledge.models import CONFLICTS, Chunk, Correction, CorrectionState, Dataset, Document
from minirag.lib.errors import NotFound

_LOOKED_AT: Final = 500
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True)
class FoundChunk:
    """A chunk, whether it answers or not, with what was said of it.

    `content` is what answers, or would: empty where the source says it no more. `original` is what the source says, or
    said when it was corrected. `own_id` is the id of the source's own chunk.
    """

    id: UUID
    own_id: UUID
    source_id: UUID
    document_id: UUID
    document: Document | None
    heading: str
    content: str
    original: str
    original_hash: str
    ordinal: int | None
    page: int | None
    place: str
    token_count: int
    is_answering: bool
    is_pinned: bool
    correction: Correction | None

    @property
    def source_name(self) -> str:
        return self.document.source.name if self.document else ""


def find_chunk(chunk_id: UUID) -> FoundChunk:
    """Return a chunk by its id, or by one that it had before it was corrected. Raises NotFound."""
    chunk = listed_chunks().filter(pk=chunk_id).first()
    correction = _find_said(chunk_id)
    if correction is not None and (chunk is None or chunk_id == correction.chunk_id):
        return _show_corrected(correction)
    if chunk is None:
        echo = _find_echo_of(chunk_id)
        if echo is None:
            raise NotFound(gettext("Chunk not found"))
        return echo
    echoed = _find_echo_of(chunk_id)
    return echoed or show_chunk(chunk, None)


def listed_chunks() -> QuerySet[Chunk]:
    """Return what answers, of sources that are not deleted."""
    found = Chunk.objects.filter(source__deleted_at__isnull=True)
    whole = found.select_related("source", "document__source")
    return whole.defer("source__content", "document__source__content")


def filter_chunks(
    *, source_id: UUID | None = None, document_id: UUID | None = None, dataset_id: UUID | None = None,
    bot_profile_id: UUID | None = None, is_pinned: bool | None = None,
) -> QuerySet[Chunk]:  # fmt: skip
    """Return what answers: of a source and its children, of a document, a dataset, of all that a bot answers from."""
    return _narrow(listed_chunks(), source_id, document_id, dataset_id, bot_profile_id, is_pinned)


def filter_corrections(
    *, source_id: UUID | None = None, document_id: UUID | None = None, dataset_id: UUID | None = None,
    bot_profile_id: UUID | None = None, state: CorrectionState | None = None, is_conflict: bool | None = None,
    is_off: bool | None = None, is_pinned: bool | None = None, is_added: bool | None = None, text: str = "",
) -> QuerySet[Correction]:  # fmt: skip
    """Return corrections of sources that are not deleted; `text` has words that have to stand in one of their texts."""
    found = _narrow(
        listed_corrections(), source_id, document_id, dataset_id, bot_profile_id, is_pinned
    )
    flags = {"state": state, "is_off": is_off, "is_added": is_added}
    found = found.filter(**{name: value for name, value in flags.items() if value is not None})
    if is_conflict is not None:
        found = (
            found.filter(state__in=CONFLICTS) if is_conflict else found.exclude(state__in=CONFLICTS)
        )
    for word in text.split():
        found = found.filter(
            Q(content__icontains=word) | Q(anchor_content__icontains=word) | Q(note__icontains=word)
            | Q(anchor_heading__icontains=word)
        )  # fmt: skip
    return found


def listed_corrections() -> QuerySet[Correction]:
    found = Correction.objects.filter(source__deleted_at__isnull=True)
    return found.select_related("source").defer("source__content")


def find_correction(correction_id: UUID) -> Correction:
    """Return a correction. Raises NotFound, also where its source was deleted."""
    correction = listed_corrections().filter(pk=correction_id).first()
    if correction is None:
        raise NotFound(gettext("Correction not found"))
    return correction


def corrections_of(chunks: Iterable[Chunk]) -> dict[UUID, Correction]:
    """What was said of chunks that answer, by their ids."""
    ids = [chunk.pk for chunk in chunks]
    return {
        each.chunk_id: each for each in Correction.objects.filter(chunk_id__in=ids) if each.chunk_id
    }


def find_corrected(chunk_ids: Iterable[str]) -> dict[str, Correction]:
    """Of ids that name no chunk any more, those whose chunk was corrected or switched off and is not gone."""
    wanted = {UUID(each) for each in chunk_ids if _ID.fullmatch(each)}
    if not wanted:
        return {}
    said = listed_corrections().filter(chunk_ids__overlap=list(wanted)).order_by("updated_at")
    still = said.filter(state__in=(CorrectionState.LIVE, CorrectionState.CHANGED))
    return {str(key): each for each in still for key in wanted.intersection(each.chunk_ids)}


def find_silenced(text: str, least: float) -> Correction | None:
    """The chunk that somebody has switched off and that has, of the words of `text`, most: at least such a share."""
    asked = set(_WORD.findall(text.casefold()))
    best: tuple[float, Correction | None] = (least, None)
    for each in listed_corrections().filter(is_off=True).order_by("-updated_at")[:_LOOKED_AT]:
        words = set(_WORD.findall(f"{each.anchor_content} {each.their_content}".casefold()))
        share = len(asked & words) / max(len(asked), 1)
        if asked and share >= best[0]:
            best = (share, each)
    return best[1]


def show_chunk(chunk: Chunk, correction: Correction | None) -> FoundChunk:
    """A chunk that answers."""
    original, digest, own_id = chunk.content, chunk.content_hash, chunk.pk
    if correction is not None:
        theirs = _main(correction)
        original, digest = correction.anchor_content, correction.anchor_hash
        own_id = UUID(theirs["id"]) if theirs else chunk.pk
    return FoundChunk(
        id=chunk.pk, own_id=own_id, source_id=chunk.source_id, document_id=chunk.document_id,
        document=chunk.document, heading=chunk.heading, content=chunk.content, original=original,
        original_hash=digest, ordinal=chunk.ordinal, page=chunk.page, place=chunk.place,
        token_count=chunk.token_count, is_answering=True, is_pinned=chunk.is_pinned, correction=correction,
    )  # fmt: skip


def _narrow(
    found: Any, source_id: UUID | None, document_id: UUID | None, dataset_id: UUID | None,
    bot_profile_id: UUID | None, is_pinned: bool | None,
) -> Any:  # fmt: skip
    if source_id:
        found = found.filter(Q(source=source_id) | Q(source__parent=source_id))
    if document_id:
        found = found.filter(document_id=document_id)
    if dataset_id:
        found = found.filter(source__dataset=dataset_id)
    if bot_profile_id:
        found = found.filter(source__dataset__in=Dataset.objects.searched_by(bot_profile_id))
    return found if is_pinned is None else found.filter(is_pinned=is_pinned)


def _find_said(chunk_id: UUID) -> Correction | None:
    """The correction of a chunk: by its own id where it was added, else by an id that its chunk had."""
    known = listed_corrections().filter(Q(pk=chunk_id) | Q(chunk_ids__contains=[chunk_id]))
    return known.order_by("-updated_at").first()


def _find_echo_of(chunk_id: UUID) -> FoundChunk | None:
    """A neighbour of a corrected chunk that was changed where it repeats it: as its source says it."""
    made = str(chunk_id)
    for key in ("made", "id"):
        about = listed_corrections().filter(theirs__contains=[{key: made, "echo": True}])
        correction = about.first()
        if correction is None:
            continue
        theirs = next(each for each in correction.theirs if each.get("echo") and each[key] == made)
        document = _find_document(UUID(theirs["document_id"]))
        now = Chunk.objects.filter(pk=theirs["made"]).first() if theirs["made"] else None
        return FoundChunk(
            id=now.pk if now else UUID(theirs["id"]), own_id=UUID(theirs["id"]), source_id=correction.source_id,
            document_id=UUID(theirs["document_id"]), document=document, heading=theirs["heading"],
            content=now.content if now else "", original=theirs["content"], original_hash=theirs["content_hash"],
            ordinal=theirs["ordinal"], page=theirs["page"], place=theirs["place"], token_count=theirs["token_count"],
            is_answering=now is not None, is_pinned=False, correction=None,
        )  # fmt: skip
    return None


def _show_corrected(correction: Correction) -> FoundChunk:
    chunk = listed_chunks().filter(pk=correction.chunk_id).first() if correction.chunk_id else None
    if chunk is not None:
        return show_chunk(chunk, correction)
    theirs = _main(correction) or {}
    own_id = theirs.get("id") or next(iter(correction.chunk_ids), correction.pk)
    return FoundChunk(
        id=UUID(str(own_id)), own_id=UUID(str(own_id)), source_id=correction.source_id,
        document_id=correction.document_id, document=_find_document(correction.document_id),
        heading=theirs.get("heading", correction.anchor_heading),
        content=correction.content or correction.anchor_content, original=correction.anchor_content,
        original_hash=correction.anchor_hash, ordinal=theirs.get("ordinal"), page=theirs.get("page"),
        place=theirs.get("place", ""), token_count=theirs.get("token_count", 0), is_answering=False,
        is_pinned=correction.is_pinned, correction=correction,
    )  # fmt: skip


def _main(correction: Correction) -> Mapping[str, Any] | None:
    mine: Sequence[Mapping[str, Any]] = [each for each in correction.theirs if not each.get("echo")]
    return mine[0] if mine else None


def _find_document(document_id: UUID) -> Document | None:
    return Document.objects.select_related("source").filter(pk=document_id).first()

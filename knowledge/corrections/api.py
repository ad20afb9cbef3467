"""`/v1/chunks` and `/v1/corrections`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from knowledge.corrections.changing import (
    add_chunk,
    change_chunk,
    decide,
    delete_chunk,
    undo_correction,
)
from knowledge.corrections.finding import (
    FoundChunk,
    corrections_of,
    filter_chunks,
    filter_corrections,
    find_chunk,
    find_correction,
    show_chunk,
)
from knowledge.corrections.schemas import (
    AddedChunk,
    ChunkChanges,
    ChunkSearchQuery,
    ConflictDecision,
    CorrectionPageSchema,
    CorrectionQuery,
    CorrectionSchema,
    DecisionSchema,
    FoundChunkPageSchema,
    FoundChunkSchema,
)
from knowledge.corrections.searching import search_chunks
from knowledge.models import Correction
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit
from tenants.models import User

_CHANGED = "`knowledge_changed`: others changed the source in this moment."


def _author(request: Request) -> str:
    return request.user.email if isinstance(request.user, User) else ""


class ChunkView(ApiView):
    permission_classes = (HasTenant, permit("documents"))


class ChunkList(ChunkView):
    @describe(
        "Search chunks", query=ChunkSearchQuery, answers={200: FoundChunkPageSchema},
        description="What answers: of a source and its children, of a document, of a dataset, of all that a bot "
        "answers from. `q` are words that all stand in it. What is switched off is among the corrections.",
    )  # fmt: skip
    def get(self, request: Request, query: ChunkSearchQuery) -> Page[Any]:
        found = filter_chunks(**query.model_dump(exclude={"q", "limit", "cursor"}))
        if query.q.strip():
            found = search_chunks(found, query.q)
        page = paginate(found, query, order=("document_id", "ordinal", "id"))
        said = corrections_of(page.items)
        return page.of(lambda chunk: show_chunk(chunk, said.get(chunk.pk))).counted(found.count())

    @describe(
        "Add a chunk", body=AddedChunk, answers={201: FoundChunkSchema},
        description="Into a document, or a source that has one document, where it stays whatever the source says "
        "later. It is embedded at once and counts with the next question.",
        errors={
            404: "No such document or source in this tenant.",
            409: f"`too_many_chunks`; `document_unread`: the document could not be read or is restricted. {_CHANGED}"
        },
        example={
            "document_id": EXAMPLE_IDS["document_id"], "heading": "Parking",
            "content": "Visitors park behind the house.",
        },
    )  # fmt: skip
    def post(self, request: Request, body: AddedChunk) -> FoundChunk:
        return add_chunk(**body.model_dump(), author=_author(request))


class ChunkDetail(ChunkView):
    def tag_parts(self, shown: FoundChunkSchema) -> dict[str, Any]:
        said = shown.correction
        marks = None if said is None else (said.is_off, said.note)
        return {"content": shown.content, "is_pinned": shown.is_pinned, "marks": marks}

    @describe(
        "Show a chunk", answers={200: FoundChunkSchema},
        description="By its id, also by one that it had before it was corrected, as citations of old answers have it; "
        "with what the source says and what a person has said instead.",
    )  # fmt: skip
    def get(self, request: Request, chunk_id: UUID) -> FoundChunk:
        return find_chunk(chunk_id)

    @describe(
        "Correct a chunk", body=ChunkChanges, answers={200: FoundChunkSchema}, errors={409: _CHANGED},
        description="Switch it off, correct its text, pin it. Counts with the next question, and stays when the source "
        "is ingested again; what cannot be carried over for certain becomes a conflict among the corrections.",
        example={"content": "The warranty is 48 months.", "note": "New since May."},
    )  # fmt: skip
    def patch(self, request: Request, chunk_id: UUID, body: ChunkChanges) -> FoundChunk:
        return change_chunk(chunk_id, body.sent(), author=_author(request))

    @describe(
        "Delete an added chunk", answers={204: None},
        errors={409: f"`chunk_not_added`: its text comes from its source; switch it off. {_CHANGED}"},
    )  # fmt: skip
    def delete(self, request: Request, chunk_id: UUID) -> None:
        delete_chunk(chunk_id)


class CorrectionList(ChunkView):
    @describe(
        "List corrections", query=CorrectionQuery, answers={200: CorrectionPageSchema},
        description="Newest first: what was switched off, corrected, pinned or added. `is_conflict=true` are those "
        "that wait for a decision. Each word of `q` has to stand in one of its texts or the note.",
    )  # fmt: skip
    def get(self, request: Request, query: CorrectionQuery) -> Page[Correction]:
        asked = query.model_dump(exclude={"q", "limit", "cursor"})
        found = filter_corrections(**asked, text=query.q)
        return paginate(found, query).counted(found.count())


class CorrectionDetail(ChunkView):
    @describe("Show a correction", answers={200: CorrectionSchema})
    def get(self, request: Request, correction_id: UUID) -> Correction:
        return find_correction(correction_id)

    @describe(
        "Undo a correction", answers={204: None}, errors={409: _CHANGED},
        description="The source's own text answers with the next question; a chunk that was added is gone.",
    )  # fmt: skip
    def delete(self, request: Request, correction_id: UUID) -> None:
        undo_correction(find_correction(correction_id))


class CorrectionDecision(ChunkView):
    @describe(
        "Decide a conflict", body=ConflictDecision, answers={200: DecisionSchema},
        description="`keep_mine`: what was said holds for the source's new text too; a corrected text whose original "
        "is gone goes on as an added chunk. `take_theirs`: the correction is dropped. `drop`: neither answers.",
        errors={
            409: "`no_conflict`: there is nothing to decide; `document_gone`: an added chunk whose document is gone. "
            + _CHANGED
        },
        example={"decision": "keep_mine"},
    )  # fmt: skip
    def post(self, request: Request, correction_id: UUID, body: ConflictDecision) -> dict[str, Any]:
        correction = decide(correction_id, body.decision, author=_author(request))
        return {"decision": body.decision, "correction": correction}

"""`/v1/documents`, and `/v1/sources/reindex`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from knowledge.documents.changing import (
    chunks_of,
    delete_document,
    filter_documents,
    find_document,
    read_content,
    reprocess_document,
)
from knowledge.documents.schemas import (
    ChunkQuery,
    DocumentChanges,
    DocumentDetailSchema,
    DocumentPageSchema,
    DocumentQuery,
    DocumentSchema,
    ReindexRequest,
    ReindexSchema,
)
from knowledge.edits.changing import change_document
from knowledge.indexing.upkeep.reindexing import ReindexPlan, plan_reindex, start_reindex
from knowledge.models import Document
from knowledge.sources.api import accept_ingestion
from knowledge.sources.schemas import IngestionSchema
from minirag.lib.http_in.answering import Returned
from minirag.lib.http_in.doors import TEXT_DOOR
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class DocumentView(ApiView):
    permission_classes = (HasTenant, permit("documents"))


class DocumentList(DocumentView):
    @describe(
        "List documents", query=DocumentQuery, answers={200: DocumentPageSchema},
        description="Newest first; of a source and its children, of a dataset, of all that a bot answers from; `q` "
        "looks in titles.",
    )  # fmt: skip
    def get(self, request: Request, query: DocumentQuery) -> Page[Document]:
        found = filter_documents(
            text=query.q,
            source_id=query.source_id,
            dataset_id=query.dataset_id,
            bot_profile_id=query.bot_profile_id,
            is_edited=query.is_edited,
            in_conflict=query.in_conflict,
        )
        return paginate(found, query).counted(found.count())


class DocumentDetail(DocumentView):
    door = TEXT_DOOR

    def tag_parts(self, shown: DocumentSchema) -> dict[str, Any]:
        """Of its text what people did to it: an edit that a worker puts in is the same edit."""
        edit = shown.text_edit
        text = shown.content_version if edit is None else edit.edited_at
        return {"title": shown.title, "url": shown.url, "metadata": shown.metadata, "text": text}

    @describe(
        "Show a document with its chunks", query=ChunkQuery, answers={200: DocumentDetailSchema},
        description="`limit` and `cursor` page the chunks. `content` is the whole text, put together from them; it "
        "comes with the first page unless `include_content=false`, and with others only where it is true.",
    )  # fmt: skip
    def get(self, request: Request, document_id: UUID, query: ChunkQuery) -> Joined:
        document = find_document(document_id)
        page = paginate(chunks_of(document), query, order=("ordinal", "id"))
        wanted = query.cursor is None if query.include_content is None else query.include_content
        content = read_content(document) if wanted else None
        return Joined(document, content=content, chunks=page)

    @describe(
        "Edit a document", body=DocumentChanges, answers={200: DocumentSchema}, example={"title": "Opening hours 2027"},
        description="Title, address or metadata, as citations show them, or its text (`content`); only what is sent "
        "changes. An edit stays when the source is ingested again, and null undoes it. An edited text answers as "
        "soon as a worker has put it in (see `text_edit`); what was not touched keeps its chunks.",
    )  # fmt: skip
    def patch(self, request: Request, document_id: UUID, body: DocumentChanges) -> Document:
        return change_document(document_id, body.model_dump(exclude_unset=True))

    @describe(
        "Delete a document", answers={204: None},
        description="It answers no more with the next question. Scheduled refreshes leave it deleted; ingesting its "
        "source on request brings it back.",
    )  # fmt: skip
    def delete(self, request: Request, document_id: UUID) -> None:
        delete_document(document_id)


class DocumentReprocessing(DocumentView):
    @describe(
        "Process a document again", answers={202: IngestionSchema},
        description="Its source is read and cut anew though nothing has changed. Only new chunks are embedded.",
        errors={409: "`source_processing`: it is being ingested just now."},
    )  # fmt: skip
    def post(self, request: Request, document_id: UUID) -> dict[str, Any]:
        return accept_ingestion(reprocess_document(document_id).source_id)


class Reindexing(DocumentView):
    @describe(
        "Embed knowledge anew", body=ReindexRequest, answers={200: ReindexSchema, 202: ReindexSchema},
        description="Of a source and its children, of a dataset, or of the whole tenant. A dry run, which is the "
        "default, says what it takes (200); with `dry_run` false the sources are queued (202) and answer meanwhile.",
        errors={404: "No such source or dataset in this tenant."}, example={"dry_run": True},
    )  # fmt: skip
    def post(self, request: Request, body: ReindexRequest) -> Returned:
        plan = plan_reindex(source_id=body.source_id, dataset_id=body.dataset_id, limit=body.limit)
        if body.dry_run:
            return Returned(_show_plan(plan, dry_run=True, queued=0))
        return Returned(_show_plan(plan, dry_run=False, queued=start_reindex(plan)), status=202)


def _show_plan(plan: ReindexPlan, **outcome: Any) -> Joined:
    return Joined(
        plan,
        sources=len(plan.source_ids),
        chunks=sum(share.chunks for share in plan.models),
        tokens=sum(share.tokens for share in plan.models),
        embedding_calls=sum(share.calls for share in plan.models),
        **outcome,
    )

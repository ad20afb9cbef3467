"""`/v1/documents`, and `/v1/sources/reindex`."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from knowledge.documents.changing import (
    chunks_of,
    delete_document,
    edit_document,
    filter_documents,
    find_document,
    read_content,
    reprocess_document,
)
from knowledge.documents.serializers import (
    ChunkQuery,
    DocumentChanges,
    DocumentQuery,
    ReindexRequest,
    render_chunk,
    render_document,
    render_plan,
)
from knowledge.indexing.reindexing import plan_reindex, start_reindex
from knowledge.sources.replies import (
    DocumentDetailReply,
    DocumentPageReply,
    DocumentReply,
    IngestionReply,
    ReindexReply,
)
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import paginate, render_page
from minirag.lib.http_in.rest import ApiView, no_content, parse_uuid, read_body, read_query
from tenants.permissions import HasTenant, permit


class DocumentView(ApiView):
    permission_classes = (HasTenant, permit("documents"))


class DocumentList(DocumentView):
    @describe(
        "List documents", query=DocumentQuery, answers={200: DocumentPageReply},
        description="Newest first; of a source and its children, of a dataset, of all that a bot answers from; `q` "
        "looks in titles.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        query = read_query(DocumentQuery, request)
        found = filter_documents(
            text=query.q,
            source_id=query.source_id,
            dataset_id=query.dataset_id,
            bot_profile_id=query.bot_profile_id,
        )
        page = paginate(found, query)
        return Response(
            render_page(page, [render_document(each) for each in page.items], total=found.count())
        )


class DocumentDetail(DocumentView):
    @describe(
        "Show a document with its chunks", query=ChunkQuery, answers={200: DocumentDetailReply},
        description="`limit` and `cursor` page the chunks. `content` is the whole text, put together from them; it "
        "comes with the first page unless `include_content=false`, and with others only where it is true.",
    )  # fmt: skip
    def get(self, request: Request, document_id: str) -> Response:
        document = find_document(parse_uuid(document_id, "document_id"))
        query = read_query(ChunkQuery, request)
        page = paginate(chunks_of(document), query, order=("ordinal", "id"))
        wanted = query.cursor is None if query.include_content is None else query.include_content
        chunks = render_page(page, [render_chunk(each) for each in page.items])
        content = read_content(document) if wanted else None
        return Response({**render_document(document), "content": content, "chunks": chunks})

    @describe(
        "Edit a document", body=DocumentChanges, answers={200: DocumentReply}, example={"title": "Opening hours 2027"},
        description="Title, address or metadata, as citations show them; only what is sent changes. An edit stays when "
        "the source is ingested again, and null undoes it.",
    )  # fmt: skip
    def patch(self, request: Request, document_id: str) -> Response:
        pk = parse_uuid(document_id, "document_id")
        changes = read_body(DocumentChanges, request).model_dump(exclude_unset=True)
        return Response(render_document(edit_document(pk, changes)))

    @describe(
        "Delete a document", answers={204: None},
        description="It answers no more with the next question. Scheduled refreshes leave it deleted; ingesting its "
        "source on request brings it back.",
    )  # fmt: skip
    def delete(self, request: Request, document_id: str) -> HttpResponse:
        delete_document(parse_uuid(document_id, "document_id"))
        return no_content()


class DocumentReprocessing(DocumentView):
    @describe(
        "Process a document again", answers={202: IngestionReply},
        description="Its source is read and cut anew though nothing has changed. Only new chunks are embedded.",
        errors={409: "`source_processing`: it is being ingested just now."},
    )  # fmt: skip
    def post(self, request: Request, document_id: str) -> Response:
        document = reprocess_document(parse_uuid(document_id, "document_id"))
        payload = {
            "status": "accepted",
            "message": f"Ingestion queued for source {document.source_id}",
        }
        return Response(payload, status=202)


class Reindexing(DocumentView):
    @describe(
        "Embed knowledge anew", body=ReindexRequest, answers={200: ReindexReply, 202: ReindexReply},
        description="Of a source and its children, of a dataset, or of the whole tenant. A dry run, which is the "
        "default, says what it takes (200); with `dry_run` false the sources are queued (202) and answer meanwhile.",
        errors={404: "No such source or dataset in this tenant."}, example={"dry_run": True},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        body = read_body(ReindexRequest, request)
        plan = plan_reindex(source_id=body.source_id, dataset_id=body.dataset_id, limit=body.limit)
        if body.dry_run:
            return Response(render_plan(plan, queued=None))
        return Response(render_plan(plan, queued=start_reindex(plan)), status=202)

"""`/v1/sources`."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from knowledge.formats.registry import UPLOADABLE
from knowledge.formats.uploads import check_file, check_readable, read_upload
from knowledge.sources.changing import (
    active_sources,
    cancel_ingestion,
    create_batch,
    create_source,
    delete_source,
    find_home,
    find_parent,
    find_source,
    start_children,
    start_ingestion,
    summarise_children,
    update_source,
    upload_source,
)
from knowledge.sources.replies import (
    ChildrenIngestionReply,
    IngestionReply,
    SourceBatchReply,
    SourceReply,
)
from knowledge.sources.serializers import (
    NewBatch,
    NewSource,
    SourceChanges,
    SourceQuery,
    UploadForm,
    render_source,
)
from minirag.lib.database import UPLOADS
from minirag.lib.http_in.doors import TEXT_DOOR, UPLOAD_DOOR
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.pagination import OLDEST_FIRST, PlainPageQuery, paginate, plain_response
from minirag.lib.http_in.rest import ApiView, no_content, parse_uuid, read_body, read_query
from tenants.permissions import HasTenant, permit


class SourceView(ApiView):
    permission_classes = (HasTenant, permit("sources"))


_BOT = EXAMPLE_IDS["bot_profile_id"]


class SourceList(SourceView):
    door = TEXT_DOOR

    @describe(
        "List sources", query=SourceQuery, answers={200: list[SourceReply]},
        description="Active ones, newest first, top level; of one parent with `parent_id`, flat with "
        "`include_children`.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        query = read_query(SourceQuery, request)
        sources = active_sources()
        if query.bot_profile_id:
            sources = sources.filter(bot_profile_id=query.bot_profile_id)
        if query.dataset_id:
            sources = sources.filter(dataset_id=query.dataset_id)
        is_flat = query.parent_id or query.include_children
        if query.parent_id:
            sources = sources.filter(parent_id=query.parent_id)
        elif not query.include_children:
            sources = sources.filter(parent__isnull=True)
        page = paginate(sources, query)
        # Of a page only its own children are summed up; of the whole list all, which needs no list of ids.
        parents = None if query.limit is None else [source.pk for source in page.items]
        summaries = {} if is_flat else summarise_children(parents)
        return plain_response(
            request, page, [render_source(each, summaries.get(each.pk)) for each in page.items]
        )

    @describe(
        "Create a source", body=NewSource, answers={201: SourceReply}, description="Nothing is ingested yet.",
        errors={404: "No such parent source or dataset in this tenant."},
        example={"bot_profile_id": _BOT, "name": "Hours", "source_type": "text", "content": "Open from 9 to 17."},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        body = read_body(NewSource, request)
        return Response(render_source(create_source(body.model_dump())), status=201)


class SourceBatch(SourceView):
    door = TEXT_DOOR

    @describe(
        "Create a source with children", body=NewBatch, answers={201: SourceBatchReply},
        description="All or nothing; up to 1000 children.",
        example={
            "bot_profile_id": _BOT, "name": "Handbook", "source_type": "text",
            "children": [{"name": "Hours", "source_type": "text", "content": "Open from 9 to 17."}],
        },
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        parent, children = create_batch(read_body(NewBatch, request).model_dump())
        summary = summarise_children([parent.pk]).get(parent.pk)
        payload = {
            "parent": render_source(parent, summary),
            "children": [render_source(child) for child in children],
        }
        return Response(payload, status=201)


class SourceUpload(SourceView):
    door = UPLOAD_DOOR
    thread_pool = UPLOADS

    @describe(
        "Upload a file as a source", form=UploadForm, files=("file",), answers={201: SourceReply},
        description=f"`{' '.join(UPLOADABLE)}`. Its ingestion is queued.",
        errors={404: "No such parent source or dataset in this tenant."},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        upload = read_upload(request._request, UploadForm)
        data = check_file(upload)
        home = find_home(upload.form.bot_profile_id, upload.form.dataset_id)
        parent = find_parent(home, upload.form.parent_id)
        check_readable(upload, data)
        source = upload_source(
            home, parent, name=upload.form.name or upload.file_name, description=upload.form.description,
            file_name=upload.file_name, kind=upload.kind, data=data,
        )  # fmt: skip
        return Response(render_source(source), status=201)


class SourceDetail(SourceView):
    door = TEXT_DOOR

    @describe("Show a source", answers={200: SourceReply})
    def get(self, request: Request, source_id: str) -> Response:
        source = find_source(parse_uuid(source_id, "source_id"))
        summary = None if source.parent_id else summarise_children([source.pk]).get(source.pk)
        return Response(render_source(source, summary))

    @describe(
        "Change a source", body=SourceChanges, answers={200: SourceReply},
        description="Starts no ingestion, unless `is_active` brings a deleted one back.",
        example={"name": "Opening hours", "refresh_schedule": "daily"},
        errors={409: "`dataset_deleted`: it cannot come back, its dataset is gone."},
    )  # fmt: skip
    def patch(self, request: Request, source_id: str) -> Response:
        pk = parse_uuid(source_id, "source_id")
        changes = read_body(SourceChanges, request).model_dump(exclude_unset=True)
        return Response(render_source(update_source(pk, changes)))

    @describe("Delete a source", answers={204: None})
    def delete(self, request: Request, source_id: str) -> HttpResponse:
        delete_source(parse_uuid(source_id, "source_id"))
        return no_content()


class SourceChildren(SourceView):
    @describe("List a source's children", query=PlainPageQuery, answers={200: list[SourceReply]})
    def get(self, request: Request, source_id: str) -> Response:
        parent = find_source(parse_uuid(source_id, "source_id"))
        query = read_query(PlainPageQuery, request)
        page = paginate(active_sources().filter(parent=parent), query, order=OLDEST_FIRST)
        return plain_response(request, page, [render_source(child) for child in page.items])


class SourceIngestion(SourceView):
    @describe(
        "Ingest a source", answers={202: IngestionReply},
        errors={409: "The source is being processed, or the `Idempotency-Key` was used for something else."},
    )  # fmt: skip
    def post(self, request: Request, source_id: str) -> Response:
        source = start_ingestion(parse_uuid(source_id, "source_id"))
        payload = {"status": "accepted", "message": f"Ingestion queued for source {source.pk}"}
        return Response(payload, status=202)


class SourceCancellation(SourceView):
    @describe(
        "Cancel a source's ingestion", answers={200: SourceReply},
        description="Takes it out of the queue, or away from the worker that is at it, which writes nothing more. What "
        "the source said before goes on answering: `status` is `ready`, or `pending` where it never said anything. "
        "Scheduled ones are refreshed again after their whole interval.",
        errors={409: "`source_not_processing`: it neither waits nor is it being ingested."},
    )  # fmt: skip
    def post(self, request: Request, source_id: str) -> Response:
        return Response(render_source(cancel_ingestion(parse_uuid(source_id, "source_id"))))


class ChildrenIngestion(SourceView):
    @describe("Ingest a source's children", answers={202: ChildrenIngestionReply})
    def post(self, request: Request, source_id: str) -> Response:
        count = start_children(parse_uuid(source_id, "source_id"))
        message = f"Ingestion queued for {count} child sources"
        return Response({"status": "accepted", "message": message, "enqueued": count}, status=202)

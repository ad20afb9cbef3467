"""`/v1/sources`."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from knowledge.serializers import NewBatch, NewSource, SourceChanges, SourceQuery, render_source
from knowledge.sources import (
    active_sources,
    create_batch,
    create_source,
    delete_source,
    find_bot_for_source,
    find_parent,
    find_source,
    start_children,
    start_ingestion,
    summarise_children,
    update_source,
    upload_source,
)
from knowledge.uploads import check_file, check_readable, read_upload
from minirag.lib.database import UPLOADS
from minirag.lib.pagination import OLDEST_FIRST, PlainPageQuery, paginate, plain_response
from minirag.lib.rest import ApiView, no_content, parse_uuid, read_body, read_query
from tenants.permissions import HasTenant, permit


class SourceView(ApiView):
    permission_classes = (HasTenant, permit("sources"))


class SourceList(SourceView):
    def get(self, request: Request) -> Response:
        query = read_query(SourceQuery, request)
        sources = active_sources()
        if query.bot_profile_id:
            sources = sources.filter(bot_profile_id=query.bot_profile_id)
        is_flat = query.parent_id or query.include_children
        if query.parent_id:
            sources = sources.filter(parent_id=query.parent_id)
        elif not query.include_children:
            sources = sources.filter(parent__isnull=True)
        page = paginate(sources, query)
        # Of a page only its own children are summed up; of the whole list all, which needs no list of ids.
        parents = None if query.limit is None else [source.pk for source in page.items]
        summaries = {} if is_flat else summarise_children(parents)
        return plain_response(request, page, [render_source(each, summaries.get(each.pk)) for each in page.items])

    def post(self, request: Request) -> Response:
        body = read_body(NewSource, request)
        return Response(render_source(create_source(body.model_dump())), status=201)


class SourceBatch(SourceView):
    def post(self, request: Request) -> Response:
        parent, children = create_batch(read_body(NewBatch, request).model_dump())
        summary = summarise_children([parent.pk]).get(parent.pk)
        payload = {"parent": render_source(parent, summary), "children": [render_source(child) for child in children]}
        return Response(payload, status=201)


class SourceUpload(SourceView):
    thread_pool = UPLOADS

    def post(self, request: Request) -> Response:
        upload = read_upload(request._request)
        data = check_file(upload)
        bot = find_bot_for_source(upload.form.bot_profile_id)
        parent = find_parent(bot, upload.form.parent_id)
        check_readable(upload, data)
        source = upload_source(
            bot, parent, name=upload.name, description=upload.form.description, file_name=upload.file_name,
            kind=upload.kind, data=data,
        )  # fmt: skip
        return Response(render_source(source), status=201)


class SourceDetail(SourceView):
    def get(self, request: Request, source_id: str) -> Response:
        source = find_source(parse_uuid(source_id, "source_id"))
        summary = None if source.parent_id else summarise_children([source.pk]).get(source.pk)
        return Response(render_source(source, summary))

    def patch(self, request: Request, source_id: str) -> Response:
        pk = parse_uuid(source_id, "source_id")
        changes = read_body(SourceChanges, request).model_dump(exclude_unset=True)
        return Response(render_source(update_source(pk, changes)))

    def delete(self, request: Request, source_id: str) -> HttpResponse:
        delete_source(parse_uuid(source_id, "source_id"))
        return no_content()


class SourceChildren(SourceView):
    def get(self, request: Request, source_id: str) -> Response:
        parent = find_source(parse_uuid(source_id, "source_id"))
        query = read_query(PlainPageQuery, request)
        page = paginate(active_sources().filter(parent=parent), query, order=OLDEST_FIRST)
        return plain_response(request, page, [render_source(child) for child in page.items])


class SourceIngestion(SourceView):
    def post(self, request: Request, source_id: str) -> Response:
        source = start_ingestion(parse_uuid(source_id, "source_id"))
        payload = {"status": "accepted", "message": f"Ingestion queued for source {source.pk}"}
        return Response(payload, status=202)


class ChildrenIngestion(SourceView):
    def post(self, request: Request, source_id: str) -> Response:
        count = start_children(parse_uuid(source_id, "source_id"))
        message = f"Ingestion queued for {count} child sources"
        return Response({"status": "accepted", "message": message, "enqueued": count}, status=202)

"""`/v1/sources`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request

from knowledge.formats.registry import list_uploadable
from knowledge.formats.uploads import check_file, check_readable, read_upload
from knowledge.models import Source
from knowledge.sources.changing import (
    cancel_ingestion,
    create_batch,
    create_source,
    delete_source,
    find_parent,
    start_children,
    start_ingestion,
    update_source,
    upload_source,
)
from knowledge.sources.configs import find_idle
from knowledge.sources.finding import (
    ChildrenSummary,
    active_sources,
    find_source,
    listed_sources,
    summarise_children,
)
from knowledge.sources.homes import find_home
from knowledge.sources.schemas import (
    ChildrenIngestionSchema,
    IngestionSchema,
    NewBatch,
    NewSource,
    SourceBatchSchema,
    SourceChanges,
    SourceQuery,
    SourceSchema,
    UploadForm,
)
from minirag.lib.database import UPLOADS
from minirag.lib.http_in.doors import TEXT_DOOR, UPLOAD_DOOR
from minirag.lib.http_in.ignored import note_ignored
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.pagination import OLDEST_FIRST, Page, PlainPageQuery, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class SourceView(ApiView):
    permission_classes = (HasTenant, permit("sources"))


_BOT = EXAMPLE_IDS["bot_profile_id"]


class SourceList(SourceView):
    door = TEXT_DOOR

    @describe(
        "List sources", query=SourceQuery, answers={200: list[SourceSchema]},
        description="Active ones, newest first, top level; of one parent with `parent_id`, flat with "
        "`include_children`.",
    )  # fmt: skip
    def get(self, request: Request, query: SourceQuery) -> Page[Any]:
        is_flat = bool(query.parent_id or query.include_children)
        sources: QuerySet[Any] = active_sources() if is_flat else listed_sources()
        if query.bot_profile_id:
            sources = sources.filter(bot_profile_id=query.bot_profile_id)
        if query.dataset_id:
            sources = sources.filter(dataset_id=query.dataset_id)
        if query.parent_id:
            sources = sources.filter(parent_id=query.parent_id)
        elif not is_flat:
            sources = sources.filter(parent__isnull=True)
        page = paginate(sources, query)
        parents = [] if is_flat else [source.id for source in page.items if source.is_parent]
        if not parents:
            return page
        summaries = summarise_children(parents)
        return page.of(lambda source: show_source(source, summaries.get(source.id)))

    @describe(
        "Create a source", body=NewSource, answers={201: SourceSchema}, description="Nothing is ingested yet.",
        errors={404: "No such parent source or dataset in this tenant."},
        example={"bot_profile_id": _BOT, "name": "Hours", "source_type": "text", "content": "Open from 9 to 17."},
    )  # fmt: skip
    def post(self, request: Request, body: NewSource) -> Source:
        source = create_source(body.model_dump())
        note_idle(request, body.source_type, body.config)
        return source


class SourceBatch(SourceView):
    door = TEXT_DOOR

    @describe(
        "Create a source with children", body=NewBatch, answers={201: SourceBatchSchema},
        description="All or nothing; up to 1000 children.", errors={404: "No such dataset in this tenant."},
        example={
            "bot_profile_id": _BOT, "name": "Handbook", "source_type": "text",
            "children": [{"name": "Hours", "source_type": "text", "content": "Open from 9 to 17."}],
        },
    )  # fmt: skip
    def post(self, request: Request, body: NewBatch) -> dict[str, Any]:
        parent, children = create_batch(body.model_dump())
        for place, child in enumerate(body.children):
            note_idle(request, child.source_type, child.config, f"children.{place}.")
        summary = summarise_children([parent.pk]).get(parent.pk)
        return {"parent": show_source(parent, summary), "children": children}


class SourceUpload(SourceView):
    door = UPLOAD_DOOR
    thread_pool = UPLOADS

    @describe(
        "Upload a file as a source", form=UploadForm, files=("file",), answers={201: SourceSchema},
        description=f"`{list_uploadable()}` and more: `GET /v1/sources/formats`. Its ingestion is queued.",
        errors={404: "No such parent source or dataset in this tenant."},
    )  # fmt: skip
    def post(self, request: Request) -> Source:
        upload = read_upload(request._request, UploadForm)
        data = check_file(upload)
        home = find_home(upload.form.bot_profile_id, upload.form.dataset_id)
        parent = find_parent(home, upload.form.parent_id)
        check_readable(upload, data)
        return upload_source(
            home, parent, name=upload.form.name or upload.file_name, description=upload.form.description,
            file_name=upload.file_name, kind=upload.kind, data=data,
            standing={"visibility": upload.form.visibility, "groups": upload.form.groups},
        )  # fmt: skip


class SourceDetail(SourceView):
    door = TEXT_DOOR

    @describe("Show a source", answers={200: SourceSchema})
    def get(self, request: Request, source_id: UUID) -> Any:
        source = find_source(source_id)
        summary = None if source.parent_id else summarise_children([source.pk]).get(source.pk)
        return show_source(source, summary)

    @describe(
        "Change a source", body=SourceChanges, answers={200: SourceSchema},
        description="Starts no ingestion, unless `is_active` brings a deleted one back.",
        example={"name": "Opening hours", "refresh_schedule": "daily"},
        errors={409: "`dataset_deleted`: it cannot come back, its dataset is gone."},
    )  # fmt: skip
    def patch(self, request: Request, source_id: UUID, body: SourceChanges) -> Source:
        changes = body.model_dump(exclude_unset=True)
        source = update_source(source_id, changes)
        note_idle(request, source.source_type, changes.get("config", {}))
        return source

    @describe("Delete a source", answers={204: None})
    def delete(self, request: Request, source_id: UUID) -> None:
        delete_source(source_id)


class SourceChildren(SourceView):
    @describe("List a source's children", query=PlainPageQuery, answers={200: list[SourceSchema]})
    def get(self, request: Request, source_id: UUID, query: PlainPageQuery) -> Page[Source]:
        children = active_sources().filter(parent=find_source(source_id))
        return paginate(children, query, order=OLDEST_FIRST)


class SourceIngestion(SourceView):
    @describe(
        "Ingest a source", answers={202: IngestionSchema},
        errors={409: "The source is being processed, or the `Idempotency-Key` was used for something else."},
    )  # fmt: skip
    def post(self, request: Request, source_id: UUID) -> dict[str, Any]:
        return accept_ingestion(start_ingestion(source_id).pk)


class SourceCancellation(SourceView):
    @describe(
        "Cancel a source's ingestion", answers={200: SourceSchema},
        description="Takes it out of the queue, or away from the worker that is at it, which writes nothing more. What "
        "the source said before goes on answering: `status` is `ready`, or `pending` where it never said anything. "
        "Scheduled ones are refreshed again after their whole interval.",
        errors={409: "`source_not_processing`: it neither waits nor is it being ingested."},
    )  # fmt: skip
    def post(self, request: Request, source_id: UUID) -> Source:
        return cancel_ingestion(source_id)


class ChildrenIngestion(SourceView):
    @describe("Ingest a source's children", answers={202: ChildrenIngestionSchema})
    def post(self, request: Request, source_id: UUID) -> dict[str, Any]:
        count = start_children(source_id)
        message = f"Ingestion queued for {count} child sources"
        return {"status": "accepted", "message": message, "enqueued": count}


def show_source(source: Source, children: ChildrenSummary | None) -> Any:
    """A source; with a summary, its status and chunks are those of its children."""
    if children is None:
        return source
    return Joined(
        source,
        status=children.status,
        chunk_count=children.chunk_count,
        children_count=children.count,
    )


def accept_ingestion(source_id: UUID) -> dict[str, Any]:
    return {"status": "accepted", "message": f"Ingestion queued for source {source_id}"}


def note_idle(request: Request, source_type: str, config: dict[str, Any], prefix: str = "") -> None:
    """Say of a config's parts that they are kept and have no effect."""
    idle = find_idle(source_type, config)
    note_ignored(request._request, (f"{prefix}config.{name}" for name in idle))

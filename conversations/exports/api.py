"""`/v1/exports`: files that a worker writes in the background."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.exports.chat_api import stream_file
from conversations.exports.jobs import (
    MEDIA_TYPES,
    create_job,
    delete_job,
    find_job,
    open_file,
    retry_job,
)
from conversations.exports.models import ExportFormat, ExportJob, ExportStatus, ExportType
from conversations.exports.tables import ExportFilters
from conversations.logs.replies import ExportPageReply, ExportReply
from conversations.tasks import queue_export
from minirag.lib.http_in.openapi import Media, describe
from minirag.lib.http_in.pagination import PageQuery, paginate, render_page
from minirag.lib.http_in.rest import (
    ApiView,
    Body,
    naive_utc,
    no_content,
    parse_uuid,
    read_body,
    read_query,
)
from tenants.audit import record
from tenants.authentication import require_identity
from tenants.permissions import HasTenant, permit


class NewExport(Body):
    export_type: ExportType
    format: ExportFormat = ExportFormat.JSONL
    filters: ExportFilters = ExportFilters()


class ExportQuery(PageQuery):
    status: ExportStatus | None = None
    export_type: ExportType | None = None


class ExportView(ApiView):
    permission_classes = (HasTenant, permit("exports"))


class ExportList(ExportView):
    @describe(
        "List exports",
        query=ExportQuery,
        answers={200: ExportPageReply},
        description="The newest first.",
    )
    def get(self, request: Request) -> Response:
        query = read_query(ExportQuery, request)
        wanted = {"status": query.status, "export_type": query.export_type}
        jobs = ExportJob.objects.filter(**{name: value for name, value in wanted.items() if value})
        page = paginate(jobs, query)
        return Response(render_page(page, [render_job(job) for job in page.items]))

    @describe(
        "Create an export", body=NewExport, answers={202: ExportReply},
        description="A worker writes the file; ask for the export until its `status` is `succeeded` or `failed`.",
        errors={409: "20 exports are waiting or running already."},
        example={"export_type": "messages", "format": "csv", "filters": {"from_date": "2026-11-01"}},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        body = read_body(NewExport, request)
        request_id: str = request._request.request_id  # type: ignore[attr-defined]
        with transaction.atomic():
            job = create_job(
                body.export_type,
                body.format,
                body.filters,
                user_id=require_identity(request._request).user.pk,
                request_id=request_id,
            )
            record("export.created", request=request, detail=_facts_of(job))
        queue_export(job)
        return Response(render_job(job), status=202)


class ExportDetail(ExportView):
    @describe("Show an export", answers={200: ExportReply})
    def get(self, request: Request, export_id: str) -> Response:
        return Response(render_job(find_job(parse_uuid(export_id, "export_id"))))

    @describe(
        "Delete an export",
        answers={204: None},
        description="With its file; one that is running stops.",
    )
    def delete(self, request: Request, export_id: str) -> HttpResponse:
        job = find_job(parse_uuid(export_id, "export_id"))
        with transaction.atomic():
            record("export.deleted", request=request, detail=_facts_of(job))
            delete_job(job.pk)
        return no_content()


class ExportDownload(ExportView):
    @describe(
        "Download an export",
        answers={200: (Media("application/x-ndjson", "One object per line."), Media("text/csv", "One row per line."))},
        errors={409: "The export has not succeeded (yet).", 410: "The file is not kept any longer."},
    )  # fmt: skip
    def get(self, request: Request, export_id: str) -> StreamingHttpResponse:
        job = find_job(parse_uuid(export_id, "export_id"))
        return download(job, request)


class ExportRetry(ExportView):
    @describe(
        "Retry an export", answers={202: ExportReply}, errors={409: "The export has not failed."}
    )
    def post(self, request: Request, export_id: str) -> Response:
        with transaction.atomic():
            job = retry_job(parse_uuid(export_id, "export_id"))
            record("export.retried", request=request, detail=_facts_of(job))
        queue_export(job)
        return Response(render_job(job), status=202)


def download(job: ExportJob, request: Any) -> StreamingHttpResponse:
    """Answer with the file of an export, and note who took it. Raises Conflict or Gone where there is none."""
    response = stream_file(open_file(job), MEDIA_TYPES[ExportFormat(job.format)], job.file_name)
    response["Content-Length"] = str(job.size_bytes)
    record("export.downloaded", request=request, detail=_facts_of(job))
    return response


def render_job(job: ExportJob) -> dict[str, Any]:
    moments = {
        name: naive_utc(value) if (value := getattr(job, name)) else None
        for name in ("created_at", "updated_at", "started_at", "finished_at", "expires_at")
    }
    return {
        "id": str(job.pk),
        "export_type": job.export_type,
        "format": job.format,
        "filters": job.filters,
        "status": job.status,
        "error_code": job.error_code,
        "error_message": job.error_message,
        "rows_total": job.rows_total,
        "rows_done": job.rows_done,
        "size_bytes": job.size_bytes,
        "file_name": job.file_name,
        "media_type": MEDIA_TYPES[ExportFormat(job.format)],
        "is_expired": job.is_expired,
        "user_id": str(job.user_id) if job.user_id else None,
        "request_id": job.request_id,
        **moments,
    }


def _facts_of(job: ExportJob) -> dict[str, Any]:
    return {
        "export_id": str(job.pk),
        "export_type": job.export_type,
        "format": job.format,
        "filters": job.filters,
    }

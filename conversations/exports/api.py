"""`/v1/exports`: files that a worker writes in the background."""

from __future__ import annotations

from uuid import UUID

from django.http import StreamingHttpResponse
from rest_framework.request import Request

from conversations.exports.chat_api import stream_file
from conversations.exports.jobs import (
    create_job,
    delete_job,
    find_job,
    note_act,
    open_file,
    retry_job,
)
from conversations.exports.models import ExportJob
from conversations.exports.schemas import ExportPageSchema, ExportQuery, ExportSchema, NewExport
from conversations.tasks import queue_export
from minirag.lib.http_in.openapi import Media, describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.authentication import require_identity
from tenants.calls.permissions import HasTenant, permit


class ExportView(ApiView):
    permission_classes = (HasTenant, permit("exports"))


class ExportList(ExportView):
    @describe(
        "List exports",
        query=ExportQuery,
        answers={200: ExportPageSchema},
        description="The newest first.",
    )
    def get(self, request: Request, query: ExportQuery) -> Page[ExportJob]:
        wanted = {"status": query.status, "export_type": query.export_type}
        jobs = ExportJob.objects.filter(**{name: value for name, value in wanted.items() if value})
        return paginate(jobs, query)

    @describe(
        "Create an export", body=NewExport, answers={202: ExportSchema},
        description="A worker writes the file; ask for the export until its `status` is `succeeded` or `failed`.",
        errors={409: "20 exports are waiting or running already."},
        example={"export_type": "messages", "format": "csv", "filters": {"from_date": "2026-11-01"}},
    )  # fmt: skip
    def post(self, request: Request, body: NewExport) -> ExportJob:
        request_id: str = request._request.request_id  # type: ignore[attr-defined]
        job = create_job(
            body.export_type,
            body.format,
            body.filters,
            user_id=require_identity(request._request).user.pk,
            request_id=request_id,
        )
        queue_export(job)
        return job


class ExportDetail(ExportView):
    @describe("Show an export", answers={200: ExportSchema})
    def get(self, request: Request, export_id: UUID) -> ExportJob:
        return find_job(export_id)

    @describe(
        "Delete an export",
        answers={204: None},
        description="With its file; one that is running stops.",
    )
    def delete(self, request: Request, export_id: UUID) -> None:
        delete_job(export_id)


class ExportDownload(ExportView):
    @describe(
        "Download an export",
        answers={200: (Media("application/x-ndjson", "One object per line."), Media("text/csv", "One row per line."))},
        errors={409: "The export has not succeeded (yet).", 410: "The file is not kept any longer."},
    )  # fmt: skip
    def get(self, request: Request, export_id: UUID) -> StreamingHttpResponse:
        return download(find_job(export_id))


class ExportRetry(ExportView):
    @describe(
        "Retry an export", answers={202: ExportSchema}, errors={409: "The export has not failed."}
    )
    def post(self, request: Request, export_id: UUID) -> ExportJob:
        job = retry_job(export_id)
        queue_export(job)
        return job


def download(job: ExportJob) -> StreamingHttpResponse:
    """Answer with the file of an export, and note who took it. Raises Conflict or Gone where there is none."""
    response = stream_file(open_file(job), job.media_type, job.file_name)
    response["Content-Length"] = str(job.size_bytes)
    note_act("downloaded", job)
    return response

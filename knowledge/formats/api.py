"""`/v1/sources/formats` and `/v1/sources/validate-file`: what can be uploaded, and what would become of a file."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from knowledge.formats.previews import describe_formats, preview_file
from knowledge.formats.uploads import check_file, read_upload
from knowledge.sources.replies import FilePreviewReply, FormatsReply
from minirag.lib.database import UPLOADS
from minirag.lib.http_in.doors import UPLOAD_DOOR
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView, Body
from tenants.models import Right
from tenants.permissions import HasTenant, permit


class NoFields(Body):
    """A form with a file and nothing else."""


class FileFormats(ApiView):
    permission_classes = (HasTenant, permit("sources"))

    @describe("List the formats of uploads", answers={200: FormatsReply})
    def get(self, request: Request) -> Response:
        formats = [
            {"extension": extension, "name": name, "content_type": content_type}
            for extension, name, content_type in describe_formats()
        ]
        limits = {
            "max_upload_bytes": settings.MAX_UPLOAD_BYTES, "max_chunks_per_source": settings.MAX_CHUNKS_PER_SOURCE,
        }  # fmt: skip
        return Response({"formats": formats, **limits})


class FileValidation(ApiView):
    """Changes nothing, so whoever may read may ask."""

    permission_classes = (HasTenant, permit("sources", write=Right.READ))
    door = UPLOAD_DOOR
    thread_pool = UPLOADS

    @describe(
        "Preview a file", form=NoFields, files=("file",), answers={200: FilePreviewReply},
        description="Reads and cuts it as ingestion would, and keeps nothing. A file that cannot be read is refused as "
        "an upload is.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        upload = read_upload(request._request, NoFields)
        data = check_file(upload)
        found = preview_file(data, kind=upload.kind, name=upload.file_name)
        return Response({
            "file_name": upload.file_name, "kind": found.kind, "can_be_ingested": found.can_be_ingested,
            "title": found.title, "language": found.language, "bytes": found.size, "characters": found.characters,
            "chunks": found.chunks, "tokens": found.tokens, "pages": found.pages, "preview": found.preview,
            "warnings": list(found.warnings),
        })  # fmt: skip

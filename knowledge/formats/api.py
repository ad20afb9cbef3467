"""`/v1/sources/formats` and `/v1/sources/validate-file`: what can be uploaded, and what would become of a file."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.request import Request

from knowledge.formats.previews import list_formats, preview_file
from knowledge.formats.schemas import FilePreviewSchema, FormatsSchema
from knowledge.formats.uploads import check_file, read_upload
from minirag.lib.database import UPLOADS
from minirag.lib.http_in.doors import UPLOAD_DOOR
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView, Body
from tenants.calls.permissions import HasTenant, permit
from tenants.models import Right


class NoFields(Body):
    """A form with a file and nothing else."""


class FileFormats(ApiView):
    permission_classes = (HasTenant, permit("sources"))

    @describe("List the formats of uploads", answers={200: FormatsSchema})
    def get(self, request: Request) -> dict[str, Any]:
        formats = [
            {
                "extension": row.suffixes[0],
                "extensions": list(row.suffixes),
                "name": row.name,
                "content_type": row.media_types[0],
                "survives": row.survives,
                "place": row.place,
            }
            for row in list_formats()
        ]
        limits = {
            "max_upload_bytes": settings.MAX_UPLOAD_BYTES, "max_chunks_per_source": settings.MAX_CHUNKS_PER_SOURCE,
        }  # fmt: skip
        return {"formats": formats, **limits}


class FileValidation(ApiView):
    """Changes nothing, so every token that may read may ask."""

    permission_classes = (HasTenant, permit("sources", write=Right.READ))
    door = UPLOAD_DOOR
    thread_pool = UPLOADS

    @describe(
        "Preview a file", form=NoFields, files=("file",), answers={200: FilePreviewSchema},
        description="Reads and cuts it as ingestion would, and keeps nothing. A file that cannot be read is refused as "
        "an upload is.",
    )  # fmt: skip
    def post(self, request: Request) -> Joined:
        upload = read_upload(request._request, NoFields)
        data = check_file(upload)
        found = preview_file(data, kind=upload.kind, name=upload.file_name)
        return Joined(found, file_name=upload.file_name)

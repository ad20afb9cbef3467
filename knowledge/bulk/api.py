"""`/v1/sources/upload-many`: up to a thousand files in one call, each a source."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.utils.translation import gettext
from rest_framework.request import Request

from knowledge.bulk.receiving import FIELD, receive_files
from knowledge.bulk.schemas import MOST_FILES, FilesForm, ReceivedFilesSchema
from knowledge.formats.uploads import Upload, check_file
from knowledge.models import Source
from knowledge.sources.changing import find_parent
from knowledge.sources.homes import Home, find_home
from knowledge.sources.putting_files import NewFile, put_file
from minirag.lib.database import UPLOADS
from minirag.lib.errors import BadInput, ProductError
from minirag.lib.http_in.doors import UPLOAD_DOOR
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class SourceUploads(ApiView):
    permission_classes = (HasTenant, permit("sources"))
    door = UPLOAD_DOOR
    thread_pool = UPLOADS

    @describe(
        "Upload many files as sources", form=FilesForm, files=(FIELD,), answers={200: ReceivedFilesSchema},
        description=f"The part `{FIELD}` up to {MOST_FILES} times. Each file is taken or refused by itself, with the "
        "reason; what cannot be read in the end says its ingestion, which is queued.",
        errors={404: "No such parent source or dataset in this tenant."},
    )  # fmt: skip
    def post(self, request: Request) -> dict[str, Any]:
        form, files = receive_files(request._request, FilesForm)
        ids = form.external_ids or [""] * len(files.names)
        if len(files.names) > MOST_FILES:
            raise BadInput(
                gettext("At most %(most_files)s files at once") % {"most_files": MOST_FILES},
                code="too_many_files",
            )
        if len(ids) != len(files.names):
            raise BadInput(
                gettext("%(count)s files and %(count2)s ids: each file needs its own.")
                % {"count": len(files.names), "count2": len(ids)},
                code="external_ids_mismatch",
            )
        if form.external_ids and len(set(ids)) < len(ids):
            raise BadInput(
                gettext("An id stands for two of the files."), code="external_ids_mismatch"
            )
        home = find_home(form.bot_profile_id, form.dataset_id)
        parent = find_parent(home, form.parent_id)
        said = form.model_dump(
            include=form.model_fields_set & {"description", "visibility", "groups"}
        )
        items = [
            _take(home, parent, external_id, Upload(form, name, data), said)
            for external_id, (name, data) in zip(ids, files, strict=True)
        ]
        counts = Counter(item["outcome"] for item in items)
        outcomes = ("created", "changed", "unchanged", "refused")
        return {"items": items, **{outcome: counts[outcome] for outcome in outcomes}}


def _take(
    home: Home, parent: Source | None, external_id: str, upload: Upload[FilesForm], said: dict[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """Put one file, in a transaction of its own; what became of it."""
    item = {"file_name": upload.file_name, "external_id": external_id or None}
    try:
        file = NewFile(upload.file_name, check_file(upload), said)
        source, outcome = put_file(home, parent, external_id, file)
    except ProductError as error:
        refused = {"source_id": None, "code": error.code, "reason": error.detail}
        return {**item, "outcome": "refused", **refused}
    return {**item, "outcome": outcome.value, "source_id": source.pk, "code": None, "reason": None}

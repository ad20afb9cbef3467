"""The audit log as an answer that is a file."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from minirag.lib.database import stream_pieces
from tenants.log.finding import CONTENT_TYPES, write_file
from tenants.models import AuditEvent


def send_file(events: QuerySet[AuditEvent], form: str) -> StreamingHttpResponse:
    """A file for saving, written while it is read."""
    response = StreamingHttpResponse(
        stream_pieces(write_file(events, form)), content_type=CONTENT_TYPES[form]
    )
    response["Content-Disposition"] = f"attachment; filename=audit-log.{form}"
    response["X-Accel-Buffering"] = "no"
    return response

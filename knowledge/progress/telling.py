"""How far sources are, in figures and in words: `look_at_sources`. It is read from the rows, which are true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext

from knowledge.models import SiteSync, Source, SourceStatus, SyncState
from minirag.lib.errors import NotFound


def look_at_sources(ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return how far each is, in the order of `ids`. Raises NotFound where one is not of this tenant, or is deleted."""
    running = SiteSync.objects.filter(source=OuterRef("pk"), state=SyncState.RUNNING)
    rows = Source.objects.filter(pk__in=ids, deleted_at__isnull=True).annotate(
        pages_done=Subquery(running.values("pages_done")[:1]),
        pages_total=Subquery(running.values("pages_total")[:1]),
    )
    found = {row.pk: row for row in rows.defer("content").order_by()}
    if len(found) < len(set(ids)):
        raise NotFound(gettext("Source not found"))
    return [_describe(found[each]) for each in dict.fromkeys(ids)]


def _describe(source: Any) -> dict[str, Any]:
    return {
        "source_id": source.pk, "status": source.status, **source.progress, "pages_done": source.pages_done,
        "pages_total": source.pages_total, "document_count": source.document_count,
        "chunk_count": source.chunk_count, "error_message": source.error_message, "shown": tell_progress(source),
    }  # fmt: skip


def tell_progress(source: Source) -> str:
    """Where a source is, in a sentence."""
    if source.status == SourceStatus.ERROR:
        return source.error_message or "It failed without a reason."
    if source.status == SourceStatus.PROCESSING:
        total = source.progress_total
        steps = f" {source.progress_done:,} of {total:,}" if total else ""
        return f"{source.progress_stage.capitalize()}{steps}"
    if source.status == SourceStatus.PENDING:
        return "Waiting for a worker" if source.queued_at else "Not ingested yet"
    return source.error_message or "Done"  # an external base whose last search failed


def is_moving(told: dict[str, Any]) -> bool:
    return told["status"] in (SourceStatus.PROCESSING, SourceStatus.PENDING)

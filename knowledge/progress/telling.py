"""How far sources are, in figures and in words: `look_at_sources`. It is read from the rows, which are true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext, ngettext, override
from django.utils.translation import gettext_noop as _

from knowledge.models import SiteSync, Source, SourceStatus, SyncState
from minirag.lib.errors import NotFound
from minirag.lib.telling.kept_sentences import retell
from minirag.lib.telling.shown import show_number

_STAGES = {
    "loading": _("Loading"), "parsing": _("Reading"), "crawling": _("Crawling"), "embedding": _("Embedding"),
    "indexing": _("Indexing"),
}  # fmt: skip


def look_at_sources(ids: Sequence[UUID], language: str = "en") -> list[dict[str, Any]]:
    """Return how far each is, in the order of `ids`, told in a language.

    Raises NotFound where one is not of this tenant, or is deleted.
    """
    with override(language):
        return _look_at_sources(ids)


def _look_at_sources(ids: Sequence[UUID]) -> list[dict[str, Any]]:
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
        "shown_status": source.get_status_display(), "holds": tell_holdings(source),
    }  # fmt: skip


def tell_progress(source: Source) -> str:
    """Where a source is, in a sentence."""
    if source.status == SourceStatus.ERROR:
        return retell(source.error_message) or gettext("It failed without a reason.")
    if source.status == SourceStatus.PROCESSING:
        total = source.progress_total
        stage = _STAGES.get(source.progress_stage)
        said = {
            "stage": gettext(stage) if stage else source.progress_stage.capitalize(),
            "done": show_number(source.progress_done), "total": show_number(total),
        }  # fmt: skip
        return gettext("%(stage)s %(done)s of %(total)s") % said if total else said["stage"]
    if source.status == SourceStatus.PENDING:
        return gettext("Waiting for a worker") if source.queued_at else gettext("Not ingested yet")
    return retell(source.error_message) or gettext(
        "Done"
    )  # an external base whose last search failed


def tell_holdings(source: Source) -> str:
    """What of it answers, counted; empty where nothing does."""
    if not source.chunk_count:
        return ""
    said = count_documents(source.document_count), count_chunks(source.chunk_count)
    return gettext("answering: %(documents)s, %(chunks)s") % {
        "documents": said[0],
        "chunks": said[1],
    }


def is_moving(told: dict[str, Any]) -> bool:
    return told["status"] in (SourceStatus.PROCESSING, SourceStatus.PENDING)


def count_documents(count: int) -> str:
    return ngettext("%(count)s document", "%(count)s documents", count) % {
        "count": show_number(count)
    }


def count_chunks(count: int) -> str:
    return ngettext("%(count)s chunk", "%(count)s chunks", count) % {"count": show_number(count)}

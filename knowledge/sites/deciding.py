"""Looks at sites as clients see them: found, shown, and decided where they wait for a person."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext

from knowledge.models import PageState, SitePage, SiteSync, Source
from knowledge.sources.finding import find_source
from knowledge.tasks import queue_ingestion
from minirag.lib.errors import NotFound
from tenants.audit import record


def syncs_of(source_id: UUID) -> QuerySet[SiteSync]:
    """Return a site's looks, without their differences; another source has none. Raises NotFound."""
    found = SiteSync.objects.filter(source=find_source(source_id))
    return found.select_related("source").defer("changes", "robots", "source__content")


def find_sync(source_id: UUID, sync_id: UUID) -> SiteSync:
    """Return one look with its differences. Raises NotFound."""
    found = SiteSync.objects.filter(source=find_source(source_id), pk=sync_id)
    sync = found.select_related("source").defer("robots", "source__content").first()
    if sync is None:
        raise NotFound(gettext("Sync not found"))
    return sync


def pages_of(
    source_id: UUID, *, sync_id: UUID | None, state: PageState | None, answers: bool | None
) -> QuerySet[SitePage]:
    """Return the pages of a look, or of the last one whose pages are kept. Raises NotFound."""
    if sync_id is not None:
        sync: SiteSync | None = find_sync(source_id, sync_id)
    else:
        kept = SitePage.objects.filter(sync=OuterRef("pk"))
        sync = syncs_of(source_id).filter(Exists(kept)).first()
    found = SitePage.objects.filter(sync=sync).defer("body")
    if state is not None:
        found = found.filter(state=state)
    return found if answers is None else found.filter(answers=answers)


def approve_sync(source_id: UUID, sync_id: UUID) -> SiteSync:
    """Take over what a look found though much is lost: what is missing is gone at once.

    Raises NotFound, Conflict where it does not wait.
    """
    return _decide(source_id, sync_id, is_approved=True)


def reject_sync(source_id: UUID, sync_id: UUID) -> SiteSync:
    """Change nothing; the next look begins anew. Raises as `approve_sync` does."""
    return _decide(source_id, sync_id, is_approved=False)


def _decide(source_id: UUID, sync_id: UUID, *, is_approved: bool) -> SiteSync:
    with transaction.atomic():
        # The source before the sync, as its worker does.
        Source.objects.select_for_update(of=("self",)).only("pk").filter(pk=source_id).first()
        sync = find_sync(source_id, sync_id)
        if is_approved:
            sync.approve()
        else:
            sync.reject()
        Source.objects.filter(pk=source_id).forget_trouble()
        record(
            "source.sync_approved" if is_approved else "source.sync_rejected",
            of=sync.source,
            detail={"sync_id": sync.pk},
        )
        if is_approved:
            queue_ingestion(sync.source)
    return sync

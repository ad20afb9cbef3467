"""Whether the pages that answer, by the last look at their source, are the documents that are there: `find_drifted`."""

from __future__ import annotations

import uuid

from knowledge.indexing.incoming import identify_page_document
from knowledge.models import (
    Correction,
    Document,
    SitePage,
    SiteSync,
    Source,
    SourceStatus,
    SyncState,
)
from knowledge.models.states import SYNCED


def find_drifted() -> dict[uuid.UUID, int]:
    """How many pages and documents do not belong together, by source; one whose look is due anyway is left out.

    A page that answers has a document with chunks, unless a person has switched them off, and a document belongs to a
    page that answers. What a person deleted is no drift: the source's fingerprint says that it is not as its last look
    left it.
    """
    rest = Source.objects.filter(
        source_type__in=SYNCED, deleted_at__isnull=True, status=SourceStatus.READY, claim_id__isnull=True
    )  # fmt: skip
    found = {}
    for source_id, setup in rest.order_by("pk").values_list("pk", "content_hash"):
        done = SiteSync.objects.filter(source=source_id, state=SyncState.DONE).only("setup").first()
        if done is not None and done.setup == setup and (count := _count(source_id, done)):
            found[source_id] = count
    return found


def _count(source_id: uuid.UUID, done: SiteSync) -> int:
    answering = SitePage.objects.filter(sync=done, answers=True, is_list=False).order_by()
    wanted = {
        identify_page_document(source_id, url) for url in answering.values_list("url", flat=True)
    }
    rows = dict(Document.objects.filter(source=source_id).values_list("pk", "chunk_count"))
    off = Correction.objects.filter(source=source_id, is_off=True).values_list(
        "document_id", flat=True
    )
    empty = sum(1 for pk in (wanted & rows.keys()) - set(off) if not rows[pk])
    return len(wanted ^ rows.keys()) + empty

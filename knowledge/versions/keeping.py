"""Keeps what a document said before, in the transaction that replaces it, and forgets it when its time is over.

Versions do not count as stored bytes: how many there are, and for how long, is the installation's to say.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Min, Sum
from django.utils import timezone

from knowledge.indexing.chunking import ChunkDraft
from knowledge.models import ContentOrigin, Document, DocumentEdit, DocumentVersion
from knowledge.sources.storage import add_bytes
from knowledge.versions.texts import hash_drafts, join_drafts, pack, read_drafts, unpack
from tenants.due import DueKind, make_due

_AT_ONCE = 200


@dataclass(frozen=True)
class Origin:
    """What gives a document another text, and who has asked for it."""

    kind: ContentOrigin = ContentOrigin.INGESTION
    by: str = ""


@dataclass(frozen=True)
class Before:
    """A document's text that is about to be replaced; None where only its headings are other ones now."""

    content_hash: str
    body: bytes | None


def pack_before(new: Mapping[uuid.UUID, Sequence[ChunkDraft]]) -> dict[uuid.UUID, Before]:
    """Pack what the given documents say now, where it is about to change: slow work, so done before any lock."""
    rows = Document.objects.filter(pk__in=list(new), chunk_count__gt=0)
    return {
        document_id: _pack_one(document_id, content_hash, new[document_id])
        for document_id, content_hash in rows.values_list("pk", "content_hash")
        if content_hash != hash_drafts(new[document_id])
    }


def keep_versions(
    new: Mapping[uuid.UUID, Sequence[ChunkDraft]],
    packed: Mapping[uuid.UUID, Before],
    origin: Origin,
) -> None:
    """Keep what the documents say that get another text now, before they do.

    In the transaction that writes it, and under its lock; `packed` is what `pack_before` found shortly before.
    """
    now = timezone.now()
    changing: list[uuid.UUID] = []
    rows: list[DocumentVersion] = []
    for document in Document.objects.filter(pk__in=list(new)).iterator(chunk_size=500):
        if document.content_hash == hash_drafts(new[document.pk]):
            continue
        before = packed.get(document.pk)
        if document.chunk_count and (
            before is None or before.content_hash != document.content_hash
        ):
            before = _pack_one(document.pk, document.content_hash, new[document.pk])
        if before is not None and before.body is None:
            continue
        changing.append(document.pk)
        if before is not None and settings.VERSIONS_KEPT:
            rows.append(_version_of(document, before, now))
    DocumentVersion.objects.bulk_create(rows, batch_size=_AT_ONCE)
    Document.objects.filter(pk__in=changing).update(
        content_version=F("content_version") + 1, content_from=origin.kind, content_by=origin.by[:320],
        content_changed_at=now,
    )  # fmt: skip
    if changing:
        DocumentVersion.objects.forget_beyond(changing)
    if rows:
        make_due({DueKind.OLD_VERSIONS: _forget_after(now)})


def keep_overtaken(document: Document, edit: DocumentEdit) -> None:
    """Keep what somebody wrote and somebody else replaces before it has answered.

    The caller has locked the document's source.
    """
    if not settings.VERSIONS_KEPT:
        return
    now, drafts = timezone.now(), unpack(edit.mine)
    version = _version_of(document, Before(hash_drafts(drafts), bytes(edit.mine)), now)
    version.content_from, version.content_by, version.content_at = (
        edit.kind,
        edit.author,
        edit.edited_at,
    )
    version.language, version.content_hash = edit.mine_language, hash_drafts(drafts)
    version.char_count, version.chunk_count = len(join_drafts(drafts)), len(drafts)
    version.save(force_insert=True)
    Document.objects.filter(pk=document.pk).update(content_version=F("content_version") + 1)
    DocumentVersion.objects.forget_beyond([document.pk])
    make_due({DueKind.OLD_VERSIONS: _forget_after(now)})


def forget_texts(document_ids: Collection[uuid.UUID]) -> None:
    """Leave nothing behind of documents that are removed, in the transaction that does so.

    The caller has locked their source.
    """
    edits = DocumentEdit.objects.filter(document__in=list(document_ids))
    sizes = edits.order_by().values_list("document__source").annotate(size=Sum("mine_bytes"))
    for source_id, size in list(sizes):
        add_bytes(source_id, -size)
    edits._raw_delete("default")
    DocumentVersion.objects.filter(document__in=list(document_ids))._raw_delete("default")


def forget_old_versions() -> int:
    """Forget the current tenant's versions that are kept no longer; returns how many."""
    limit = timezone.now() - timedelta(days=settings.VERSIONS_KEPT_DAYS)
    total = 0
    while chosen := list(
        DocumentVersion.objects.filter(replaced_at__lt=limit)
        .order_by("replaced_at")
        .values_list("pk", flat=True)[:_AT_ONCE]
    ):
        DocumentVersion.objects.filter(pk__in=chosen)._raw_delete("default")
        total += len(chosen)
    return total


def next_forgetting() -> datetime | None:
    """When the current tenant's oldest version is kept no longer."""
    oldest = DocumentVersion.objects.aggregate(oldest=Min("replaced_at"))["oldest"]
    return max(_forget_after(oldest), timezone.now()) if oldest else None


def _forget_after(moment: datetime) -> datetime:
    """By the day, or every version would have a reminder of its own."""
    end = moment + timedelta(days=settings.VERSIONS_KEPT_DAYS + 1)
    return end.replace(hour=3, minute=0, second=0, microsecond=0)


def _pack_one(document_id: uuid.UUID, content_hash: str, new: Sequence[ChunkDraft]) -> Before:
    drafts = read_drafts(document_id)
    same = join_drafts(drafts) == join_drafts(new)
    return Before(content_hash, None if same else pack(drafts))


def _version_of(document: Document, before: Before, now: datetime) -> DocumentVersion:
    return DocumentVersion(
        document=document, number=document.content_version, content_from=document.content_from,
        content_by=document.content_by, content_at=document.content_at, replaced_at=now, title=document.title,
        url=document.url, metadata=document.metadata, language=document.language,
        content_hash=document.content_hash, char_count=document.char_count, chunk_count=document.chunk_count,
        body=before.body or b"",
    )  # fmt: skip

"""How many bytes a source stores, counted against the quotas of its bot and tenant.

They are those of the text or the file that it was given, and for a web page or a site those of the text that was read
from it; and with them those of what people have written in its place. A deleted source counts no more. All of it
happens in the caller's transaction, and the event of a quota that is nearly or wholly used up goes into the outbox with
it.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable
from typing import Final

from django.db import connection
from django.db.models import F, Sum

from bots.quotas.counting import count_storage, require_storage
from knowledge.indexing.chunking import ChunkDraft
from knowledge.indexing.vectors import COPY_HEADER, COPY_TRAILER
from knowledge.models import DocumentEdit, Source, SourceFile, SourceType
from knowledge.models.states import SYNCED
from webhooks.quota_events import tell_crossings

_PORTION: Final = 256 * 1024


def measure_text(text: str | None) -> int:
    return len((text or "").encode())


def measure_drafts(
    source: Source, drafts: Iterable[ChunkDraft], *, written: int | None = None
) -> int:
    """Return what a source will store once these chunks are its knowledge; `written` is `measure_edits`."""
    if source.source_type not in (SourceType.URL, *SYNCED):
        return source.stored_bytes
    edits = measure_edits(source.pk) if written is None else written
    return edits + sum(measure_text(draft.content) for draft in drafts)


def measure_edits(source_id: uuid.UUID) -> int:
    """How many of a source's bytes are what people wrote: texts of its documents, and of single chunks."""
    edits = DocumentEdit.objects.filter(document__source=source_id)
    chunks = Source.objects.values_list("corrected_bytes", flat=True).filter(pk=source_id).first()
    return (edits.aggregate(size=Sum("mine_bytes"))["size"] or 0) + (chunks or 0)


def store_file(source: Source, *, name: str, kind: str, data: bytes, sha256: str) -> None:
    """Keep a source's file, in place of the one before, in the caller's transaction.

    By COPY, a portion at a time: within a statement's text it would be in memory five times over.
    """
    SourceFile.objects.filter(source=source)._raw_delete("default")
    fields = [source.pk.bytes, name.encode(), kind.encode(), sha256.encode()]
    whole = memoryview(data)
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY knowledge_sourcefile (source_id, name, kind, sha256, data) FROM STDIN (FORMAT binary)"
        ) as copy,
    ):
        copy.write(COPY_HEADER + struct.pack(">h", len(fields) + 1))
        copy.write(b"".join(struct.pack(">i", len(each)) + each for each in fields))
        copy.write(struct.pack(">i", len(data)))
        for start in range(0, len(data), _PORTION):
            copy.write(whole[start : start + _PORTION])
        copy.write(COPY_TRAILER)


def add_bytes(source_id: uuid.UUID, added: int) -> None:
    """Have a source, whose row the caller has locked, store more or, below 0, less. Raises QuotaExceeded."""
    rows = Source.objects.filter(pk=source_id)
    bot_profile_id, deleted_at = rows.values_list("bot_profile_id", "deleted_at").get()
    if added and deleted_at is None:
        count_bytes(bot_profile_id, added)
    rows.update(stored_bytes=F("stored_bytes") + added)


def count_bytes(bot_profile_id: uuid.UUID | None, added: int) -> None:
    """Count what a bot, or (None) the shared sources of no bot, store more or, below 0, less from now on.

    Raises QuotaExceeded.
    """
    if added:
        tell_crossings(count_storage(bot_profile_id, added))


def move_bytes(old: uuid.UUID | None, new: uuid.UUID | None, size: int) -> None:
    """Put down to `new` what was put down to `old`. Raises QuotaExceeded."""
    if old != new:
        count_bytes(old, -size)
        count_bytes(new, size)


def require_room(source: Source, size: int) -> None:
    """Refuse early, before money is spent on embedding, what `count_bytes` would refuse in the end."""
    if size > source.stored_bytes:
        require_storage(source.bot_profile_id, size - source.stored_bytes)

"""Corrections in the database: read before they are fitted, and written when they were."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import F
from django.utils import timezone

from knowledge.corrections.fitting import Outcome, Theirs
from knowledge.models import Correction, CorrectionState, Source
from knowledge.models.written.corrections import CorrectionQuerySet
from knowledge.sources.storage import count_bytes
from webhooks.event_types import EventType
from webhooks.events import emit

Stamp = frozenset[tuple[uuid.UUID, datetime]]
"""Equal for two readings of a source's corrections where nobody has changed any in between."""

_WRITTEN: Final = [
    "document_id", "content", "anchor_heading", "anchor_content", "anchor_hash", "state", "conflict_since", "theirs",
    "chunk_id", "made_ids", "chunk_ids", "updated_at",
]  # fmt: skip


def load_corrections(source_id: uuid.UUID) -> list[Correction]:
    """Return a source's corrections, the oldest first, so that they are always fitted in the same order."""
    return list(Correction.objects.filter(source=source_id).order_by("created_at", "pk"))


def take_stamp(corrections: Iterable[Correction]) -> Stamp:
    return frozenset((each.pk, each.updated_at) for each in corrections)


def ids_of_theirs(
    corrections: Iterable[Correction], *, but_of: uuid.UUID | None = None
) -> set[uuid.UUID]:
    """The chunks of the source that corrections stand for, whether they answer or not; without those of a document."""
    return {
        uuid.UUID(each["id"])
        for correction in corrections
        for each in correction.theirs
        if each["document_id"] != str(but_of)
    }


def count_corrected(source_id: uuid.UUID) -> None:
    """Count the bytes of what people have written into a source, whose row the caller has locked.

    They are part of what it stores. Raises QuotaExceeded.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.bot_profile_id, s.corrected_bytes, "
            "       coalesce((SELECT sum(octet_length(content)) FROM knowledge_correction WHERE source_id = s.id), 0) "
            "  FROM knowledge_source AS s WHERE s.id = %s",
            [source_id],
        )
        bot_profile_id, before, written = cursor.fetchone()
    if written != before:
        count_bytes(bot_profile_id, int(written) - before)
        Source.objects.filter(pk=source_id).update(
            stored_bytes=F("stored_bytes") + (int(written) - before), corrected_bytes=written
        )


def keep_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Write down what corrections stand for now, in the transaction that makes the index say so."""
    were_conflicts = {each.correction.pk for each in outcomes if each.correction.is_conflict}
    changed = [outcome.correction for outcome in outcomes if _take(outcome)]
    tell_conflicts(each for each in changed if each.is_conflict and each.pk not in were_conflicts)
    if changed:
        now = timezone.now()
        for correction in changed:
            correction.updated_at = now
        Correction.objects.bulk_update(changed, _WRITTEN, batch_size=200)


def lose_corrections(corrections: CorrectionQuerySet) -> None:
    """Their source's text is taken out of the index: what is in force vanishes, in the caller's transaction."""
    live = list(corrections.filter(state=CorrectionState.LIVE, source__deleted_at__isnull=True))
    corrections.lose()
    for each in live:
        each.state = CorrectionState.VANISHED
    tell_conflicts(live)


def tell_conflicts(corrections: Iterable[Correction]) -> None:
    """Tell the tenant's webhooks which corrections wait for a decision since now, in the caller's transaction."""
    for each in corrections:
        emit(
            EventType.CHUNK_CONFLICTED,
            {
                "correction_id": str(each.pk), "source_id": str(each.source_id),
                "document_id": str(each.document_id),
                "is_gone": each.state == CorrectionState.VANISHED,
            },
        )  # fmt: skip


def _take(outcome: Outcome) -> bool:
    """Have a correction stand for what was found; whether anything is different from before."""
    correction = outcome.correction
    before = {name: getattr(correction, name) for name in _WRITTEN}
    if outcome.anchor is not None:
        draft = outcome.anchor
        correction.anchor(draft.heading, draft.content, draft.content_hash)
    if outcome.content is not None:
        correction.content = outcome.content
    correction.stand(outcome.state)
    correction.document_id = outcome.document_id
    correction.theirs = [_write(each) for each in outcome.theirs]
    made = [each.made for each in outcome.theirs] + [outcome.added]
    correction.made_ids = [chunk.id for chunk in made if chunk is not None]
    main = next((each for each in outcome.theirs if not each.is_echo), None)
    answering = outcome.added or (main and (main.made or (None if main.is_held else main.chunk)))
    correction.chunk_id = answering.id if answering else None
    correction.know(
        *(each.chunk.id for each in outcome.theirs if not each.is_echo), *([answering.id] if answering else [])
    )  # fmt: skip
    return any(getattr(correction, name) != value for name, value in before.items())


def _write(theirs: Theirs) -> dict[str, Any]:
    chunk, draft = theirs.chunk, theirs.chunk.draft
    return {
        "id": str(chunk.id), "document_id": str(chunk.document_id), "ordinal": draft.ordinal, "heading": draft.heading,
        "content": draft.content, "page": draft.page, "token_count": draft.token_count,
        "content_hash": draft.content_hash, "place": draft.place, "held": theirs.is_held, "echo": theirs.is_echo,
        "made": str(theirs.made.id) if theirs.made else None,
    }  # fmt: skip

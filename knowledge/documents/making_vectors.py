"""The vectors of a source's new chunks, made turn by turn: what was made is made once, however often work stops."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from celery.exceptions import SoftTimeLimitExceeded

from bots.models import BotProfile
from bots.quotas.turns import TurnOver, is_turn_over
from knowledge.indexing.embedding import embed_chunks
from knowledge.indexing.incoming import NewChunk
from knowledge.indexing.staging import find_kept, keep_vectors, read_vectors
from knowledge.models import Source
from minirag.lib.errors import ProductError
from minirag.lib.jobs.job import ClaimLost

if TYPE_CHECKING:
    from knowledge.indexing.vectors import Vector

KEEP_EVERY_SECONDS: Final = 20.0
"""So much work a killed worker takes with it; what is done sooner is kept nowhere but in the index."""


def make_vectors(
    source: Source, model: str, chunks: Sequence[NewChunk], payer: BotProfile | None, *,
    is_new: bool,
) -> dict[uuid.UUID, Vector]:  # fmt: skip
    """Return the chunks' vectors, of which those that were kept are not made again; of a new ingestion none was.

    Raises TurnOver where the process is wanted for others, ClaimLost, ProviderError, QuotaExceeded, BudgetExceeded.
    """
    if not chunks:
        return {}
    kept = set() if is_new else find_kept(source, model) & {chunk.id for chunk in chunks}
    progress = _Progress(source, model, len(kept), len(chunks))
    source.report("embedding", progress.done, progress.total)
    missing = [chunk for chunk in chunks if chunk.id not in kept]
    try:
        made = embed_chunks(
            payer, model, missing, source_id=source.pk, note=progress.note, is_wanted=is_turn_over
        )
    except (TurnOver, ProductError, SoftTimeLimitExceeded):
        with suppress(ClaimLost):
            progress.keep()
        raise
    if not kept:
        return dict(made)
    earlier = read_vectors(source, model)
    return {chunk_id: earlier[chunk_id] for chunk_id in kept & earlier.keys()} | made


class _Progress:
    """What was made since it was last kept."""

    def __init__(self, source: Source, model: str, done: int, total: int) -> None:
        self.source, self.model, self.done, self.total = source, model, done, total
        self._made: dict[uuid.UUID, Vector] = {}
        self._kept_at = time.monotonic()

    def note(self, batch: Mapping[uuid.UUID, Vector]) -> None:
        self._made.update(batch)
        self.done += len(batch)
        self.source.report("embedding", self.done, self.total)
        if self.done < self.total and is_turn_over():
            raise TurnOver
        if time.monotonic() - self._kept_at >= KEEP_EVERY_SECONDS:
            self.keep()

    def keep(self) -> None:
        if self._made:
            keep_vectors(self.source, self.model, self._made)
            self._made.clear()
        self._kept_at = time.monotonic()

"""A worker's hold on the source that it ingests: kept alive by a heartbeat, checked at every step.

Whoever loses the hold (a worker that was thought dead and came back) must not write, and whoever was cancelled, or
whose source was deleted, stops at the next step.
"""

from __future__ import annotations

import contextvars
import threading
import uuid
from datetime import timedelta
from types import TracebackType

import structlog
from django.db import DatabaseError, connections
from django.utils import timezone

from knowledge.models import Source, SourceStatus

logger = structlog.get_logger(__name__)

STALE_AFTER = timedelta(seconds=90)
BEAT_SECONDS = 15.0


class ClaimLost(Exception):
    """Another worker has the source now, or it was deleted."""


class IngestionCancelled(Exception):
    """Somebody cancelled the ingestion."""


class Claim:
    """A context: while it is open, the heartbeat goes on beside slow parsing and slow providers."""

    def __init__(self, source_id: uuid.UUID, claim_id: uuid.UUID) -> None:
        self.source_id, self.claim_id = source_id, claim_id
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Claim:
        # The copied context carries the tenant into the thread.
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._beat,), name="heartbeat", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=BEAT_SECONDS)

    def report(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Show progress, which is a heartbeat as well. Raises ClaimLost or IngestionCancelled."""
        written = Source.objects.filter(
            pk=self.source_id, claim_id=self.claim_id, status=SourceStatus.PROCESSING, cancel_requested=False,
            deleted_at__isnull=True,
        ).update(
            heartbeat_at=timezone.now(), progress_stage=stage, progress_done=done, progress_total=total,
        )  # fmt: skip
        if not written:
            self.raise_why()

    def raise_why(self) -> None:
        """Raise IngestionCancelled if the source is still ours, else ClaimLost."""
        if Source.objects.filter(pk=self.source_id, claim_id=self.claim_id).exists():
            raise IngestionCancelled
        raise ClaimLost

    def _beat(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            try:
                Source.objects.filter(pk=self.source_id, claim_id=self.claim_id).update(
                    heartbeat_at=timezone.now()
                )
            except DatabaseError as error:
                logger.warning(
                    "heartbeat failed", source_id=str(self.source_id), error=type(error).__name__
                )
            finally:
                connections.close_all()  # this thread's own

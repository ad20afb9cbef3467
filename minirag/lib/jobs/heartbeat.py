"""A heartbeat beside slow work: parsing, providers, foreign servers."""

from __future__ import annotations

import contextvars
import threading
import time
from types import TracebackType

import structlog
from django.db import DatabaseError, connections

from minirag.lib.jobs import job
from minirag.lib.jobs.job import ClaimLost, Job
from minirag.lib.metrics import counted

logger = structlog.get_logger(__name__)


class Heartbeat:
    """A context: while it is open, a thread shows that the worker of this job lives."""

    def __init__(self, held: Job) -> None:
        self._job = held
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._begun = 0.0

    def __enter__(self) -> Heartbeat:
        self._begun = time.monotonic()
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
        counted.note_work(self._job._meta.label_lower, time.monotonic() - self._begun)
        if self._thread is not None:
            self._thread.join(timeout=job.BEAT_SECONDS)

    def _beat(self) -> None:
        while not self._stopped.wait(job.BEAT_SECONDS):
            try:
                self._job.beat()
            except ClaimLost:
                return  # the work itself finds out at its next step
            except DatabaseError as error:
                logger.warning("heartbeat failed", id=str(self._job.pk), error=type(error).__name__)
            finally:
                connections.close_all()  # this thread's own

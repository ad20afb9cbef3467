"""Beat: django-celery-beat's, and a clock that jumps does not stop it.

What ran while the clock was a day ahead would otherwise be due again in a day only, and everything behind it in beat's
list would wait as long. A jump is noticed by the monotonic clock, which has none; that one stands still while a machine
sleeps, which is a jump as well.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any, Final

import structlog
from celery.schedules import schedstate
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from minirag.lib.jobs.sending import publish
from minirag.tasks import look_at_everything

logger = structlog.get_logger(__name__)

JUMP_SECONDS: Final = 10.0


class Entry(ModelEntry):
    """Something periodic. What ran last in a future that was none ran now."""

    last_run_at: datetime

    def is_due(self) -> schedstate:
        now = self._default_now()
        if self.last_run_at > now:
            self.last_run_at = self.model.last_run_at = now
        return super().is_due()


class Scheduler(DatabaseScheduler):
    """After a jump it reads its list anew, and has all work of all tenants looked at: reminders may lie far ahead."""

    Entry = Entry

    def __init__(self, *args: Any, **options: Any) -> None:
        self._ahead = _read_ahead()
        super().__init__(*args, **options)

    def tick(self, *args: Any, **options: Any) -> float:
        ahead = _read_ahead()
        jumped, self._ahead = ahead - self._ahead, ahead
        if abs(jumped) > JUMP_SECONDS:
            logger.warning("the clock has jumped", seconds=round(jumped))
            self._heap = None
            publish(look_at_everything, expires=3600.0)
        waits: float = super().tick(*args, **options)
        return waits


def _read_ahead() -> float:
    """How far the clock is before the one that never jumps."""
    return time.time() - time.monotonic()

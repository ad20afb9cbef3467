"""`Job`: a row that is work, with a claim, a heartbeat and an end.

Every transition is one conditional UPDATE whose row count says whether it took place, so of two workers one wins, and
one that was thought dead and comes back writes nothing:

| transition | by whom | what it means |
|---|---|---|
| `put_in_queue` | anybody | it waits for a worker |
| `claim` | a worker | it is this worker's: nobody had it, or the worker that had it shows no sign of life |
| `beat` | its worker | a sign of life, with what there is to show of the progress |
| `finish`, `fail` | its worker | it is over |
| `give_back` | its worker | another one may go on with it |
| `cancel` | anybody | it is nobody's any more; its worker stops at its next beat |
| `sweep` | the clock | what dead workers and lost messages left behind waits for a worker again |

A model that is a Job says in `WAITING`, `RUNNING`, `DONE` and `FAILED` which of its own columns change as well, and has
its further transitions as methods beside these. Nobody else writes these columns (tests/test_architecture.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypeVar

import structlog
from django.db import models, transaction
from django.db.models import F, Min, Q
from django.utils import timezone

from minirag.lib.jobs.clock import is_recent
from minirag.lib.metrics import counted

logger = structlog.get_logger(__name__)

RESEND_AFTER = timedelta(seconds=55)
"""How long a row waits until its message counts as lost."""
BEAT_SECONDS = 15.0
MAX_ATTEMPTS = 3
"""How often a job may take its worker down with it."""
SWEPT_AT_ONCE = 500

J = TypeVar("J", bound="Job")


class ClaimLost(Exception):
    """Another worker has the row now, or it was cancelled or deleted."""


class JobQuerySet(models.QuerySet[J]):
    """Transitions of rows that the caller has not claimed. Each counts for the rows of this query set only."""

    def claim(self, pk: uuid.UUID, *, now: datetime | None = None) -> J | None:
        """Claim a row and return it with what it NEEDS; None if somebody else has it."""
        now, claim_id = now or timezone.now(), uuid.uuid4()
        with transaction.atomic():
            taken = self.filter(self.model.is_free(now), pk=pk).update(
                **self.model.RUNNING,
                claim_id=claim_id,
                heartbeat_at=now,
                queued_at=None,
                **self.model.touch(now),
            )
            if not taken:
                return None
            self.model.remind(now + self.model.STALE_AFTER)
        rows = self.model._default_manager.filter(pk=pk, claim_id=claim_id)
        needs, heavy = self.model.NEEDS, self.model.HEAVY
        return (rows.select_related(*needs) if needs else rows.defer(*heavy)).first()

    def put_in_queue(self, **facts: Any) -> int:
        """Have the rows wait for a worker; the caller sends the messages. Returns how many rows there are."""
        now = timezone.now()
        with transaction.atomic():
            count = self.update(
                **{**self.model.WAITING, **facts}, queued_at=now, **self.model.touch(now)
            )
            if count:
                self.model.remind(now + RESEND_AFTER)
        return count

    def send_again(self, last: datetime | None) -> bool:
        """Count the waiting rows' message from now, if the last one was sent at `last`; the caller sends it."""
        waiting = self.filter(claim_id__isnull=True, queued_at=last)
        return bool(waiting.update(queued_at=timezone.now()))

    def cancel(self, **facts: Any) -> int:
        """Take the rows out of the queue or away from their workers; returns how many there were to cancel."""
        wanted = Q(queued_at__isnull=False) | Q(claim_id__isnull=False)
        return self.filter(wanted).update(**facts, **_NOBODYS, **self.model.touch(timezone.now()))

    def running(self) -> Self:
        """Keep those that a worker has in hand which shows signs of life."""
        return self.filter(~self.model.is_silent(timezone.now()), claim_id__isnull=False)

    def send_longest_waiting(self, send: Callable[[uuid.UUID], None]) -> bool:
        """Send the message of the row that waits longest, because there is room for it now; False if none waits."""
        waiting = self.filter(claim_id__isnull=True, queued_at__isnull=False)
        first = waiting.order_by("queued_at").values_list("pk", "queued_at").first()
        if first is None or not waiting.filter(pk=first[0]).send_again(first[1]):
            return False
        send(first[0])
        return True

    def sweep(self, give_up: Callable[[J], None] | None = None) -> list[J]:
        """Return the rows whose message has to be sent again: of dead workers, and of messages that got lost.

        What has taken MAX_ATTEMPTS workers with it fails instead, by `give_up` where there is more to that than the
        row. One query where there is nothing to do.
        """
        now = timezone.now()
        lost = Q(claim_id__isnull=True, queued_at__isnull=False) & ~is_recent(
            "queued_at", now, RESEND_AFTER
        )
        dead = Q(claim_id__isnull=False) & self.model.is_silent(now)
        rows = self.filter(lost | dead).order_by("queued_at").defer(*self.model.HEAVY)
        return [row for row in rows[:SWEPT_AT_ONCE] if row.take_back(give_up)]

    def next_sweep(self) -> datetime | None:
        """When `sweep` may find something, by what is known now; None if nothing waits and nothing runs."""
        found = self.aggregate(
            waiting=Min("queued_at", filter=Q(claim_id__isnull=True)),
            running=Min("heartbeat_at", filter=Q(claim_id__isnull=False)),
        )
        now = timezone.now()
        moments = [
            found["waiting"] and min(found["waiting"], now) + RESEND_AFTER,
            found["running"] and min(found["running"], now) + self.model.STALE_AFTER,
        ]
        return min((moment for moment in moments if moment), default=None)


class Job(models.Model):
    """The columns and transitions that every kind of work shares."""

    queued_at = models.DateTimeField(null=True, blank=True, editable=False)
    claim_id = models.UUIDField(null=True, blank=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)

    WAITING: ClassVar[Mapping[str, Any]] = {}
    RUNNING: ClassVar[Mapping[str, Any]] = {}
    DONE: ClassVar[Mapping[str, Any]] = {}
    FAILED: ClassVar[Mapping[str, Any]] = {}
    HEAVY: ClassVar[tuple[str, ...]] = ()
    """Columns that a worker reads by itself when it needs them."""
    NEEDS: ClassVar[tuple[str, ...]] = ()
    """Related rows that come with a claimed one, which then comes whole, its HEAVY columns as well."""
    STALE_AFTER: ClassVar[timedelta] = timedelta(seconds=90)
    """Without a beat for so long a worker counts as dead."""
    TAKES_LONG: ClassVar[bool] = True
    """Whether it may keep a worker's process for minutes, and so counts in its tenant's share of them."""

    class Meta:
        abstract = True

    @classmethod
    def is_free(cls, now: datetime) -> Q:
        """Which rows a worker may claim: those of nobody, and those of the dead."""
        return Q(claim_id__isnull=True) | cls.is_silent(now)

    @classmethod
    def is_silent(cls, now: datetime) -> Q:
        """Which claimed rows have had no beat for too long: whoever lives writes it anew within BEAT_SECONDS."""
        return Q(heartbeat_at__isnull=False) & ~is_recent("heartbeat_at", now, cls.STALE_AFTER)

    @classmethod
    def touch(cls, now: datetime) -> dict[str, Any]:
        """The columns that say that something has happened to the row."""
        return {"updated_at": now}

    @classmethod
    def remind(cls, at: datetime) -> None:
        """Have the sweeper look at this kind of job at that moment; in the transaction that makes it necessary."""

    def beat(self, **progress: Any) -> None:
        """Show a sign of life and how far the work is. Raises ClaimLost."""
        now = timezone.now()
        changes = {**progress, **self.touch(now)} if progress else {}
        if not self._held().update(heartbeat_at=now, **changes):
            raise ClaimLost

    def finish(self, **facts: Any) -> None:
        """End well. Raises ClaimLost."""
        self._end(attempts=0, **{**self.DONE, **facts})
        counted.note_job(self._meta.label_lower, "done")

    def fail(self, code: str, reason: str, **facts: Any) -> None:
        """Fail, and count it with the failures right before. Raises ClaimLost."""
        failures = min(self.attempts + 1, 1000)
        told = {"error_code": code[:64], "error_message": reason[: self._longest_reason()]}
        self._end(attempts=failures, **{**self.FAILED, **told, **facts})
        self.attempts = failures
        counted.note_job(self._meta.label_lower, "failed")

    def give_back(self, **facts: Any) -> None:
        """Let another worker go on, whose message the caller sends. Raises ClaimLost."""
        now = timezone.now()
        with transaction.atomic():
            self._end(**{**self.WAITING, **facts}, queued_at=now)
            self.remind(now + RESEND_AFTER)

    def take_back(self, give_up: Callable[[Any], None] | None = None) -> bool:
        """`sweep` for this row, as it was read: whether its message has to be sent again."""
        if self.claim_id is None:
            return self._rows().send_again(self.queued_at)
        with transaction.atomic():
            abandoned = self._held().filter(heartbeat_at=self.heartbeat_at)
            if not abandoned.select_for_update(of=("self",)).exists():
                return False  # its worker lives after all, or another one has it already
            if self.attempts + 1 >= MAX_ATTEMPTS:
                (give_up or type(self).interrupt)(self)
                return False
            self.give_back(attempts=F("attempts") + 1)
        logger.warning(
            "a worker died at this; it waits again", job=self._meta.label, id=str(self.pk)
        )
        return True

    def interrupt(self) -> None:
        """Fail because it has taken several workers with it."""
        self.fail("interrupted", self.interrupted_reason())

    def interrupted_reason(self) -> str:
        return f"The work was interrupted {MAX_ATTEMPTS} times."

    def _longest_reason(self) -> int | None:
        column: Any = self._meta.get_field("error_message")
        longest: int | None = column.max_length
        return longest

    def _held(self) -> JobQuerySet[Self]:
        return self._rows().filter(claim_id=self.claim_id, claim_id__isnull=False)

    def _rows(self) -> JobQuerySet[Self]:
        manager: Any = type(self)._default_manager  # of JobQuerySet, which its model says
        rows: JobQuerySet[Self] = manager.filter(pk=self.pk)
        return rows

    def _end(self, **facts: Any) -> None:
        if not self._held().update(**{**_NOBODYS, **self.touch(timezone.now()), **facts}):
            raise ClaimLost


_NOBODYS: Mapping[str, Any] = {"claim_id": None, "heartbeat_at": None, "queued_at": None}

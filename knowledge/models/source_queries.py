"""Sets of sources: which answer, which are due, and what may be done to many at once."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Case, F, Min, Q, Value, When
from django.utils import timezone

from knowledge.models.audience import Audience
from knowledge.models.datasets import Dataset, is_searched_by, link_of
from knowledge.models.states import Redo, SourceStatus, SourceType
from knowledge.sources.schedule import INTERVALS, RefreshSchedule, looks_like_times, next_refresh
from minirag.lib.jobs.job import RESEND_AFTER, JobQuerySet
from minirag.lib.telling.kept_sentences import kept
from tenants.context import require_tenant
from tenants.due import DueKind, make_due

if TYPE_CHECKING:
    from knowledge.models.sources import Source  # noqa: F401 - named in quotes below

_AT_REST: dict[str, Any] = {
    "status": Case(When(chunk_count__gt=0, then=Value(SourceStatus.READY)), default=Value(SourceStatus.PENDING)),
    "progress_stage": "", "progress_done": 0, "progress_total": 0,
}  # fmt: skip
_SCHEDULED = Q(refresh_schedule__isnull=False) & ~Q(refresh_schedule__in=("", RefreshSchedule.NONE))
_UNPLANNED: dict[str, Any] = {"status": SourceStatus.READY, "next_refresh_at__isnull": True}


class SourceQuerySet(JobQuerySet["Source"]):
    def answering(self, bot_profile_id: uuid.UUID, audience: Audience) -> SourceQuerySet:
        """Return the sources a bot may answer this audience from now: active, not deleted, once ready, and for it.

        Every search chooses its sources here. What single documents of them say of who may read them is not in it: see
        RestrictedPart.

        A source that is being re-ingested, or whose last ingestion failed, still answers from its old knowledge.
        External ones have none here.
        """
        return self._searched_by(bot_profile_id)._speaking(audience)

    def answering_anywhere(self, audience: Audience) -> SourceQuerySet:
        """Return the sources that some active bot may answer this audience from now."""
        searched = self.filter(dataset__in=Dataset.objects.searched_by_any())
        return searched._speaking(audience)

    def _searched_by(self, bot_profile_id: uuid.UUID) -> SourceQuerySet:
        linked = self.alias(link=link_of(bot_profile_id, "dataset__"))
        return linked.filter(is_searched_by(bot_profile_id, "dataset__"))

    def _speaking(self, audience: Audience) -> SourceQuerySet:
        return (
            self._in_use(audience).filter(chunk_count__gt=0).exclude(source_type=SourceType.NYXCORE)
        )

    def external(self, bot_profile_id: uuid.UUID, audience: Audience) -> SourceQuerySet:
        """Return the external sources a bot may ask for this audience now: active, and their last check succeeded.

        While one is checked again it goes on answering.
        """
        ready = ~Q(status=SourceStatus.ERROR) & Q(last_refreshed_at__isnull=False)
        searched = self._searched_by(bot_profile_id)
        return searched._in_use(audience).filter(ready, source_type=SourceType.NYXCORE)

    def _in_use(self, audience: Audience) -> SourceQuerySet:
        return self.filter(
            Q(parent__isnull=True) | (Q(parent__is_active=True) & audience.reads("parent__")),
            audience.reads(),
            is_active=True,
            deleted_at__isnull=True,
        )

    def at_rest(self) -> SourceQuerySet:
        """Return those that no worker has claimed."""
        return self.filter(claim_id__isnull=True).exclude(status=SourceStatus.PROCESSING)

    def ask_for(self, redo: Redo = Redo.NOTHING) -> int:
        """Have them wait for a worker because somebody asks: earlier failures count no more. Returns how many."""
        return self.put_in_queue(attempts=0, times_gone=0, **({"redo": redo} if redo else {}))

    def restart(self) -> int:
        """`ask_for`, also where a worker has the row: that worker gives up. Returns how many."""
        return self.put_in_queue(attempts=0, times_gone=0, claim_id=None, heartbeat_at=None)

    def stop(self) -> int:
        """Cancel their ingestion or take them out of the queue; what they said before goes on answering."""
        now, zone = timezone.now(), require_tenant().time_zone
        schedules = self.filter(_SCHEDULED).order_by().values_list("refresh_schedule", flat=True)
        planned = {each: next_refresh(each, now, zone) for each in set(schedules.distinct())}
        cases = [When(refresh_schedule=each, then=Value(at)) for each, at in planned.items()]
        rest = {**_AT_REST, "next_refresh_at": Case(*cases, default=None)}
        told = {"error_message": kept("The ingestion was cancelled."), "error_code": "cancelled"}
        if moments := [at for at in planned.values() if at]:
            make_due({DueKind.REFRESHES: min(moments)})
        running = self.filter(claim_id__isnull=False)
        return running.cancel(**rest, **told) + self.cancel(**rest)

    def replan(self) -> int:
        """Plan those with times of the tenant's clock by the clock as it is now; returns how many. What is due stays
        so, and so does what waits after a failure.
        """
        now, zone = timezone.now(), require_tenant().time_zone
        ahead = self.filter(
            deleted_at__isnull=True, status=SourceStatus.READY, next_refresh_at__gt=now
        )
        schedules = ahead.order_by().values_list("refresh_schedule", flat=True).distinct()
        moments, count = [], 0
        for each in [each for each in schedules if each and looks_like_times(each)]:
            if at := next_refresh(each, now, zone):
                count += ahead.filter(refresh_schedule=each).update(next_refresh_at=at)
                moments.append(at)
        if moments:
            make_due({DueKind.REFRESHES: min(moments)})
        return count

    def come_to_rest(self) -> int:
        """Give up rows that look claimed and are not; their old knowledge goes on answering."""
        return self.filter(claim_id__isnull=True).update(**_AT_REST, updated_at=timezone.now())

    def put_away(self) -> int:
        """Delete them softly. The worker at one loses its claim for good, even if the source is brought back soon."""
        now = timezone.now()
        status = Case(
            When(status=SourceStatus.PROCESSING, then=Value(SourceStatus.PENDING)), default="status"
        )
        make_due({DueKind.PURGES: now + RESEND_AFTER})
        return self.update(
            status=status, is_active=False, deleted_at=now, updated_at=now, queued_at=None, claim_id=None,
            heartbeat_at=None,
        )  # fmt: skip

    def note_trouble(self, code: str, reason: str) -> int:
        """Say why the last search failed. They stay ready: status and `updated_at` are the connection check's."""
        return self.filter(status=SourceStatus.READY).update(
            error_code=code[:64],
            error_message=reason[:2000],
            failed_searches=F("failed_searches") + 1,
        )

    def forget_trouble(self) -> int:
        return self.filter(status=SourceStatus.READY).update(error_code="", error_message=None)

    def due(self, now: datetime) -> SourceQuerySet:
        """Return those whose schedule has come, or whose failure is old enough to try again."""
        due = Q(next_refresh_at__lte=now)
        for schedule, interval in INTERVALS.items():
            due |= Q(refresh_schedule=schedule, last_refreshed_at__lte=now - interval, **_UNPLANNED)
        return self._refreshable().filter(due)

    def next_refresh(self) -> datetime | None:
        """When the next one is `due`."""
        lasts = {
            schedule.value: Min(
                "last_refreshed_at", filter=Q(refresh_schedule=schedule, **_UNPLANNED)
            )
            for schedule in INTERVALS
        }
        found = self._refreshable().order_by().aggregate(planned=Min("next_refresh_at"), **lasts)
        moments = [found["planned"]] + [
            last + interval
            for schedule, interval in INTERVALS.items()
            if (last := found[schedule.value])
        ]
        return min((moment for moment in moments if moment), default=None)

    def _refreshable(self) -> SourceQuerySet:
        return self.filter(
            Q(parent__isnull=True) | Q(parent__is_active=True),
            Q(status=SourceStatus.ERROR) | (Q(status=SourceStatus.READY) & _SCHEDULED),
            deleted_at__isnull=True, is_active=True, queued_at__isnull=True, claim_id__isnull=True,
        )  # fmt: skip

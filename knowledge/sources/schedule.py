"""When a source is ingested again: by its schedule, or after a failure, ever later. Pure.

A schedule is an interval (`daily`), which counts from the last time, or times as in cron (`15 6 * * 1-5`), which are
those of a clock on the tenant's wall: 06:15 stays 06:15 when summer time begins. What would fall into the hour that is
left out then comes at its end, and what falls into the hour that comes twice comes once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django.db.models import TextChoices


class RefreshSchedule(TextChoices):
    NONE = "none", "Never"
    HOURLY = "hourly", "Hourly"
    DAILY = "daily", "Daily"
    WEEKLY = "weekly", "Weekly"


INTERVALS = {
    RefreshSchedule.HOURLY: timedelta(hours=1),
    RefreshSchedule.DAILY: timedelta(days=1),
    RefreshSchedule.WEEKLY: timedelta(days=7),
}
LONGEST_SCHEDULE: Final = 100
SHORTEST_GAP: Final = timedelta(minutes=15)
LONGEST_WAIT = timedelta(days=7)
PAUSE_AFTER = 8
"""After so many failures in a row a site is looked at no more until somebody asks for it."""
MAX_ATTEMPTS = 3
"""How often something is tried that nobody scheduled, and how often a page may be gone until it is believed."""


def looks_like_times(schedule: str) -> bool:
    """Whether it is meant as times: five words, as a crontab has."""
    return len(schedule.split()) == 5


def find_fault(schedule: str) -> str:
    """Say in a sentence what is wrong with times; empty where nothing is."""
    if len(schedule) > LONGEST_SCHEDULE:
        return f"It is longer than {LONGEST_SCHEDULE} characters."
    try:
        found = list(islice(CronSim(schedule, datetime(2026, 1, 1, tzinfo=UTC)), 200))
    except (CronSimError, ValueError, TypeError, AssertionError) as error:
        return (
            f"These are no times: {error}."
            if isinstance(error, CronSimError)
            else "These are no times."
        )
    if not found:
        return "These times never come."
    if any(second - first < SHORTEST_GAP for first, second in pairwise(found)):
        return f"At least {int(SHORTEST_GAP.total_seconds() // 60)} minutes have to lie between two times."
    return ""


def next_refresh(schedule: str | None, last: datetime, zone: str = "UTC") -> datetime | None:
    """When a source that was ingested at `last` is due again; None without a schedule."""
    if schedule and looks_like_times(schedule):
        # Asked in the hour that comes twice, the clock names a moment that was in the first of the two.
        moments = (at.astimezone(UTC) for at in CronSim(schedule, last.astimezone(ZoneInfo(zone))))
        return next((at for at in moments if at > last), None)
    interval = INTERVALS.get(RefreshSchedule(schedule or RefreshSchedule.NONE))
    return last + interval if interval else None


def next_attempt(
    schedule: str | None, now: datetime, *, failures: int, retryable: bool, pauses: bool = False,
    zone: str = "UTC",
) -> datetime | None:  # fmt: skip
    """When to try again after `failures` in a row (from 1); None: not before somebody asks for it.

    A scheduled source waits its interval, doubled with every failure, at most a week; one with times the next of them
    that comes after an hour, doubled likewise, or with the first failure the very next. Any other is tried again after
    1 and 4 minutes where that can help. One that `pauses` is left alone after PAUSE_AFTER failures.
    """
    if pauses and failures >= PAUSE_AFTER:
        return None
    if schedule and looks_like_times(schedule):
        rest = timedelta(hours=2 ** min(failures - 1, 20) - 1)
        return next_refresh(schedule, now + min(rest, LONGEST_WAIT), zone)
    interval = INTERVALS.get(RefreshSchedule(schedule or RefreshSchedule.NONE))
    if interval:
        return now + min(interval * 2 ** min(failures - 1, 20), max(LONGEST_WAIT, interval))
    if retryable and failures < MAX_ATTEMPTS:
        return now + timedelta(minutes=4 ** (failures - 1))
    return None

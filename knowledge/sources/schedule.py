"""When a source is ingested again: by its schedule, or after a failure, ever later. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

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
LONGEST_WAIT = timedelta(days=7)
PAUSE_AFTER = 8
"""After so many failures in a row a site is looked at no more until somebody asks for it."""
MAX_ATTEMPTS = 3
"""How often something is tried that nobody scheduled, and how often a page may be gone until it is believed."""


def next_refresh(schedule: RefreshSchedule | str | None, last: datetime) -> datetime | None:
    """When a source that was ingested at `last` is due again; None without a schedule."""
    interval = INTERVALS.get(RefreshSchedule(schedule or RefreshSchedule.NONE))
    return last + interval if interval else None


def next_attempt(
    schedule: RefreshSchedule | str | None, now: datetime, *, failures: int, retryable: bool,
    pauses: bool = False,
) -> datetime | None:  # fmt: skip
    """When to try again after `failures` in a row (from 1); None: not before somebody asks for it.

    A scheduled source waits its interval, doubled with every failure, at most a week. Any other is tried again after
    1 and 4 minutes where that can help. One that `pauses` is left alone after PAUSE_AFTER failures.
    """
    if pauses and failures >= PAUSE_AFTER:
        return None
    interval = INTERVALS.get(RefreshSchedule(schedule or RefreshSchedule.NONE))
    if interval:
        return now + min(interval * 2 ** min(failures - 1, 20), max(LONGEST_WAIT, interval))
    if retryable and failures < MAX_ATTEMPTS:
        return now + timedelta(minutes=4 ** (failures - 1))
    return None

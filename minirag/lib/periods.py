"""Calendar periods in a time zone: a day or a month of somebody, as moments of everybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

DAY, MONTH, TOTAL = "day", "month", "total"
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def known_time_zones() -> frozenset[str]:
    """The IANA names that this machine knows, without the aliases of its own clock."""
    return frozenset(available_timezones() - {"localtime", "posixrules", "Factory"})


def is_time_zone(name: str) -> bool:
    """Whether `name` is an IANA time zone such as `Europe/Berlin`."""
    return name in known_time_zones()


def start_of(period: str, moment: datetime, time_zone: str) -> datetime:
    """Return when the `day` or `month` of `moment` began in `time_zone`; `total` began in 1970."""
    if period == TOTAL:
        return _BEGINNING
    return _at_midnight(_first_day(period, moment, time_zone), time_zone)


def end_of(period: str, moment: datetime, time_zone: str) -> datetime | None:
    """Return when the next `day` or `month` begins; None for `total`, which never ends."""
    if period == TOTAL:
        return None
    first = _first_day(period, moment, time_zone)
    # On naive dates: a day of 23 or 25 hours is one day.
    after = (
        first + timedelta(days=1) if period == DAY else (first + timedelta(days=32)).replace(day=1)
    )
    return _at_midnight(after, time_zone)


def _first_day(period: str, moment: datetime, time_zone: str) -> datetime:
    local = moment.astimezone(ZoneInfo(time_zone)).replace(
        tzinfo=None, hour=0, minute=0, second=0, microsecond=0
    )
    return local.replace(day=1) if period == MONTH else local


def _at_midnight(day: datetime, time_zone: str) -> datetime:
    """The first moment of a naive day, in UTC: where clocks jump over midnight, that is when they jump."""
    return day.replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC)

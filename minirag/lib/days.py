"""Days in queries: `YYYY-MM-DD` and nothing else, and the moments between which they lie."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from minirag.lib.errors import BadInput

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _refuse_other_forms(value: Any) -> Any:
    """Pydantic also reads a date out of a number of seconds."""
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("a day is written YYYY-MM-DD")
    if not isinstance(value, str | date | None):
        raise ValueError("a day is written YYYY-MM-DD")
    return value


Day = Annotated[date, BeforeValidator(_refuse_other_forms), Field(examples=["2026-11-20"])]


def bounds_of(
    first: date | None, last: date | None, time_zone: str
) -> tuple[datetime | None, datetime | None]:
    """Return when `first` begins and when `last` is over in `time_zone`; None where there is no bound.

    Both days count whole, also one of 23 or 25 hours. Raises BadInput (`invalid_date_range`) for an end before the
    beginning.
    """
    if first and last and last < first:
        raise BadInput("from_date must not be after to_date.", code="invalid_date_range")
    return _beginning(first, time_zone), _beginning(last, time_zone, days=1)


def _beginning(day: date | None, time_zone: str, *, days: int = 0) -> datetime | None:
    if day is None:
        return None
    try:
        local = datetime.combine(
            day + timedelta(days=days), datetime.min.time(), ZoneInfo(time_zone)
        )
        return local.astimezone(UTC)
    except OverflowError:  # the first or last day there is: before or after everything
        return None

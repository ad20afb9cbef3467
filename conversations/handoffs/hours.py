"""When people are there: a weekly table in the tenant's time zone, and days that are as no other. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_SPANS: Final = 4
MOST_DATES: Final = 100
_DATE = re.compile(r"(?:\d{4}-)?(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", re.ASCII)
_AHEAD: Final = 62
"""Days that are looked through for the next opening."""
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_MIDNIGHT: Final = "24:00"


def check_hours(value: Any) -> None:
    """Raise ValidationError for what is no table of days: `{"mon": [["09:00", "17:00"]]}`; empty: always there.

    A date, `2026-12-24`, or one of every year, `12-25`, counts in place of its weekday. Where no weekday is named,
    people are always there but for the dates.
    """
    if not isinstance(value, dict) or not all(each in DAYS or is_date(each) for each in value):
        raise ValidationError(
            f"A table of days: {', '.join(DAYS)}, or dates such as 2026-12-24 and 12-25."
        )
    if len(value) > MOST_DATES + len(DAYS):
        raise ValidationError(f"At most {MOST_DATES} dates.")
    for spans in value.values():
        if not isinstance(spans, list) or len(spans) > MOST_SPANS:
            raise ValidationError(f"At most {MOST_SPANS} spans a day, each [from, to].")
        ends = ""
        for span in spans:
            if not _is_span(span) or span[0] < ends:
                raise ValidationError(
                    "A span is two times such as 09:00 and 17:00, in order and without overlap."
                )
            ends = span[1]


def is_date(day: Any) -> bool:
    """Whether it is a day of the calendar, of one year or of every one."""
    if not isinstance(day, str) or not _DATE.fullmatch(day):
        return False
    try:
        datetime.strptime(day if len(day) == 10 else f"2024-{day}", "%Y-%m-%d")
    except ValueError:
        return False
    return True


def spans_of(hours: dict[str, Any], day: datetime) -> Any:
    """When people are there on a day."""
    for name in (f"{day:%Y-%m-%d}", f"{day:%m-%d}"):
        if name in hours:
            return hours[name]
    if not set(hours) & set(DAYS):
        return [("00:00", _MIDNIGHT)]
    return hours.get(DAYS[day.weekday()], ())


def _is_span(span: Any) -> bool:
    if not isinstance(span, list | tuple) or len(span) != 2:
        return False
    begins, ends = span
    if not isinstance(begins, str) or not isinstance(ends, str):
        return False
    is_time = _TIME.fullmatch(begins) and (_TIME.fullmatch(ends) or ends == _MIDNIGHT)
    return bool(is_time) and begins < ends


def is_within(hours: dict[str, Any], moment: datetime) -> bool:
    """Whether people are there at a moment of the tenant's own time."""
    if not hours:
        return True
    now = f"{moment:%H:%M}"
    return any(begins <= now < ends for begins, ends in spans_of(hours, moment))


def find_opening(hours: dict[str, Any], moment: datetime) -> datetime | None:
    """When people are there next, after a moment at which they are not; None where that is never."""
    for ahead in range(_AHEAD):
        day = moment + timedelta(days=ahead)
        for begins, _ in spans_of(hours, day):
            opening = datetime.combine(
                day.date(), datetime.strptime(begins, "%H:%M").time(), moment.tzinfo
            )
            if opening > moment:
                return opening
    return None


def write_hours(hours: dict[str, Any]) -> str:
    """One line a day, such as `mon 09:00-12:00, 13:00-17:00`."""
    lines = []
    for day in (*DAYS, *sorted(set(hours) - set(DAYS))):
        if day in hours:
            spans = ", ".join(f"{begins}-{ends}" for begins, ends in hours[day])
            lines.append(f"{day} {spans or 'closed'}")
    return "\n".join(lines)

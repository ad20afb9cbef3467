"""When people are there: a weekly table in the tenant's time zone. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_SPANS: Final = 4
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_MIDNIGHT: Final = "24:00"


def check_hours(value: Any) -> None:
    """Raise ValidationError for what is no weekly table: `{"mon": [["09:00", "17:00"]]}`; empty: always there."""
    if not isinstance(value, dict) or not set(value) <= set(DAYS):
        raise ValidationError(f"A table of days: {', '.join(DAYS)}.")
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
    return any(begins <= now < ends for begins, ends in hours.get(DAYS[moment.weekday()], ()))


def find_opening(hours: dict[str, Any], moment: datetime) -> datetime | None:
    """When people are there next, after a moment at which they are not; None where that is never."""
    for ahead in range(8):
        day = moment + timedelta(days=ahead)
        for begins, _ in hours.get(DAYS[day.weekday()], ()):
            opening = datetime.combine(
                day.date(), datetime.strptime(begins, "%H:%M").time(), moment.tzinfo
            )
            if opening > moment:
                return opening
    return None

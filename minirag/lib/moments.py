"""Moments in bodies and queries: text in ISO 8601, with a zone or in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError


def _require_date_text(value: Any) -> Any:
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        raise PydanticCustomError(
            "datetime_type", "Write a time as 2026-11-20T23:38:33, with a zone or in UTC"
        )
    return value


def _read_as_utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is out of range") from None


# pydantic would take numbers and strings of digits for seconds since 1970, and PostgreSQL no zone of 16 hours or more.
Moment = Annotated[datetime, BeforeValidator(_require_date_text), AfterValidator(_read_as_utc)]

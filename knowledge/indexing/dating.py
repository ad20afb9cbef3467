"""The day that a document says it is of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any


def day_of(metadata: Mapping[str, Any]) -> date | None:
    """Its own date, if that is a day; what lies ahead is a plan and no day that it is of."""
    told = metadata.get("date")
    try:
        day = date.fromisoformat(told[:10]) if isinstance(told, str) else None
    except ValueError:
        return None
    is_past = day is not None and date(1900, 1, 1) <= day <= datetime.now(UTC).date()
    return day if is_past else None

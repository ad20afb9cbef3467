"""Moments in rows, where the clock that wrote them may have been wrong: one that lies further ahead than anybody writes
them is no moment of now, and nothing waits for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q


def lies_ahead(column: str, now: datetime, furthest: datetime) -> Q:
    """Which rows have a moment that is still to come: after now, and no later than anybody writes one."""
    return Q(**{f"{column}__gt": now, f"{column}__lte": furthest})


def is_recent(column: str, now: datetime, within: timedelta) -> Q:
    """Which rows have a moment of just now: no longer ago than `within`, and no further ahead."""
    return Q(**{f"{column}__range": (now - within, now + within)})

"""What was spent and how long it took: exact at any moment, from the days that are added up and the events that are
not yet (see bots.usage.rollup), read in one statement and so in one snapshot.
"""

# ruff: noqa: S608 - what is put together are constants of ours; values are always parameters

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from bots.models import Measure, UsageKind
from bots.usage.rollup import BUCKET, DAY_SQL, TIMED_SQL, TIMES_SQL
from tenants.context import require_tenant

BEGINNING = date(1970, 1, 1)
COLUMNS = ("day", "bot_profile_id", "model", "kind")
CHAT_ONLY = (UsageKind.CHAT,)


@dataclass(frozen=True)
class Window:
    """The days from `first_day` on, in a time zone; none at all where `is_empty`."""

    first_day: date
    time_zone: str
    is_empty: bool = False

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def starts_at(self) -> datetime:
        """When the first day begins; where clocks skip midnight or repeat it, the first moment of that date."""
        return datetime.combine(self.first_day, time.min, self.zone).astimezone(UTC)


@dataclass(frozen=True)
class Spent:
    """Sums of one group; the fields that were not asked for as columns are None."""

    day: date | None
    bot_profile_id: uuid.UUID | None
    model: str | None
    kind: str | None
    request_count: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost_usd: Decimal


def window_of(days: int | None, *, now: datetime | None = None) -> Window:
    """The tenant's last `days` calendar days, today included; None for all of them, none for 0 and less."""
    name = require_tenant().time_zone
    if days is None:
        return Window(BEGINNING, name)
    today = (now or timezone.now()).astimezone(ZoneInfo(name)).date()
    if days <= 0:
        return Window(today, name, is_empty=True)
    back = min(days - 1, (today - BEGINNING).days)
    return Window(today - timedelta(days=back), name)


# Whether the days are those of the tenant's zone; true before anything was added up.
_FRESH = "coalesce((SELECT time_zone FROM bots_usagerollup WHERE id = 1) = %(zone)s, true)"
_EVENT = (
    f"{DAY_SQL} AS day, bot_profile_id, model, kind, 1 AS request_count, prompt_tokens, completion_tokens, \
total_tokens, cost_usd"
)
_SPENT = f"""(
    SELECT day, bot_profile_id, model, kind, request_count, prompt_tokens, completion_tokens, total_tokens, cost_usd
      FROM bots_usageday WHERE {_FRESH}
    UNION ALL
    SELECT {_EVENT} FROM bots_usageevent WHERE NOT is_rolled_up AND created_at >= %(since)s
    UNION ALL
    SELECT {_EVENT} FROM bots_usageevent WHERE is_rolled_up AND created_at >= %(since)s AND NOT {_FRESH}
) AS spent"""
# Each part is grouped by itself: across a union the planner knows nothing of the columns and would sort on disk.
_TIMED_EVENTS = (
    f"SELECT bot_profile_id, model, measure, {BUCKET}, count(*) FROM bots_usageevent {TIMES_SQL} \
WHERE {TIMED_SQL} AND created_at >= %(since)s AND {DAY_SQL} >= %(first)s"
)
_TIMED = f"""
    SELECT bot_profile_id, model, measure, bucket, sum(count)::bigint FROM bots_usagetiming
     WHERE {_FRESH} AND day >= %(first)s {{only}} GROUP BY 1, 2, 3, 4
    UNION ALL
    {_TIMED_EVENTS} AND NOT is_rolled_up {{only}} GROUP BY 1, 2, 3, 4
    UNION ALL
    {_TIMED_EVENTS} AND is_rolled_up AND NOT {_FRESH} {{only}} GROUP BY 1, 2, 3, 4"""


def sum_usage(
    by: Sequence[str],
    window: Window,
    *,
    kinds: Iterable[str] = CHAT_ONLY,
    bot_profile_id: uuid.UUID | None = None,
) -> list[Spent]:
    """Sum up by some of COLUMNS, in no particular order; with none of them it is one row, or no row of nothing."""
    if window.is_empty:
        return []
    columns = ", ".join(name if name in by else f"NULL AS {name}" for name in COLUMNS)
    group = f"GROUP BY {', '.join(by)}" if by else "HAVING count(*) > 0"
    statement = f"""
        SELECT {columns}, sum(request_count)::bigint, sum(prompt_tokens)::bigint, sum(completion_tokens)::bigint,
               sum(total_tokens)::bigint, sum(cost_usd)
          FROM {_SPENT}
         WHERE day >= %(first)s AND kind = ANY(%(kinds)s) {_only(bot_profile_id)} {group}"""
    values = {**_bounds(window), "kinds": [str(kind) for kind in kinds], "bot": bot_profile_id}
    return [Spent(*row) for row in _fetch(statement, values)]


def sum_everything(*, kinds: Iterable[str] = CHAT_ONLY) -> Spent | None:
    """All that was ever spent on these kinds of calls; None where there was none."""
    return next(iter(sum_usage((), window_of(None), kinds=kinds)), None)


def count_times(
    window: Window, *, bot_profile_id: uuid.UUID | None = None
) -> list[tuple[uuid.UUID, str, Measure, int, int]]:
    """How many turns took how long: rows of bot, model, measure, bucket (see bots.usage.timings) and count.

    The same bucket may come in two rows: what is added up, and what is not yet.
    """
    if window.is_empty:
        return []
    return _fetch(
        _TIMED.format(only=_only(bot_profile_id)), {**_bounds(window), "bot": bot_profile_id}
    )


def _only(bot_profile_id: uuid.UUID | None) -> str:
    return "AND bot_profile_id = %(bot)s" if bot_profile_id else ""


def _bounds(window: Window) -> dict[str, Any]:
    # A day early: the index finds the candidates by time, the date decides.
    since = datetime.combine(window.first_day, time.min, UTC) - timedelta(days=1)
    return {"zone": window.time_zone, "first": window.first_day, "since": since}


def _fetch(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()

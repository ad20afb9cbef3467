"""Usage added up by day, so that a million events are read as some thousand rows.

Each event is claimed by a flag of its own, in the transaction that adds it up: an event is in the sums or among those
without the flag, never in both and never in neither, however late its turn commits, however often this runs and
wherever it is killed. There is no watermark that a slow transaction could fall behind, the flag survives a dump and a
restore, and a chat turn writes nothing that another turn writes too. What reads (bots.usage.spending)
adds the days and the unclaimed events in one statement, so its numbers are exact at any moment.

Days are those of the tenant's time zone. When that changes, everything is added up again in one transaction; until
then readers leave the days aside (they know by UsageRollup) and count events.
"""

# ruff: noqa: S608 - what is put together are constants of ours; values are always parameters

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from bots.models import UsageEvent, UsageRollup
from bots.usage.timings import BUCKET_SQL
from tenants.context import require_tenant
from tenants.models import Tenant

ROLL_UP_AFTER = timedelta(seconds=60)
BATCH = 20_000
BATCHES = 50
"""Per run, so that one tenant's backlog does not keep the others waiting."""

DAY_SQL = "(created_at AT TIME ZONE %(zone)s)::date"
TIMES_SQL = """CROSS JOIN LATERAL (VALUES
    ('first_token', time_to_first_token_ms),
    ('duration', CASE WHEN outcome IN ('answered', 'refused') THEN duration_ms END)
) AS measured(measure, ms)"""
"""Only turns in which a model spoke are timed, and only those it finished have a duration: a refusal without a model
takes no time, and what was stopped or failed took as long as somebody's patience."""
TIMED_SQL = "kind = 'chat' AND time_to_first_token_ms IS NOT NULL AND ms IS NOT NULL"
BUCKET = BUCKET_SQL.format(ms="ms")

_ADD_DAYS = f"""
INSERT INTO bots_usageday AS kept (day, bot_profile_id, model, kind, request_count, prompt_tokens, completion_tokens,
                                   total_tokens, cost_usd)
SELECT {DAY_SQL}, bot_profile_id, model, kind, count(*), sum(prompt_tokens), sum(completion_tokens),
       sum(total_tokens), sum(cost_usd)
  FROM {{events}}
 GROUP BY 1, 2, 3, 4
 ORDER BY 2, 1, 3, 4
ON CONFLICT (bot_profile_id, day, model, kind) DO UPDATE SET
    request_count = kept.request_count + excluded.request_count,
    prompt_tokens = kept.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = kept.completion_tokens + excluded.completion_tokens,
    total_tokens = kept.total_tokens + excluded.total_tokens,
    cost_usd = kept.cost_usd + excluded.cost_usd"""
_ADD_TIMINGS = f"""
INSERT INTO bots_usagetiming AS kept (day, bot_profile_id, model, measure, bucket, count)
SELECT {DAY_SQL}, bot_profile_id, model, measure, {BUCKET}, count(*)
  FROM {{events}} {TIMES_SQL}
 WHERE {TIMED_SQL}
 GROUP BY 1, 2, 3, 4, 5
 ORDER BY 2, 1, 3, 4, 5
ON CONFLICT (bot_profile_id, day, model, measure, bucket) DO UPDATE SET count = kept.count + excluded.count"""
_CLAIM = f"""
WITH picked AS (
    SELECT id FROM bots_usageevent WHERE NOT is_rolled_up ORDER BY created_at LIMIT %(size)s FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE bots_usageevent SET is_rolled_up = true FROM picked WHERE bots_usageevent.id = picked.id
    RETURNING bots_usageevent.*
), days AS ({_ADD_DAYS.format(events="taken")}
), timings AS ({_ADD_TIMINGS.format(events="taken")}
)
SELECT count(*) FROM taken"""
_ROLLED_UP = "(SELECT * FROM bots_usageevent WHERE is_rolled_up) AS events"


def next_roll_up() -> datetime | None:
    """When there is something to add up again; None as long as no call is made."""
    zone = require_tenant().time_zone
    is_due = (
        UsageEvent.objects.filter(is_rolled_up=False).exists()
        or UsageRollup.objects.filter(pk=1).exclude(time_zone=zone).exists()
    )
    return timezone.now() + ROLL_UP_AFTER if is_due else None


def roll_up_usage(*, batch: int = BATCH, batches: int = BATCHES) -> int:
    """Add the current tenant's new events up, in transactions of `batch`; returns how many events there were.

    Idempotent and resumable. Does nothing while another worker does it.
    """
    total = 0
    for _ in range(batches):
        taken = _roll_up_batch(batch)
        total += taken
        if taken < batch:
            break
    return total


@transaction.atomic
def _roll_up_batch(size: int) -> int:
    zone = Tenant.objects.values_list("time_zone", flat=True).get(pk=require_tenant().pk)
    state = _lock_state(zone)
    if state is None:
        return 0
    if state.time_zone != zone:
        _add_up_anew(state, zone)
    return _execute(_CLAIM, zone=zone, size=size)


def _lock_state(zone: str) -> UsageRollup | None:
    """Return the one row, locked; None while another worker has it."""
    if not UsageRollup.objects.exists():
        UsageRollup.objects.bulk_create([UsageRollup(pk=1, time_zone=zone)], ignore_conflicts=True)
    return UsageRollup.objects.select_for_update(skip_locked=True).filter(pk=1).first()


def _add_up_anew(state: UsageRollup, zone: str) -> None:
    for statement in ("DELETE FROM bots_usageday", "DELETE FROM bots_usagetiming"):
        _execute(statement)
    for statement in (_ADD_DAYS, _ADD_TIMINGS):
        _execute(statement.format(events=_ROLLED_UP), zone=zone)
    state.time_zone = zone
    state.save(update_fields=["time_zone"])


def _execute(statement: str, **values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        row = cursor.fetchone() if cursor.description else None
    return int(row[0]) if row else 0

"""Due work: one public table that says what has to be looked at, in which tenant, and when.

Periodic work never loops over tenants. What makes work due writes a row here, in its own transaction (`make_due`); the
clock takes the rows whose time has come in one query (`claim_due`), so that a tick costs what is due and not what
exists. When the work is done, its worker removes the rows that it was claimed with and says when there is more to do
(`settle`). A row is a reminder, not an order: each kind of work checks for itself what there is to do, so one too many
costs a query and one too few waits for the nightly repair.

Rows are only ever added by what makes work due, so two turns of a tenant never wait for each other; and a transaction
that has not committed yet cannot lose its row to a worker that began before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from django.utils import timezone

from minirag.lib.jobs.job import BEAT_SECONDS
from tenants.context import require_tenant

LEASE = timedelta(seconds=120)
"""How long a worker may take until somebody else looks as well."""
AT_ONCE = 5_000
MARGIN = timedelta(seconds=20)
"""A row that stands already serves as well if nobody takes it before our transaction has surely committed."""
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_standing: dict[tuple[UUID, str], datetime] = {}
"""Reminders that are committed and that nobody takes before their time, as far as this process has seen them."""


class DueKind(models.TextChoices):
    """What there is to look at; what is done then is in `minirag/tasks.py`."""

    INGESTION = "ingestion", "Ingestions that wait or whose worker died"
    PURGES = "purges", "Deleted sources whose knowledge is still there"
    REFRESHES = "refreshes", "Sources whose schedule has come"
    SCHEDULES = "schedules", "Schedules whose times are those of another time zone now"
    REEMBEDDING = "reembedding", "Datasets whose bot names another embedding model"
    CALIBRATION = "calibration", "Bots whose floors do not fit their knowledge"
    CURATED = "curated", "Curated questions without a vector"
    GAPS = "gaps", "Questions without a good answer that are not grouped yet"
    DELIVERIES = "deliveries", "Deliveries to webhooks"
    OLD_DELIVERIES = "old_deliveries", "Deliveries that are kept no longer"
    USAGE = "usage", "Usage that is not added up yet"
    TURNS = "turns", "Questions whose process died"
    EXPORTS = "exports", "Exports that wait or whose worker died"
    EVALUATIONS = "evaluations", "Evaluation runs that wait or whose worker died"
    OLD_EXPORTS = "old_exports", "Files of exports that are kept no longer"
    EDITS = "edits", "Edits of documents that wait or whose worker died"
    HANDOFFS = "handoffs", "Chats whose person is not heard of, or nobody was written of"
    RETENTION = "retention", "Chats that are kept no longer"
    PLANS = "plans", "Quotas that a tenant's plan says anew"
    HOSTS = "hosts", "Hosts whose TXT record has to be looked for again"
    OLD_VERSIONS = "old_versions", "Versions of documents that are kept no longer"
    INDEXES = (
        "indexes",
        "Indexes that a large tenant lacks, since its chunks came otherwise than by ingestion",
    )


class DueWork(models.Model):
    """A reminder. Its tenant is not a foreign key: its writer must not wait for a tenant that is being erased."""

    tenant_id = models.UUIDField()
    kind = models.CharField(max_length=32)
    due_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "tenants"
        indexes = [
            models.Index(fields=["due_at"], name="due_work_by_time"),
            models.Index(fields=["tenant_id", "kind", "due_at"], name="due_work_by_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.due_at:%Y-%m-%d %H:%M:%S}"


_ADD = """
WITH asked AS (
    SELECT * FROM unnest(%(kinds)s::text[], %(moments)s::timestamptz[]) AS asked (kind, due_at)
), standing AS (
    SELECT asked.kind, max(waiting.due_at) AS due_at
      FROM asked JOIN tenants_duework AS waiting
        ON waiting.tenant_id = %(tenant)s AND waiting.kind = asked.kind AND waiting.claimed_until IS NULL
       AND waiting.due_at BETWEEN %(serves_from)s AND asked.due_at
     GROUP BY asked.kind
), added AS (
    INSERT INTO tenants_duework (tenant_id, kind, due_at)
    SELECT %(tenant)s, kind, due_at FROM asked WHERE kind NOT IN (SELECT kind FROM standing)
    RETURNING kind, due_at
)
SELECT kind, due_at, true FROM added UNION ALL SELECT kind, due_at, false FROM standing"""
# A lease that lies further ahead is of a clock that was wrong.
_CLAIM = """
UPDATE tenants_duework SET claimed_until = %(now)s + %(lease)s
 WHERE id IN (
    SELECT id FROM tenants_duework
     WHERE due_at <= %(now)s
       AND (claimed_until IS NULL OR claimed_until <= %(now)s OR claimed_until > %(now)s + 2 * %(lease)s)
     ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING tenant_id, kind, id"""
_FILL_PLAN = """
INSERT INTO tenants_duework (tenant_id, kind, due_at)
SELECT id, %(kind)s, %(now)s FROM tenants_tenant WHERE plan = %(plan)s AND status = 'active'"""
_FILL_ALL = """
INSERT INTO tenants_duework (tenant_id, kind, due_at)
SELECT id, kind, %(soon)s FROM tenants_tenant, unnest(%(kinds)s::text[]) AS kind WHERE status = 'active'"""
_FILL = """
INSERT INTO tenants_duework (tenant_id, kind, due_at)
SELECT %(tenant)s, kind, %(now)s FROM unnest(%(kinds)s::text[]) AS kind"""


def make_due(moments: Mapping[DueKind, datetime]) -> None:
    """Have the current tenant's work of these kinds looked at by then; in the transaction that makes it necessary.

    Call it late in that transaction: a reminder that exists already serves as well only if it is not taken before.
    One that this process has seen standing costs no query.
    """
    tenant_id, surely = require_tenant().pk, timezone.now() + MARGIN
    missing = {
        kind: at
        for kind, at in moments.items()
        if not surely <= _standing.get((tenant_id, kind), _EVER) <= at
    }
    if missing:
        found = _add(missing, surely)
        transaction.on_commit(
            lambda: _standing.update({(tenant_id, kind): at for kind, at, _ in found})
        )


def repair(moments: Mapping[DueKind, datetime], *, mend: bool = True) -> int:
    """`make_due` for what committed rows say: a reminder that is taken in the meantime finds them.

    Returns how many reminders were missing; `mend`: and are written.
    """
    with transaction.atomic():
        missing = sum(is_new for _, _, is_new in _add(moments, _EVER))
        if not mend:
            transaction.set_rollback(True)
    return missing


def _add(
    moments: Mapping[DueKind, datetime], serves_from: datetime
) -> list[tuple[str, datetime, bool]]:
    """Write the reminders that do not exist yet; returns all of them, and which of them are new."""
    facts = {
        "tenant": require_tenant().pk, "kinds": [kind.value for kind in moments],
        "moments": list(moments.values()), "serves_from": serves_from,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ADD, facts)
        return list(cursor.fetchall())


def make_all_due(tenant_id: UUID, kinds: Sequence[str] = DueKind.values) -> None:
    """Have everything of a tenant, or these kinds of work, looked at now: it is back, or something has changed."""
    facts: dict[str, Any] = {
        "tenant": tenant_id,
        "kinds": [str(kind) for kind in kinds],
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_FILL, facts)


def make_everything_due() -> None:
    """Have all work of all active tenants looked at soon: what was written by a wrong clock waits for no reminder.

    Not before whoever lives has written its next beat, or it would count as dead.
    """
    soon = timezone.now() + timedelta(seconds=2 * BEAT_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(_FILL_ALL, {"kinds": DueKind.values, "soon": soon})


def make_due_of_plan(plan: str, kind: DueKind) -> None:
    """Have one kind of work of all tenants with this plan looked at now. One statement, however many they are."""
    facts: dict[str, Any] = {"plan": plan, "kind": kind.value, "now": timezone.now()}
    with connection.cursor() as cursor:
        cursor.execute(_FILL_PLAN, facts)


def claim_due() -> dict[tuple[UUID, str], list[int]]:
    """Take what is due, of all tenants, for LEASE: the rows' ids by tenant and kind. One query."""
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {"now": timezone.now(), "lease": LEASE, "limit": AT_ONCE}
        cursor.execute(_CLAIM, facts)
        found = cursor.fetchall()
    claimed: dict[tuple[UUID, str], list[int]] = {}
    for tenant_id, kind, row_id in found:
        claimed.setdefault((tenant_id, kind), []).append(row_id)
    return claimed


def settle(row_ids: Collection[int], kind: DueKind, next_due: datetime | None) -> None:
    """The current tenant's work of this kind was looked at: forget these rows, and come back when there is more."""
    with transaction.atomic():
        DueWork.objects.filter(pk__in=row_ids, tenant_id=require_tenant().pk).delete()
        if next_due is not None:
            repair({kind: next_due})


def drop(row_ids: Collection[int]) -> None:
    """Forget rows whose tenant is not there, or not active, or whose kind nobody knows."""
    DueWork.objects.filter(pk__in=row_ids).delete()

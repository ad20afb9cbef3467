"""Figures of a tenant that are kept among the platform's: for its list and its chart no schema is opened."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from bots.models import UsageDay, UsageEvent
from bots.usage.models import Outcome, UsageKind
from tenants.context import require_tenant, tenant_context
from tenants.models import TenantDay, TenantFigures

EVERY: Final = timedelta(minutes=10)
_DAYS, _LATE_DAYS = 30, 2
_SIZE: Final = """
SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class
 WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"""


def keep_figures(*, at_once: bool = False) -> bool:
    """Bring the current tenant's figures up to date, at most every EVERY; says whether it was time.

    Turns and costs come of the days that are added up already. Failures are counted where they are, in the events of
    the last two days, and stay with their days.
    """
    tenant, now = require_tenant(), timezone.now()
    kept = TenantFigures.objects.filter(tenant=tenant).first()
    if kept is not None and kept.measured_at > now - EVERY and not at_once:
        return False
    first = (now - timedelta(days=_DAYS)).date()
    is_turn = Q(kind=UsageKind.CHAT)
    days = {
        row["day"]: row
        for row in UsageDay.objects.filter(day__gte=first)
        .values("day")
        .annotate(turns=Sum("request_count", filter=is_turn, default=0), cost=Sum("cost_usd"))
    }
    late = UsageEvent.objects.filter(created_at__gte=now - timedelta(days=_LATE_DAYS))
    failed = dict(
        late.filter(is_turn, outcome=Outcome.FAILED)
        .order_by()
        .values_list("created_at__date")
        .annotate(Count("pk"))
    )
    latest = late.aggregate(latest=Max("created_at"))["latest"]
    with connection.cursor() as cursor:
        cursor.execute(_SIZE)
        size = int(cursor.fetchone()[0])
    rows = [
        TenantDay(
            tenant_id=tenant.pk, day=day, turns=days[day]["turns"] if day in days else 0,
            cost_usd=days[day]["cost"] if day in days else 0, failed=failed.get(day, 0),
        )
        for day in sorted({*days, *failed})
    ]  # fmt: skip
    _write(rows, size, latest or (kept.last_activity if kept else None), first)
    return True


def _write(rows: list[TenantDay], size: int, latest: datetime | None, first: date) -> None:
    tenant, now = require_tenant(), timezone.now()
    recent = now.date() - timedelta(days=_LATE_DAYS - 1)
    with tenant_context(None), transaction.atomic():
        for some, fields in (
            ([row for row in rows if row.day >= recent], ["turns", "cost_usd", "failed"]),
            ([row for row in rows if row.day < recent], ["turns", "cost_usd"]),
        ):
            TenantDay.objects.bulk_create(
                some, update_conflicts=True, unique_fields=["tenant", "day"], update_fields=fields
            )
        sums = TenantDay.objects.filter(tenant_id=tenant.pk, day__gte=first).aggregate(
            turns=Sum("turns", default=0), failed=Sum("failed", default=0), cost_usd=Sum("cost_usd", default=0),
        )  # fmt: skip
        TenantFigures.objects.update_or_create(
            tenant_id=tenant.pk,
            defaults={**sums, "bytes": size, "last_activity": latest, "measured_at": now},
        )

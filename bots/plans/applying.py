"""The quotas that a tenant's plan says, as rows of the tenant: beside those that an operator or the tenant has set."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from bots.quotas.counting import forget_crossings
from bots.quotas.models import Quota, QuotaSubject
from tenants.audit import acting, record
from tenants.context import require_tenant
from tenants.plans.holding import plan_of
from tenants.plans.models import Plan


def apply_plan() -> int:
    """Make, change and remove the current tenant's quotas as its plan says now; returns how many were touched."""
    plan = plan_of(require_tenant())
    wanted = bounds_of(plan) if plan is not None else {}
    touched = 0
    with acting(f"plan {plan.key}" if plan is not None else "plan"), transaction.atomic():
        standing = {
            (quota.resource, quota.period): quota
            for quota in Quota.objects.select_for_update().filter(from_plan=True).order_by("pk")
        }
        for key, limit in wanted.items():
            touched += _set(standing.pop(key, None), key, limit)
        for quota in standing.values():
            record("quota.removed", of=quota, detail={"resource": quota.resource})
            quota.delete()
            touched += 1
    return touched


def bounds_of(plan: Plan) -> dict[tuple[str, str], Decimal]:
    """Resource and period of each quota that a plan says, and its limit."""
    said = {key: getattr(plan, name) for name, key in Plan.QUOTAS.items()}
    return {key: Decimal(limit) for key, limit in said.items() if limit is not None}


def _set(quota: Quota | None, key: tuple[str, str], limit: Decimal) -> int:
    if quota is not None and quota.limit == limit:
        return 0
    quota = quota or Quota(
        subject=QuotaSubject.TENANT, resource=key[0], period=key[1], is_platform=True, from_plan=True
    )  # fmt: skip
    quota.limit = limit
    quota.save()
    forget_crossings(quota)
    record("quota.set", of=quota, detail={"resource": key[0], "limit": float(limit)})
    return 1

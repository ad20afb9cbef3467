"""Make, change and remove plans: the platform's operators do."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from minirag.lib.errors import Conflict, NotFound
from tenants.audit import compare, record
from tenants.context import tenant_context
from tenants.models import Tenant
from tenants.plans.models import Plan


def find_plan(key: str) -> Plan:
    """Raises NotFound (`plan_not_found`)."""
    plan = Plan.objects.filter(key=key).first()
    if plan is None:
        raise NotFound(gettext("There is no such plan."), code="plan_not_found")
    return plan


def create_plan(fields: dict[str, Any], *, actor: str = "") -> Plan:
    """Make a plan; tenants that name it already have it from now on. Raises Conflict (`plan_exists`)."""
    plan = Plan(**fields)
    try:
        with tenant_context(None), transaction.atomic():
            plan.save(force_insert=True)
            record("plan.created", of=plan, actor=actor)
    except IntegrityError:
        raise Conflict(
            gettext("There is a plan of this key already."), code="plan_exists"
        ) from None
    return plan


def change_plan(plan: Plan, changes: dict[str, Any], *, actor: str = "") -> Plan:
    """Change a plan for all that have it: features at once, quotas of theirs within a minute."""
    compared = compare(plan, changes)
    for name, value in changes.items():
        setattr(plan, name, value)
    with tenant_context(None), transaction.atomic():
        plan.save()
        record("plan.changed", of=plan, actor=actor, changes=compared)
    return plan


def remove_plan(plan: Plan, *, actor: str = "") -> None:
    """Forget a plan that nobody has. Raises Conflict (`plan_in_use`): without it they would have everything."""
    with tenant_context(None), transaction.atomic():
        count = Tenant.objects.filter(plan=plan.key).count()
        if count:
            raise Conflict(
                gettext("%(count)s tenants have this plan; give them another first.")
                % {"count": count},
                code="plan_in_use",
            )
        record("plan.removed", of=plan, actor=actor)
        plan.delete()

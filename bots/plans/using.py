"""What the current tenant's plan has, beside what is used of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.utils.translation import gettext

from bots.models import BotProfile
from bots.plans.applying import bounds_of
from bots.quotas.counting import find_standings
from bots.quotas.models import Quota, QuotaResource
from tenants.context import require_tenant
from tenants.models import User
from tenants.plans.holding import plan_of
from tenants.plans.models import Countable, Feature, Plan


@dataclass(frozen=True)
class Held:
    """One thing of a plan: how many it allows (None: any number), and how many are used now."""

    name: str
    label: str
    limit: Decimal | None
    used: Decimal

    @property
    def is_full(self) -> bool:
        return self.limit is not None and self.used >= self.limit

    @property
    def percent(self) -> int:
        if self.limit is None:
            return 0
        return 100 if not self.limit else min(100, round(100 * self.used / self.limit))


@dataclass(frozen=True)
class Holding:
    """The tenant's plan: None where it bounds nothing."""

    key: str
    plan: Plan | None
    held: tuple[Held, ...]

    @property
    def name(self) -> str:
        return self.plan.name if self.plan is not None else self.key

    @property
    def description(self) -> str:
        return self.plan.description if self.plan is not None else ""

    @property
    def features(self) -> list[dict[str, Any]]:
        return [
            {"name": each.value, "label": str(each.label), "included": self.plan is None or self.plan.has(each)}
            for each in Feature
        ]  # fmt: skip


def find_holding() -> Holding:
    tenant = require_tenant()
    plan = plan_of(tenant)
    counted = [
        Held(what.value, str(what.label), _most(plan, what), Decimal(used))
        for what, used in _count().items()
    ]
    return Holding(tenant.plan, plan, (*counted, *_measure(plan)))


def _count() -> dict[Countable, int]:
    sources: Any = apps.get_model("knowledge.Source")
    return {
        Countable.BOTS: BotProfile.objects.active().count(),
        Countable.PEOPLE: User.objects.filter(tenant=require_tenant(), is_active=True).count(),
        Countable.SOURCES: sources.objects.filter(deleted_at=None).count(),
    }


def _most(plan: Plan | None, what: Countable) -> Decimal | None:
    most = plan.most(what) if plan is not None else None
    return None if most is None else Decimal(most)


def _measure(plan: Plan | None) -> list[Held]:
    """What quotas count, measured as a quota of the whole tenant would be."""
    limits = bounds_of(plan) if plan is not None else {}
    quotas = [
        Quota(resource=resource, period=period, limit=limits.get((resource, period), Decimal(0)))
        for resource, period in Plan.QUOTAS.values()
    ]
    standings = find_standings(quotas)
    return [
        Held(
            quota.resource, gettext(QuotaResource(quota.resource).label),
            limits.get((quota.resource, quota.period)), standings[quota.pk].used,
        )
        for quota in quotas
    ]  # fmt: skip

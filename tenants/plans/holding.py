"""What the plan of the current tenant has, asked by whatever a plan may lack."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.utils.translation import gettext as _

from minirag.lib.errors import Forbidden
from tenants.context import current_tenant
from tenants.models import Tenant, User
from tenants.plans.models import Countable, Feature, Plan


class NotInPlan(Forbidden):
    """The tenant's plan does not have this, or not so many. The sentence says which plan, and the way out."""

    code = "not_in_plan"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, code=self.code)


def plan_of(tenant: Tenant) -> Plan | None:
    """Return a tenant's plan; None where it bounds nothing, since there is none of this name."""
    return Plan.objects.filter(key=tenant.plan).first()


def has_feature(feature: Feature) -> bool:
    """Whether the current tenant's plan has a feature; outside of any tenant there is no plan to ask."""
    tenant = current_tenant()
    plan = plan_of(tenant) if tenant is not None else None
    return plan is None or plan.has(feature)


def require_feature(feature: Feature, tenant: Tenant | None = None) -> None:
    """Raise NotInPlan where the plan of a tenant, the current one unless given, lacks a feature."""
    tenant = tenant or current_tenant()
    plan = plan_of(tenant) if tenant is not None else None
    if plan is not None and not plan.has(feature):
        raise NotInPlan(
            _("Your plan, %(plan)s, does not have this: %(what)s. %(way_out)s")
            % {"plan": plan.name, "what": feature.label, "way_out": _way_out()}
        )


def require_room(
    what: Countable, count: Callable[[], int], *, more: int = 1, tenant: Tenant | None = None
) -> None:
    """Raise NotInPlan where `more` of something, besides those that `count` finds, are beyond the plan's number.

    Within a transaction others who ask the same wait until it ends, so that of two who take the last place in one
    moment one is refused: whoever makes something asks in the transaction that makes it. Outside of one it is only an
    early word.
    """
    tenant = tenant or current_tenant()
    plan = plan_of(tenant) if tenant is not None else None
    most = plan.most(what) if plan is not None else None
    if plan is None or most is None or tenant is None:
        return
    if connection.in_atomic_block:
        Tenant.objects.select_for_update(no_key=True).only("pk").filter(pk=tenant.pk).first()
    if count() + more > most:
        raise NotInPlan(
            _("Your plan, %(plan)s, has room for %(most)s: %(what)s. %(way_out)s")
            % {"plan": plan.name, "most": most, "what": what.label, "way_out": _way_out()}
        )


def require_room_for_person(tenant: Tenant | None) -> None:
    """Raise NotInPlan where a tenant's plan has no room for one more person who is active; operators need none."""
    if tenant is not None:
        active = User.objects.filter(tenant=tenant, is_active=True)
        require_room(Countable.PEOPLE, active.count, tenant=tenant)


def _way_out() -> str:
    return _(
        "Ask whoever runs this installation for another plan, or take away what you do not need."
    )

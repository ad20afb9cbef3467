"""Make, change and remove quotas. What they do is `bots.quotas.counting`' business."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from bots.models import BotProfile
from bots.quotas.counting import forget_crossings
from bots.quotas.models import Quota, QuotaPeriod, QuotaResource, QuotaSubject
from minirag.lib.errors import BadInput, Conflict, Forbidden, NotFound
from tenants.audit import compare, record
from tenants.context import require_tenant
from tenants.models import ApiToken

_KEYS = ("subject", "subject_id", "resource", "period", "is_platform")


def find_quota(quota_id: UUID) -> Quota:
    """Raises NotFound."""
    quota = Quota.objects.filter(pk=quota_id).first()
    if quota is None:
        raise NotFound(gettext("Quota not found"))
    return quota


def find_own_quota(quota_id: UUID) -> Quota:
    """Return a quota that the tenant itself may change. Raises NotFound, or Forbidden for one of the operator's."""
    quota = find_quota(quota_id)
    if quota.is_platform:
        raise Forbidden(
            gettext("This quota is set by the operator of this installation."),
            code="quota_of_platform",
        )
    return quota


def create_quota(fields: dict[str, Any], *, is_platform: bool = False) -> Quota:
    """Make a quota of what `NewQuota` has. Raises BadInput for one that makes no sense, Conflict for a second one."""
    quota = Quota(**fields, is_platform=is_platform)
    check_quota(quota)
    try:
        with transaction.atomic():
            quota.save(force_insert=True)
            _note("created", quota)
    except IntegrityError:
        raise Conflict(
            gettext("There is such a quota already: change that one."), code="quota_exists"
        ) from None
    return quota


def put_quota(fields: dict[str, Any]) -> Quota:
    """Make the operator's quota of this kind, or give the existing one its new limit. Raises BadInput."""
    quota = Quota(**fields, is_platform=True)
    check_quota(quota)
    keys = {name: getattr(quota, name) for name in _KEYS} | {"from_plan": False}
    values = {"limit": quota.limit, "warning_percent": quota.warning_percent}
    with transaction.atomic():
        quota = Quota.objects.update_or_create(**keys, defaults=values)[0]
        forget_crossings(quota)
        _note("set", quota)
    return quota


def platform_quotas(fields: dict[str, Any]) -> QuerySet[Quota]:
    """Return the operator's quota of this kind, if there is one."""
    return Quota.objects.filter(
        **{name: fields[name] for name in _KEYS[:-1]}, is_platform=True, from_plan=False
    )


def remove_quotas(quotas: QuerySet[Quota]) -> int:
    """Remove quotas with what was counted of them; returns how many there were."""
    with transaction.atomic():
        # Locked before its counters go: a turn may just be making one.
        found = list(quotas.select_for_update().order_by("pk"))
        for quota in found:
            _note("removed", quota)
            quota.delete()
    return len(found)


def change_quota(quota: Quota, changes: dict[str, Any]) -> Quota:
    """Change limit or warning level; they count at once, for what was used already too. Raises BadInput."""
    compared = compare(quota, changes)
    for name, value in changes.items():
        setattr(quota, name, value)
    check_quota(quota)
    with transaction.atomic():
        quota.save(update_fields=[*changes, "updated_at"])
        forget_crossings(quota)
        _note("changed", quota, compared)
    return quota


def _note(what: str, quota: Quota, changes: dict[str, Any] | None = None) -> None:
    shown = ("subject", "subject_id", "resource", "period")
    facts = {name: str(value) for name in shown if (value := getattr(quota, name)) is not None}
    detail = {**facts, "limit": float(quota.limit)}
    record(f"quota.{what}", of=quota, changes=changes, detail=detail)


def check_quota(quota: Quota) -> None:
    """Raise BadInput for a quota that makes no sense; one for a token is for those that it is rotated to as well."""
    if (quota.subject == QuotaSubject.TENANT) != (quota.subject_id is None):
        raise BadInput(
            gettext("subject_id names the bot or token, and is left out for the tenant."),
            code="quota_invalid",
        )
    if quota.resource == QuotaResource.STORAGE and quota.period != QuotaPeriod.TOTAL:
        raise BadInput(
            gettext("stored_bytes has the period total: it is what is stored now."),
            code="quota_invalid",
        )
    if quota.resource == QuotaResource.STORAGE and quota.subject == QuotaSubject.TOKEN:
        raise BadInput(
            gettext("stored_bytes is counted by tenant or bot, not by token."), code="quota_invalid"
        )
    if quota.resource != QuotaResource.COST and Decimal(quota.limit) % 1:
        raise BadInput(
            gettext("Only cost_usd may have a limit with a fraction."), code="quota_invalid"
        )
    if quota.subject_id is None:
        return
    if (
        quota.subject == QuotaSubject.BOT
        and not BotProfile.objects.filter(pk=quota.subject_id).exists()
    ):
        raise BadInput(gettext("There is no such bot in this tenant."), code="bot_not_found")
    if quota.subject == QuotaSubject.TOKEN:
        token = ApiToken.objects.filter(tenant=require_tenant(), pk=quota.subject_id).first()
        if token is None:
            raise BadInput(
                gettext("There is no such API token in this tenant."), code="token_not_found"
            )
        quota.subject_id = token.family

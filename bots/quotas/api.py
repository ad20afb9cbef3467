"""`/v1/quotas`: what may be used up, and what of it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from rest_framework.request import Request

from bots.quotas.changing import change_quota, create_quota, find_own_quota, find_quota
from bots.quotas.counting import Standing, find_standings
from bots.quotas.models import Quota
from bots.quotas.schemas import NewQuota, QuotaChanges, QuotaPageSchema, QuotaQuery, QuotaSchema
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants import audit
from tenants.permissions import HasTenant, permit

_NOT_YOURS = {403: "Set by the operator of the installation, or the caller may not manage quotas."}


class QuotaView(ApiView):
    permission_classes = (HasTenant, permit("quotas"))


class QuotaList(QuotaView):
    @describe(
        "List quotas", query=QuotaQuery, answers={200: QuotaPageSchema}, description="With what is used of each.",
    )  # fmt: skip
    def get(self, request: Request, query: QuotaQuery) -> Page[Any]:
        wanted = query.model_dump(include={"subject", "subject_id", "resource"}, exclude_none=True)
        page = paginate(Quota.objects.filter(**wanted), query)
        standings = find_standings(page.items)
        return page.of(lambda quota: _show(quota, standings[quota.pk]))

    @describe(
        "Set a quota", body=NewQuota, answers={201: QuotaSchema}, errors={409: "There is such a quota already."},
        example={"resource": "messages", "period": "month", "limit": 10_000},
    )  # fmt: skip
    def post(self, request: Request, body: NewQuota) -> Joined:
        with transaction.atomic():
            quota = create_quota(body.model_dump())
            _note(request, "quota.created", quota)
        return _measure(quota)


class QuotaDetail(QuotaView):
    @describe("Show a quota", answers={200: QuotaSchema})
    def get(self, request: Request, quota_id: UUID) -> Joined:
        return _measure(find_quota(quota_id))

    @describe(
        "Change a quota", body=QuotaChanges, answers={200: QuotaSchema}, errors=_NOT_YOURS, example={"limit": 20_000},
    )  # fmt: skip
    def patch(self, request: Request, quota_id: UUID, body: QuotaChanges) -> Joined:
        with transaction.atomic():
            quota = change_quota(find_own_quota(quota_id), body.model_dump(exclude_unset=True))
            _note(request, "quota.changed", quota)
        return _measure(quota)

    @describe("Remove a quota", answers={204: None}, errors=_NOT_YOURS)
    def delete(self, request: Request, quota_id: UUID) -> None:
        quota = find_own_quota(quota_id)
        with transaction.atomic():
            _note(request, "quota.removed", quota)
            quota.delete()


def _show(quota: Quota, standing: Standing) -> Joined:
    left = max(Decimal(0), quota.limit - standing.used)
    return Joined(quota, used=standing.used, remaining=left, resets_at=standing.resets_at)


def _measure(quota: Quota) -> Joined:
    return _show(quota, find_standings([quota])[quota.pk])


def _note(request: Request, action: str, quota: Quota) -> None:
    shown = ("subject", "subject_id", "resource", "period")
    facts = {name: str(value) for name in shown if (value := getattr(quota, name)) is not None}
    audit.record(action, request=request, detail={**facts, "limit": float(quota.limit)})

"""`/v1/quotas`: what may be used up, and what of it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from rest_framework.request import Request

from bots.quotas.changing import (
    change_quota,
    create_quota,
    find_own_quota,
    find_quota,
    remove_quotas,
)
from bots.quotas.counting import Standing, find_standings
from bots.quotas.models import Quota
from bots.quotas.schemas import NewQuota, QuotaChanges, QuotaPageSchema, QuotaQuery, QuotaSchema
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit

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
        return _measure(create_quota(body.model_dump()))


class QuotaDetail(QuotaView):
    @describe("Show a quota", answers={200: QuotaSchema})
    def get(self, request: Request, quota_id: UUID) -> Joined:
        return _measure(find_quota(quota_id))

    @describe(
        "Change a quota", body=QuotaChanges, answers={200: QuotaSchema}, errors=_NOT_YOURS, example={"limit": 20_000},
    )  # fmt: skip
    def patch(self, request: Request, quota_id: UUID, body: QuotaChanges) -> Joined:
        quota = change_quota(find_own_quota(quota_id), body.model_dump(exclude_unset=True))
        return _measure(quota)

    @describe("Remove a quota", answers={204: None}, errors=_NOT_YOURS)
    def delete(self, request: Request, quota_id: UUID) -> None:
        remove_quotas(Quota.objects.filter(pk=find_own_quota(quota_id).pk))


def _show(quota: Quota, standing: Standing) -> Joined:
    left = max(Decimal(0), quota.limit - standing.used)
    return Joined(quota, used=standing.used, remaining=left, resets_at=standing.resets_at)


def _measure(quota: Quota) -> Joined:
    return _show(quota, find_standings([quota])[quota.pk])

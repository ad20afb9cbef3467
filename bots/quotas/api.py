"""`/v1/quotas`: what may be used up, and what of it is."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from bots.quotas.changing import change_quota, create_quota, find_own_quota, find_quota
from bots.quotas.counting import find_standings
from bots.quotas.models import Quota
from bots.quotas.replies import QuotaPageReply, QuotaReply
from bots.quotas.serializers import NewQuota, QuotaChanges, QuotaQuery, render_quota
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import paginate, render_page
from minirag.lib.http_in.rest import ApiView, no_content, parse_uuid, read_body, read_query
from tenants import audit
from tenants.permissions import HasTenant, permit

_NOT_YOURS = {403: "Set by the operator of the installation, or the caller may not manage quotas."}


class QuotaView(ApiView):
    permission_classes = (HasTenant, permit("quotas"))


class QuotaList(QuotaView):
    @describe(
        "List quotas",
        query=QuotaQuery,
        answers={200: QuotaPageReply},
        description="With what is used of each.",
    )
    def get(self, request: Request) -> Response:
        query = read_query(QuotaQuery, request)
        wanted = query.model_dump(include={"subject", "subject_id", "resource"}, exclude_none=True)
        page = paginate(Quota.objects.filter(**wanted), query)
        standings = find_standings(page.items)
        return Response(
            render_page(page, [render_quota(quota, standings[quota.pk]) for quota in page.items])
        )

    @describe(
        "Set a quota", body=NewQuota, answers={201: QuotaReply}, errors={409: "There is such a quota already."},
        example={"resource": "messages", "period": "month", "limit": 10_000},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        fields = read_body(NewQuota, request).model_dump()
        with transaction.atomic():
            quota = create_quota(fields)
            _note(request, "quota.created", quota)
        return Response(_render(quota), status=201)


class QuotaDetail(QuotaView):
    @describe("Show a quota", answers={200: QuotaReply})
    def get(self, request: Request, quota_id: str) -> Response:
        return Response(_render(find_quota(parse_uuid(quota_id, "quota_id"))))

    @describe(
        "Change a quota",
        body=QuotaChanges,
        answers={200: QuotaReply},
        errors=_NOT_YOURS,
        example={"limit": 20_000},
    )
    def patch(self, request: Request, quota_id: str) -> Response:
        pk = parse_uuid(quota_id, "quota_id")
        changes = read_body(QuotaChanges, request).model_dump(exclude_unset=True)
        with transaction.atomic():
            quota = change_quota(find_own_quota(pk), changes)
            _note(request, "quota.changed", quota)
        return Response(_render(quota))

    @describe("Remove a quota", answers={204: None}, errors=_NOT_YOURS)
    def delete(self, request: Request, quota_id: str) -> HttpResponse:
        quota = find_own_quota(parse_uuid(quota_id, "quota_id"))
        with transaction.atomic():
            _note(request, "quota.removed", quota)
            quota.delete()
        return no_content()


def _render(quota: Quota) -> dict[str, object]:
    return render_quota(quota, find_standings([quota])[quota.pk])


def _note(request: Request, action: str, quota: Quota) -> None:
    shown = ("subject", "subject_id", "resource", "period")
    facts = {name: str(value) for name in shown if (value := getattr(quota, name)) is not None}
    audit.record(action, request=request, detail={**facts, "limit": float(quota.limit)})

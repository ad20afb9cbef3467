"""`/v1/platform/plans`: the plans that tenants have, for operators' programs."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, PageQuery, paginate
from tenants.plans.changing import change_plan, create_plan, find_plan, remove_plan
from tenants.plans.models import Plan
from tenants.plans.schemas import NewPlan, PlanChanges, PlanPageSchema, PlanSchema
from tenants.platform.api import NO_PLATFORM, PlatformView

_KEY = {"key": str}
_UNKNOWN = {404: "There is no such plan, or this is a tenant's path or host."}


class PlanList(PlatformView):
    @describe("List plans", query=PageQuery, answers={200: PlanPageSchema}, errors=NO_PLATFORM)
    def get(self, request: Request, query: PageQuery) -> Page[Plan]:
        return paginate(Plan.objects.all(), query, order=("created_at", "key"))

    @describe(
        "Make a plan", body=NewPlan, answers={201: PlanSchema},
        errors=NO_PLATFORM | {409: "There is a plan of this key."},
        example={"key": "starter", "name": "Starter", "features": ["sites"], "most_bots": 2},
    )  # fmt: skip
    def post(self, request: Request, body: NewPlan) -> Plan:
        return create_plan(_plain(body.model_dump()), actor=self.actor(request))


class PlanDetail(PlatformView):
    @describe("Show a plan", path=_KEY, answers={200: PlanSchema}, errors=_UNKNOWN)
    def get(self, request: Request, key: str) -> Plan:
        return find_plan(key)

    @describe(
        "Change a plan", path=_KEY, body=PlanChanges, answers={200: PlanSchema}, errors=_UNKNOWN,
        description="For all tenants that have it: features at once, the quotas of each within a minute.",
        example={"most_bots": 5},
    )  # fmt: skip
    def patch(self, request: Request, key: str, body: PlanChanges) -> Plan:
        changes = _plain(body.model_dump(exclude_unset=True))
        return change_plan(find_plan(key), changes, actor=self.actor(request))

    @describe(
        "Remove a plan", path=_KEY, answers={204: None}, errors=_UNKNOWN | {409: "Tenants have it."},
    )  # fmt: skip
    def delete(self, request: Request, key: str) -> None:
        remove_plan(find_plan(key), actor=self.actor(request))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    features = values.get("features")
    return values if features is None else {**values, "features": [str(each) for each in features]}

"""`/v1/tenants/me/plan`: what the tenant's plan has, and what is used of it."""

from __future__ import annotations

from rest_framework.request import Request

from bots.plans.schemas import OwnPlanSchema
from bots.plans.using import Holding, find_holding
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class OwnPlan(ApiView):
    permission_classes = (HasTenant, permit("quotas"))

    @describe(
        "Show the tenant's plan", answers={200: OwnPlanSchema},
        description="What it has, and what is used. A tenant whose plan bounds nothing has every feature and no limit.",
    )  # fmt: skip
    def get(self, request: Request) -> Holding:
        return find_holding()

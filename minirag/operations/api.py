"""`/health`, `/v1/system/health` and `/v1/system/health/detailed`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from rest_framework.request import Request

from minirag.lib.database import run_sync
from minirag.lib.http_in.doors import OPEN_DOOR, door
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView, error_response, method_not_allowed
from minirag.lib.starting.readiness import ServerStopping, is_stopping
from minirag.operations.health import measure_health
from minirag.operations.inventory import take_inventory
from minirag.operations.schemas import DetailedHealthSchema, HealthSchema, SystemHealthSchema
from tenants.calls.permissions import HasTenant, permit


@door(OPEN_DOOR)
@describe(
    "Show that it runs", method="GET", public=True, answers={200: HealthSchema},
    errors={503: "It is being stopped; send requests elsewhere."},
)  # fmt: skip
def health(request: HttpRequest) -> JsonResponse:
    if is_stopping():
        return error_response(ServerStopping(), request)
    return JsonResponse(HealthSchema(status="ok").model_dump())


@door(OPEN_DOOR)
@describe(
    "Show that it runs below v1", method="GET", public=True, answers={200: HealthSchema},
    errors={503: "It is being stopped; send requests elsewhere."},
)  # fmt: skip
def health_of_v1(request: HttpRequest) -> JsonResponse:
    """For who may ask for nothing but what is below `/v1`, or looks for it there."""
    if request.method not in ("GET", "HEAD"):
        return method_not_allowed(request, ["GET", "HEAD"])
    return health(request)


@door(OPEN_DOOR)
@describe("Show the servers' health", method="GET", public=True, answers={200: SystemHealthSchema})
async def system_health(request: HttpRequest) -> JsonResponse:
    """Answer the contract's `postgres`, `qdrant` (here: pgvector) and `redis`, always with status 200."""
    if request.method not in ("GET", "HEAD"):
        return method_not_allowed(request, ["GET", "HEAD"])
    measured = SystemHealthSchema.model_validate(await run_sync(measure_health))
    return JsonResponse(measured.model_dump())


class DetailedHealth(ApiView):
    permission_classes = (HasTenant, permit("the system's health"))

    @describe(
        "Show the servers' health and the tenant's own numbers", answers={200: DetailedHealthSchema}
    )
    def get(self, request: Request) -> dict[str, Any]:
        return {**measure_health(), **take_inventory()}

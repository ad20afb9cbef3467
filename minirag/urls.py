"""Routes of the platform's own host."""

from __future__ import annotations

from typing import Literal

from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, URLResolver, include, path

from minirag.api import handler400, handler404, handler500  # noqa: F401 - Django looks for them here
from minirag.lib.http_in.doors import OPEN_DOOR, door
from minirag.lib.http_in.openapi import Reply, describe
from minirag.lib.http_in.rest import error_response
from minirag.lib.readiness import ServerStopping, is_stopping
from minirag.pages.public import find_widget, predecessor_pages, show_platform
from tenants.admin_site.sites import platform_site


class HealthReply(Reply):
    status: Literal["ok"]


@door(OPEN_DOOR)
@describe(
    "Show that it runs", method="GET", public=True, answers={200: HealthReply},
    errors={503: "It is being stopped; send requests elsewhere."},
)  # fmt: skip
def health(request: HttpRequest) -> JsonResponse:
    if is_stopping():
        return error_response(ServerStopping(), request)
    return JsonResponse({"status": "ok"})


urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health),
    path("v1/", include("minirag.api")),
    path("", show_platform, name="home"),
    *predecessor_pages,
    path("dashboard/widget/minirag-widget.js", find_widget),
    path("admin/", platform_site.urls),
]

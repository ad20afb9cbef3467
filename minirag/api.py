"""The routes of `/v1`, the same on the platform's host, on a tenant's path and on a tenant's own host."""

from __future__ import annotations

import sys
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, URLPattern, URLResolver, include, path, re_path, resolve
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.vary import vary_on_headers

from minirag.lib.database import find_outage
from minirag.lib.http_in.doors import API_DOOR, door
from minirag.lib.http_in.rest import (
    answer_absence,
    answer_bad_request,
    answer_not_found,
    answer_outage,
    answer_server_error,
    wants_json,
    wants_page,
)
from minirag.operations.api import DetailedHealth, health_of_v1, system_health
from minirag.pages.reference import OpenApiDocument, PostmanCollection, ReferencePage


@door(API_DOOR)
@csrf_exempt
def remove_slash(request: HttpRequest, rest: str) -> HttpResponse:
    """Redirect a path with a trailing slash to the route without one, keeping method and body (307)."""
    bare = request.path_info.rstrip("/")
    try:
        found = resolve(bare, getattr(request, "urlconf", None))
    except Resolver404:
        return answer_not_found(request)
    if found.func is answer_unknown:
        return answer_not_found(request)
    query = request.META.get("QUERY_STRING", "")
    prefix = request.META.get("SCRIPT_NAME", "").rstrip("/")
    target = request.build_absolute_uri(f"{prefix}{bare}" + (f"?{query}" if query else ""))
    return HttpResponse(status=307, headers={"Location": target})


@door(API_DOOR)
@csrf_exempt
@vary_on_headers("Accept")
def answer_unknown(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer a path that is not a route, in JSON and to anybody. A browser at the root is led to the reference."""
    if not rest and wants_page(request):
        return redirect("api-reference")
    return answer_not_found(request, Http404())


def handler400(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return (
        answer_bad_request(request, exception)
        if wants_json(request)
        else defaults.bad_request(request, exception)
    )


def handler404(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return answer_absence(request)


def handler500(request: HttpRequest) -> HttpResponse:
    if find_outage(sys.exc_info()[1]):
        return answer_outage(request)
    return answer_server_error(request) if wants_json(request) else defaults.server_error(request)


urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("tenants.urls")),
    path("", include("bots.urls")),
    path("", include("webhooks.urls")),
    path("", include("knowledge.urls")),
    path("", include("conversations.urls")),
    path("health", health_of_v1),
    path("system/health", system_health),
    path("system/health/detailed", DetailedHealth.as_view()),
    path("openapi.json", OpenApiDocument.as_view(), name="openapi-document"),
    path("postman.json", PostmanCollection.as_view()),
    path("docs", ReferencePage.as_view(), name="api-reference"),
    re_path(r"^(?P<rest>.*)/$", remove_slash),
    re_path(r"^(?P<rest>.*)$", answer_unknown),
]

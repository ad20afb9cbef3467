"""The edge: find the tenant of a request once, and run the rest of the request inside it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http.request import split_domain_port

from minirag.lib.errors import NotAuthenticated, ProductError
from minirag.lib.http_in.middleware import TwofoldMiddleware
from minirag.lib.http_in.rest import error_response
from minirag.lib.security.limits import LimitState, limit_headers
from tenants.authentication import Identity, authenticate_bearer
from tenants.call_limits import Bounds, bounds_of_call, bounds_of_operator
from tenants.context import bind_stream, run_sync, tenant_context
from tenants.models import Domain, Tenant
from tenants.permissions import refuse_write

TENANT_PATH = re.compile(r"^/t/([a-z0-9-]{1,100})(?=/|$)")
_OWN_LOG_IN = ("/v1/widget/", "/v1/platform/")  # their views look at the credential themselves
_OPEN_PATHS = frozenset({"/health", "/v1/system/health"})
_ADMIN_PATH = "/admin/"


@dataclass(frozen=True)
class Found:
    """What the edge found: the tenant, by what (`path`, `host`, `token` or None), and who is calling."""

    tenant: Tenant | None = None
    by: str | None = None
    identity: Identity | ProductError | None = None


class HostUnknown(Exception):
    """The host is neither the platform's nor a tenant's."""


def find_tenant(
    slug: str | None, host: str, authorization: str | None, *, wants_bearer: bool
) -> Found | None:
    """Resolve path, then host, then bearer token; None when the path names no tenant. Raises HostUnknown."""
    tenant, by = None, None
    if slug is not None:
        tenant, by = Tenant.objects.filter(slug=slug).first(), "path"
        if tenant is None:
            return None
    elif (
        host not in settings.PLATFORM_HOSTS
    ):  # a platform host is nobody's own, and needs no look-up
        domain = Domain.objects.select_related("tenant").filter(domain=host).first()
        if domain is not None:
            tenant, by = domain.tenant, "host"
        elif "*" not in settings.PLATFORM_HOSTS:
            raise HostUnknown(host)
    if not wants_bearer:
        return Found(tenant, by)
    try:
        identity = authenticate_bearer(authorization)
    except ProductError as error:
        return Found(tenant, by, error)
    if tenant is not None and tenant.pk != identity.tenant.pk:
        return Found(
            tenant, by, NotAuthenticated("Invalid or revoked API token", code="token_invalid")
        )
    return Found(identity.tenant, by or "token", identity)


class TenantMiddleware(TwofoldMiddleware):
    """Bind the tenant of path, host or bearer token around the request and around its streaming body."""

    def call(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info in _OPEN_PATHS:
            return self.get_response(request)
        with tenant_context(None):
            try:
                found = find_tenant(**_facts(request))
            except HostUnknown:
                return _refuse_host(request)
        refusal = _prepare(request, found)
        if refusal is not None:
            return refusal
        bounds = _bounds_of(request)
        try:
            state = bounds.count() if bounds else None
        except ProductError as error:
            return error_response(error, request)
        tenant = request.tenant  # type: ignore[attr-defined]
        with tenant_context(tenant):
            response = _tell_limit(self.get_response(request), state)
        return _bind_body(response, tenant)

    async def call_async(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info in _OPEN_PATHS:
            return await self.get_response(request)
        with tenant_context(None):
            try:
                found = await run_sync(find_tenant, **_facts(request))
            except HostUnknown:
                return _refuse_host(request)
        refusal = _prepare(request, found)
        if refusal is not None:
            return refusal
        bounds = _bounds_of(request)
        try:
            state = await bounds.count_async() if bounds else None
        except ProductError as error:
            return error_response(error, request)
        tenant = request.tenant  # type: ignore[attr-defined]
        with tenant_context(tenant):
            response = _tell_limit(await self.get_response(request), state)
        return _bind_body(response, tenant)


def _bind_body(response: HttpResponseBase, tenant: Tenant | None) -> HttpResponseBase:
    if getattr(response, "is_async", False):
        response.streaming_content = bind_stream(aiter(response.streaming_content), tenant)  # type: ignore[attr-defined]
    return response


def _facts(request: HttpRequest) -> dict[str, Any]:
    match = TENANT_PATH.match(request.META.get("SCRIPT_NAME") or "")
    host, _ = split_domain_port(request.get_host())
    return {
        "slug": match[1] if match else None,
        "host": host,
        "authorization": request.META.get("HTTP_AUTHORIZATION"),
        "wants_bearer": _wants_bearer(request),
    }


def _prepare(request: HttpRequest, found: Found | None) -> HttpResponse | None:
    """Put what was found on the request; returns a response where it ends here."""
    if found is None:
        return error_response(Http404(), request)
    request.tenant = found.tenant  # type: ignore[attr-defined]
    request.tenant_by = found.by  # type: ignore[attr-defined]
    request.identity = found.identity  # type: ignore[attr-defined]
    if found.tenant is None:
        return None
    if found.by in ("path", "host"):
        request.urlconf = settings.TENANT_URLCONF
    # These two say how the tenant is only to those who proved who they are: an identity is of an active tenant, or
    # the view answers why there is none, and the admin site asks `refuse_write` behind its log-in.
    if _wants_bearer(request) or request.path_info.startswith(_ADMIN_PATH):
        return None
    return refuse_write(request, found.tenant)


def _bounds_of(request: HttpRequest) -> Bounds | None:
    """What bounds this call; None for pages, and for the widget's sessions, which their view counts."""
    if request.path_info.startswith("/v1/platform/"):
        return bounds_of_operator(request)
    identity = request.identity  # type: ignore[attr-defined]
    return bounds_of_call(request, identity) if _wants_bearer(request) else None


def _tell_limit(response: HttpResponseBase, state: LimitState | None) -> HttpResponseBase:
    for name, value in limit_headers(state).items():
        response.headers.setdefault(name, value)
    return response


def _wants_bearer(request: HttpRequest) -> bool:
    return request.path_info.startswith("/v1/") and not request.path_info.startswith(_OWN_LOG_IN)


def _refuse_host(request: HttpRequest) -> HttpResponse:
    error = ProductError("This host is not served here.", code="host_unknown")
    error.status = 400
    return error_response(error, request)


class TenantSessionMiddleware(SessionMiddleware):
    """A session cookie per tenant path, so that two tenants' tabs in one browser do not log each other out."""

    def process_request(self, request: HttpRequest) -> None:
        name, _ = _session_cookie(request)
        request.session = self.SessionStore(request.COOKIES.get(name))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        name, path = _session_cookie(request)
        if (
            name != settings.SESSION_COOKIE_NAME
        ):  # the base class looks for its own name to decide on deletion
            request.COOKIES = {
                **request.COOKIES,
                settings.SESSION_COOKIE_NAME: request.COOKIES.get(name, ""),
            }
            if not request.COOKIES[settings.SESSION_COOKIE_NAME]:
                request.COOKIES.pop(settings.SESSION_COOKIE_NAME)
        response = super().process_response(request, response)
        morsel = response.cookies.pop(settings.SESSION_COOKIE_NAME, None)
        if morsel is not None:
            response.cookies[name] = morsel.value
            response.cookies[name].update(morsel)
            response.cookies[name]["path"] = path
        return response


def _session_cookie(request: HttpRequest) -> tuple[str, str]:
    """Return the name and path of this request's session cookie."""
    match = TENANT_PATH.match(request.META.get("SCRIPT_NAME") or "")
    if match is None:
        return settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_PATH
    return f"{settings.SESSION_COOKIE_NAME}_{match[1]}", f"/t/{match[1]}/"


class TenantPathApp:
    """ASGI wrapper: move `/t/<slug>` from the path into `root_path`, so that every reverse() carries it."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket") and (match := TENANT_PATH.match(scope["path"])):
            scope = {**scope, "root_path": scope.get("root_path", "") + match[0]}
        await self.app(scope, receive, send)

"""The edge: find the tenant of a request once, and run the rest of the request inside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from minirag.lib.database import OUTAGES
from minirag.lib.errors import NotAuthenticated, ProductError
from minirag.lib.http_in.arrivals import Arrival, settle_scope
from minirag.lib.http_in.doors import Door, Proof, route_of
from minirag.lib.http_in.middleware import TwofoldMiddleware
from minirag.lib.http_in.rest import (
    answer_absence,
    answer_outage,
    answer_unserved,
    error_response,
)
from minirag.lib.rows.fixed import FixedQuery
from minirag.lib.security.limits import LimitState, limit_headers
from tenants.audit import acting
from tenants.authentication import Identity, authenticate_bearer
from tenants.calls.limits import bounds_of_arrival
from tenants.calls.permissions import refuse_write
from tenants.calls.session_users import session_cookie_of
from tenants.context import bind_stream, run_sync, tenant_context
from tenants.models import Domain, Tenant

_BY_SLUG = FixedQuery(lambda slug: Tenant.objects.filter(slug=slug), str)
_BY_HOST = FixedQuery(
    lambda host: Domain.objects.leading().select_related("tenant").filter(domain=host), str
)


@dataclass(frozen=True)
class Found:
    """What the edge found: the tenant, by what (`path`, `host`, `token` or None), and who is calling."""

    tenant: Tenant | None = None
    by: str | None = None
    identity: Identity | ProductError | None = None

    def put_on(self, request: HttpRequest) -> None:
        """Have the request's views find it there, and find themselves on the tenant's routes."""
        request.tenant = self.tenant  # type: ignore[attr-defined]
        request.tenant_by = self.by  # type: ignore[attr-defined]
        request.identity = self.identity  # type: ignore[attr-defined]
        if self.tenant is not None and self.by in ("path", "host"):
            request.urlconf = settings.TENANT_URLCONF


class HostUnknown(ProductError):
    """The host is neither the platform's nor a tenant's."""

    status, code = 400, "host_unknown"

    def __init__(self) -> None:
        super().__init__("This host is not served here.")


class HostMalformed(HostUnknown):
    """That cannot be a host."""

    code = "bad_request"

    def __init__(self) -> None:
        ProductError.__init__(self, "Bad Request")


def find_tenant(arrival: Arrival, *, wants_bearer: bool) -> Found | None:
    """Resolve path, host and bearer token, which may not contradict each other.

    None when the path names no tenant, or another one than the host. Raises HostUnknown.
    """
    tenant, by = _find_by_host(arrival.host), "host"
    if arrival.slug is not None:
        of_host, by = tenant, "path"
        tenant = _BY_SLUG.first(arrival.slug)
        if tenant is None or (of_host is not None and of_host.pk != tenant.pk):
            return None
    if not wants_bearer:
        return Found(tenant, by if tenant else None)
    try:
        identity = authenticate_bearer(arrival.authorization)
    except ProductError as error:
        return Found(tenant, by if tenant else None, error)
    if tenant is not None and tenant.pk != identity.tenant.pk:
        return Found(
            tenant, by, NotAuthenticated("Invalid or revoked API token", code="token_invalid")
        )
    return Found(identity.tenant, by if tenant else "token", identity)


def _find_by_host(host: str) -> Tenant | None:
    """Return whose own host this is; None for the platform's, which need no look-up."""
    if host in settings.PLATFORM_HOSTS:
        return None
    if not host:
        raise HostMalformed
    domain = _BY_HOST.first(host)
    if domain is None and "*" not in settings.PLATFORM_HOSTS:
        raise HostUnknown
    return domain.tenant if domain else None


class TenantMiddleware(TwofoldMiddleware):
    """Bind the tenant of path, host or bearer token around the request and around its streaming body."""

    def call(self, request: HttpRequest) -> HttpResponseBase:
        arrival, door = Arrival.of_request(request), route_of(request).door
        if door.is_open:
            return self.get_response(request)
        with tenant_context(None):
            try:
                found = find_tenant(arrival, wants_bearer=door.proof == Proof.BEARER)
            except HostUnknown as error:
                return answer_unserved(request, error)
            except OUTAGES:
                return answer_outage(request)
        refusal = _prepare(request, found, door)
        if refusal is not None:
            return refusal
        try:
            state = bounds_of_arrival(arrival, door, request.identity).count()  # type: ignore[attr-defined]
        except ProductError as error:
            return error_response(error, request)
        tenant = request.tenant  # type: ignore[attr-defined]
        with tenant_context(tenant), acting(request):
            response = _tell_limit(self.get_response(request), state)
        return _bind_body(response, tenant)

    async def call_async(self, request: HttpRequest) -> HttpResponseBase:
        arrival, door = Arrival.of_request(request), route_of(request).door
        if door.is_open:
            return await self.get_response(request)
        with tenant_context(None):
            try:
                found = await run_sync(
                    find_tenant, arrival, wants_bearer=door.proof == Proof.BEARER
                )
            except HostUnknown as error:
                return answer_unserved(request, error)
            except OUTAGES:
                return answer_outage(request)
        refusal = _prepare(request, found, door)
        if refusal is not None:
            return refusal
        try:
            bounds = bounds_of_arrival(arrival, door, request.identity)  # type: ignore[attr-defined]
            state = await bounds.count_async()
        except ProductError as error:
            return error_response(error, request)
        tenant = request.tenant  # type: ignore[attr-defined]
        with tenant_context(tenant), acting(request):
            response = _tell_limit(await self.get_response(request), state)
        return _bind_body(response, tenant)


def _bind_body(response: HttpResponseBase, tenant: Tenant | None) -> HttpResponseBase:
    if getattr(response, "is_async", False) and getattr(response, "feed", None) is None:
        response.streaming_content = bind_stream(aiter(response.streaming_content), tenant)  # type: ignore[attr-defined]
    return response


def _prepare(request: HttpRequest, found: Found | None, door: Door) -> HttpResponse | None:
    """Put what was found on the request; returns a response where it ends here."""
    if found is None:
        return answer_absence(request)
    found.put_on(request)
    # How the tenant is, is said only to those who proved who they are: without an identity the view answers why there
    # is none, and the admin site asks `refuse_write` behind its log-in.
    if found.tenant is None or door.proof == Proof.SESSION:
        return None
    if door.proof == Proof.BEARER and not isinstance(found.identity, Identity):
        return None
    return refuse_write(request, found.tenant)


def _tell_limit(response: HttpResponseBase, state: LimitState | None) -> HttpResponseBase:
    for name, value in limit_headers(state).items():
        response.headers.setdefault(name, value)
    return response


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
    return session_cookie_of(Arrival.of_request(request).slug)


class ArrivalApp:
    """ASGI wrapper: what a client says of where it comes from and goes to ends here (see `settle_scope`)."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = settle_scope(scope)
        await self.app(scope, receive, send)

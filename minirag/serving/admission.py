"""Who may send a long body: asked at its head, so that nobody else's is ever read.

The view's own authentication and permissions are asked, on a request that has a head only. What it says of the body
comes later, and the whole of it is asked again then, since a token may have been revoked in the meantime.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest
from django.db import Error as DatabaseError
from django.http import Http404, HttpResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from minirag.lib.database import run_sync
from minirag.lib.errors import NotAuthenticated, NotFound, ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.doors import Proof, Route
from minirag.lib.http_in.rest import ApiView, known_error
from tenants.admin_site.sites import platform_site, tenant_site
from tenants.calls.limits import bounds_of_arrival
from tenants.calls.middleware import (
    Found,
    TenantSessionMiddleware,
    find_tenant,
)
from tenants.context import tenant_context

_AT_ONCE, _AT_ONCE_OF_ONE = (
    64,
    8,
)  # long bodies on their way to this process, and those of one caller


class TooManyUploads(ProductError):
    """As many long bodies are on their way as this process takes."""

    status, code, retryable, retry_after_seconds = 503, "too_many_uploads", True, 2

    def __init__(self) -> None:
        super().__init__("Too many uploads at once. Please try again shortly.")


class LogInFirst(Exception):
    """An admin page of somebody who is not logged in; `location` is where to do so."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


@dataclass
class Uploads:
    """The long bodies that are on their way, by who sends them."""

    running: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def counted(self, who: str) -> Iterator[Callable[[], None]]:
        """Count one until it is called off, with what this yields or by leaving. Raises TooManyUploads."""
        if self.running.total() >= _AT_ONCE or self.running[who] >= _AT_ONCE_OF_ONE:
            raise TooManyUploads
        self.running[who] += 1
        marks = [who]

        def call_off() -> None:
            if marks:
                self.running.subtract([marks.pop()])
                self.running += Counter()  # drops those at 0

        try:
            yield call_off
        finally:
            call_off()


async def admit(scope: dict[str, Any], arrival: Arrival, route: Route) -> str:
    """Name who may send a long body there. Raises ProductError or LogInFirst for who may not."""
    with tenant_context(None):
        try:
            return await run_sync(_admit, scope, arrival, route)
        except DatabaseError as error:
            raise known_error(error) from error


def _admit(scope: dict[str, Any], arrival: Arrival, route: Route) -> str:
    found = find_tenant(arrival, wants_bearer=route.door.proof == Proof.BEARER)
    if found is None:
        raise NotFound("Not Found")
    request = ASGIRequest(scope, BytesIO())
    found.put_on(request)
    with tenant_context(found.tenant):
        if route.door.proof == Proof.SESSION:
            return _admit_session(request, found)
        return _admit_caller(request, arrival, route, found)


def _admit_session(request: Any, found: Found) -> str:
    TenantSessionMiddleware(lambda _: HttpResponse()).process_request(request)
    request.user = get_user(request)
    site = tenant_site if found.tenant else platform_site
    if site.has_permission(request):
        # A tenant counts once, however many people and tokens it has.
        return f"tenant:{found.tenant.pk}" if found.tenant else f"user:{request.user.pk}"
    prefix = request.META.get("SCRIPT_NAME", "")
    raise LogInFirst(f"{prefix}/admin/login/?{urlencode({'next': request.path})}")


def _admit_caller(request: Any, arrival: Arrival, route: Route, found: Found) -> str:
    """Ask the view. A refusal is counted as the call that it is; who is let in is counted when the view is called."""
    match = route.match
    view_class = getattr(match.func, "view_class", None) if match else None
    try:
        if isinstance(found.identity, ProductError):
            raise found.identity
        if match and isinstance(view_class, type) and issubclass(view_class, ApiView):
            view = view_class()
            view.setup(request, *match.args, **match.kwargs)
            asked = view.initialize_request(request, *match.args, **match.kwargs)
            assert isinstance(asked, Request)  # noqa: S101 - for the type checker
            view.request = asked
            view.initial(asked, *match.args, **match.kwargs)
    except (ProductError, APIException, Http404) as error:
        bounds_of_arrival(arrival, route.door, found.identity).count()
        raise known_error(error) from error
    identity = found.identity
    if identity is not None and not isinstance(identity, ProductError):
        return f"tenant:{identity.tenant.pk}"
    if route.door.proof == Proof.OPERATOR:
        return "operators"
    raise NotAuthenticated("Not authenticated")

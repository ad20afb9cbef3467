"""What the edge has to know of a view before it calls it; each view declares it with `door`.

Who may enter at all, how long a body may be, and what a call counts as, are decided before a view runs, and for a long
body before it has arrived. So they are said on the view, and nobody who adds a route has to know of a list of paths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, ResolverMatch, resolve

SHORT_BODY_BYTES = 64 * 1024  # what anybody may send without saying who they are
V = TypeVar("V", bound=Callable[..., Any])


class Proof(StrEnum):
    """How a view's caller proves who it is."""

    BEARER = "bearer"  # an API token or a JWT, which the edge looks at
    OPERATOR = "operator"  # an operator's token, which the view looks at
    SESSION = "session"  # an admin site's cookie
    OWN = "own"  # something that the view alone understands, or nothing


def short_body() -> int:
    return int(min(SHORT_BODY_BYTES, settings.MAX_BODY_BYTES))


def fields_body() -> int:
    """Enough for any fields; what takes a text of its own takes `text_body`."""
    return int(min(1024 * 1024, settings.MAX_BODY_BYTES))


def text_body() -> int:
    return int(settings.MAX_BODY_BYTES)


def upload_body() -> int:
    """A file beyond the limit is refused by its view, in the contract's words, unless it is absurd."""
    return int(settings.MAX_BODY_BYTES + 5 * settings.MAX_UPLOAD_BYTES)


@dataclass(frozen=True)
class Door:
    """`is_open`: on any host, for no tenant, uncounted. `is_sign_up`: repeatable without a credential.

    `asks`: a POST is a question, which costs money. `any_origin`: pages of any site may read the answer.
    """

    proof: Proof = Proof.OWN
    body_limit: Callable[[], int] = short_body
    is_open: bool = False
    is_sign_up: bool = False
    asks: bool = False
    any_origin: bool = False


API_DOOR = Door(Proof.BEARER, fields_body)
TEXT_DOOR = Door(Proof.BEARER, text_body)
UPLOAD_DOOR = Door(Proof.BEARER, upload_body)
ADMIN_DOOR = Door(Proof.SESSION, text_body)
ADMIN_UPLOAD_DOOR = Door(Proof.SESSION, upload_body)
PAGE_DOOR = Door()
OPEN_DOOR = Door(is_open=True)


def door(entry: Door) -> Callable[[V], V]:
    """Say it on a function; a class based on `ApiView` has an attribute `door`."""

    def mark(view: V) -> V:
        view.door = entry  # type: ignore[attr-defined]
        return view

    return mark


@dataclass(frozen=True)
class Route:
    """Where a path leads: to nothing where `match` is None."""

    urlconf: str
    match: ResolverMatch | None

    @property
    def door(self) -> Door:
        if self.match is None:
            return PAGE_DOOR
        own = getattr(self.match.func, "door", None)
        if isinstance(own, Door):
            return own
        return ADMIN_DOOR if self.match.app_names[:1] == ["admin"] else PAGE_DOOR


def find_route(path: str, *, in_tenant: bool) -> Route:
    """Resolve a path below a tenant's prefix, or one without: there, the platform's routes."""
    urlconf = settings.TENANT_URLCONF if in_tenant else settings.ROOT_URLCONF
    return (_find_again if len(path) <= _REMEMBERED_LENGTH else _find)(path, urlconf)


def _find(path: str, urlconf: str) -> Route:
    try:
        return Route(urlconf, resolve(path, urlconf))
    except Resolver404:
        return Route(urlconf, None)


# Django tries one pattern after the other, and there are hundreds.
_find_again = lru_cache(maxsize=4096)(_find)
_REMEMBERED_LENGTH = 200


def route_of(request: HttpRequest) -> Route:
    """Return the route of a request as it came in; resolved once, here or by `keep_route` before."""
    scope = getattr(request, "scope", None)
    keeper = scope if isinstance(scope, dict) else request.__dict__
    found = keeper.get("minirag.route")
    if not isinstance(found, Route):
        in_tenant = bool(request.META.get("SCRIPT_NAME"))
        found = keeper["minirag.route"] = find_route(request.path_info, in_tenant=in_tenant)
    return found

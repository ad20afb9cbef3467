"""What a caller may do: DRF permissions by tenant and role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from minirag.lib.errors import Conflict, Forbidden, ProductError
from minirag.lib.http_in.error_bodies import error_body
from tenants.context import current_tenant
from tenants.models import ApiToken, May, Right, Tenant, User
from tenants.people.roles import NOUNS, name_roles
from tenants.platform.maintenance import pause_of

if TYPE_CHECKING:  # rest_framework.views imports this module, which settings name
    from rest_framework.views import APIView

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
INCLUDED: dict[str, frozenset[str]] = {
    Right.CHAT: frozenset({Right.CHAT}),
    Right.READ: frozenset({Right.READ}),
    Right.MANAGE: frozenset({Right.CHAT, Right.READ, Right.MANAGE}),
}


class HasTenant(BasePermission):
    """A bound tenant that is the caller's own: the belt to the middleware's braces."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        tenant = current_tenant()
        return (
            tenant is not None
            and isinstance(request.user, User)
            and request.user.tenant_id == tenant.pk
        )


def permit(
    what: str,
    *,
    read: Right = Right.READ,
    write: Right = Right.MANAGE,
    bot_bound: bool = False,
    members: bool = False,
) -> type[BasePermission]:
    """The permission of a route about `what`, one of NOUNS, for its safe methods (`read`) and the others (`write`).

    People may do what their role may (`require_role`); with `members=True` everybody of the tenant enters, and the view
    keeps them to what is their own. A token may do what its user may, cut down to its rights; one for a single bot
    enters only a route that says `bot_bound=True`, which promises to show and change nothing but what belongs to
    `bound_bot(request)`. A refusal is a 403 with the code `role_forbidden` or `token_restricted`.
    """
    assert what in NOUNS, what  # noqa: S101 - said when the route is made, not when it is called

    class Permit(BasePermission):
        def has_permission(self, request: Request, view: APIView) -> bool:
            right = read if request.method in _SAFE_METHODS else write
            if not members:
                require_role(request.user, right, what)
            token = request.auth if isinstance(request.auth, ApiToken) else None
            if token is not None and token.bot_profile_id and not bot_bound:
                raise restricted()
            require_right(token, right)
            return True

    return Permit


def require_role(user: object, right: Right, what: str) -> None:
    """Raise Forbidden (`role_forbidden`) for a person whose role may not read, ask or change (`right`) `what`."""
    noun = NOUNS[what]
    needed = {Right.READ: noun.read, Right.CHAT: May.ASK}.get(right, noun.change)
    if not (isinstance(user, User) and user.may(needed)):
        verb = {Right.READ: "read", Right.CHAT: "use"}.get(right, "manage")
        raise Forbidden(f"Only {name_roles(needed)} can {verb} {what}", code="role_forbidden")


def require_manager_of(tenant: Tenant | None, user: User | None, what: str) -> User:
    """Return `user`, who manages `tenant`, or as an operator any of them and the platform (None).

    Raises Forbidden (`role_forbidden`).
    """
    require_role(user, Right.MANAGE, what)
    assert user is not None  # noqa: S101 - require_role refuses it
    if not user.is_superuser and (tenant is None or user.tenant_id != tenant.pk):
        raise Forbidden(f"This tenant does not let you manage {what}", code="role_forbidden")
    return user


def bound_bot(request: Request) -> UUID | None:
    """The one bot that the caller's token is good for, or None for a caller who may see all of the tenant's."""
    return request.auth.bot_profile_id if isinstance(request.auth, ApiToken) else None


def require_right(
    token: ApiToken | None, right: Right, *, bot_profile_id: UUID | None = None
) -> None:
    """Let a token pass if it names no rights or one that includes this, and is for every bot or the given one.

    None, a log-in without a token, passes. Raises Forbidden with the code `token_restricted`.
    """
    if token is None:
        return
    other_bot = bot_profile_id and token.bot_profile_id and token.bot_profile_id != bot_profile_id
    if other_bot or (
        token.rights and not any(right in INCLUDED.get(held, ()) for held in token.rights)
    ):
        raise restricted()


def restricted(detail: str = "This token is restricted and cannot do this.") -> Forbidden:
    return Forbidden(detail, code="token_restricted")


def refuse_write(request: HttpRequest, tenant: Tenant) -> HttpResponse | None:
    """Return the 409 for a request that would change a suspended or archived tenant, and the 503 of maintenance.

    None where it may go on: an operator who is in a tenant works on during its maintenance.
    """
    if request.method in _SAFE_METHODS:
        return None
    is_operator = bool(getattr(getattr(request, "user", None), "is_superuser", False))
    if (pause := pause_of(tenant)) is not None and not is_operator:
        refusal = pause.error()
        headers = {"Retry-After": str(refusal.retry_after_seconds)}
        return JsonResponse(_body(refusal, request), status=refusal.status, headers=headers)
    if tenant.is_active:
        return None
    detail = f"This tenant is {tenant.status}: it can be read but not changed."
    error = Conflict(detail, code=f"tenant_{tenant.status}")
    return JsonResponse(_body(error, request), status=error.status)


def _body(error: ProductError, request: HttpRequest) -> dict[str, Any]:
    return error_body(error, getattr(request, "request_id", ""), path=request.path_info)


def acting_user(request: HttpRequest) -> User:
    """Return the user of an admin page's request. Raises PermissionDenied for a stranger, whom the site keeps out."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user

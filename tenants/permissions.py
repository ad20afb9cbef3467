"""What a caller may do: DRF permissions by tenant and role."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from minirag.lib.errors import Forbidden
from tenants.context import current_tenant
from tenants.models import ApiToken, Tenant, User

if TYPE_CHECKING:  # rest_framework.views imports this module, which settings name
    from rest_framework.views import APIView

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class HasTenant(BasePermission):
    """A bound tenant that is the caller's own: the belt to the middleware's braces."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        tenant = current_tenant()
        return tenant is not None and isinstance(request.user, User) and request.user.tenant_id == tenant.pk


class IsUnrestricted(BasePermission):
    """A caller without a token, or with one that may do all its user may: not one made for a single bot or scope."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if isinstance(token, ApiToken) and (token.bot_profile_id or token.scopes):
            raise Forbidden("This token is restricted and cannot do this.", code="token_restricted")
        return True


def require_scope(token: ApiToken | None, *scopes: str, bot_profile_id: UUID | None = None) -> None:
    """Let a token pass that has no scopes or one of these, and is for no bot or, where one is given, for this one.

    None, a log-in without a token, passes. Raises Forbidden with the code `token_restricted`.
    """
    if token is None:
        return
    other_bot = bot_profile_id and token.bot_profile_id and token.bot_profile_id != bot_profile_id
    if other_bot or (token.scopes and not set(scopes) & set(token.scopes)):
        raise Forbidden("This token is restricted and cannot do this.", code="token_restricted")


def refuse_write(request: HttpRequest, tenant: Tenant) -> HttpResponse | None:
    """Return the 409 for a request that would change a tenant which is put away; None where it may go on."""
    if request.method in _SAFE_METHODS or tenant.is_active:
        return None
    detail = f"This tenant is {tenant.status}: it can be read but not changed."
    return JsonResponse({"detail": detail, "code": f"tenant_{tenant.status}"}, status=409)


def acting_user(request: HttpRequest) -> User:
    """Return the user of an admin page's request. Raises PermissionDenied for a stranger, whom the site keeps out."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user

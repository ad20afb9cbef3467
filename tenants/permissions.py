"""What a caller may do: DRF permissions by tenant and role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.context import current_tenant
from tenants.models import User

if TYPE_CHECKING:  # rest_framework.views imports this module, which settings name
    from rest_framework.views import APIView


class HasTenant(BasePermission):
    """A bound tenant that is the caller's own: the belt to the middleware's braces."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        tenant = current_tenant()
        return tenant is not None and isinstance(request.user, User) and request.user.tenant_id == tenant.pk

"""Where a link in an e-mail leads: to the admin that its reader belongs to."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from minirag.lib.http_in.arrivals import Arrival
from tenants.models import Tenant


def base_of(request: HttpRequest, tenant: Tenant | None) -> str:
    """The address below which `/admin/` of a tenant lies, or without one that of the platform.

    A tenant's own host is kept where the call came by it, since the edge knows it.
    """
    if tenant is not None and getattr(request, "tenant_by", None) == "host":
        return Arrival.of_request(request).own_origin
    origin = settings.PUBLIC_URL.rstrip("/") or Arrival.of_request(request).own_origin
    return f"{origin}/t/{tenant.slug}" if tenant else origin


def is_certain(request: HttpRequest) -> bool:
    """Whether `base_of` is ours whoever called: not if any host is let in, for a stranger's would be in the mail."""
    by_own_host = getattr(request, "tenant_by", None) == "host"
    return by_own_host or bool(settings.PUBLIC_URL) or "*" not in settings.PLATFORM_HOSTS

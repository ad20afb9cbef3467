"""What browsers get of a tenant's branding, from its own path or host: the logo, and the colours of its admin.

Both are for everybody, since the log-in page shows them. Their addresses name the version, so they can be kept.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from tenants.branding.colours import write_shades
from tenants.branding.models import TenantLogo
from tenants.context import current_tenant, require_tenant

_KEPT_SECONDS = 30 * 24 * 3600
# Whatever a browser took it for: it runs nothing, loads nothing and frames nothing.
_POLICY = "default-src 'none'; style-src 'none'; sandbox; frame-ancestors 'none'"
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/svg+xml": "svg"}


@require_safe
def send_logo(request: HttpRequest) -> HttpResponse:
    tenant = require_tenant()
    logo = TenantLogo.objects.filter(tenant=tenant).first()
    if logo is None or not tenant.logo_hash:
        raise Http404
    response = HttpResponse(bytes(logo.data), content_type=logo.content_type)
    response["Content-Disposition"] = f'inline; filename="logo.{_ENDINGS[logo.content_type]}"'
    response["Content-Security-Policy"] = _POLICY
    return _keep(request, response, tenant.logo_hash)


@require_safe
def send_colours(request: HttpRequest) -> HttpResponse:
    tenant = require_tenant()
    body = write_shades(tenant.accent, tenant.dark_accent)
    response = HttpResponse(body, content_type="text/css; charset=utf-8")
    return _keep(request, response, tenant.colours_version)


def _keep(request: HttpRequest, response: HttpResponse, version: str) -> HttpResponse:
    is_current = request.GET.get("v") == version
    response["Cache-Control"] = f"public, max-age={_KEPT_SECONDS}" if is_current else "no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def logo_address() -> str:
    """The current tenant's logo, below its own path or host; empty where it has none."""
    tenant = current_tenant()
    if tenant is None or not tenant.logo_hash:
        return ""
    return f"{reverse('branding_logo')}?v={tenant.logo_hash}"


def colours_address() -> str:
    """The stylesheet of the current tenant's colours; empty where it has none of its own."""
    tenant = current_tenant()
    if tenant is None or not tenant.accent:
        return ""
    return f"{reverse('branding_colours')}?v={tenant.colours_version}"

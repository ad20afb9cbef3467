"""What a tenant's managers set of their own tenant: names, colours, logo, languages, time zone, contact, default model.

What the platform's operator says of a tenant (plan, status, rate) is `tenants.provisioning.change_tenant`.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from django.db import transaction

from tenants import audit
from tenants.branding.logos import read_logo
from tenants.branding.models import TenantLogo
from tenants.context import tenant_context
from tenants.models import Tenant

OWN: Final = (
    "name", "shown_name", "accent", "dark_accent", "languages", "time_zone", "contact", "default_model", "masking",
)  # fmt: skip


def change_settings(tenant: Tenant, values: Mapping[str, Any]) -> None:
    """Change the given ones of OWN; what they may be, their columns say to the API's bodies and the admin's form."""
    changes = {name: _tidy(name, value) for name, value in values.items() if name in OWN}
    with tenant_context(None), transaction.atomic():
        compared = audit.compare(tenant, changes)
        for name, value in changes.items():
            setattr(tenant, name, value)
        if compared:
            tenant.save(update_fields=[*compared, "updated_at"])
            audit.record("tenant.settings_changed", of=tenant, tenant=tenant, changes=compared)


def _tidy(name: str, value: Any) -> Any:
    if name in ("accent", "dark_accent"):
        return str(value).strip().lower()
    return value.strip() if isinstance(value, str) else value


def set_logo(tenant: Tenant, data: bytes) -> None:
    """Show this logo from now on. Raises LogoRefused."""
    logo = read_logo(data)
    digest = sha256(logo.data).hexdigest()[:16]
    with tenant_context(None), transaction.atomic():
        row = {"data": logo.data, "content_type": logo.content_type}
        TenantLogo.objects.update_or_create(tenant=tenant, defaults=row)
        _note_logo(tenant, digest)
        detail = {"content_type": logo.content_type, "bytes": len(logo.data)}
        audit.record("tenant.logo_set", of=tenant, tenant=tenant, detail=detail)


def remove_logo(tenant: Tenant) -> None:
    """Show the name alone. Done twice, it changes nothing."""
    with tenant_context(None), transaction.atomic():
        if TenantLogo.objects.filter(tenant=tenant).delete()[0]:
            _note_logo(tenant, "")
            audit.record("tenant.logo_removed", of=tenant, tenant=tenant)


def _note_logo(tenant: Tenant, digest: str) -> None:
    tenant.logo_hash = digest
    tenant.save(update_fields=["logo_hash", "updated_at"])

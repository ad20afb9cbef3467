"""A tenant's logo. Its name and colours are columns of the tenant, which each request reads anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from tenants.models import Tenant


class TenantLogo(models.Model):
    """The bytes, as `tenants.branding.logos` has written them anew."""

    tenant: models.OneToOneField[Tenant, Tenant] = models.OneToOneField(
        "tenants.Tenant", on_delete=models.CASCADE, primary_key=True, related_name="logo"
    )
    data = models.BinaryField()
    content_type = models.CharField(max_length=32)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.content_type

"""The audit log's rows; `tenants.audit` writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from tenants.models import Tenant


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def of_tenant(self, tenant: Tenant) -> AuditEventQuerySet:
        """What was done in a tenant and to it.

        Its slug may have belonged to somebody else before, whose tenant was erased and whose log was not.
        """
        return self.filter(tenant_slug=tenant.slug, created_at__gte=tenant.created_at)


class AuditEvent(models.Model):
    """One act in a tenant or on the platform: append-only, and kept when its tenant is erased."""

    action = models.CharField(max_length=64)
    tenant_slug = models.CharField(max_length=100, blank=True)
    actor = models.CharField(
        max_length=320, blank=True, help_text="E-mail, or the command that acted."
    )
    detail = models.JSONField(default=dict, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["tenant_slug", "-created_at"], name="audit_by_tenant")]

    def __str__(self) -> str:
        return f"{self.action} {self.tenant_slug}".strip()

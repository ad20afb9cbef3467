"""The audit log's rows; `tenants.audit` writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from minirag.lib.rows import QuickRow
from tenants.log.words import Words

if TYPE_CHECKING:
    from tenants.models import Tenant


class Outcome(models.TextChoices):
    """What became of an act; what was refused is written down where somebody tries to get in."""

    DONE = "done", _("Done")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def of_tenant(self, tenant: Tenant) -> AuditEventQuerySet:
        """What was done in a tenant and to it.

        Its slug may have belonged to somebody else before, whose tenant was erased and whose log was not.
        """
        return self.filter(tenant_slug=tenant.slug, created_at__gte=tenant.created_at)


class AuditEvent(QuickRow, models.Model):
    """One act in a tenant or on the platform: append-only, and kept when its tenant is erased."""

    action = models.CharField(max_length=64)
    tenant_slug = models.CharField(max_length=100, blank=True)
    actor = models.CharField(
        max_length=320, blank=True, help_text="E-mail, or the command that acted."
    )
    outcome = models.CharField(
        _("outcome"), max_length=10, choices=Outcome, default=Outcome.DONE, db_default=Outcome.DONE
    )
    detail = models.JSONField(default=dict, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["tenant_slug", "-created_at"], name="audit_by_tenant"),
            models.Index(fields=["tenant_slug", "action", "-created_at"], name="audit_by_action"),
            models.Index(fields=["tenant_slug", "actor", "-created_at"], name="audit_by_actor"),
            models.Index(fields=["tenant_slug", "outcome", "-created_at"], name="audit_by_outcome"),
            models.Index(fields=["-created_at", "-id"], name="audit_by_time"),
            GinIndex(Words("action", "actor", "request_id", "detail"), name="audit_by_words"),
            GinIndex(fields=["detail"], name="audit_by_detail", opclasses=["jsonb_path_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.tenant_slug}".strip()

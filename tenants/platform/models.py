"""Which version of its tables each tenant has, and how it came there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from tenants.models import Tenant


class SchemaTemplate(models.Model):
    """A freshly migrated tenant schema, dumped once per version, from which new tenants are made."""

    version = models.CharField(max_length=64, primary_key=True)
    ddl = models.TextField(
        help_text="Statements with the placeholder of tenants.schemas for the schema's name."
    )
    migrations = models.JSONField(
        help_text="The [app, name] of each migration that the DDL is the result of."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.version


class SchemaMigration(models.Model):
    """The ledger of `migrate`: one row each time a tenant's schema was brought to a version, or failed to be."""

    tenant: models.ForeignKey[Tenant, Tenant] = models.ForeignKey(
        "tenants.Tenant", on_delete=models.CASCADE, related_name="schema_migrations"
    )
    from_version = models.CharField(max_length=64, blank=True)
    to_version = models.CharField(max_length=64)
    error = models.TextField(blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-finished_at", "-id"]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.to_version[:8]} {'failed' if self.error else 'done'}"


class TenantFigures(models.Model):
    """How much a tenant is and does, kept for the platform's list so that it opens no tenant's schema."""

    tenant: models.OneToOneField[Tenant, Tenant] = models.OneToOneField(
        "tenants.Tenant", on_delete=models.CASCADE, primary_key=True, related_name="figures"
    )
    bytes = models.PositiveBigIntegerField(default=0)
    turns = models.PositiveBigIntegerField(default=0, help_text="Of the last 30 days.")
    failed = models.PositiveBigIntegerField(default=0, help_text="Of the last 30 days.")
    cost_usd = models.DecimalField(
        max_digits=16, decimal_places=6, default=0, help_text="Of the last 30 days."
    )
    last_activity = models.DateTimeField(null=True, blank=True)
    measured_at = models.DateTimeField()

    class Meta:
        app_label = "tenants"

    def __str__(self) -> str:
        return str(self.tenant_id)


class TenantDay(models.Model):
    """One day of a tenant: its turns, those that failed, and what its calls cost."""

    tenant: models.ForeignKey[Tenant, Tenant] = models.ForeignKey(
        "tenants.Tenant", on_delete=models.CASCADE, related_name="days"
    )
    day = models.DateField()
    turns = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=16, decimal_places=6, default=0)

    class Meta:
        app_label = "tenants"
        constraints = [models.UniqueConstraint(fields=["tenant", "day"], name="tenant_day_once")]
        indexes = [models.Index(fields=["day"], name="tenant_day_by_day")]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.day}"

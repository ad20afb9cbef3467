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

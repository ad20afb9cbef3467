"""Make a suspended or archived tenant work again."""

from __future__ import annotations

from typing import Any

from tenants.commands import StatusCommand
from tenants.models import Tenant, TenantStatus
from tenants.provisioning import restore_tenant


class Command(StatusCommand):
    help = "Make a suspended or archived tenant work again."
    target, done = TenantStatus.ACTIVE, "active"

    def change(self, tenant: Tenant, options: dict[str, Any]) -> None:
        restore_tenant(tenant, actor=self.actor)

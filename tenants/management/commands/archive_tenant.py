"""Put a tenant away for good, its data kept."""

from __future__ import annotations

from typing import Any

from tenants.commands import StatusCommand
from tenants.models import Tenant, TenantStatus
from tenants.provisioning import archive_tenant


class Command(StatusCommand):
    help = "Put a tenant away for good, its data kept."
    target, done = TenantStatus.ARCHIVED, "archived"

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--reason", default="", help="kept with the tenant and in the audit log"
        )

    def change(self, tenant: Tenant, options: dict[str, Any]) -> None:
        archive_tenant(tenant, reason=options["reason"], actor=self.actor)

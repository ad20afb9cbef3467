"""Stop a tenant's chats, tokens and writes at once; its data stays readable for operators."""

from __future__ import annotations

from typing import Any

from tenants.commands import StatusCommand
from tenants.models import Tenant, TenantStatus
from tenants.provisioning import suspend_tenant


class Command(StatusCommand):
    help = (
        "Stop a tenant's chats, tokens and writes at once; its data stays readable for operators."
    )
    target, done = TenantStatus.SUSPENDED, "suspended"

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--reason", default="", help="kept with the tenant and in the audit log"
        )

    def change(self, tenant: Tenant, options: dict[str, Any]) -> None:
        suspend_tenant(tenant, reason=options["reason"], actor=self.actor)

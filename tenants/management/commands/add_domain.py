"""Lead a host to a tenant."""

from __future__ import annotations

from typing import Any

from tenants.commands import ProductCommand
from tenants.provisioning import add_domain, get_tenant


class Command(ProductCommand):
    help = (
        "Lead a host (bots.acme.com) to a tenant: https://bots.acme.com/admin/ is its admin then."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("host")
        parser.add_argument("--tenant", required=True, metavar="SLUG")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = get_tenant(options["tenant"])
        domain = add_domain(tenant, options["host"], actor=self.actor)
        self.say(f"{domain.domain} leads to {tenant.slug} now. Point its DNS here.")

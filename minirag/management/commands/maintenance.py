"""Put tenants into maintenance, and end it."""

from __future__ import annotations

from typing import Any

from tenants.commands import ProductCommand
from tenants.platform.maintenance import begin_maintenance, end_maintenance
from tenants.provisioning import get_tenant


class Command(ProductCommand):
    help = "Refuse writes and questions of one tenant or of all for a while, with a message; or end that."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("what", choices=("begin", "end"))
        parser.add_argument(
            "--tenant", default="", metavar="SLUG", help="one tenant (default: all)"
        )
        parser.add_argument("--message", default="", help="what people read meanwhile")
        parser.add_argument(
            "--minutes", type=int, default=60, help="when it ends by itself (default: 60)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = get_tenant(options["tenant"]) if options["tenant"] else None
        whose = tenant.slug if tenant else "All tenants"
        if options["what"] == "end":
            self.say(f"{whose}: {end_maintenance(tenant, actor=self.actor)} work again.")
            return
        until = begin_maintenance(
            tenant, message=options["message"], minutes=options["minutes"], actor=self.actor
        )
        self.say(f"{whose}: maintenance until {until:%Y-%m-%d %H:%M} UTC.")

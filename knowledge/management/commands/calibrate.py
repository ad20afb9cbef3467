"""Make the floors of refusal from what bots know."""

from __future__ import annotations

from typing import Any

from bots.models import BotProfile
from knowledge.retrieval.calibrating import calibrate_bot
from tenants.commands import ProductCommand
from tenants.context import tenant_context
from tenants.models import Tenant, TenantStatus
from tenants.provisioning import get_tenant


class Command(ProductCommand):
    help = "Make the confidences below which bots refuse from their own knowledge."

    def add_arguments(self, parser: Any) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--tenant", metavar="SLUG")
        whose.add_argument("--all", action="store_true", help="all active tenants")

    def handle(self, *, tenant: str | None, **options: Any) -> None:
        active = Tenant.objects.filter(status=TenantStatus.ACTIVE).order_by("slug")
        for each in active if tenant is None else [get_tenant(tenant)]:
            with tenant_context(each):
                self._calibrate(each)

    def _calibrate(self, tenant: Tenant) -> None:
        for bot in BotProfile.objects.active().order_by("created_at"):
            made = calibrate_bot(bot)
            if not made:
                self.say(
                    f"{tenant.slug} {bot.name}: nothing to compare by meaning, the usual floors count"
                )
            for each in made:
                floors = each.floors
                self.say(
                    f"{tenant.slug} {bot.name}, {each.language}: hopeless {floors.hopeless:.3f}, "
                    f"balanced {floors.balanced:.3f}, strict {floors.strict:.3f}"
                )

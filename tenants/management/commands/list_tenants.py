"""List the tenants."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Count

from tenants.commands import ProductCommand
from tenants.models import Tenant
from tenants.schemas import target_version


class Command(ProductCommand):
    help = "List all tenants with their status, hosts and whether their schema is up to date."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON array, for scripts")

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = (
            Tenant.objects.annotate(user_count=Count("users"))
            .prefetch_related("domains")
            .order_by("slug")
        )
        rows = [_describe(tenant, target_version()) for tenant in tenants]
        if options["json"]:
            self.say(json.dumps(rows, indent=2))
            return
        if not rows:
            self.say("There are no tenants. Make one with manage.py provision_tenant.")
        width = max((len(row["slug"]) for row in rows), default=0)
        for row in rows:
            behind = "" if row["schema_is_current"] else "  schema is behind: run manage.py migrate"
            hosts = f"  {', '.join(row['domains'])}" if row["domains"] else ""
            self.say(
                f"{row['slug']:<{width}}  {row['status']:<9}  {row['users']} users  {row['name']}{hosts}{behind}"
            )


def _describe(tenant: Tenant, version: str) -> dict[str, Any]:
    return {
        "id": str(tenant.pk),
        "slug": tenant.slug,
        "name": tenant.name,
        "status": tenant.status,
        "status_reason": tenant.status_reason,
        "plan": tenant.plan,
        "users": tenant.user_count,
        "domains": [domain.domain for domain in tenant.domains.all()],
        "schema_name": tenant.schema_name,
        "schema_is_current": tenant.schema_version == version,
        "created_at": tenant.created_at.isoformat(),
    }

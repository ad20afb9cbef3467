"""Erase a tenant."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError

from tenants.commands import ProductCommand
from tenants.provisioning import erase_tenant, get_tenant, require_archived


class Command(ProductCommand):
    help = (
        "Erase an archived tenant for good: its schema, users, tokens, hosts, files and Redis keys. "
        "There is no way back."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("slug")
        parser.add_argument(
            "--confirm", default="", metavar="SLUG", help="the slug once more, to be sure"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = get_tenant(options["slug"])
        if options["confirm"] != tenant.slug:
            raise CommandError(
                f"Nothing was erased. To erase '{tenant.slug}' for good, add --confirm {tenant.slug}"
            )
        kept = erase_tenant(require_archived(tenant), actor=self.actor)
        self.say(f"{options['slug']} was erased. The receipt, which the platform keeps:")
        self.say(json.dumps(kept.receipt, indent=1))

"""Make a tenant with its schema, its owner and its first token."""

from __future__ import annotations

import secrets
from typing import Any

from tenants.commands import ProductCommand
from tenants.provisioning import check_email, provision_tenant


class Command(ProductCommand):
    help = "Make a tenant: its schema, its owner and a token, which is printed once."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "slug", help="1 to 100 characters of a-z, 0-9 and '-'; part of the tenant's URLs"
        )
        parser.add_argument("--name", default="", help="shown name (default: the slug)")
        parser.add_argument("--owner-email", required=True)
        parser.add_argument("--owner-password", help="made and printed once if it is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        password = options["owner_password"]
        chosen = password if password is not None else secrets.token_urlsafe(12)
        check_email(options["owner_email"])
        made = provision_tenant(
            name=options["name"] or options["slug"], slug=options["slug"], owner_email=options["owner_email"],
            owner_password=chosen, actor=self.actor,
        )  # fmt: skip
        self.say(f"Tenant:    {made.tenant.slug} (schema {made.tenant.schema_name})")
        self.say(f"Admin:     /t/{made.tenant.slug}/admin/ as {made.owner.email}")
        if password is None:
            self.say(f"Password:  {chosen}   (not shown again)")
        self.say(f"API token: {made.raw_token}   (not shown again)")

"""Copy a tenant within this installation."""

from __future__ import annotations

from typing import Any

from tenants.commands import ProductCommand
from tenants.moving.cloning import clone_tenant
from tenants.provisioning import get_tenant


class Command(ProductCommand):
    help = "Copy a tenant under another slug: users, secrets, knowledge and chats, without hosts, tokens and webhooks."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("slug")
        parser.add_argument("new_slug")
        parser.add_argument("--name", default="", help="the copy's name")
        parser.add_argument("--with-webhooks", action="store_true", help="the copy calls them as well")  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        parts = frozenset({"webhooks"} if options["with_webhooks"] else ())
        taken = clone_tenant(
            get_tenant(options["slug"]), options["new_slug"], name=options["name"], parts=parts,
            actor=self.actor,
        )  # fmt: skip
        self.say(f"{taken.tenant.slug}: {taken.rows:,} rows, at /t/{taken.tenant.slug}/admin/.")
        for note in taken.notes:
            self.say(f"- {note}")

"""Take a tenant in from its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tenants.commands import ProductCommand, read_passphrase
from tenants.moving.importing import ALL, TRUSTED_HOSTS, import_tenant


class Command(ProductCommand):
    help = "Take a tenant in from the file that export_tenant wrote, here or elsewhere: all of it or nothing."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--slug", default="", help="another slug than its own")
        parser.add_argument(
            "--passphrase-file", type=Path, metavar="FILE", help="what its secrets are sealed with"
        )
        parser.add_argument("--without-secrets", action="store_true", help="leave them out")
        parser.add_argument(
            "--trust-hosts",
            action="store_true",
            help="lead its hosts here at once, without a new proof",
        )
        for part in sorted(ALL):
            parser.add_argument(f"--without-{part}", action="store_true", help=f"leave its {part} out")  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        parts = frozenset(part for part in ALL if not options[f"without_{part}"])
        if options["trust_hosts"]:
            parts |= {TRUSTED_HOSTS}
        taken = import_tenant(
            options["file"], slug=options["slug"], parts=parts, actor=self.actor,
            passphrase=read_passphrase(options["passphrase_file"]), leave_secrets=options["without_secrets"],
        )  # fmt: skip
        self.say(f"{taken.tenant.slug}: {taken.rows:,} rows, at /t/{taken.tenant.slug}/admin/.")
        for note in taken.notes:
            self.say(f"- {note}")

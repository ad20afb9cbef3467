"""Write a tenant into one file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from minirag.lib.errors import ProductError
from tenants.commands import ProductCommand, read_passphrase
from tenants.moving.exporting import export_tenant
from tenants.provisioning import get_tenant


class Command(ProductCommand):
    help = "Write a tenant into one file: its schema, users, tokens' digests, hosts, log and files. It goes on working."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("slug")
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--passphrase-file", type=Path, metavar="FILE",
            help="seals the tenant's secrets (provider keys, second factors …); - reads it from stdin",
        )  # fmt: skip
        parser.add_argument(
            "--without-secrets", action="store_true", help="leave the tenant's secrets out"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        passphrase = read_passphrase(options["passphrase_file"])
        if (passphrase is None) != options["without_secrets"]:
            raise CommandError("Give either --passphrase-file or --without-secrets.")
        path: Path = options["file"]
        tenant = get_tenant(options["slug"])
        try:
            with open(path, "xb", opener=_for_its_owner_alone) as file:
                manifest = export_tenant(tenant, file, passphrase=passphrase, actor=self.actor)
        except FileExistsError:
            raise CommandError(f"{path} is there already.") from None
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
        except ProductError:
            path.unlink(missing_ok=True)
            raise
        rows = sum(stream.rows for stream in manifest.streams)
        self.say(f"{tenant.slug}: {rows:,} rows in {path} ({path.stat().st_size:,} bytes).")
        if manifest.unreadable_secrets:
            self.say(f"{manifest.unreadable_secrets} secrets did not open and were left out.")


def _for_its_owner_alone(path: str, flags: int) -> int:
    """The file holds people's words and the digests of their passwords."""
    return os.open(path, flags, 0o600)

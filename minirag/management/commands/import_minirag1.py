"""Take in the tenants of a MiniRAG 1.0, from its own PostgreSQL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from minirag.lib.errors import BadInput
from minirag.predecessor.converting import OldKey
from minirag.predecessor.moving import Wishes, check_key, move_tenants
from minirag.predecessor.reading import open_old
from tenants.commands import ProductCommand, read_passphrase
from tenants.models import Role

ADDRESS, KEY = "MINIRAG1_DATABASE_URL", "MINIRAG1_ENCRYPTION_KEY"


class Command(ProductCommand):
    help = "Take in the tenants of a MiniRAG 1.0 from its PostgreSQL, which is only read. Safe to run again."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--database-url", default="", help=f"1.0's DATABASE_URL; better: the variable {ADDRESS}"
        )
        parser.add_argument(
            "--key-file",
            type=Path,
            metavar="FILE",
            help=f"1.0's ENCRYPTION_KEY; or the variable {KEY}",
        )
        parser.add_argument(
            "--without-keys", action="store_true", help="leave what is encrypted there behind"
        )
        parser.add_argument(
            "--tenant",
            action="append",
            default=[],
            metavar="SLUG",
            help="only this one; may be repeated",
        )
        parser.add_argument(
            "--slug",
            action="append",
            default=[],
            metavar="OLD=NEW",
            help="another slug than its own; may be repeated",
        )
        parser.add_argument(
            "--members-become", default=Role.MEMBER.value,
            choices=[Role.MEMBER.value, Role.EDITOR.value, Role.ADMIN.value],
            help="the role of 1.0's members, who could write everything but users",
        )  # fmt: skip
        parser.add_argument("--dry-run", action="store_true", help="do all of it and take it back")

    def handle(self, *args: Any, **options: Any) -> None:
        address = options["database_url"] or os.environ.get(ADDRESS, "")
        if not address:
            raise BadInput(f"Which database? Set {ADDRESS} to the DATABASE_URL of MiniRAG 1.0.")
        wishes = Wishes(
            key=self._read_key(options), only=frozenset(options["tenant"]), slugs=self._read_slugs(options["slug"]),
            member_role=options["members_become"], is_dry=options["dry_run"],
        )  # fmt: skip
        refused = 0
        with open_old(address) as old:
            for strange in old.name_strange():
                self.say(f"- {strange} is not known here and stays behind")
            if not options["without_keys"]:
                check_key(old, wishes.key)
            for moved in move_tenants(old, wishes):
                refused += moved.state == "refused"
                for line in moved.lines(is_dry=wishes.is_dry):
                    self.say(line)
        if wishes.is_dry:
            self.say("Nothing was written: this was a dry run.")
        if refused:
            raise CommandError(f"{refused} of its tenants were refused; the others are as shown.")

    def _read_key(self, options: dict[str, Any]) -> OldKey:
        if options["without_keys"]:
            return OldKey(None)
        text = read_passphrase(options["key_file"]) or os.environ.get(KEY, "")
        try:
            return OldKey(text)
        except ValueError:
            raise BadInput(
                "That is no ENCRYPTION_KEY: it has 44 characters, the last of which is '='."
            ) from None

    def _read_slugs(self, pairs: list[str]) -> dict[str, str]:
        slugs = {}
        for pair in pairs:
            old, sign, new = pair.partition("=")
            if not (old and sign and new):
                raise BadInput(f"--slug {pair} is not OLD=NEW.")
            slugs[old] = new
        return slugs

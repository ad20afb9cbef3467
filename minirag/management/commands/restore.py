"""Put a backup in the place of the database."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db import connection

from minirag.management.commands.backup import describe
from minirag.operations.backing_up.backups import (
    ending_in_order,
    require_fit,
    restore_backup,
    try_backup,
)
from minirag.operations.backing_up.opening import read_backup
from tenants.commands import ProductCommand


class Command(ProductCommand):
    help = "Put a backup in the place of the database, which is kept under another name."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", help="a path, or s3://NAME/FOLDER/FILE")
        parser.add_argument(
            "--replace",
            metavar="NAME",
            help="the name of the database whose place it takes, to be sure",
        )
        parser.add_argument(
            "--try", action="store_true", dest="tries", help="only restore it beside, compare, and drop that"
        )  # fmt: skip
        parser.add_argument(
            "--with-other-key", action="store_true",
            help="also where its secrets are under another ENCRYPTION_KEY, and cannot be read here",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        with ending_in_order():
            self._restore(options)

    def _restore(self, options: dict[str, Any]) -> None:
        backup = read_backup(str(options["file"]))
        self.say(describe(backup))
        require_fit(backup, with_other_key=options["with_other_key"])
        if options["tries"]:
            try_backup(backup)
            self.say("It was restored into a database of its own, and everything was there.")
            return
        own = connection.settings_dict["NAME"]
        if options["replace"] != own:
            raise CommandError(f"It would take the place of {own}: say --replace {own} to be sure.")
        kept = restore_backup(backup)
        before = f"What was there is kept as {kept}; drop it when you are sure."
        self.say(
            f"It is {own} now. {before if kept else 'There was none of this name.'}\n"
            "Now: manage.py migrate, then start web, worker and beat again."
        )

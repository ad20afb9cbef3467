"""Write the whole installation into a file, and prove that it can be read back."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from minirag.operations.backing_up.backups import ending_in_order, make_backup, try_backup
from minirag.operations.backing_up.nightly import MADE
from minirag.operations.backing_up.opening import open_shelf
from minirag.operations.backing_up.shelves import Backup
from tenants import audit
from tenants.commands import ProductCommand


class Command(ProductCommand):
    help = "Write the whole installation, all tenants, into a new file of a folder. It goes on working meanwhile."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("folder", help="a folder, or a bucket as s3://NAME/FOLDER")
        parser.add_argument(
            "--try", action="store_true", dest="tries",
            help="restore it into a database of its own, compare, and drop that again",
        )  # fmt: skip
        parser.add_argument(
            "--keep", type=int, metavar="N", help="then remove all but the newest N of the folder"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        keep = options["keep"]
        if keep is not None and keep < 1:
            raise CommandError("--keep needs to be at least 1.")
        with ending_in_order():
            self._back_up(options, keep)

    def _back_up(self, options: dict[str, Any], keep: int | None) -> None:
        shelf = open_shelf(str(options["folder"]))
        made = make_backup(shelf)
        self.say(describe(made))
        if options["tries"]:
            try_backup(made)
            self.say("It was restored into a database of its own, and everything was there.")
        audit.record(MADE, detail={"file": made.name, "tried": options["tries"]})
        if keep is not None:
            for dropped in shelf.drop_older(keep):
                self.say(f"{dropped} is removed.")


def describe(backup: Backup) -> str:
    rows = backup.facts.rows
    tenants = len(rows) - ("public" in rows)
    return (
        f"{backup}: {sum(rows.values()):,} rows of {tenants:,} schemas "
        f"({backup.facts.bytes:,} bytes, {backup.facts.made_at:%Y-%m-%d %H:%M} UTC)."
    )

"""Check the receipt of an erasure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from tenants.commands import ProductCommand
from tenants.platform.receipts import own_public_key, verify_receipt


class Command(ProductCommand):
    help = (
        "Check that a receipt of an erasure was signed by this installation and not changed since."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", type=Path, nargs="?")
        parser.add_argument("--public-key", default="", help="of another installation")
        parser.add_argument("--show-key", action="store_true", help="print this installation's")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["show_key"]:
            self.say(own_public_key())
            return
        if options["file"] is None:
            raise CommandError("Name the file with the receipt.")
        try:
            receipt = json.loads(options["file"].read_text())
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from None
        except ValueError:
            raise CommandError("This is no receipt of an erasure: it is no JSON.") from None
        verify_receipt(receipt, public_key=options["public_key"])
        self.say(f"Good: {receipt['slug']} was erased at {receipt['ended_at']}.")

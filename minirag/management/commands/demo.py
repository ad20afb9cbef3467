"""`manage.py demo`: two tenants to try everything with."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings

from minirag.local.demo.seeding import describe_demo, seed_demo
from tenants.commands import ProductCommand


class Command(ProductCommand):
    help = "Make the demo's tenants, bots and documents, or what is missing of them, and show the log-ins."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--show", action="store_true", help="only show the URLs and log-ins")
        parser.add_argument(
            "--ingest-now",
            action="store_true",
            help="ingest here instead of leaving it to a worker",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["show"]:
            seed_demo(self.say, ingest_now=options["ingest_now"])
            if not self.stdout.isatty():
                self.say(
                    "`manage.py demo --show` shows the log-ins."
                )  # they have no business in a log file
                return
        base_url = (
            settings.PUBLIC_URL.rstrip("/")
            or f"http://localhost:{os.environ.get('PORT') or '8000'}"
        )
        lines = describe_demo(base_url)
        self.say("\n".join(lines) if lines else "There is no demo here; `manage.py demo` makes it.")

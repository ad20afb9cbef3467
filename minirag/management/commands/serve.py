"""`manage.py serve`: the web processes, in the foreground."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from minirag.local.supervision.serving import Server
from minirag.local.supervision.web import AUTO


class Command(BaseCommand):
    help = "Serve with WEB_PROCESSES web processes on one port. SIGHUP replaces them one by one, SIGTERM stops them."
    # Each web process makes its own, and says what is wrong.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="address to listen on (default: only this machine)"
        )
        parser.add_argument(
            "--port",
            type=int,
            default=os.environ.get("PORT") or "8000",
            help="port to listen on (default: PORT or 8000)",
        )
        parser.add_argument(
            "--web-processes",
            default=os.environ.get("WEB_PROCESSES") or AUTO,
            help="how many: a number, or `auto`, by cores and memory (default: WEB_PROCESSES)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        raise SystemExit(Server(options["host"], options["port"], options["web_processes"]).run())

"""`manage.py up`: the whole product on one machine, in the foreground."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from minirag.apps import COLLECT_AFTER
from minirag.local.supervision.serving import Server
from minirag.local.supervision.supervisor import Options, Supervisor
from minirag.local.supervision.web import AUTO


class Command(BaseCommand):
    help = "Run MiniRAG here: embedded PostgreSQL and Valkey, migrations, demo, web, worker and beat. Ctrl-C stops."
    # It makes the secrets that the checks ask for.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        port = os.environ.get("PORT") or "8000"
        parser.add_argument(
            "--host", default="127.0.0.1", help="address to listen on (default: only this machine)"
        )
        parser.add_argument(
            "--port", type=int, default=port, help="port to listen on (default: PORT or 8000)"
        )
        parser.add_argument(
            "--data-dir", type=Path, default=settings.DATA_DIR, help="everything kept lies here"
        )
        parser.add_argument(
            "--no-demo", action="store_true", help="do not seed or show the demo's tenants"
        )
        parser.add_argument(
            "--web-processes",
            default=os.environ.get("WEB_PROCESSES") or AUTO,
            help="web processes that share the port: a number, or `auto`, by cores (default: WEB_PROCESSES)",
        )

        parser.add_argument(
            "--only-web",
            action="store_true",
            help="only the web processes; PostgreSQL, Redis, worker and beat are run by others",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        gc.set_threshold(*COLLECT_AFTER)  # `manage.py` loads no applications for it
        if options["only_web"]:
            served = Server(options["host"], options["port"], options["web_processes"])
            raise SystemExit(served.run())
        chosen = Options(
            host=options["host"],
            port=options["port"],
            data_dir=options["data_dir"],
            demo=not options["no_demo"],
            web_processes=options["web_processes"],
            broker_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS,
        )
        raise SystemExit(Supervisor(chosen).run())

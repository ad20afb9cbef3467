"""`manage.py doctor`: is this installation well, and what to do where it is not."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from minirag.logs import mask_secrets
from minirag.operations.diagnosis import CHECKS, diagnose
from minirag.operations.findings import FAIL, OK, WARN, Finding
from minirag.operations.production import judge


class Command(BaseCommand):
    help = "Check database, Redis, worker, embedder, secrets, schemas and disk; exit code 1 when something fails."
    requires_system_checks: list[str] = []  # it reports what they would refuse

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the findings as a JSON list")
        parser.add_argument(
            "--part", action="append", choices=list(CHECKS), help="only this part; may be repeated"
        )
        parser.add_argument(
            "--production", action="store_true",
            help="judge what has to hold where strangers come; exit code 2 where something is only to be thought of",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        is_judged = options["production"]
        if is_judged and options["part"]:
            raise CommandError("--production judges all parts: leave --part out.")
        findings = judge() if is_judged else diagnose(options["part"])
        if options["json"]:
            self.stdout.write(
                mask_secrets(json.dumps([finding.to_dict() for finding in findings], indent=1))
            )
        else:
            for finding in findings:
                self.stdout.write(mask_secrets(self._format(finding)))
        if any(finding.state == FAIL for finding in findings):
            raise SystemExit(1)
        if is_judged and any(finding.state == WARN for finding in findings):
            raise SystemExit(2)

    def _format(self, finding: Finding) -> str:
        paint = {OK: self.style.SUCCESS, WARN: self.style.WARNING, FAIL: self.style.ERROR}[
            finding.state
        ]
        line = f"{paint(f'{finding.state:<5}')} {finding.part:<11} {finding.detail}"
        return f"{line}\n{'':<18}→ {finding.remedy}" if finding.remedy else line

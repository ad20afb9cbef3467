"""Put every stored secret under the first of ENCRYPTION_KEY, so that the others can be dropped."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from redis import RedisError

from minirag.lib.http_in.idempotency import reseal_answers
from minirag.operations.resealing import Tally, reseal_platform, reseal_tenants
from tenants import audit
from tenants.commands import ProductCommand


class Command(ProductCommand):
    help = "Put every stored secret of all tenants under the first key of ENCRYPTION_KEY. Safe to run again."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing; exit code 1 while a secret is under another key",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        write, total, tenants = not options["check"], Tally(), 0
        for tenant, tally in reseal_tenants(write=write, complain=self._complain):
            total += tally
            tenants += 1
            if tally.moved:
                self.say(f"{tenant.slug}: {tally.moved}")
        total += reseal_platform(write=write, complain=self._complain)
        total += self._reseal_answers(write=write)
        if write and total.moved:
            facts = {"resealed": total.moved, "unreadable": total.unreadable, "tenants": tenants}
            audit.record("keys.rotated", detail=facts)
        self._conclude(total, tenants, write=write)

    def _reseal_answers(self, *, write: bool) -> Tally:
        try:
            return Tally(*reseal_answers(write=write))
        except RedisError:
            raise CommandError(
                "Redis cannot be reached. Run it again for the answers kept there."
            ) from None

    def _complain(self, what: str) -> None:
        self.stderr.write(f"{what}: its secret opens with none of the keys.")

    def _conclude(self, total: Tally, tenants: int, *, write: bool) -> None:
        older = len(settings.ENCRYPTION_KEYS) - 1
        done = "were re-encrypted" if write else "are under an older key"
        self.say(f"Secrets of {tenants} tenants: {total.moved} {done}.")
        if total.unreadable:
            raise CommandError(
                f"{total.unreadable} secrets open with none of the keys: enter them anew, or put back the key."
            )
        if not write and total.moved:
            raise CommandError("Run it without --check before you drop a key.")
        self.say(
            "Every secret is under the first key; the others can be dropped."
            if older
            else "There is one key, and every secret is under it."
        )

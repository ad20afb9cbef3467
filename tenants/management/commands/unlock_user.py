"""Let somebody try to log in again at once."""

from __future__ import annotations

from typing import Any

from tenants import audit
from tenants.commands import ProductCommand
from tenants.people.lockout import unlock


class Command(ProductCommand):
    help = "Forget the wrong passwords of an e-mail address, so that it can log in again at once."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("email", help="as it is written in the log-in form")

    def handle(self, *args: Any, **options: Any) -> None:
        count = unlock(options["email"])
        if not count:
            self.say(f"There is no wrong password of {options['email']} to forget.")
            return
        audit.record("login.unlocked", detail={"user": options["email"], "tries": count})
        self.say(f"{options['email']} can log in again: wrong passwords forgotten: {count}.")

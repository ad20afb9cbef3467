"""Make the first platform operator."""

from __future__ import annotations

import getpass
import os
import sys
from typing import Any

from django.core.management.base import CommandError

from tenants.commands import ProductCommand
from tenants.provisioning import create_operator


class Command(ProductCommand):
    help = "Make a platform operator, who manages all tenants. Safe to run again: an existing one stays as it is."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument(
            "--password", help="Better: BOOTSTRAP_PASSWORD, or wait for the prompt."
        )
        parser.add_argument("--display-name", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        password = options["password"] or os.environ.get("BOOTSTRAP_PASSWORD") or _ask_password()
        operator, is_new = create_operator(
            options["email"], password, options["display_name"], actor=self.actor
        )
        if is_new:
            self.say(f"Platform operator {operator.email} was made. Log in at /admin/.")
        else:
            self.say(f"Platform operator {operator.email} is there already and stays as is.")


def _ask_password() -> str:
    if not sys.stdin.isatty():
        raise CommandError("Give a password with BOOTSTRAP_PASSWORD or --password.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise CommandError("The two passwords differ.")
    return password

"""What the tenants' management commands have in common: they say clearly what was wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from minirag.lib.errors import ProductError
from tenants.audit import acting
from tenants.models import Tenant
from tenants.provisioning import get_tenant


class ProductCommand(BaseCommand):
    """A command whose ProductErrors become one sentence on stderr and exit code 1."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            with acting(self.actor):
                return super().execute(*args, **options)
        except ProductError as error:
            raise CommandError(error.detail) from error
        except OperationalError as error:
            raise CommandError(
                f"The database cannot be reached: {str(error).splitlines()[0]}"
            ) from error

    @property
    def actor(self) -> str:
        """Who acted, for the audit log."""
        return f"manage.py {self.__module__.rpartition('.')[2]}"

    def say(self, text: str) -> None:
        self.stdout.write(text)


def read_passphrase(file: Path | None) -> str | None:
    """Read a passphrase from a file, or from stdin for "-": as an argument it would be in the shell's history."""
    if file is None:
        return None
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    return text.splitlines()[0].strip() if text.strip() else ""


class StatusCommand(ProductCommand):
    """Suspend, archive or restore: find the tenant by slug, change it unless it is so already."""

    target: str
    done: str

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = get_tenant(options["slug"])
        if tenant.status == self.target:
            self.say(f"{tenant.slug} is {tenant.status} already.")
            return
        self.change(tenant, options)
        self.say(f"{tenant.slug} is {self.done} now.")

    def change(self, tenant: Tenant, options: dict[str, Any]) -> None:
        """Act; subclasses say how."""
        raise CommandError(f"{type(self).__name__} does nothing.")

"""Migrate the public schema, the template, and every tenant that is behind."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as Migrate

from tenants import schemas
from tenants.backend.distributing import distribute_schemas
from tenants.backend.migrating import Migrations
from tenants.platform.migrating import choose_at_once, migrate_tenants


class Command(Migrate):
    help = "Migrate the public schema, the tenant template, and every tenant whose schema is behind (resumable)."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--public-only", action="store_true", help="Leave the template and the tenants alone."
        )
        parser.add_argument(
            "--at-once", type=int, default=choose_at_once(), metavar="N",
            help="How many tenants are migrated at once (one for each core, at most four).",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        public_only, at_once = options.pop("public_only", False), options.pop("at_once", 1)
        single = bool(options.get("app_label")) or any(
            options.get(k) for k in ("plan", "check_unapplied", "prune")
        )
        is_faked = options.get("fake") or options.get("fake_initial")
        self.verbosity = verbosity = options["verbosity"]
        migrations = Migrations()
        if not (single or is_faked):
            applied = migrations.run_in_public(self.migration_progress_callback)
            # Django's would say that there was nothing to do, right after it was done.
            options["verbosity"] = 0 if applied else verbosity
        super().handle(*args, **options)
        if public_only or single:
            return
        # Their own ledger decides; the rows of the public schema say nothing about a tenant's.
        if schemas.refresh_template(migrations) and verbosity:
            self.stdout.write("Tenant template renewed.")
        report = self.stdout.write if verbosity else (lambda line: None)
        failed = migrate_tenants(report, at_once=max(1, at_once), migrations=migrations)
        schemas.mark_schemas()
        distributed, left = distribute_schemas(report)
        if distributed and verbosity:
            self.stdout.write(f"{distributed} schemas were handed to Citus.")
        unmarked = schemas.find_unmarked()[0]
        refused = [tenant.slug for tenant in unmarked if schemas.holds_foreign_bots(tenant)]
        if refused:
            raise CommandError(
                f"Schemas that hold another tenant's bots were not marked: {', '.join(refused)}."
                " Restore each tenant's own backup."
            )
        wrong = []
        if failed:
            wrong.append(f"{len(failed)} tenants could not be migrated: {', '.join(failed)}")
        if left:
            wrong.append(f"{len(left)} schemas could not be handed to Citus: {', '.join(left)}")
        if wrong:
            raise CommandError(". ".join(wrong))

"""All tenants' schemas brought to this release: the last part of `manage.py migrate`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, transaction
from django.utils import timezone

from tenants import schemas
from tenants.backend.migrating import Migrations
from tenants.context import tenant_context
from tenants.models import SchemaMigration, Tenant

_MOST_AT_ONCE = 4
_TENANTS_PER_THREAD = 10
"""Each thread makes the models of all steps for itself, which takes as long as the steps of some tenants."""


def choose_at_once() -> int:
    """How many tenants are migrated at once where nobody says: one for each core."""
    return max(1, min(_MOST_AT_ONCE, os.cpu_count() or 1))


def stale_tenants() -> list[Tenant]:
    """Return the tenants whose schema is not at the target version, canaries first."""
    behind = Tenant.objects.exclude(schema_version=schemas.target_version())
    return list(behind.order_by("-is_canary", "created_at"))


def migrate_tenants(
    report: Callable[[str], None], *, at_once: int = 1, migrations: Migrations | None = None
) -> list[str]:
    """Migrate every stale tenant, each in one transaction with one ledger row; returns the slugs that failed.

    Resumable: a tenant's version changes in the transaction of its migration, so a second run goes on where the
    first stopped, and two at the same time share the work. Canaries come first and one by one, and one that fails stops
    the run; the others come `at_once` where they are many, in threads with connections of their own, and none of them
    keeps another back. A tenant that is erased in the meantime is skipped. `migrations` have run in other schemas.
    """
    stale, failed = stale_tenants(), list[str]()
    migrations = migrations or Migrations()
    canaries = [tenant for tenant in stale if tenant.is_canary]
    others = [tenant for tenant in stale if not tenant.is_canary]
    for canary in canaries:
        _migrate_each(iter([canary]), report, failed, migrations)
        if failed:
            report("A canary failed; the remaining tenants were left as they are.")
            return failed
    threads = min(at_once, len(others) // _TENANTS_PER_THREAD)
    if threads > 1:
        _migrate_in_threads(
            others, report, failed, [migrations, *(Migrations() for _ in range(threads - 1))]
        )
    else:
        _migrate_each(iter(others), report, failed, migrations)
    return failed


def _migrate_in_threads(
    tenants: list[Tenant],
    report: Callable[[str], None],
    failed: list[str],
    each_threads: list[Migrations],
) -> None:
    waiting = iter(tenants)  # of a list: it gives each of them to one thread only

    def take_turns(migrations: Migrations) -> None:
        try:
            with tenant_context(None):
                _migrate_each(waiting, report, failed, migrations)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(each_threads), "migrate") as pool:
        try:
            for turn in [pool.submit(take_turns, migrations) for migrations in each_threads]:
                turn.result()
        finally:
            for _ in waiting:
                pass  # whoever interrupts it waits for the tenants that are in hand, not for all


def _migrate_each(
    tenants: Iterator[Tenant],
    report: Callable[[str], None],
    failed: list[str],
    migrations: Migrations,
) -> None:
    for tenant in tenants:
        entry = _migrate(tenant, migrations)
        if entry is None:
            report(f"{tenant.slug}: erased meanwhile, or migrated by another process")
        elif entry.error:
            failed.append(tenant.slug)
            report(f"{tenant.slug}: FAILED {entry.error}")
        else:
            report(f"{tenant.slug}: migrated")


def _migrate(tenant: Tenant, migrations: Migrations) -> SchemaMigration | None:
    """Migrate one tenant; returns its row in the ledger, None where there is nothing to do any more."""
    version = schemas.target_version()
    entry = SchemaMigration(
        tenant=tenant,
        from_version=tenant.schema_version,
        to_version=version,
        started_at=timezone.now(),
    )
    try:
        with transaction.atomic():
            if not _hold(tenant, version):
                return None
            schemas.migrate_schema(tenant.schema_name, migrations=migrations)
            Tenant.objects.filter(pk=tenant.pk).update(schema_version=version)
            entry.save()
    except Exception as error:  # noqa: BLE001 - one tenant's failure must not keep the others back
        entry.error = f"{type(error).__name__}: {error}"
        with transaction.atomic():
            if not _hold(tenant, version):
                return None
            entry.pk = None  # it may have been saved in the transaction that was rolled back
            entry.save(force_insert=True)
    return entry


def _hold(tenant: Tenant, version: str) -> bool:
    """Keep the tenant from being erased, and other processes from migrating it, until the transaction ends; False when
    it is gone already or at the version.
    """
    found = schemas.lock_tenant(tenant)
    return found is not None and found.schema_version != version

"""Put every stored secret under the newest encryption key, so that an older one can be dropped.

Secrets are in columns of the tenants' schemas and, for a day, in the answers that are kept for `Idempotency-Key`; the
public schema has the keys of second factors and the secrets of providers for single sign-on. Rows are taken in small
batches, each in a transaction of its own with its rows locked. So memory is bounded, nobody waits for long, and an
interrupted run can be resumed: it skips what is under the newest key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db import ProgrammingError, transaction
from django.db.models import QuerySet

from bots.models import BotProfile, ProviderCredential
from knowledge.sources.configs import reseal_source, sealed_sources
from minirag.lib.security.crypto import DecryptionFailed
from tenants.context import current_tenant, tenant_context
from tenants.models import SecondFactor, SsoProvider, Tenant, TenantTransfer
from webhooks.models import Webhook

BATCH: Final = 200


@dataclass(frozen=True)
class Sealed:
    """A kind of row with secrets: which rows, and what of a row has to change."""

    rows: Callable[[], QuerySet[Any]]
    reseal: Callable[[Any], dict[str, Any]]


def sealed_factors() -> QuerySet[SecondFactor]:
    """Those of the current tenant's people; in no tenant, of the platform's operators."""
    return SecondFactor.objects.filter(user__tenant=current_tenant())


def sealed_providers() -> QuerySet[SsoProvider]:
    return SsoProvider.objects.filter(tenant=current_tenant())


def sealed_transfers() -> QuerySet[TenantTransfer]:
    """Those of the platform, which are in no tenant."""
    waiting = TenantTransfer.objects.exclude(sealed_passphrase="")
    return waiting if current_tenant() is None else waiting.none()


TRANSFERS: Final = Sealed(sealed_transfers, TenantTransfer.reseal)
SEALED: Final = (
    TRANSFERS,
    Sealed(BotProfile.sealed_rows, BotProfile.reseal),
    Sealed(ProviderCredential.sealed_rows, ProviderCredential.reseal),
    Sealed(Webhook.sealed_rows, Webhook.reseal),
    Sealed(sealed_sources, reseal_source),
    Sealed(sealed_factors, SecondFactor.reseal),
    Sealed(sealed_providers, SsoProvider.reseal),
)


@dataclass
class Tally:
    """How many rows had a secret under an older key, and how many one that opens with none."""

    moved: int = 0
    unreadable: int = 0

    def __iadd__(self, other: Tally) -> Tally:
        self.moved += other.moved
        self.unreadable += other.unreadable
        return self


def reseal_tenants(
    *, write: bool, complain: Callable[[str], None], batch: int = BATCH
) -> Iterator[tuple[Tenant, Tally]]:
    """Reseal the secrets of one tenant after another, suspended and archived ones too; yields what was done.

    With `write=False` they are only counted. `complain` is told each row whose secret opens with no key.
    """
    for tenant in _all_tenants(batch):
        try:
            tally = Tally()
            for kind in SEALED:
                tally += _reseal_rows(tenant, kind, write=write, complain=complain, batch=batch)
        except ProgrammingError:
            if Tenant.objects.filter(pk=tenant.pk).exists():
                raise
            continue  # erased in the meantime, schema and all
        yield tenant, tally


def reseal_platform(*, write: bool, complain: Callable[[str], None], batch: int = BATCH) -> Tally:
    """Reseal what belongs to no tenant: the second factors of operators, and passphrases that wait for a worker."""
    tally = Tally()
    for kind in (Sealed(sealed_factors, SecondFactor.reseal), TRANSFERS):
        tally += _reseal_rows(None, kind, write=write, complain=complain, batch=batch)
    return tally


def _all_tenants(batch: int) -> Iterator[Tenant]:
    tenants, last = Tenant.objects.order_by("pk"), None
    while page := list(tenants.filter(pk__gt=last)[:batch] if last else tenants[:batch]):
        yield from page
        last = page[-1].pk


def _reseal_rows(
    tenant: Tenant | None, kind: Sealed, *, write: bool, complain: Callable[[str], None], batch: int
) -> Tally:
    tally, last = Tally(), None
    with tenant_context(tenant):
        while True:
            with transaction.atomic():
                rows = kind.rows().order_by("pk").select_for_update(of=("self",))
                page = list(rows.filter(pk__gt=last)[:batch] if last else rows[:batch])
                for row in page:
                    tally += _reseal_row(row, kind, write=write, complain=complain)
            if len(page) < batch:
                return tally
            last = page[-1].pk


def _reseal_row(row: Any, kind: Sealed, *, write: bool, complain: Callable[[str], None]) -> Tally:
    try:
        changes = kind.reseal(row)
    except DecryptionFailed:
        complain(f"{row._meta.verbose_name} {row.pk}")
        return Tally(unreadable=1)
    if changes and write:  # by UPDATE: `updated_at` is for what people change
        type(row).objects.filter(pk=row.pk).update(**changes)
    return Tally(moved=bool(changes))

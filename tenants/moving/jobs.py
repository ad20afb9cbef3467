"""Exports, imports, copies and erasures that a worker does: ordered here, done here, looked after by the clock."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from os import SEEK_END
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from minirag.lib.errors import BadInput, Conflict, Gone, NotFound, ProductError
from minirag.lib.files.choosing import kept_files
from minirag.lib.files.keeping import FilesFailed
from minirag.lib.jobs.heartbeat import Heartbeat
from minirag.lib.jobs.job import MAX_ATTEMPTS, ClaimLost
from minirag.lib.saving.tags import hold_row
from minirag.lib.telling.kept_sentences import kept
from tenants import audit
from tenants.models import Tenant, TenantTransfer, TransferKind, TransferStatus
from tenants.moving.cloning import PARTS, clone_tenant
from tenants.moving.exporting import check_passphrase, export_tenant
from tenants.moving.importing import ALL, TRUSTED_HOSTS, Taken, import_tenant
from tenants.moving.models import OVER
from tenants.platform.erasure import Traces, measure_traces
from tenants.provisioning import (
    Begun,
    check_slug,
    erase_tenant,
    get_tenant,
    require_archived,
)

logger = structlog.get_logger(__name__)

MOST_OPEN = 10


def order_export(tenant: Tenant, *, passphrase: str, actor: str) -> TenantTransfer:
    """Have a tenant's file written; without a passphrase its secrets are left out. Raises PassphraseWeak, Conflict."""
    if passphrase:
        check_passphrase(passphrase)
    return _order(
        TransferKind.EXPORT, tenant.slug, passphrase=passphrase, actor=actor,
        options={"secrets": bool(passphrase)},
    )  # fmt: skip


def order_clone(
    tenant: Tenant, slug: str, *, name: str, parts: Iterable[str], actor: str
) -> TenantTransfer:
    """Have a tenant copied. Raises BadInput, Conflict."""
    _check_free(slug)
    options = {"name": name, "parts": sorted(PARTS & set(parts))}
    return _order(TransferKind.CLONE, slug, source=tenant.slug, actor=actor, options=options)


def order_import(
    pieces: Iterable[bytes], *, slug: str, passphrase: str, leave_secrets: bool,
    parts: Iterable[str], actor: str, source: str = "",
) -> TenantTransfer:  # fmt: skip
    """Keep a file that was sent and have it taken in. Raises BadInput, Conflict, FilesFailed."""
    _check_free(slug)
    options = {
        "leave_secrets": leave_secrets,
        "parts": sorted((ALL | {TRUSTED_HOSTS}) & set(parts)),
    }
    pk = uuid.uuid4()
    files, name = kept_files(), TenantTransfer(pk=pk).file_name
    with files.writing(name) as file:
        for piece in pieces:
            file.write(piece)
        size = file.tell()
    is_ordered = False
    try:
        job = _order(
            TransferKind.IMPORT, slug, pk=pk, source=source[:100], passphrase=passphrase, actor=actor,
            options=options, file_size=size,
        )  # fmt: skip
        is_ordered = True
    finally:
        if not is_ordered:
            files.remove(name)
    return job


def order_erasure(tenant: Tenant, *, confirm: str, actor: str) -> TenantTransfer:
    """Have an archived tenant erased; `confirm` is its slug once more. Raises BadInput, Conflict.

    Whoever restores it before a worker has come to it has kept it.
    """
    require_archived(tenant)
    if confirm != tenant.slug:
        raise BadInput(gettext("confirm must be the tenant's slug."), code="confirmation_required")
    options = {"tenant_id": str(tenant.pk), "status_since": str(tenant.status_changed_at)}
    return _order(TransferKind.ERASURE, tenant.slug, actor=actor, options=options)


def _check_free(slug: str) -> None:
    check_slug(slug)
    if Tenant.objects.filter(slug=slug).exists():
        raise Conflict(
            gettext("Slug '%(slug)s' is already taken; choose another one.") % {"slug": slug},
            code="slug_taken",
        )


def _order(kind: TransferKind, slug: str, *, actor: str, **facts: Any) -> TenantTransfer:
    with transaction.atomic():
        hold_row("transfers")  # so that they are counted one by one
        waiting = TenantTransfer.objects.filter(status__in=("pending", "running"))
        if waiting.count() >= MOST_OPEN:
            raise Conflict(
                gettext("%(most_open)s transfers wait or run already.") % {"most_open": MOST_OPEN},
                code="too_many_transfers",
            )
        job = TenantTransfer.objects.order(kind=kind, slug=slug, asked_by=actor, **facts)
        audit.record(
            f"transfer.{kind.value}_ordered", of=job, actor=actor, detail={"slug": slug, **job.options},
            tenant=Tenant.objects.filter(slug=job.source or slug).first(),
        )  # fmt: skip
    return job


def find_transfer(job_id: uuid.UUID) -> TenantTransfer:
    """Raises NotFound."""
    job = TenantTransfer.objects.filter(pk=job_id).first()
    if job is None:
        raise NotFound(gettext("Transfer not found"))
    return job


def open_transfer(job: TenantTransfer, *, actor: str) -> Iterator[bytes]:
    """The file of an export piece by piece, for whoever downloads it. Raises Conflict, Gone, FilesFailed."""
    if job.kind != TransferKind.EXPORT or job.status != TransferStatus.SUCCEEDED:
        raise Conflict(gettext("There is no file to download."), code="transfer_not_ready")
    if not job.has_file or kept_files().size(job.file_name) is None:
        raise Gone(
            gettext("The file is not kept any longer. Make a new export."), code="transfer_expired"
        )
    tenant = Tenant.objects.filter(slug=job.slug).first()
    audit.record("transfer.downloaded", of=job, tenant=tenant, actor=actor)
    return kept_files().pieces(job.file_name)


def delete_transfer(job: TenantTransfer, *, actor: str) -> None:
    """Remove a transfer that is over, with its file. Raises Conflict, FilesFailed."""
    with transaction.atomic():
        if not TenantTransfer.objects.filter(pk=job.pk, status__in=OVER).exists():
            raise Conflict(gettext("It waits or runs still."), code="transfer_not_over")
        audit.record("transfer.deleted", of=job, actor=actor)
        job.drop_file()
        job.delete()


def cancel_transfer(job: TenantTransfer, *, actor: str) -> TenantTransfer:
    """End a transfer that waits or runs; nothing of it stays. Raises Conflict for one that is over."""
    with transaction.atomic():
        if not job.cancel():
            raise Conflict(gettext("It is over already."), code="transfer_over")
        of_whom = {
            TransferKind.EXPORT: job.slug, TransferKind.CLONE: job.source, TransferKind.ERASURE: job.slug,
        }  # fmt: skip
        tenant = Tenant.objects.filter(slug=of_whom.get(TransferKind(job.kind), "")).first()
        audit.record(
            "transfer.cancelled", of=job, actor=actor, tenant=tenant,
            detail={"kind": job.kind, "slug": job.slug},
        )  # fmt: skip
    job.drop_file_in_time()  # a bucket may take its time, and the worker waits for the row
    job.refresh_from_db()
    return job


# --- What a worker does -------------------------------------------------------------------------------------------
def run_transfer(job: TenantTransfer) -> None:
    """Do what a claimed transfer asks for, all or nothing."""
    try:
        with Heartbeat(job), audit.acting(job.asked_by):
            {"export": _export, "import": _import, "clone": _clone, "erasure": _erase}[job.kind](
                job
            )
    except ClaimLost:
        logger.warning("a transfer was taken away", transfer_id=str(job.pk))
        _leave_nothing(job)
    except FilesFailed as error:
        if not (error.retryable and _try_again(job)):
            _give_up(job, error.code, error.detail)
    except ProductError as error:
        _give_up(job, error.code, error.detail)
    except Exception:
        logger.exception("transfer failed", transfer_id=str(job.pk))
        _give_up(job, "internal", "Something went wrong on our side.")


def _try_again(job: TenantTransfer) -> bool:
    """Wait for the clock to send it once more, where files cannot be reached in this moment; False in the end."""
    if job.attempts + 1 >= MAX_ATTEMPTS:
        return False
    with suppress(ClaimLost):
        job.give_back(attempts=F("attempts") + 1)
    return True


def _leave_nothing(job: TenantTransfer) -> None:
    """Remove what was written of a cancelled one; another worker's goes on."""
    ours = TenantTransfer.objects.filter(pk=job.pk)
    if not ours.exclude(status=TransferStatus.CANCELLED).exists():
        job.drop_file_in_time()


def _give_up(job: TenantTransfer, code: str, detail: str) -> None:
    try:
        job.fail(code, detail)
        job.drop_file_in_time()
    except ClaimLost:
        _leave_nothing(job)


def _export(job: TenantTransfer) -> None:
    tenant = get_tenant(job.slug)
    with kept_files().writing(job.file_name) as file:
        manifest = export_tenant(
            tenant, file, passphrase=job.reveal_passphrase(), tell=job.tell, actor=job.asked_by
        )
        size = file.seek(0, SEEK_END)
    rows = f"{sum(stream.rows for stream in manifest.streams):,}"
    notes = [kept(f"{rows} rows")]
    if manifest.secrets == "left_out":
        notes.append(kept("Secrets and second factors were left out."))
    with transaction.atomic():
        # Whoever erases the tenant waits for this, and then finds the file; or was first, and there is none.
        if not Tenant.objects.select_for_update(no_key=True).filter(pk=tenant.pk).exists():
            raise NotFound(gettext("The tenant was erased meanwhile."), code="tenant_unknown")
        job.end(notes=notes, file_size=size)


def _import(job: TenantTransfer) -> None:
    with kept_files().reading(job.file_name) as file:
        import_tenant(
            file, slug=job.slug, passphrase=job.reveal_passphrase(), tell=job.tell, actor=job.asked_by,
            leave_secrets=bool(job.options.get("leave_secrets")), parts=frozenset(job.options.get("parts", ())),
            at_end=partial(_end, job),
        )  # fmt: skip
    job.drop_file_in_time()


def _clone(job: TenantTransfer) -> None:
    clone_tenant(
        get_tenant(job.source), job.slug, name=str(job.options.get("name", "")), actor=job.asked_by,
        tell=job.tell, parts=frozenset(job.options.get("parts", ())), at_end=partial(_end, job),
    )  # fmt: skip


def _erase(job: TenantTransfer) -> None:
    """All of it in one transaction, in which the job ends as well: a worker that dies leaves all or nothing of both.

    Files that it has removed by then are the exception, so what there is of them is written down before.
    """
    tenant = get_tenant(job.slug)
    if str(tenant.pk) != job.options["tenant_id"]:  # another one has its slug by now
        raise NotFound(gettext("The tenant was erased meanwhile."), code="tenant_unknown")
    if "traces" not in job.options:
        job.remember(traces=asdict(measure_traces(tenant.schema_name)))
    begun = Begun(
        (job.started_at or timezone.now()).isoformat(), Traces(**job.options["traces"]), job.options["status_since"]
    )  # fmt: skip

    def end(receipt_id: str) -> None:
        job.end(notes=[], options={**job.options, "receipt": receipt_id})

    erase_tenant(tenant, actor=job.asked_by, begun=begun, tell=job.tell, at_end=end)


def _end(job: TenantTransfer, taken: Taken) -> None:
    """Say that it is done in the transaction in which it is: a worker that dies leaves both or neither."""
    rows = f"{taken.rows:,}"
    job.end(notes=[kept(f"{rows} rows"), *taken.notes])


# --- What the clock does ------------------------------------------------------------------------------------------
def tend_transfers() -> list[uuid.UUID]:
    """Remove files that are kept no longer; returns whose message has to be sent again."""
    for job in TenantTransfer.objects.over():
        job.drop_file_in_time()
    return [job.pk for job in TenantTransfer.objects.sweep(_interrupt)]


def _interrupt(job: TenantTransfer) -> None:
    """What has taken several workers with it leaves no file, neither a half nor the one that was sent."""
    job.interrupt()
    job.drop_file_in_time()

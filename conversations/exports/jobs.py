"""Export jobs: a file that a worker writes in the background, of any length, and that is kept for some days.

The file is in the tenant's schema, as compressed parts of at most a megabyte: web and worker share no disk, and what
erases the tenant erases its exports. A part and the position behind its last row are written in one transaction, under
the worker's claim; so a worker that is killed loses one part's work, another goes on behind it, and one that was
thought dead and comes back writes nothing. No step holds more than a batch of rows and a part.
"""

from __future__ import annotations

import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext
from pydantic_core import to_json

from bots.quotas.sharing import claim_in_share
from bots.quotas.turns import is_turn_over
from conversations.exports.models import (
    ExportFormat,
    ExportJob,
    ExportPart,
    ExportStatus,
    ExportType,
)
from conversations.exports.tables import (
    TABLES,
    ExportFilters,
    check_filters,
    rows_after,
    select_rows,
)
from minirag.lib.errors import Conflict, Gone, NotFound
from minirag.lib.jobs.job import BEAT_SECONDS, ClaimLost
from minirag.lib.spreadsheet import write_rows
from tenants.audit import record
from tenants.context import require_tenant, scoped_name

logger = structlog.get_logger(__name__)

BATCH = 1000
PART_BYTES = 1_000_000
MAX_OPEN = 20
SLICE_SECONDS = 300.0
"""How long a worker stays with one export before others get a turn."""


# --- What people ask for ------------------------------------------------------------------------------------------
def create_job(
    export_type: str,
    export_format: str,
    filters: ExportFilters,
    *,
    user_id: uuid.UUID | None,
    request_id: str = "",
) -> ExportJob:
    """Write down what to export; the caller queues it. Raises BadInput, or Conflict (`too_many_exports`)."""
    given = check_filters(export_type, filters, require_tenant().time_zone)
    with transaction.atomic():
        _lock_exports()
        if ExportJob.objects.open().count() >= MAX_OPEN:
            raise Conflict(
                gettext("%(max_open)s exports are waiting or running already.")
                % {"max_open": MAX_OPEN},
                code="too_many_exports",
            )
        job = ExportJob.objects.order(
            export_type=export_type,
            format=export_format,
            filters=given,
            user_id=user_id,
            request_id=request_id,
        )
        note_act("created", job)
    return job


def note_act(what: str, job: ExportJob) -> None:
    """Write into the audit log what was done with an export."""
    facts = {"export_id": str(job.pk), "export_type": job.export_type, "format": job.format}
    record(f"export.{what}", detail={**facts, "filters": job.filters})


def find_job(job_id: uuid.UUID) -> ExportJob:
    job = ExportJob.objects.filter(pk=job_id).first()
    if job is None:
        raise NotFound(gettext("Export not found"))
    return job


def retry_job(job_id: uuid.UUID) -> ExportJob:
    """Start a failed export again; the caller queues it. Raises NotFound, or Conflict (`export_not_failed`)."""
    with transaction.atomic():
        if not ExportJob.objects.filter(pk=job_id).retry():
            find_job(job_id)
            raise Conflict(
                gettext("Only a failed export can be retried."), code="export_not_failed"
            )
        ExportPart.objects.filter(job_id=job_id).delete()
        job = find_job(job_id)
        note_act("retried", job)
    return job


def delete_job(job_id: uuid.UUID) -> None:
    """Remove an export and its file; one that is running stops at its next step. Raises NotFound."""
    job = find_job(job_id)
    with transaction.atomic():
        note_act("deleted", job)
        job.delete()


def open_file(job: ExportJob) -> Iterator[bytes]:
    """Return the file piece by piece. Raises Conflict (`export_not_ready`), Gone (`export_expired`)."""
    if job.status != ExportStatus.SUCCEEDED:
        raise Conflict(
            gettext("The export is %(status)s: there is no file.") % {"status": job.status},
            code="export_not_ready",
        )
    if job.is_expired:
        raise Gone(
            gettext("The file is not kept any longer. Make a new export."), code="export_expired"
        )
    return _read_parts(job)


def _read_parts(job: ExportJob) -> Iterator[bytes]:
    for number in range(job.part_count):
        # An export that was deleted since raises and breaks the connection: better than a file that looks whole.
        data = ExportPart.objects.values_list("data", flat=True).get(job_id=job.pk, number=number)
        yield zlib.decompress(data)


# --- What a worker does -------------------------------------------------------------------------------------------
def claim_job(job_id: uuid.UUID) -> ExportJob | None:
    """Claim a pending export; None if somebody else has it, or as many run as may at once."""
    with transaction.atomic():
        _lock_exports()
        if (
            ExportJob.objects.filter(status=ExportStatus.RUNNING).count()
            >= settings.EXPORTS_AT_ONCE
        ):
            return None
        return claim_in_share(ExportJob.objects.waiting(), job_id)


def _lock_exports() -> None:
    """Wait to be the only one who counts the tenant's exports, until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [scoped_name("exports")]
        )


def run_job(job: ExportJob) -> None:
    """Write a claimed export to its end, or for SLICE_SECONDS and leave it pending for the next worker."""
    try:
        _write(job)
    except ClaimLost:
        logger.warning("an export was taken away or deleted", export_id=str(job.pk))
    except Exception:
        logger.exception("export failed", export_id=str(job.pk))
        with suppress(ClaimLost):
            job.fail("internal", "Something went wrong on our side.")


def _write(job: ExportJob) -> None:
    rows = select_rows(
        job.export_type, job.filters, require_tenant().time_zone, until=job.created_at
    )
    if job.rows_total is None:
        job.rows_total = rows.order_by().count()
        job.beat(rows_total=job.rows_total)
    table, encode = TABLES[job.export_type], _encoder(job)
    needs_header = job.format == ExportFormat.CSV and not job.part_count
    held = bytearray(write_rows([table.columns]) if needs_header else b"")
    started = beaten = time.monotonic()
    while batch := list(rows_after(rows, job.position)[:BATCH]):
        held += encode([table.describe(row) for row in batch])
        created_at, key = table.key(batch[-1])
        job.position, job.rows_done = [created_at.isoformat(), str(key)], job.rows_done + len(batch)
        if len(held) >= PART_BYTES:
            _store(job, held)
            held.clear()
            beaten = time.monotonic()
            if beaten - started > SLICE_SECONDS or is_turn_over():
                job.give_back()
                return
        elif time.monotonic() - beaten > BEAT_SECONDS:
            job.beat()
            beaten = time.monotonic()
    with transaction.atomic():
        if held:
            _store(job, held)
        job.finish()


def _encoder(job: ExportJob) -> Callable[[list[Any]], bytes]:
    if job.format == ExportFormat.CSV:
        return write_rows
    columns = TABLES[job.export_type].columns

    def encode(rows: list[Any]) -> bytes:
        return b"".join(to_json(dict(zip(columns, row, strict=True))) + b"\n" for row in rows)

    return encode


def _store(job: ExportJob, content: bytes | bytearray) -> None:
    """Write whole rows as parts, together with where the next ones begin. Raises ClaimLost."""
    pieces = [bytes(content[at : at + PART_BYTES]) for at in range(0, len(content), PART_BYTES)]
    parts = [
        ExportPart(job=job, number=job.part_count + offset, data=zlib.compress(piece, 3))
        for offset, piece in enumerate(pieces)
    ]
    job.part_count += len(parts)
    job.size_bytes += len(content)
    with transaction.atomic():
        job.beat(
            rows_done=job.rows_done,
            size_bytes=job.size_bytes,
            part_count=job.part_count,
            position=job.position,
        )
        ExportPart.objects.bulk_create(parts)


# --- What the clock does ------------------------------------------------------------------------------------------
def next_expiry() -> datetime | None:
    """When the next file is kept no longer."""
    kept = ExportJob.objects.filter(part_count__gt=0)
    soonest: datetime | None = kept.aggregate(soonest=Min("expires_at"))["soonest"]
    return soonest


def purge_expired() -> int:
    """Remove the files that are kept no longer, and those of exports that failed; the rows stay. Returns how many."""
    over = ExportJob.objects.filter(expires_at__lte=timezone.now(), part_count__gt=0)
    purged = list(over.values_list("pk", flat=True)[:1000])
    for job_id in purged:
        _drop_file(job_id)
    return len(purged)


def drop_files_of_words(since: datetime) -> None:
    """Remove, before their time, the files that may hold what was said since then; the rows stay. One that is being
    written begins again."""
    of_words = ExportJob.objects.filter(updated_at__gte=since).exclude(export_type=ExportType.USAGE)
    for job in of_words.open():
        ExportPart.objects.filter(job_id=job.pk).delete()
        of_words.filter(pk=job.pk).begin_again()
    for job in of_words.filter(part_count__gt=0):
        _drop_file(job.pk)
        of_words.filter(pk=job.pk).update(expires_at=timezone.now())


def _drop_file(job_id: uuid.UUID) -> None:
    with transaction.atomic():
        ExportPart.objects.filter(job_id=job_id).delete()
        ExportJob.objects.filter(pk=job_id).drop_file()

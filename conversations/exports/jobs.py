"""Export jobs: a file that a worker writes in the background, of any length, and that is kept for some days.

The file is in the tenant's schema, as compressed parts of at most a megabyte: web and worker share no disk, and what
erases the tenant erases its exports. A part and the position behind its last row are written in one transaction, under
the worker's claim; so a worker that is killed loses one part's work, another goes on behind it, and one that was
thought dead and comes back writes nothing. No step holds more than a batch of rows and a part.
"""

from __future__ import annotations

import json
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from conversations.exports.tables import (
    TABLES,
    ExportFilters,
    check_filters,
    rows_after,
    select_rows,
)
from conversations.models import ExportFormat, ExportJob, ExportPart, ExportStatus
from minirag.lib.errors import Conflict, Gone, NotFound
from minirag.lib.text.spreadsheet import write_rows
from tenants.context import require_tenant, scoped_name

logger = structlog.get_logger(__name__)

BATCH = 1000
PART_BYTES = 1_000_000
MAX_ATTEMPTS = 3
MAX_OPEN = 20
STALE_AFTER = timedelta(seconds=120)
BEAT_SECONDS = 10.0
SLICE_SECONDS = 300.0
"""How long a worker stays with one export before others get a turn."""
MEDIA_TYPES = {
    ExportFormat.JSONL: "application/x-ndjson",
    ExportFormat.CSV: "text/csv; charset=utf-8",
}
_FRESH: dict[str, Any] = {
    "error_code": "", "error_message": "", "rows_total": None, "rows_done": 0, "size_bytes": 0, "part_count": 0,
    "position": None, "claim_id": None, "heartbeat_at": None, "attempts": 0, "started_at": None, "finished_at": None,
    "expires_at": None,
}  # fmt: skip


class ClaimLost(Exception):
    """Another worker has the export now, or it was deleted."""


# --- What people ask for ------------------------------------------------------------------------------------------
def create_job(
    export_type: str,
    export_format: str,
    filters: ExportFilters,
    *,
    user_id: uuid.UUID | None,
    request_id: str = "",
) -> ExportJob:
    """Write down what is to be exported; the caller queues it. Raises BadInput, or Conflict (`too_many_exports`)."""
    given = check_filters(export_type, filters, require_tenant().time_zone)
    with transaction.atomic():
        _lock_exports()
        if _open_jobs() >= MAX_OPEN:
            raise Conflict(
                f"{MAX_OPEN} exports are waiting or running already.", code="too_many_exports"
            )
        return ExportJob.objects.create(
            export_type=export_type,
            format=export_format,
            filters=given,
            user_id=user_id,
            request_id=request_id,
            queued_at=timezone.now(),
        )


def _open_jobs() -> int:
    return ExportJob.objects.filter(status__in=(ExportStatus.PENDING, ExportStatus.RUNNING)).count()


def find_job(job_id: uuid.UUID) -> ExportJob:
    job = ExportJob.objects.filter(pk=job_id).first()
    if job is None:
        raise NotFound("Export not found")
    return job


def retry_job(job_id: uuid.UUID) -> ExportJob:
    """Start a failed export anew; the caller queues it. Raises NotFound, or Conflict (`export_not_failed`)."""
    with transaction.atomic():
        now = timezone.now()
        failed = ExportJob.objects.filter(pk=job_id, status=ExportStatus.FAILED)
        if not failed.update(**_FRESH, status=ExportStatus.PENDING, queued_at=now, updated_at=now):
            find_job(job_id)
            raise Conflict("Only a failed export can be retried.", code="export_not_failed")
        ExportPart.objects.filter(job_id=job_id).delete()
    return find_job(job_id)


def delete_job(job_id: uuid.UUID) -> None:
    """Remove an export and its file; one that is running stops at its next step. Raises NotFound."""
    find_job(job_id).delete()


def open_file(job: ExportJob) -> Iterator[bytes]:
    """Return the file piece by piece. Raises Conflict (`export_not_ready`), Gone (`export_expired`)."""
    if job.status != ExportStatus.SUCCEEDED:
        raise Conflict(f"The export is {job.status}: there is no file.", code="export_not_ready")
    if is_expired(job):
        raise Gone("The file is not kept any longer. Make a new export.", code="export_expired")
    return _read_parts(job)


def is_expired(job: ExportJob) -> bool:
    return job.expires_at is not None and job.expires_at <= timezone.now()


def _read_parts(job: ExportJob) -> Iterator[bytes]:
    for number in range(job.part_count):
        # One that was deleted meanwhile raises and breaks the connection: better than a file that looks whole.
        data = ExportPart.objects.values_list("data", flat=True).get(job_id=job.pk, number=number)
        yield zlib.decompress(data)


# --- What a worker does -------------------------------------------------------------------------------------------
def claim_job(job_id: uuid.UUID) -> ExportJob | None:
    """Take a pending export in hand; None if somebody else has it, or as many run as may at once."""
    with transaction.atomic():
        _lock_exports()
        if (
            ExportJob.objects.filter(status=ExportStatus.RUNNING).count()
            >= settings.EXPORTS_AT_ONCE
        ):
            return None
        now = timezone.now()
        taken = ExportJob.objects.filter(pk=job_id, status=ExportStatus.PENDING).update(
            status=ExportStatus.RUNNING,
            claim_id=uuid.uuid4(),
            heartbeat_at=now,
            queued_at=None,
            updated_at=now,
            started_at=Coalesce("started_at", Now()),
        )
    return ExportJob.objects.get(pk=job_id) if taken else None


def _lock_exports() -> None:
    """Wait to be the only one who counts the tenant's exports, until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [scoped_name("exports")]
        )


def run_job(job: ExportJob) -> None:
    """Write a claimed export to its end, or for SLICE_SECONDS and leave it pending for whoever comes next."""
    try:
        _write(job)
    except ClaimLost:
        logger.warning("an export was taken away or deleted", export_id=str(job.pk))
    except Exception:
        logger.exception("export failed", export_id=str(job.pk))
        with suppress(ClaimLost):
            _end(
                job,
                ExportStatus.FAILED,
                error_code="internal",
                error_message="Something went wrong on our side.",
            )


def _write(job: ExportJob) -> None:
    rows = select_rows(
        job.export_type, job.filters, require_tenant().time_zone, until=job.created_at
    )
    if job.rows_total is None:
        job.rows_total = rows.order_by().count()
        _save(job, rows_total=job.rows_total)
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
            if beaten - started > SLICE_SECONDS:
                _save(job, status=ExportStatus.PENDING, claim_id=None, queued_at=timezone.now())
                return
        elif time.monotonic() - beaten > BEAT_SECONDS:
            _save(job)
            beaten = time.monotonic()
    with transaction.atomic():
        if held:
            _store(job, held)
        _end(job, ExportStatus.SUCCEEDED)


def _encoder(job: ExportJob) -> Callable[[list[Any]], bytes]:
    if job.format == ExportFormat.CSV:
        return write_rows
    columns = TABLES[job.export_type].columns

    def encode(rows: list[Any]) -> bytes:
        lines = (
            json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n"
            for row in rows
        )
        return "".join(lines).encode()

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
        _save(
            job,
            rows_done=job.rows_done,
            size_bytes=job.size_bytes,
            part_count=job.part_count,
            position=job.position,
        )
        ExportPart.objects.bulk_create(parts)


def _end(job: ExportJob, status: ExportStatus, **facts: Any) -> None:
    now = timezone.now()
    _save(job, status=status, claim_id=None, finished_at=now, expires_at=_expiry_from(now), **facts)


def _expiry_from(now: datetime) -> datetime:
    return now + timedelta(days=settings.EXPORT_RETENTION_DAYS)


def _save(job: ExportJob, **fields: Any) -> None:
    """Write fields, which is a heartbeat as well, if the export is still ours. Raises ClaimLost."""
    now = timezone.now()
    mine = ExportJob.objects.filter(pk=job.pk, claim_id=job.claim_id, status=ExportStatus.RUNNING)
    if not mine.update(**fields, heartbeat_at=now, updated_at=now):
        raise ClaimLost


# --- What the clock does ------------------------------------------------------------------------------------------
def take_back_abandoned() -> int:
    """Let others go on with exports whose worker died; one that took several with it fails. Returns how many."""
    now = timezone.now()
    stale = ExportJob.objects.filter(
        status=ExportStatus.RUNNING, heartbeat_at__lt=now - STALE_AFTER
    )
    count = 0
    for job in stale:
        still = stale.filter(pk=job.pk, claim_id=job.claim_id)
        if job.attempts + 1 >= MAX_ATTEMPTS:
            reason = f"The export was interrupted {MAX_ATTEMPTS} times."
            count += still.update(
                status=ExportStatus.FAILED,
                error_code="interrupted",
                error_message=reason,
                claim_id=None,
                finished_at=now,
                updated_at=now,
                expires_at=_expiry_from(now),
            )
            continue
        count += still.update(
            status=ExportStatus.PENDING,
            claim_id=None,
            attempts=job.attempts + 1,
            queued_at=None,
            updated_at=now,
        )
    return count


def purge_expired() -> int:
    """Remove the files that are kept no longer, and those of exports that failed; the rows stay. Returns how many."""
    over = ExportJob.objects.filter(expires_at__lte=timezone.now(), part_count__gt=0)
    purged = list(over.values_list("pk", flat=True)[:1000])
    for job_id in purged:
        with transaction.atomic():
            ExportPart.objects.filter(job_id=job_id).delete()
            ExportJob.objects.filter(pk=job_id).update(part_count=0)
    return len(purged)

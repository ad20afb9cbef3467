"""The backup of every night: written, tried, and how that went told in the platform's log, where all who ask look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from minirag.operations.backing_up.backups import being_alone, make_backup, try_backup
from minirag.operations.backing_up.opening import open_shelf
from minirag.operations.backing_up.shelves import BackupFailed, BackupRefused, Shelf
from minirag.operations.findings import FAIL, OK, WARN, Finding
from tenants import audit
from tenants.log.models import Outcome
from tenants.models import AuditEvent

logger = structlog.get_logger(__name__)

MADE, FAILED = "installation.backed_up", "installation.backup_failed"
LATEST_AGE: Final = timedelta(hours=26)
"""A night's backup, and the time that one takes."""
_SAME_NIGHT: Final = timedelta(hours=1)
BEAT: Final = "beat"


@dataclass(frozen=True)
class LastBackup:
    """`tried_at`: when the last backup was made that was tried; `failed`: why the newest attempt went wrong, or ""."""

    tried_at: datetime | None
    failed: str

    @property
    def age(self) -> timedelta | None:
        return timezone.now() - self.tried_at if self.tried_at else None


def back_up_tonight() -> bool:
    """Write a backup into BACKUP_FOLDER, try it, and keep the newest BACKUPS_KEPT; returns whether all went well.

    Does nothing while another worker is at it or has just done it, since two beats may run, nor where no folder is set
    any more: beat keeps its schedule in the database.
    """
    if not settings.BACKUP_FOLDER:
        return False
    try:
        with being_alone() as is_alone:
            return is_alone and not _is_done() and _back_up(open_shelf(settings.BACKUP_FOLDER))
    except (BackupFailed, BackupRefused) as error:
        return _tell_failure(error.detail)
    except SoftTimeLimitExceeded:
        _tell_failure("It took too long and was broken off.")
        raise


def _is_done() -> bool:
    since = timezone.now() - _SAME_NIGHT
    return AuditEvent.objects.filter(
        tenant_slug="", action=MADE, actor=BEAT, created_at__gt=since
    ).exists()


def _tell_failure(reason: str) -> bool:
    logger.error("the backup of the night failed")
    audit.record(FAILED, outcome=Outcome.FAILED, detail={"reason": reason})
    return False


def _back_up(shelf: Shelf) -> bool:
    kept = max(1, settings.BACKUPS_KEPT)
    shelf.drop_broken_off()
    made = make_backup(shelf)
    try:
        try_backup(made)
    except (BackupFailed, BackupRefused):
        shelf.drop_older(2 * kept)  # else they fill the disk, night after night
        raise
    dropped = shelf.drop_older(kept)
    told = {
        "file": made.name,
        "bytes": made.facts.bytes,
        "tried": True,
        "removed": len(dropped),
    }
    audit.record(MADE, detail=told)
    return True


def find_last_backup() -> LastBackup:
    """Whoever made it, the clock or a command."""
    of_platform = AuditEvent.objects.filter(tenant_slug="")
    tried = of_platform.filter(action=MADE, detail__tried=True).first()
    failed = of_platform.filter(action=FAILED).first()
    tried_at = tried.created_at if tried else None
    if failed is None or (tried_at and tried_at > failed.created_at):
        return LastBackup(tried_at, "")
    return LastBackup(tried_at, str(failed.detail.get("reason") or "It failed."))


def check_backup() -> Finding:
    """Whether there is one of the last night that was read back, wherever backups are made by the clock or not."""
    try:
        last = find_last_backup()
    except DatabaseError:
        return Finding("backup", FAIL, "unknown, the database does not answer", "See database.")
    shown = f"{last.tried_at:%Y-%m-%d %H:%M} UTC, read back" if last.tried_at else "none was made"
    remedy = "Set BACKUP_FOLDER, or run manage.py backup FOLDER --try every night."
    if last.failed:
        return Finding(
            "backup",
            FAIL,
            f"the last one failed: {last.failed} (before: {shown})",
            "Mend that, then run manage.py backup FOLDER --try.",
        )
    if last.age is None and settings.BACKUP_FOLDER:
        return Finding(
            "backup", FAIL, f"none was made yet; the clock makes one at {settings.BACKUP_AT} UTC",
            "Run manage.py backup FOLDER --try now, or wait. If it does not come, see whether beat and a worker run.",
        )  # fmt: skip
    if last.age is None:
        return Finding("backup", WARN, shown, remedy)
    if last.age > LATEST_AGE:
        if settings.BACKUP_FOLDER:
            remedy = "See whether beat and a worker run."
        return Finding("backup", FAIL, f"the last: {shown}", remedy)
    return Finding("backup", OK, shown)

"""What beat asks for and when; what is done then stands in `tasks.py`."""

from __future__ import annotations

import re
from typing import Any, Final

from celery.schedules import crontab

_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def make_schedule(backup_at: str) -> dict[str, dict[str, Any]]:
    """Return CELERY_BEAT_SCHEDULE; `backup_at` is the BACKUP_AT of every night, empty for no backups.

    Each expires before its successor comes, so that none pile up without a worker.
    """
    rows = [
        ("run-due-work", "minirag.tasks.run_due_work", 15.0, 14.0),
        ("mark-new-schemas", "minirag.tasks.mark_new_schemas", 60.0, 55.0),
        ("tend-transfers", "tenants.tasks.tend_transfers", 60.0, 55.0),
        ("measure-tenants", "minirag.tasks.measure_tenants", _daily("3:41"), 3600.0),
        ("repair-due-work", "minirag.tasks.repair_due_work", _daily("3:17"), 3600.0),
    ]
    if backup_at:
        rows.append(("back-up", "minirag.tasks.back_up", _daily(backup_at), 3600.0))
    return {
        name: {"task": task, "schedule": schedule, "options": {"expires": expires}}
        for name, task, schedule, expires in rows
    }


def _daily(at: str) -> crontab:
    """Raises ValueError for what is no time of day."""
    found = _TIME.fullmatch(at.strip())
    if found is None:
        raise ValueError(f"BACKUP_AT is no time of day (HH:MM, UTC): {at}")
    return crontab(hour=found[1], minute=found[2])

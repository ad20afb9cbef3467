"""What beat asks for and when; what is done then stands in `tasks.py`."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab


def make_schedule() -> dict[str, dict[str, Any]]:
    """Return CELERY_BEAT_SCHEDULE. Each expires before its successor comes, so that none pile up without a worker."""
    rows = [
        ("run-due-work", "minirag.tasks.run_due_work", 15.0, 14.0),
        ("mark-new-schemas", "minirag.tasks.mark_new_schemas", 60.0, 55.0),
        ("tend-transfers", "tenants.tasks.tend_transfers", 60.0, 55.0),
        ("measure-tenants", "minirag.tasks.measure_tenants", _daily(3, 41), 3600.0),
        ("repair-due-work", "minirag.tasks.repair_due_work", _daily(3, 17), 3600.0),
    ]
    return {
        name: {"task": task, "schedule": schedule, "options": {"expires": expires}}
        for name, task, schedule, expires in rows
    }


def _daily(hour: int, minute: int) -> crontab:
    return crontab(hour=str(hour), minute=str(minute))

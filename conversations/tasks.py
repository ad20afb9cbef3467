"""Background work of conversations."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from celery import shared_task
from django.db.models import Min

from bots.models import Outcome
from conversations.exports.jobs import claim_job, run_job
from conversations.exports.models import ExportJob
from conversations.models import Message
from conversations.turns.recording import fail_abandoned, longest_turn_seconds
from minirag.lib.jobs.sending import send_now, send_soon
from tenants.tasks import TenantTask


def fail_abandoned_turns() -> int:
    """Close the current tenant's turns whose web process was killed, so that no question stays `pending` for ever."""
    return fail_abandoned(longest_turn_seconds())


def next_abandoned_turn() -> datetime | None:
    """When the oldest open turn counts as abandoned."""
    oldest = Message.objects.filter(outcome=Outcome.PENDING).aggregate(oldest=Min("created_at"))[
        "oldest"
    ]
    return oldest + timedelta(seconds=longest_turn_seconds()) if oldest else None


def queue_export(job: ExportJob) -> None:
    """Have a worker write the export soon."""
    send_soon(write_export, job.pk)


@shared_task(base=TenantTask, acks_late=True)
def write_export(job_id: str) -> None:
    """Write a pending export, or a slice of it, and call for the next one; a message that comes twice does nothing."""
    job = claim_job(uuid.UUID(job_id))
    if job is not None:
        run_job(job)
        _send_longest_waiting()


def _send_longest_waiting() -> None:
    for job in ExportJob.objects.waiting().order_by("updated_at")[:1]:
        if job.take_back():
            send_now(write_export, job.pk)


def sweep_exports() -> int:
    """Give back the current tenant's exports of dead workers and lost messages; returns how many."""
    found = ExportJob.objects.sweep()
    for job in found:
        send_now(write_export, job.pk)
    return len(found)

"""Background work of conversations."""

from __future__ import annotations

import uuid
from functools import partial

from celery import shared_task

from conversations.exports.jobs import claim_job, run_job
from conversations.exports.models import ExportJob
from minirag.lib.jobs.sending import send_now, send_soon
from tenants.tasks import TenantTask


def queue_export(job: ExportJob) -> None:
    """Have a worker write the export soon."""
    send_soon(write_export, job.pk)


@shared_task(base=TenantTask, acks_late=True)
def write_export(job_id: str) -> None:
    """Write a pending export, or a slice of it, and call for the next one; a message that comes twice does nothing."""
    job = claim_job(uuid.UUID(job_id))
    if job is not None:
        run_job(job)
        ExportJob.objects.waiting().send_longest_waiting(partial(send_now, write_export))


def sweep_exports() -> int:
    """Give back the current tenant's exports of dead workers and lost messages; returns how many."""
    found = ExportJob.objects.sweep()
    for job in found:
        send_now(write_export, job.pk)
    return len(found)

"""Background work of conversations."""

from __future__ import annotations

import uuid
from functools import partial

from celery import shared_task

from bots.quotas.sharing import send_next
from bots.quotas.turns import turn
from conversations.evaluating.running import carry_out, claim_run
from conversations.exports.jobs import claim_job, run_job
from conversations.exports.models import ExportJob
from conversations.models import EvaluationRun
from minirag.lib.jobs.sending import send_now, send_soon
from tenants.tasks import TenantTask


def queue_export(job: ExportJob) -> None:
    """Have a worker write the export soon."""
    send_soon(write_export, job.pk)


@shared_task(base=TenantTask, acks_late=True, takes_turns=True)
def write_export(job_id: str) -> None:
    """Write a pending export, or a turn's worth, and call for the next one; a message that comes twice does nothing."""
    with turn():
        job = claim_job(uuid.UUID(job_id))
        if job is None:
            return
        run_job(job)
        ExportJob.objects.waiting().send_longest_waiting(partial(send_now, write_export))


def sweep_exports() -> int:
    """Give back the current tenant's exports of dead workers and lost messages; returns how many."""
    found = ExportJob.objects.sweep()
    for job in found:
        send_now(write_export, job.pk)
    return len(found)


def queue_run(run: EvaluationRun) -> None:
    """Have a worker carry out the run soon."""
    send_soon(evaluate_bot, run.pk)


@shared_task(base=TenantTask, acks_late=True, takes_turns=True)
def evaluate_bot(run_id: str) -> None:
    """Carry out a pending run, or a turn's worth, and call for the next; a message that comes twice does nothing."""
    with turn():
        run = claim_run(uuid.UUID(run_id))
        if run is None:
            return
        carry_out(run)
        if EvaluationRun.objects.waiting().filter(pk=run.pk).exists():
            send_now(evaluate_bot, run.pk)
        send_next(EvaluationRun.objects.waiting(), evaluate_bot)


def sweep_evaluations() -> int:
    """Give back the current tenant's runs of dead workers and lost messages; returns how many."""
    found = EvaluationRun.objects.sweep()
    for run in found:
        send_now(evaluate_bot, run.pk)
    return len(found)

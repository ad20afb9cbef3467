"""What the clock does: the work that is due, tenant by tenant, and the nightly repair of the table that lists it.

A kind of work is a row of DUTIES: what is done in a tenant, and how that tenant's rows say when there is more to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from bots.plans.applying import apply_plan
from bots.usage.figures import keep_figures
from bots.usage.rollup import next_roll_up, roll_up_usage
from conversations.exports.jobs import next_expiry, purge_expired
from conversations.exports.models import ExportJob
from conversations.following.orphans import end_orphans, next_look
from conversations.gaps.grouping import group_gaps, next_grouping
from conversations.handoffs.jobs import next_tending, tend_handoffs
from conversations.models import EvaluationRun
from conversations.retention.keeping import keep_no_longer, next_retention
from conversations.tasks import sweep_evaluations, sweep_exports
from conversations.turns.schemas import tell_error
from knowledge.curated.vectors import embed_curated, next_embedding
from knowledge.indexing.search_indexes import next_indexing, tend_indexes
from knowledge.models import Source
from knowledge.retrieval.calibrating import next_calibration
from knowledge.tasks import (
    fit_bots,
    next_edit_sweep,
    next_purge,
    next_reembedding,
    purge_deleted,
    reembed_outdated,
    refresh_due,
    replan_schedules,
    sweep_edits,
    sweep_ingestion,
)
from knowledge.versions.keeping import forget_old_versions, next_forgetting
from minirag.lib.jobs.sending import publish
from minirag.operations.backing_up.nightly import BEAT, back_up_tonight
from tenants import schemas
from tenants.audit import acting
from tenants.context import tenant_context
from tenants.due import LEASE, DueKind, claim_due, drop, make_everything_due, repair, settle
from tenants.hosts.keeping import look_again, next_look_again
from tenants.models import Tenant, TenantStatus
from tenants.tasks import PlatformTask, TenantTask, sum_over_tenants
from webhooks.delivering.pruning import next_pruning, prune_tenant
from webhooks.models import Webhook
from webhooks.tasks import sweep_deliveries

BACKUP_SECONDS: Final = 6 * 3600


@dataclass(frozen=True)
class Duty:
    """`run` does what is due in the current tenant, `next_due` says when there is more, None if nothing is known."""

    run: Callable[[], int]
    next_due: Callable[[], datetime | None]


def add_up_usage() -> int:
    """Add the usage up, and keep the figures that the platform's list shows."""
    added = roll_up_usage()
    keep_figures()
    return added


DUTIES: Final[dict[DueKind, Duty]] = {
    DueKind.INGESTION: Duty(
        sweep_ingestion, lambda: Source.objects.filter(deleted_at__isnull=True).next_sweep()
    ),
    DueKind.PURGES: Duty(purge_deleted, next_purge),
    DueKind.REFRESHES: Duty(refresh_due, lambda: Source.objects.next_refresh()),
    DueKind.SCHEDULES: Duty(replan_schedules, lambda: None),
    DueKind.REEMBEDDING: Duty(reembed_outdated, next_reembedding),
    DueKind.CALIBRATION: Duty(fit_bots, next_calibration),
    DueKind.CURATED: Duty(embed_curated, next_embedding),
    DueKind.GAPS: Duty(group_gaps, next_grouping),
    DueKind.DELIVERIES: Duty(
        sweep_deliveries, lambda: Webhook.objects.next_delivery(timezone.now())
    ),
    DueKind.OLD_DELIVERIES: Duty(prune_tenant, next_pruning),
    DueKind.USAGE: Duty(add_up_usage, next_roll_up),
    DueKind.TURNS: Duty(partial(end_orphans, tell_error), next_look),
    DueKind.EXPORTS: Duty(sweep_exports, lambda: ExportJob.objects.next_sweep()),
    DueKind.EVALUATIONS: Duty(sweep_evaluations, lambda: EvaluationRun.objects.next_sweep()),
    DueKind.OLD_EXPORTS: Duty(purge_expired, next_expiry),
    DueKind.EDITS: Duty(sweep_edits, next_edit_sweep),
    DueKind.HANDOFFS: Duty(tend_handoffs, next_tending),
    DueKind.RETENTION: Duty(keep_no_longer, next_retention),
    DueKind.PLANS: Duty(apply_plan, lambda: None),
    DueKind.HOSTS: Duty(look_again, next_look_again),
    DueKind.OLD_VERSIONS: Duty(forget_old_versions, next_forgetting),
    DueKind.INDEXES: Duty(tend_indexes, next_indexing),
}


@shared_task(base=PlatformTask)
def run_due_work() -> int:
    """Send a message for each tenant and kind of work that is due; returns how many. One query if nothing is."""
    claimed = claim_due()
    if not claimed:
        return 0
    found = Tenant.objects.filter(pk__in={tenant_id for tenant_id, _ in claimed})
    tenants: dict[UUID, Tenant] = {
        tenant.pk: tenant for tenant in found.filter(status=TenantStatus.ACTIVE)
    }
    sent, idle = 0, []
    for (tenant_id, kind), row_ids in claimed.items():
        if tenant_id not in tenants or kind not in DUTIES:
            idle += row_ids
            continue
        with tenant_context(tenants[tenant_id]):
            sent += publish(do_due_work, kind, row_ids, expires=LEASE.total_seconds())
    drop(idle)  # a tenant that is restored has everything looked at
    return sent


@shared_task(base=TenantTask, acks_late=True)
def do_due_work(kind: str, row_ids: list[int]) -> None:
    """Do one kind of work of one tenant; where that fails, the rows are due again when their lease ends."""
    duty = DUTIES[DueKind(kind)]
    duty.run()
    settle(row_ids, DueKind(kind), duty.next_due())


@shared_task(base=PlatformTask)
def repair_due_work() -> int:
    """Write down again, in every tenant, what its rows say is due; returns how many reminders were missing."""
    return sum_over_tenants(repair_tenant)


@shared_task(base=PlatformTask)
def look_at_everything() -> None:
    """After a jump of the clock."""
    make_everything_due()


@shared_task(base=PlatformTask)
def measure_tenants() -> int:
    """Every night: sizes change without a turn, too, and days go out of the last 30."""
    return sum_over_tenants(lambda: int(keep_figures(at_once=True)))


@shared_task(
    base=PlatformTask,
    acks_late=False,
    soft_time_limit=BACKUP_SECONDS - 60,
    time_limit=BACKUP_SECONDS,
)
def back_up() -> bool:
    """Every night where BACKUP_FOLDER is set. One that died is not begun again: the age of the last one tells of it."""
    with acting(BEAT):
        return back_up_tonight()


@shared_task(base=PlatformTask)
def mark_new_schemas() -> int:
    """Mark the schemas that processes of an older release made after `migrate`; returns how many. One query if none."""
    return schemas.mark_new_schemas()


def repair_tenant(*, mend: bool = True) -> int:
    """`repair_due_work` for the current tenant; returns how many reminders were missing."""
    moments = {kind: moment for kind, duty in DUTIES.items() if (moment := duty.next_due())}
    return repair(moments, mend=mend)

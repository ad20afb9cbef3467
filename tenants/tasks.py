"""Celery tasks that run in a tenant: the tenant travels in a header, and a task without a live one is refused.

tenant-schemas-celery runs such a task in the public schema instead; here it fails closed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

import structlog
from celery import Task, shared_task
from celery.exceptions import Reject, SoftTimeLimitExceeded
from django.db import connection
from django.utils.translation import get_language, override

from minirag.lib.http_in.request_ids import current_request_id, request_id_bound
from minirag.lib.jobs.sending import publish, send_now, send_soon
from minirag.lib.tracing.spans import span
from tenants.context import current_tenant, require_tenant, tenant_context
from tenants.links import sending
from tenants.models import Tenant, TenantTransfer
from tenants.moving import jobs
from tenants.moving.jobs import run_transfer

logger = structlog.get_logger(__name__)
_TENANTS_PER_CONNECTION = 200
"""What a connection remembers of each tenant's tables it never forgets: with thousands it would have gigabytes."""

TENANT_HEADER = "minirag_tenant"
REQUEST_HEADER = "minirag_request"  # what asked for it: the logs of both then carry one id


class TenantTask(Task):
    """Base of every task that touches a tenant's data: publish it inside the tenant, it runs inside the same one.

    A task whose tenant is gone is rejected for good. A task of a suspended or archived tenant is rejected as well,
    unless `runs_when_inactive`: its work waits in the database, where the sweeper finds it after a restore.
    """

    abstract = True
    runs_when_inactive = False

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        headers = {
            **(options.pop("headers", None) or {}), TENANT_HEADER: str(require_tenant().pk),
            REQUEST_HEADER: current_request_id(),
        }  # fmt: skip
        return super().apply_async(args, kwargs, headers=headers, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tenant, request_id = self._find_tenant(), read_header(self, REQUEST_HEADER)
        try:
            with (
                tenant_context(tenant), request_id_bound(request_id),
                span_of(self, tenant=tenant.slug, request_id=request_id),
            ):  # fmt: skip
                return super().__call__(*args, **kwargs)
        except Exception as error:
            if _exists(tenant):
                raise
            logger.info("a tenant was erased while a task ran in it", task=self.name)
            raise Reject("the tenant was erased meanwhile", requeue=False) from error

    def _find_tenant(self) -> Tenant:
        tenant_id = read_header(self, TENANT_HEADER)
        with tenant_context(None):
            tenant = Tenant.objects.filter(pk=tenant_id).first() if tenant_id else None
        if tenant is None:
            logger.error("task without a tenant was refused", task=self.name)
            raise Reject("no such tenant", requeue=False)
        if not (tenant.is_active or self.runs_when_inactive):
            logger.warning(
                "task of an inactive tenant was refused", task=self.name, tenant=tenant.slug
            )
            raise Reject("tenant is not active", requeue=False)
        return tenant


class PlatformTask(Task):
    """Base of tasks that belong to no tenant, such as beat's fan-out; they run with the public schema alone."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with tenant_context(None), span_of(self):
            return super().__call__(*args, **kwargs)


def read_header(task: Task, name: str) -> str:
    """What its message said beside the arguments."""
    return str(task.request.get(name) or (task.request.headers or {}).get(name) or "")


def span_of(task: Task, **facts: str) -> AbstractContextManager[Any]:
    """The span of a task, below that of whoever sent it."""
    carrier = {name: read_header(task, name) for name in ("traceparent", "tracestate")}
    return span(task.name, kind="consumer", carrier=carrier, **facts)


@shared_task(base=PlatformTask, acks_late=True)
def send_password_link(email: str, tenant_id: str | None, base: str, language: str = "en") -> None:
    """Mail a link for a new password to whoever has this e-mail: out of the request, whose time would tell."""
    tenant = Tenant.objects.filter(pk=tenant_id).first() if tenant_id else None
    if tenant_id and (tenant is None or not tenant.is_readable):
        return
    with override(language):
        sending.send_password_link(email, tenant, base)


def queue_password_link(email: str, tenant: Tenant | None, base: str) -> None:
    tenant_id = str(tenant.pk) if tenant else None
    publish(send_password_link, email, tenant_id, base, get_language() or "en")


@shared_task(base=PlatformTask, acks_late=True)
def transfer_tenant(transfer_id: str) -> None:
    """Export, import or copy a tenant, unless another worker does already."""
    job = TenantTransfer.objects.filter(status__in=("pending", "running")).claim(UUID(transfer_id))
    if job is not None:
        run_transfer(job)


def queue_transfer(job: TenantTransfer) -> None:
    send_soon(transfer_tenant, job.pk)


@shared_task(base=PlatformTask)
def tend_transfers() -> int:
    """Send again what waits for a worker, and remove files that are kept no longer. Two queries if nothing is."""
    waiting = jobs.tend_transfers()
    for job_id in waiting:
        send_now(transfer_tenant, job_id)
    return len(waiting)


def _exists(tenant: Tenant) -> bool:
    with tenant_context(None):
        return Tenant.objects.filter(pk=tenant.pk).exists()


def active_tenants() -> list[Tenant]:
    """Return the tenants that scheduled work is for."""
    assert current_tenant() is None, "Fan out from a PlatformTask, outside of any tenant."  # noqa: S101
    return list(Tenant.objects.filter(status="active").order_by("created_at"))


def sum_over_tenants(work: Callable[[], int]) -> int:
    """Do the work in each active tenant; returns the sum of what it says.

    A tenant in which it fails, whatever the reason, is passed over: its migration has failed, or it is being erased
    right now. The others' work does not wait for it.
    """
    total = 0
    for number, tenant in enumerate(active_tenants(), 1):
        if number % _TENANTS_PER_CONNECTION == 0:
            connection.close()
        try:
            with tenant_context(tenant):
                total += work()
        except SoftTimeLimitExceeded:
            raise
        except Exception:
            if _exists(tenant):
                logger.exception("scheduled work failed in a tenant", tenant=tenant.slug)
            else:
                logger.info("a tenant was erased while work was done in it", tenant=tenant.slug)
    return total

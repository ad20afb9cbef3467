"""Maintenance: writes and questions are refused for a while, with a message and an end. Everything can still be read.

It stands in the tenants' own rows, which every request reads anyway: it costs no query, holds in all processes at once,
and survives a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from minirag.lib.errors import BadInput, ProductError
from tenants import audit
from tenants.context import tenant_context
from tenants.models import Tenant

LONGEST: Final = timedelta(days=7)
_COME_BACK_AT_MOST: Final = 3600
DEFAULT_MESSAGE: Final = "Maintenance is going on."


class Maintenance(ProductError):
    """Nothing is changed and nothing answered for now; what was sent can be sent again later."""

    status, code, retryable = 503, "maintenance", True

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        left = (until - timezone.now()).total_seconds()
        self.retry_after_seconds = max(1, min(round(left), _COME_BACK_AT_MOST))


@dataclass(frozen=True)
class Pause:
    message: str
    until: datetime
    is_of_all: bool

    def error(self) -> Maintenance:
        return Maintenance(self.message, self.until)

    def told(self) -> str:
        """For people: what is going on, and until when."""
        until = date_format(timezone.localtime(self.until), "DATETIME_FORMAT")
        return _("%(message)s Nothing can be changed until %(until)s (UTC).") % {
            "message": self.message, "until": until,
        }  # fmt: skip


def pause_of(tenant: Tenant) -> Pause | None:
    """The maintenance that a tenant is in, by its row as it was read."""
    until = tenant.maintenance_until
    if until is None or until <= timezone.now():
        return None
    message = tenant.maintenance_message or DEFAULT_MESSAGE
    return Pause(message, until, tenant.maintenance_of_all)


def require_no_maintenance(tenant: Tenant) -> None:
    """Raise Maintenance."""
    if (pause := pause_of(tenant)) is not None:
        raise pause.error()


def begin_maintenance(
    tenant: Tenant | None, *, message: str = "", minutes: int, actor: str = ""
) -> datetime:
    """Put a tenant, or (None) all of them, into maintenance; returns its end. Raises BadInput.

    A tenant's own maintenance goes on when that of all ends.
    """
    if not 1 <= minutes <= LONGEST.total_seconds() / 60:
        raise BadInput(_("Maintenance lasts from 1 minute to 7 days."), code="maintenance_invalid")
    until, message = timezone.now() + timedelta(minutes=minutes), message.strip()[:500]
    facts = {"maintenance_message": message, "maintenance_until": until}
    with tenant_context(None), transaction.atomic():
        if tenant is not None:
            Tenant.objects.filter(pk=tenant.pk).update(**facts, maintenance_of_all=False)
        else:
            own = Tenant.objects.filter(
                maintenance_until__gt=timezone.now(), maintenance_of_all=False
            )
            Tenant.objects.exclude(pk__in=own.values("pk")).update(**facts, maintenance_of_all=True)
        detail = {
            "message": message,
            "until": until.isoformat(),
            "tenants": "one" if tenant else "all",
        }
        audit.record("maintenance.begun", tenant=tenant, actor=actor, detail=detail)
    return until


def end_maintenance(tenant: Tenant | None, *, actor: str = "") -> int:
    """End a tenant's maintenance, or (None) that of all; returns how many tenants work again."""
    with tenant_context(None), transaction.atomic():
        paused = Tenant.objects.filter(maintenance_until__gt=timezone.now())
        paused = paused.filter(pk=tenant.pk) if tenant else paused.filter(maintenance_of_all=True)
        count = paused.update(
            maintenance_message="", maintenance_until=None, maintenance_of_all=False
        )
        audit.record("maintenance.ended", tenant=tenant, actor=actor, detail={"count": count})
    return count


def pause_of_all() -> Pause | None:
    """The maintenance of all tenants that goes on, for the platform's own pages."""
    paused = Tenant.objects.filter(maintenance_of_all=True, maintenance_until__gt=timezone.now())
    tenant = paused.order_by("-maintenance_until").first()
    return pause_of(tenant) if tenant else None

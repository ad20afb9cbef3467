"""How an operator comes into a tenant and goes again: with a reason, for a time, and with both written down."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from minirag.lib.errors import BadInput
from tenants import audit
from tenants.context import require_tenant, tenant_context
from tenants.entering.models import LONGEST, EntryRole, OperatorEntry
from tenants.models import Tenant, User


def find_entry(user: User) -> OperatorEntry | None:
    """The operator's stay in the present tenant, in whose rights `user` is from then on; none but the looker's without.

    Everybody else is who they are.
    """
    if not user.is_superuser:
        return None
    entry = OperatorEntry.objects.of(user, require_tenant())
    user.enters_as(entry)
    return entry


def enter(user: User, *, reason: str, minutes: int, role: str = EntryRole.LOOK) -> OperatorEntry:
    """Begin a stay in the present tenant. Raises BadInput without a reason or for a time that is none."""
    tenant, reason = require_tenant(), reason.strip()
    if not reason:
        raise BadInput(gettext("Say why you enter."), code="reason_missing")
    if not 1 <= minutes <= LONGEST.total_seconds() / 60 or role not in EntryRole.values:
        raise BadInput(gettext("A stay lasts from 1 minute to 8 hours."), code="stay_invalid")
    with transaction.atomic():
        OperatorEntry.objects.filter(user=user, tenant=tenant).end()
        entry = OperatorEntry.objects.create(
            user=user, tenant=tenant, reason=reason[:500], role=role,
            until=timezone.now() + timedelta(minutes=minutes),
        )  # fmt: skip
        user.enters_as(entry)
        audit.record("tenant.entered", of=tenant, actor=user, detail=_facts(entry))
        LogEntry.objects.create(
            user_id=user.pk, content_type=ContentType.objects.get_for_model(Tenant),
            object_id=str(tenant.pk), object_repr=str(tenant)[:200], action_flag=CHANGE,
            change_message=f"A platform operator entered this tenant: {entry.reason}",
        )  # fmt: skip
    return entry


def leave(entry: OperatorEntry, *, actor: User) -> None:
    """End a stay before its time."""
    with tenant_context(None), transaction.atomic():
        if OperatorEntry.objects.filter(pk=entry.pk).end():
            facts = {**_facts(entry), "operator": entry.user.email}
            audit.record("tenant.left", tenant=entry.tenant, actor=actor, detail=facts)


def _facts(entry: OperatorEntry) -> dict[str, str]:
    return {"reason": entry.reason, "role": entry.role, "until": entry.until.isoformat()}

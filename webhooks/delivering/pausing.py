"""When a webhook is paused, by hand or because its endpoint is dead, and what becomes of what waits for it.

A paused webhook records nothing new. What waited when it was paused is held, and sent once the webhook goes on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from minirag.lib.telling.kept_sentences import kept
from tenants.audit import record
from tenants.context import require_tenant
from tenants.models import Role, User
from webhooks.models import Webhook

logger = structlog.get_logger(__name__)

HOPELESS_AFTER = timedelta(hours=23, minutes=30)
"""Failing for a day, as the retries of one delivery count it: the last comes 23.7 hours after the first or later."""
HOPELESS_FAILURES, HOPELESS_AT_LEAST = 100, timedelta(hours=1)
"""Or so often in a row, for so long at least: a receiver that is being restarted must not be paused."""
BY_HAND = kept("It was paused by hand.")


def pause(webhook: Webhook, reason: str, now: datetime | None = None) -> bool:
    """Stop telling this webhook anything; returns whether it was active until now."""
    with transaction.atomic():
        if not webhook.pause(reason, now or timezone.now()):
            return False
    webhook.refresh_from_db()
    return True


def resume(webhook: Webhook) -> bool:
    """Go on, with what was held first; returns whether it was paused until now. The caller has a worker told."""
    with transaction.atomic():
        if not webhook.resume(timezone.now()):
            return False
    webhook.refresh_from_db()
    return True


def pause_failing(
    webhook: Webhook, error: str, now: datetime, *, if_hopeless: bool = False
) -> None:
    """Pause a webhook because of its endpoint, and tell its owner; with `if_hopeless` only one that is given up."""
    if if_hopeless and not is_hopeless(webhook, now):
        return
    reason = error
    if if_hopeless:
        since = f"{webhook.failing_since:%Y-%m-%d %H:%M}"
        reason = f"Every attempt since {since} UTC failed. {error}"
    with transaction.atomic():
        if pause(webhook, reason, now):
            facts = {"webhook_id": str(webhook.pk), "failures_in_a_row": webhook.failures_in_a_row}
            record("webhook.paused", actor="webhooks", detail=facts)
            transaction.on_commit(partial(_write_to_owners, webhook))
            logger.warning(
                "a webhook was paused because its endpoint fails", webhook_id=str(webhook.pk)
            )


def is_hopeless(webhook: Webhook, now: datetime) -> bool:
    """Whether the endpoint has failed for a day, or very often and for more than a moment."""
    if webhook.failing_since is None:
        return False
    failing_for = now - webhook.failing_since
    often = webhook.failures_in_a_row >= HOPELESS_FAILURES and failing_for >= HOPELESS_AT_LEAST
    return often or failing_for >= HOPELESS_AFTER


def _write_to_owners(webhook: Webhook) -> None:
    """Mail the tenant's owners, where the installation can send mail. That it cannot fails nothing else."""
    tenant = require_tenant()
    name = " ".join(str(tenant).split())  # a header has one line
    owners = User.objects.filter(tenant=tenant, role=Role.OWNER, is_active=True).values_list(
        "email", flat=True
    )
    text = (
        f"MiniRAG has paused a webhook of {tenant}:\n\n{webhook.url}\n\n{webhook.paused_reason}\n\n"
        "No new event is recorded for it, and what waits is held. Once the endpoint is well, switch the webhook on\n"
        "again in the admin or with PATCH /v1/webhooks/"
        + f'{webhook.pk} and {{"is_active": true}}.\n'
    )
    try:
        send_mail(f"A webhook of {name} is paused", text, settings.DEFAULT_FROM_EMAIL, list(owners))
    except (SMTPException, OSError) as error:
        logger.warning("the owner of a paused webhook got no mail", error=type(error).__name__)

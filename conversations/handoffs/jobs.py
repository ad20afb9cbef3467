"""What the clock does for handoffs: chats whose person has gone wait again, and people get mail of chats that wait."""

from __future__ import annotations

from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Min
from django.utils import timezone

from conversations.handoffs.changing import may_answer, release
from conversations.models import Handoff
from conversations.models.handoffs import ANSWERING
from tenants.context import require_tenant
from tenants.models import Tenant, User

logger = structlog.get_logger(__name__)

_MAIL_EVERY: Final = timedelta(minutes=1)
"""A visitor who asks again and again fills nobody's mailbox: what waits meanwhile is one mail."""


def tend_handoffs() -> int:
    """Free the chats of people who are gone, and write of those that wait; returns how many were freed."""
    now = timezone.now()
    freed = sum(release(each, actor="handoffs") for each in Handoff.objects.lapsed(now))
    held = list(Handoff.objects.joined())
    people = User.objects.in_bulk({each.person_id for each in held if each.person_id})
    for each in held:
        person = people.get(each.person_id) if each.person_id else None
        if person is None or not person.is_active or not may_answer(person):
            freed += _take_away(each)
    mail_people(now)
    return freed


def next_tending() -> datetime | None:
    """When there is something to do next; None while no chat has a person and everybody was written to."""
    if Handoff.objects.waiting().filter(mailed_at__isnull=True).exists():
        return timezone.now() + _MAIL_EVERY
    found: datetime | None = Handoff.objects.joined().aggregate(at=Min("held_until"))["at"]
    return found and min(found, timezone.now() + ANSWERING)


def _take_away(handoff: Handoff) -> int:
    """Free a chat of whom it is with, whoever that is."""
    gone = User(pk=handoff.person_id, email=handoff.person_email)
    return int(release(handoff, gone, actor="handoffs"))


def mail_people(now: datetime) -> int:
    """One mail about all chats that wait and of which nobody was written; returns how many. At most one a minute.

    What could not be sent is tried again with the next.
    """
    waiting = Handoff.objects.waiting().filter(mailed_at__isnull=True)
    recently = Handoff.objects.filter(mailed_at__gt=now - _MAIL_EVERY)
    found = list(waiting.select_related("bot_profile", "chat")[:100])
    if not found or recently.exists():
        return 0
    tenant = require_tenant()
    people = User.objects.filter(tenant=tenant, is_active=True)
    addresses = sorted(each.email for each in people if may_answer(each))
    if addresses:
        subject, text = write_mail(tenant, found)
        try:
            send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, addresses)
        except (SMTPException, OSError) as error:
            logger.warning("nobody got a mail of a waiting chat", error=type(error).__name__)
            return 0
    # Only now: who is killed before writes twice rather than never.
    written = Handoff.objects.waiting().filter(pk__in=[each.pk for each in found])
    written.update(mailed_at=now)
    return len(found) if addresses else 0


def write_mail(tenant: Tenant, waiting: list[Handoff]) -> tuple[str, str]:
    """Subject and text; no word of what was said, for mail goes through many hands."""
    name = " ".join(str(tenant).split())  # a header has one line
    count = len(waiting)
    what = "A chat waits" if count == 1 else f"{count} chats wait"
    rows = [
        f"- {each.bot_profile}, since {each.waiting_since:%H:%M} UTC: {each.get_reason_display().lower()}"
        for each in waiting
    ]
    address = f"{settings.PUBLIC_URL.rstrip('/')}/t/{tenant.slug}/admin/conversations/handoff/"
    lines = [f"{what} for a person at {tenant}:", "", *rows, "", f"Inbox: {address}", ""]
    return f"{what} for a person at {name}", "\n".join(lines)

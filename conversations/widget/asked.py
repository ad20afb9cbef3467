"""What a visitor has asked before, found by the id that his widget gave it."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from bots.models import Outcome
from conversations.following.journal import KEPT_SECONDS, POLL_SECONDS, UNWRITTEN_SECONDS
from conversations.models import Message, MessageRole
from conversations.widget.sessions import WidgetSession
from minirag.lib.errors import NotFound
from tenants.context import run_sync


def find_question(session: WidgetSession, request_id: str) -> Message | None:
    """Return the visitor's latest question of this request, inside the session's tenant."""
    return _asked(session, request_id).first()


def find_same_question(session: WidgetSession, request_id: str, text: str) -> Message | None:
    """Return what is being asked already, or was answered just now: to be followed, and not charged twice.

    What failed or was stopped may be asked again under the same id.
    """
    told_from = timezone.now() - timedelta(seconds=KEPT_SECONDS)
    answered = Q(outcome__in=(Outcome.ANSWERED, Outcome.REFUSED), created_at__gte=told_from)
    same = _asked(session, request_id).filter(content=text)
    return same.filter(Q(outcome=Outcome.PENDING) | answered).first()


async def wait_for_question(session: WidgetSession, request_id: str) -> Message:
    """Return `find_question`, for which a question that is just being stored is waited. Raises NotFound."""
    patience = time.monotonic() + UNWRITTEN_SECONDS
    while (question := await run_sync(find_question, session, request_id)) is None:
        if time.monotonic() >= patience:
            raise NotFound("Turn not found")
        await asyncio.sleep(POLL_SECONDS)
    return question


def _asked(session: WidgetSession, request_id: str) -> QuerySet[Message]:
    return Message.objects.filter(
        role=MessageRole.USER,
        request_id=request_id,
        chat__visitor_id=session.visitor_id,
        chat__bot_profile_id=session.bot_profile_id,
    ).order_by("-created_at")

"""What a visitor has asked before, found by the id that their widget gave it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet
from django.utils import timezone

from bots.models import Outcome, SourceFilter
from conversations.following.journal import (
    KEPT_SECONDS,
    LEASE_SECONDS,
    POLL_SECONDS,
    UNWRITTEN_SECONDS,
    EventsUnavailable,
    find_living,
)
from conversations.following.running import Tell, Turn, start_turn
from conversations.models import Chat, Message, MessageRole
from conversations.turns.state import AlreadyAsked, Asker
from conversations.widget.sessions import WidgetSession
from minirag.lib.errors import NotFound, ProductError
from minirag.lib.rows import FixedQuery
from tenants.context import require_tenant, run_sync, scoped_name


def _asked(
    request_id: str, visitor_id: str, subject: str, bot_profile_id: UUID
) -> QuerySet[Message]:
    return Message.objects.filter(
        role=MessageRole.USER,
        request_id=request_id,
        chat__visitor_id=visitor_id,
        chat__subject=subject,
        chat__bot_profile_id=bot_profile_id,
    ).order_by("-created_at")


_SAME = FixedQuery(
    lambda *asked: _asked(*asked[:4]).filter(content=asked[4]).select_related("chat"), str, str, str, UUID, str
)  # fmt: skip


def find_question(session: WidgetSession, request_id: str) -> Message | None:
    """Return the visitor's latest question of this request, inside the session's tenant."""
    found = _asked(request_id, session.visitor_id, session.subject, session.bot_profile_id)
    return found.filter(chat__in=Chat.objects.order_by().open_to(session.audience)).first()


def find_same_question(session: WidgetSession, request_id: str, text: str) -> Message | None:
    """Return what is being asked already, or was answered just now: to be followed, and not charged twice.

    What failed or was stopped may be asked again under the same id, and so may that whose process has died.
    """
    told_from = timezone.now() - timedelta(seconds=KEPT_SECONDS)
    asked = (request_id, session.visitor_id, session.subject, session.bot_profile_id, text)
    for same in _SAME.fetch(*asked):
        if not session.audience.groups.issuperset(same.chat.groups):
            continue
        is_answered = same.outcome in (Outcome.ANSWERED, Outcome.REFUSED, Outcome.PERSON)
        if is_answered and same.created_at >= told_from:
            return same
        if same.outcome == Outcome.PENDING and not _is_orphaned(same):
            return same
    return None


def _is_orphaned(question: Message) -> bool:
    """Whether the process that takes a turn shows no life; one that has just begun may not have shown any yet."""
    if question.created_at > timezone.now() - timedelta(seconds=LEASE_SECONDS):
        return False
    try:
        return not find_living(require_tenant().schema_name, [question.pk])
    except EventsUnavailable:
        return False


def require_new_question(session: WidgetSession, request_id: str, text: str) -> None:
    """Raise AlreadyAsked for what `find_same_question` finds; inside the transaction that stores the question.

    Another request under the same id in the same moment waits here until it is stored, when it can be found.
    """
    name = scoped_name("ask", session.visitor_id, session.bot_profile_id, request_id)
    database: Any = connections[DEFAULT_DB_ALIAS]
    database.hold("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
    known = find_same_question(session, request_id, text)
    if known is not None:
        raise AlreadyAsked(known)


async def ask_once(
    session: WidgetSession,
    chat_id: UUID | None,
    text: str,
    asker: Asker,
    *,
    given_id: str,
    source_filter: SourceFilter | None,
    follow: Callable[[Message], Awaitable[Turn]],
    tell: Tell,
) -> Turn:
    """Begin a turn, or follow the one that it would repeat: a widget that lost its socket may ask again what was
    stored after all. `given_id` is the id that the widget gave its question, if it did."""
    if given_id:
        asker = replace(asker, require_new=partial(require_new_question, session, given_id, text))
    try:
        return await start_turn(
            session.bot_profile_id,
            chat_id,
            text,
            asker=asker,
            is_stream=True,
            tell=tell,
            source_filter=source_filter,
        )
    except AlreadyAsked as asked:
        return await follow(asked.question)
    except ProductError:
        if not given_id:
            raise
        known = await run_sync(find_same_question, session, given_id, text)
        if known is None:
            raise
        return await follow(known)  # also where no new turns are taken


async def wait_for_question(session: WidgetSession, request_id: str) -> Message:
    """Return `find_question`, for which a question that is just being stored is waited. Raises NotFound."""
    patience = time.monotonic() + UNWRITTEN_SECONDS
    while (question := await run_sync(find_question, session, request_id)) is None:
        if time.monotonic() >= patience:
            raise NotFound("Turn not found")
        await asyncio.sleep(POLL_SECONDS)
    return question

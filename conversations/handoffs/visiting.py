"""What a widget's visitor does with people, and what of them they see."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext

from conversations.handoffs.asking import ask_as_visitor, leave_message, require_offered, withdraw
from conversations.models import Chat, Handoff, HandoffReason, HandoffState, Message, MessageRole
from conversations.widget.sessions import WidgetSession
from minirag.lib.errors import NotFound
from tenants.audit import acting
from tenants.context import scoped_name

_MOST_SAID: Final = 50


@dataclass(frozen=True)
class Company:
    """How a chat stands with people, as its visitor sees it. `said` are the newest messages of people."""

    state: str
    reason: str
    person: str
    ended_as: str
    said: Sequence[Message] = ()


def look_at_company(session: WidgetSession, chat_id: UUID) -> Company | None:
    """Return how the last handoff of the visitor's chat stands; None where it never had one, or is not theirs."""
    own = Chat.objects.open_to(session.audience).filter(**_owner_of(session))
    handoff = Handoff.objects.filter(chat_id=chat_id, chat__in=own.order_by()).first()
    if handoff is None:
        return None
    said = Message.objects.filter(
        chat_id=chat_id, role=MessageRole.PERSON, created_at__gte=handoff.created_at
    ).order_by("-created_at")[:_MOST_SAID]
    return Company(
        handoff.state, handoff.reason, handoff.person_name, handoff.ended_as, list(reversed(said))
    )


def is_with_company(company: Company | None) -> bool:
    return company is not None and company.state != HandoffState.CLOSED


def ask_for_person(session: WidgetSession, chat_id: UUID | None, language: str) -> UUID:
    """The visitor asks for a person, in the chat they are in or a new one; returns its id. See `ask_as_visitor`."""
    with acting("visitor"), transaction.atomic():
        require_offered(session.bot_profile_id)
        chat = _find_or_begin(session, chat_id)
        ask_as_visitor(chat, language)
    return chat.pk


def write_to_people(
    session: WidgetSession, chat_id: UUID | None, text: str, *, contact: str, name: str, language: str,
    request_id: str,
) -> UUID:  # fmt: skip
    """The visitor leaves a message to be answered by e-mail; returns the chat's id. See `leave_message`.

    The same `request_id` again, as of a widget whose connection broke, leaves it once.
    """
    with acting("visitor"), transaction.atomic():
        require_offered(session.bot_profile_id)
        if request_id and (left := _find_left(session, request_id)):
            return left
        chat = _find_or_begin(session, chat_id, text)
        leave_message(
            chat, text, contact=contact, name=name, language=language, request_id=request_id
        )
    return chat.pk


def _find_left(session: WidgetSession, request_id: str) -> UUID | None:
    """The chat in which the visitor left this message already. Of two at once the second waits for the first."""
    name = scoped_name(f"left message {session.visitor_id} {request_id}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
    own = Chat.objects.filter(**_owner_of(session)).order_by()
    said = Message.objects.filter(chat__in=own, role=MessageRole.USER, request_id=request_id)
    return said.values_list("chat_id", flat=True).first()


def begin_anew(session: WidgetSession, chat_id: UUID, company: Company | None) -> None:
    """The visitor begins a new conversation: a person who waits for them in this one, or is in it, is told so.

    A message that was left is answered all the same.
    """
    if company is None or not is_with_company(company) or company.reason == HandoffReason.MESSAGE:
        return
    with acting("visitor"), suppress(NotFound):
        withdraw(_find(session, chat_id).pk)


def want_no_person(session: WidgetSession, chat_id: UUID) -> None:
    """The visitor goes on with the bot. Raises NotFound for a chat that is not theirs."""
    with acting("visitor"):
        withdraw(_find(session, chat_id).pk)


def _owner_of(session: WidgetSession) -> dict[str, Any]:
    return {
        "bot_profile_id": session.bot_profile_id, "visitor_id": session.visitor_id,
        "subject": session.subject,
    }  # fmt: skip


def _find(session: WidgetSession, chat_id: UUID) -> Chat:
    chats = Chat.objects.open_to(session.audience).filter(**_owner_of(session))
    chat = chats.filter(pk=chat_id).first()
    if chat is None:
        raise NotFound(gettext("Chat session not found"))
    return chat


def _find_or_begin(session: WidgetSession, chat_id: UUID | None, title: str = "") -> Chat:
    if chat_id is not None:
        return _find(session, chat_id)
    return Chat.objects.create(**_owner_of(session), origin=session.origin, title=title[:100])

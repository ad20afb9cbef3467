"""The ids of responses, by which whoever got one may go on from it, and nobody else.

An id names the turn's question and carries a seal of whom it was given to: an API token, through all its rotations, or
a person who is logged in. So nothing has to be stored with a turn, and an id that somebody has overheard is of no use
with another token.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Final

from django.utils.crypto import constant_time_compare, salted_hmac

from bots.models import Outcome
from conversations.models import Chat, Message, MessageRole
from conversations.turns.fitting import load_history_until
from conversations.turns.state import Asker, History
from minirag.lib.errors import Conflict, NotFound
from tenants.context import current_schema

_ID: Final = re.compile(r"resp_([0-9a-f]{32})([0-9a-f]{16})")


class ResponseNotFound(NotFound):
    code, param = "previous_response_not_found", "previous_response_id"


@dataclass(frozen=True)
class Before:
    """What is gone on from: the chat itself, or what was said in it until then where it has gone on another way."""

    chat_id: uuid.UUID | None
    history: History


def name_response(turn_id: uuid.UUID, asker: Asker, *, is_kept: bool) -> str:
    """Return the id of a turn's response; one that is not kept has no seal, and nobody can go on from it."""
    return f"resp_{turn_id.hex}{_seal(turn_id, asker) if is_kept else ''}"


def _seal(turn_id: uuid.UUID, asker: Asker) -> str:
    whom = f"token:{asker.token_id}" if asker.token_id else f"user:{asker.user_id}"
    sealed = f"{current_schema()}:{turn_id}:{whom}"
    return salted_hmac(__name__, sealed, algorithm="sha256").hexdigest()[:16]


def find_previous(response_id: str, bot_profile_id: uuid.UUID, turns: int, asker: Asker) -> Before:
    """Return what a response is gone on from, `turns` of it at most where it has to be told again.

    Raises NotFound also for a response of another token, bot, visitor or tenant, and Conflict while it is being made.
    """
    found = _ID.fullmatch(response_id)
    if found is None or not constant_time_compare(_seal(uuid.UUID(found[1]), asker), found[2]):
        raise ResponseNotFound("The previous response does not exist.")
    chats = Chat.objects.open_to(asker.audience).filter(
        bot_profile_id=bot_profile_id, visitor_id=asker.visitor_id, subject=asker.subject
    )
    question = Message.objects.filter(
        pk=uuid.UUID(found[1]), role=MessageRole.USER, chat__in=chats
    ).first()
    if question is None:
        raise ResponseNotFound("The previous response does not exist.")
    if question.outcome == Outcome.PENDING:
        raise Conflict("The previous response is still being made.", code="response_in_progress")
    asked = question.chat.messages.filter(role=MessageRole.USER).order_by("-created_at", "-id")
    if asked.values_list("pk", flat=True).first() == question.pk:
        return Before(question.chat_id, ())
    return Before(None, load_history_until(question, turns))

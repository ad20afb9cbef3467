"""Finding handoffs, and what their pages show."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext

from conversations.models import Chat, Handoff
from minirag.lib.errors import NotFound


def list_handoffs(
    *, bot_profile_id: UUID | None = None, chat_id: UUID | None = None, state: str | None = None
) -> QuerySet[Handoff]:
    wanted = {"bot_profile_id": bot_profile_id, "chat_id": chat_id, "state": state}
    return Handoff.objects.filter(
        **{name: value for name, value in wanted.items() if value is not None}
    )


def find_handoff(handoff_id: UUID) -> Handoff:
    """Return it with its chat. Raises NotFound, also for one of another tenant."""
    found = Handoff.objects.select_related("chat", "bot_profile").filter(pk=handoff_id).first()
    if found is None:
        raise NotFound(gettext("Handoff not found"))
    return found


def find_chat(chats: QuerySet[Chat], chat_id: UUID) -> Chat:
    chat = chats.filter(pk=chat_id).first()
    if chat is None:
        raise NotFound(gettext("Chat session not found"))
    return chat

"""Deleting chats, with all that was said in them. What was spent stays counted."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from conversations.models import Chat
from minirag.lib.errors import NotFound
from tenants.audit import record

_AT_ONCE: Final = 100


def delete_chat(chat: Chat) -> None:
    """A turn that runs in it ends without a trace."""
    with transaction.atomic():
        record("chat.deleted", detail={"chat_id": chat.pk, "bot_profile_id": chat.bot_profile_id})
        chat.delete()


def delete_chats_of_visitor(visitor_id: str, subject: str = "") -> int:
    """Delete all chats of a visitor, by the id that their browser keeps or by the site's own word for them.

    Returns how many. Raises NotFound where there is none. A part at a time, so that no transaction grows without end.
    """
    chats = find_chats_of(visitor_id, subject)
    count = 0
    while part := list(chats.values_list("pk", flat=True)[:_AT_ONCE]):
        count += _delete_part(part)
    if not count:
        raise NotFound("There is no chat of this visitor")
    record("visitor.chats_deleted", detail={"count": count})
    return count


def find_chats_of(visitor_id: str, subject: str = "") -> QuerySet[Chat]:
    """Chats of widgets' visitors only: a server's have neither."""
    chats = Chat.objects.order_by()
    if subject:
        chats = chats.filter(subject=subject)
    if visitor_id:
        chats = chats.filter(visitor_id=visitor_id)
    return chats if visitor_id or subject else chats.none()


def _delete_part(part: list[UUID]) -> int:
    with transaction.atomic():
        found = Chat.objects.filter(pk__in=part)
        count = found.count()
        found.delete()
    return count

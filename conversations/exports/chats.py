"""Reads chats of any length for an export, piece by piece.

The database is read in batches by keyset, so a chat of a million messages needs the memory of one batch, and no
connection is held between two of them. How they are sent is in `minirag.lib.database`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from conversations.models import Chat, Message

BATCH = 1000


class Row(NamedTuple):
    """What an export says of a message; a whole Message takes twice as long to load."""

    id: UUID
    chat_id: UUID
    role: str
    content: str
    prompt_tokens: int
    completion_tokens: int
    feedback: str | None
    created_at: datetime


def read_chats(chats: list[Chat]) -> Iterator[tuple[Chat, Iterable[list[Row]]]]:
    """Pair each chat with the batches of its messages: small chats are read together, a large one in several steps."""
    for group in group_chats(chats):
        found = _messages().filter(chat__in=group).order_by("chat_id", "created_at", "id")
        rows = load_rows(found[: BATCH + 1]) if len(group) > 1 else []
        if len(group) == 1 or len(rows) > BATCH:
            # Also where the chats' own counts were wrong.
            yield from ((chat, read_messages(chat)) for chat in group)
            continue
        by_chat = {key: list(own) for key, own in groupby(rows, key=lambda row: row.chat_id)}
        yield from ((chat, [by_chat.get(chat.pk, [])]) for chat in group)


def group_chats(chats: list[Chat]) -> Iterator[list[Chat]]:
    """Cut chats into runs that have a batch of messages between them by their own count."""
    group: list[Chat] = []
    size = 0
    for chat in chats:
        if group and size + chat.message_count > BATCH:
            yield group
            group, size = [], 0
        group.append(chat)
        size += chat.message_count
    if group:
        yield group


def read_messages(chat: Chat) -> Iterator[list[Row]]:
    """Read a chat from its beginning, a batch at a time, each after the last row of the one before."""
    messages = _messages().filter(chat=chat).order_by("created_at", "id")
    batch = load_rows(messages[:BATCH])
    while batch:
        yield batch
        if len(batch) < BATCH:
            return
        last = batch[-1]
        later = Q(created_at__gt=last.created_at) | Q(created_at=last.created_at, id__gt=last.id)
        batch = load_rows(messages.filter(later, created_at__gte=last.created_at)[:BATCH])


def _messages() -> QuerySet[Message, Any]:
    return Message.objects.values_list(*Row._fields)


def load_rows(messages: QuerySet[Message, Any]) -> list[Row]:
    return [Row._make(values) for values in messages]

"""Wakes the sockets that show a chat or the inbox: `ring`. What has changed they read themselves, from the rows.

Over Channels, so that it reaches every web process. A call that gets lost, without Redis say, is made up for: sockets
that show a chat with a handoff look at its rows from time to time as well.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

from tenants.context import scoped_name

logger = structlog.get_logger(__name__)

LOST: Final = (RedisError, OSError)
CHANGED, TYPING = "handoff.changed", "handoff.typing"
"""Names of the consumers' methods, with a dot for the underscore."""


def group_of_chat(chat_id: UUID) -> str:
    """All that show one chat: its visitor, and people."""
    return scoped_name("handoff", chat_id)


def group_of_inbox() -> str:
    """All that show the tenant's inbox."""
    return scoped_name("inbox")


def ring(chat_id: UUID) -> None:
    """Once the transaction has committed, wake whoever shows this chat, or the inbox."""
    for group in (group_of_chat(chat_id), group_of_inbox()):
        transaction.on_commit(partial(_send, group, {"type": CHANGED, "chat_id": str(chat_id)}))


def _send(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    try:
        async_to_sync(layer.group_send)(group, message)
    except LOST as error:
        logger.warning("nobody was woken for a handoff", error=type(error).__name__)

"""A visitor's own conversations over their widget's socket: which there are, and that one is to be gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext

from conversations.erasing.deleting import delete_chat
from conversations.handoffs.consumers import CompanyConsumer
from conversations.models import Chat
from conversations.widget.schemas import (
    ChatForgottenSchema,
    ForgetChatFrame,
    ListChatsFrame,
    OwnChatsSchema,
)
from conversations.widget.sessions import WidgetSession
from minirag.lib.errors import NotFound
from minirag.lib.http_in.rest import validate_fields
from tenants.audit import acting
from tenants.context import run_sync, tenant_context

MOST_LISTED: Final = 50


def find_own_chats(session: WidgetSession) -> QuerySet[Chat]:
    """Those that this session may go on in: of its bot, its browser, who it is known as, and its groups."""
    return Chat.objects.open_to(session.audience).filter(
        visitor_id=session.visitor_id,
        subject=session.subject,
        bot_profile_id=session.bot_profile_id,
        message_count__gt=0,
    )


class HistoryConsumer(CompanyConsumer):
    """A widget's socket, as far as conversations before this one are concerned."""

    @property
    def chat_handlers(self) -> Mapping[str, Callable[[dict[str, Any]], Awaitable[None]]]:
        handlers = {"chats": self._list_chats, "forget_chat": self._forget_chat}
        return handlers  # noqa: RET504 - tests/test_docs.py reads it by this name

    async def _list_chats(self, frame: dict[str, Any]) -> None:
        body = validate_fields(ListChatsFrame, frame, where="body")
        session = await self.open_session(self.session_token)

        def find() -> list[Chat]:
            return list(find_own_chats(session).order_by("-updated_at", "-id")[:MOST_LISTED])

        with tenant_context(session.tenant):
            chats = await run_sync(find)
        told = {"request_id": body.request_id, "chats": chats}
        await self.tell(OwnChatsSchema.model_validate(told))

    async def _forget_chat(self, frame: dict[str, Any]) -> None:
        body = validate_fields(ForgetChatFrame, frame, where="body")
        session = await self.open_session_to_write(self.session_token)

        def forget() -> None:
            chat = find_own_chats(session).filter(pk=body.chat_id).first()
            if chat is None:
                raise NotFound(gettext("Chat session not found"))
            delete_chat(chat)

        with tenant_context(session.tenant), acting("visitor"):
            await run_sync(forget)
        if self.chat_id == body.chat_id:
            self.chat_id = None
            await self.follow_chat()
        await self.tell(ChatForgottenSchema(request_id=body.request_id, chat_id=body.chat_id))

"""`/ws/inbox/`: how many chats wait, and one chat as it goes on. The first frame says who watches.

Its credential is looked at again and again. Who is in the chat and may not answer any more, or has logged out, leaves
it to others at once; whose page is only gone, after `WATCHED`.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from django.utils.translation import gettext, override

from conversations.handoffs.changing import may_answer
from conversations.handoffs.listening import ChatListener
from conversations.handoffs.schemas import (
    InboxCountSchema,
    InboxErrorSchema,
    InboxMessageSchema,
    InboxPresenceSchema,
    InboxStateSchema,
    InboxTypingSchema,
    InboxWatchFrame,
)
from conversations.handoffs.telling import group_of_chat, group_of_inbox
from conversations.inbox.admitting import admit_to_inbox, language_of_page
from conversations.inbox.showing import count_inbox, describe_state, leave, show_chat
from minirag.lib.errors import BadInput, Forbidden, NotAuthenticated, NotFound, ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.nouns import Noun
from minirag.lib.http_in.rest import InvalidFields, validate_fields
from minirag.lib.open_sockets import CLOSE_RESTARTING, CLOSE_UNAUTHENTICATED, read_frame
from tenants.calls.limits import bounds_of_frame
from tenants.calls.watching import Watcher
from tenants.context import run_sync, tenant_context

logger = structlog.get_logger(__name__)

PRESENT: Final = "handoff.present"


class InboxConsumer(ChatListener):
    """One page's, or one client's, socket."""

    watcher: Watcher | None = None
    frame: InboxWatchFrame | None = None
    chat_id: UUID | None = None
    is_closed = False
    language = "en"  # of a page of the admin its reader's, once it has shown that it is one

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told: dict[Any, Any] = {}  # what the page has been told last, by what it is about

    async def disconnect(self, code: int) -> None:
        self.is_closed = True
        await super().disconnect(code)
        await self.stop_listening()

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any
    ) -> None:
        with override(self.language):
            await self._hear(text_data)

    async def _hear(self, text_data: str | None) -> None:
        try:
            await bounds_of_frame(None, "", Arrival.of_scope(self.scope).address).count_async()
            frame = read_frame(text_data)
            if self.watcher is None:
                watch = validate_fields(InboxWatchFrame, frame, where="body")
                self.language = language_of_page(self.scope) if watch.ticket else self.language
                with override(self.language):
                    await self._begin(watch)
            elif frame.get("type") == "typing":
                await self._type()
            else:
                raise BadInput(gettext("Unknown frame type."), code="frame_unknown")
        except ProductError as error:
            await self._refuse(error)

    async def _begin(self, frame: InboxWatchFrame) -> None:
        self.frame = frame
        self.watcher = await self._admit()
        self.keep_open()
        with tenant_context(self.watcher.tenant):
            groups = [group_of_inbox()]
            if frame.handoff_id is not None:
                shown = await run_sync(show_chat, frame.handoff_id, self.watcher.user)
                self.chat_id = shown.handoff.chat_id
                groups.append(group_of_chat(self.chat_id))
            await self.listen_to(*groups)
        await self.look_safely()
        await self._tell_presence(asks=True)

    async def _admit(self) -> Watcher:
        assert self.frame is not None  # noqa: S101 - for the type checker
        with tenant_context(None):
            return await run_sync(
                partial(admit_to_inbox, token=self.frame.token, ticket=self.frame.ticket),
                Arrival.of_scope(self.scope),
            )

    def keeps_looking(self) -> bool:
        return self.watcher is not None and not self.is_closed

    async def look(self) -> None:
        """Tell the page what has changed; and once more who watches, so that a lost right ends it."""
        with override(self.language):
            await self._look()

    async def _look(self) -> None:
        if self.watcher is None or self.frame is None or self.is_closed:
            return
        try:
            self.watcher = await self._admit()
        except (NotAuthenticated, Forbidden) as error:
            await self._leave_chat()
            await self._refuse(error)
            return
        try:
            await self._look_around()
        except NotFound:
            await self._refuse(NotFound(gettext("This chat was deleted.")))

    async def _look_around(self) -> None:
        assert self.watcher is not None and self.frame is not None  # noqa: S101 - for the type checker
        user = self.watcher.user
        with tenant_context(self.watcher.tenant):
            count = await run_sync(count_inbox)
            await self._tell("inbox", InboxCountSchema.model_validate(vars(count)))
            if self.frame.handoff_id is not None:
                if not may_answer(user):
                    await run_sync(leave, self.frame.handoff_id, user)
                await self._look_at_chat(self.frame.handoff_id)
        await self._tell_presence()

    async def _look_at_chat(self, handoff_id: UUID) -> None:
        assert self.watcher is not None  # noqa: S101 - for the type checker
        user = self.watcher.user
        shown = await run_sync(partial(show_chat, is_watched=True), handoff_id, user)
        for message in shown.messages:
            await self._tell(message.pk, InboxMessageSchema.model_validate(message))
        stands = describe_state(shown.handoff, user)
        await self._tell("state", InboxStateSchema.model_validate(stands))

    async def _leave_chat(self) -> None:
        if self.watcher is None or self.frame is None or self.frame.handoff_id is None:
            return
        with tenant_context(self.watcher.tenant), suppress(NotFound):
            await run_sync(leave, self.frame.handoff_id, self.watcher.user)

    # --- Who types, who looks ---
    async def _type(self) -> None:
        watcher = self.watcher
        is_mine = self._told.get("state", {}).get("is_mine")
        if watcher is None or self.chat_id is None or not is_mine:
            return
        with tenant_context(watcher.tenant):
            group = group_of_chat(self.chat_id)
        # Visitors see the name that people gave themselves, and no e-mail address.
        name = watcher.user.display_name
        await self.tell_typing(group, by="person", name=name, user_id=str(watcher.user.pk))

    async def hear_typing(self, message: dict[str, Any]) -> None:
        if message.get("sender") != self.channel_name:
            by, name = str(message.get("by", "")), str(message.get("name", ""))
            await self._send(InboxTypingSchema(by=by, name=name))

    async def _tell_presence(self, *, asks: bool = False) -> None:
        if self.watcher is None or self.chat_id is None:
            return
        with tenant_context(self.watcher.tenant):
            group = group_of_chat(self.chat_id)
        facts = {"name": self.watcher.name, "user_id": str(self.watcher.user.pk), "asks": asks}
        await self.tell_others(group, PRESENT, **facts)

    async def handoff_present(self, message: dict[str, Any]) -> None:
        if self.watcher is None or message.get("user_id") == str(self.watcher.user.pk):
            return
        await self._send(InboxPresenceSchema(name=str(message.get("name", ""))))
        if message.get("asks"):
            await self._tell_presence()

    async def _tell(self, about: Any, frame: Noun) -> None:
        """Send what the page does not know yet."""
        said = frame.model_dump(mode="json")
        if self._told.get(about) != said:
            self._told[about] = said
            await self.send_json(said)

    async def _send(self, frame: Noun) -> None:
        await self.send_json(frame.model_dump(mode="json"))

    async def _refuse(self, error: ProductError) -> None:
        is_of_fields = isinstance(error, InvalidFields)
        detail = gettext("The frame has invalid fields.") if is_of_fields else error.detail
        await self._send(
            InboxErrorSchema(detail=detail, code=error.code, retryable=error.retryable)
        )
        self.is_closed = True
        await self.close(CLOSE_RESTARTING if error.retryable else CLOSE_UNAUTHENTICATED)

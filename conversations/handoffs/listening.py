"""Sockets that show a chat with people in it hear of what changes: `ChatListener`, base of two consumers.

Somebody rings (see `telling`), and what has changed is read from the rows. As a ring may get lost, a chat that waits
or has a person is looked at from time to time as well.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

import structlog

from conversations.handoffs.telling import LOST, TYPING
from minirag.lib.open_sockets import SocketConsumer

logger = structlog.get_logger(__name__)

LOOK_AGAIN_SECONDS: Final = 10.0


class ChatListener(SocketConsumer):
    """A socket in groups of Channels; `look` reads what it shows, `keeps_looking` says whether it does so unasked."""

    _groups: frozenset[str] = frozenset()
    _watch: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Read what has changed, and tell it."""

    def keeps_looking(self) -> bool:
        return False

    async def hear_typing(self, message: dict[str, Any]) -> None:
        """Somebody types in the chat."""

    async def listen_to(self, *groups: str) -> None:
        """Be in these groups and no others."""
        wanted = frozenset(groups)
        for group in self._groups - wanted:
            with suppress(*LOST):
                await self.channel_layer.group_discard(group, self.channel_name)
        for group in wanted - self._groups:
            with suppress(*LOST):
                await self.channel_layer.group_add(group, self.channel_name)
        self._groups = wanted

    async def stop_listening(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        await self.listen_to()

    async def handoff_changed(self, message: dict[str, Any]) -> None:
        await self.look_safely()

    async def handoff_typing(self, message: dict[str, Any]) -> None:
        await self.hear_typing(message)

    async def look_safely(self) -> None:
        """`look`, whose failure costs one look: the next is soon."""
        await self._look_once()
        if self.keeps_looking() and (self._watch is None or self._watch.done()):
            self._watch = asyncio.get_running_loop().create_task(self._look_again())

    async def _look_once(self) -> None:
        try:
            await self.look()
        except Exception:  # the edge: the socket stays usable, the log has the rest
            logger.exception("a chat with people was not looked at")

    async def _look_again(self) -> None:
        while self.keeps_looking():
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            await self._look_once()

    async def handoff_present(self, message: dict[str, Any]) -> None:
        """Who of the people looks at a chat is for people."""

    async def tell_typing(self, group: str, **facts: Any) -> None:
        """Tell the others in a group that somebody types."""
        await self.tell_others(group, TYPING, **facts)

    async def tell_others(self, group: str, kind: str, **facts: Any) -> None:
        with suppress(*LOST):
            await self.channel_layer.group_send(
                group, {"type": kind, "sender": self.channel_name, **facts}
            )

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

    _wanted: frozenset[str] = frozenset()
    _groups: frozenset[str] = (
        frozenset()
    )  # of the wanted, those that it is in: without Redis in none
    _watch: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Read what has changed, and tell it."""

    def keeps_looking(self) -> bool:
        return False

    async def hear_typing(self, message: dict[str, Any]) -> None:
        """Somebody types in the chat."""

    async def listen_to(self, *groups: str) -> None:
        """Be in these groups and no others."""
        self._wanted = frozenset(groups)
        await self._enter_groups()
        self._keep_watch()

    async def _enter_groups(self) -> None:
        for group in self._groups - self._wanted:
            self._groups -= {group}
            with suppress(*LOST):
                await self.channel_layer.group_discard(group, self.channel_name)
        for group in self._wanted - self._groups:
            with suppress(*LOST):
                await self.channel_layer.group_add(group, self.channel_name)
                self._groups |= {group}

    async def stop_listening(self) -> None:
        await self.listen_to()
        if self._watch is not None:
            self._watch.cancel()

    async def handoff_changed(self, message: dict[str, Any]) -> None:
        await self.look_safely()

    async def handoff_typing(self, message: dict[str, Any]) -> None:
        await self.hear_typing(message)

    async def look_safely(self) -> None:
        """`look`, whose failure costs one look: the next is soon."""
        await self._look_once()
        self._keep_watch()

    @property
    def _has_to_look(self) -> bool:
        """Who could not enter a group hears of nothing, and so looks, until it has."""
        return self.keeps_looking() or self._groups != self._wanted

    def _keep_watch(self) -> None:
        if self._has_to_look and (self._watch is None or self._watch.done()):
            self._watch = asyncio.get_running_loop().create_task(self._look_again())

    async def _look_once(self) -> None:
        try:
            await self.look()
        except Exception:  # the edge: the socket stays usable, the log has the rest
            logger.exception("a chat with people was not looked at")

    async def _look_again(self) -> None:
        while self._has_to_look:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            await self._enter_groups()
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

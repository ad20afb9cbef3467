"""`/ws/sources/`: how far sources are, while they are read. The first frame says who watches which of them.

No credential is in the URL, where proxies would log it. The rows are looked at again and again, in the tenant of the
credential, and a frame is sent where one has changed; the credential itself is looked at again as well.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from functools import partial
from typing import Any, Final

import structlog

from knowledge.progress.schemas import ProgressFrameSchema, WatchErrorSchema, WatchFrame
from knowledge.progress.telling import is_moving, look_at_sources
from knowledge.progress.watching import admit_to_sources
from minirag.lib.errors import ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.rest import InvalidFields, validate_fields
from minirag.lib.open_sockets import (
    CLOSE_RESTARTING,
    CLOSE_UNAUTHENTICATED,
    SocketConsumer,
    read_frame,
)
from tenants.calls.limits import bounds_of_frame
from tenants.calls.watching import Watcher
from tenants.context import run_sync, tenant_context

logger = structlog.get_logger(__name__)

SECONDS_WHILE_MOVING: Final = 1.0
SECONDS_AT_REST: Final = 3.0
LOOKS_PER_CHECK: Final = 5


class ProgressConsumer(SocketConsumer):
    """One page's, or one client's, socket."""

    watching: asyncio.Task[None] | None = None

    async def disconnect(self, code: int) -> None:
        await super().disconnect(code)
        if self.watching:
            self.watching.cancel()

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any
    ) -> None:
        if self.watching is not None:  # there is nothing more to say
            await self.close(CLOSE_UNAUTHENTICATED)
            return
        try:
            await bounds_of_frame(None, "", Arrival.of_scope(self.scope).address).count_async()
            frame = validate_fields(WatchFrame, read_frame(text_data), where="body")
            watcher = await self._admit(frame)
        except ProductError as error:
            await self._refuse(error)
            return
        self.keep_open()
        with tenant_context(watcher.tenant):  # the task copies the context
            context = copy_context()
        watching = self._watch(frame, watcher.language)
        self.watching = asyncio.get_running_loop().create_task(watching, context=context)

    async def _admit(self, frame: WatchFrame) -> Watcher:
        admit = partial(admit_to_sources, token=frame.token, ticket=frame.ticket)
        with tenant_context(None):
            return await run_sync(admit, Arrival.of_scope(self.scope), frame.source_ids)

    async def _watch(self, frame: WatchFrame, language: str) -> None:
        """Send what has changed until the page is gone. Runs in the tenant of the credential."""
        told: dict[Any, Any] = {}
        looks = 0
        try:
            while True:
                found = await run_sync(look_at_sources, frame.source_ids, language)
                for each in found:
                    if told.get(each["source_id"]) != each:
                        told[each["source_id"]] = each
                        shown = ProgressFrameSchema.model_validate(each)
                        await self.send_json(shown.model_dump(mode="json"))
                moving = any(is_moving(each) for each in found)
                await asyncio.sleep(SECONDS_WHILE_MOVING if moving else SECONDS_AT_REST)
                looks += 1
                if looks % LOOKS_PER_CHECK == 0:
                    await self._admit(frame)
        except ProductError as error:
            await self._refuse(error)
        except Exception:  # the edge of a task that nobody awaits
            logger.exception("watching failed")
            await self.close(CLOSE_RESTARTING)

    async def _refuse(self, error: ProductError) -> None:
        detail = (
            "The frame has invalid fields." if isinstance(error, InvalidFields) else error.detail
        )
        said = WatchErrorSchema(detail=detail, code=error.code, retryable=error.retryable)
        await self.send_json(said.model_dump(mode="json"))
        await self.close(CLOSE_RESTARTING if error.retryable else CLOSE_UNAUTHENTICATED)

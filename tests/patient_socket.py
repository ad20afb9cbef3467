"""A widget's socket inside the test's process."""

from __future__ import annotations

from typing import Any

from channels.testing import WebsocketCommunicator

PATIENCE_SECONDS = 60.0


class PatientSocket(WebsocketCommunicator):
    """Its waits only bound a failure; the one second that Channels waits is soon over on a busy machine."""

    async def connect(self, timeout: float = PATIENCE_SECONDS) -> Any:
        return await super().connect(timeout)

    async def receive_output(self, timeout: float = PATIENCE_SECONDS) -> Any:
        return await super().receive_output(timeout)

    async def receive_json_from(self, timeout: float = PATIENCE_SECONDS) -> Any:
        return await super().receive_json_from(timeout)

    async def disconnect(self, code: int = 1000, timeout: float = PATIENCE_SECONDS) -> None:
        await super().disconnect(code, timeout)

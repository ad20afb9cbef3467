"""A chat model that says what a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from decimal import Decimal

from minirag.ai.chat import ChatDelta, ChatFinished, ChatRequest
from minirag.lib.errors import ProviderError


class FakeChatModel:
    """Stands in for minirag.ai.chat.stream_chat: `enqueue` answers, read `requests` afterwards.

    An answer is a list of pieces; a piece that is an exception is raised there, a float is waited for.
    """

    def __init__(self) -> None:
        self.answers: list[list[str | float | Exception]] = []
        self.requests: list[ChatRequest] = []
        self.closed = 0

    def enqueue(self, *pieces: str | float | Exception) -> None:
        self.answers.append(list(pieces))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta | ChatFinished, None]:
        self.requests.append(request)
        pieces = self.answers.pop(0)
        try:
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, float):
                    await asyncio.sleep(piece)
                    continue
                await asyncio.sleep(0)
                yield ChatDelta(piece)
            yield ChatFinished(request.model, 11, 7, Decimal("0.0021"), "stop", 0.005)
        finally:
            self.closed += 1


def provider_down() -> ProviderError:
    return ProviderError("unavailable", provider="openai")

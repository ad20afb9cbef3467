"""A chat model that says what a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from decimal import Decimal
from typing import Any

from minirag.ai.chat import ChatDelta, ChatFinished, ChatRequest
from minirag.ai.tooling import ToolCallPiece
from minirag.lib.errors import ProviderError


class FakeChatModel:
    """Stands in for minirag.ai.chat.stream_chat: `enqueue` answers, read `requests` afterwards.

    An answer is a list of pieces; a piece that is an exception is raised there, a number is waited for, one of a call
    is passed on. What it makes of
    questions before they are searched is apart (`enqueue_rewriting`, `rewritings_asked`), and so is the order in which
    it puts what was found (`enqueue_order`, `orders_asked`); without any it is down.
    """

    def __init__(self) -> None:
        self.answers: list[list[str | float | Exception]] = []
        self.requests: list[ChatRequest] = []
        self.rewritings: list[list[str | float | Exception]] = []
        self.rewritings_asked: list[ChatRequest] = []
        self.orders: list[list[str | float | Exception]] = []
        self.orders_asked: list[ChatRequest] = []
        self.closed = 0

    def take_over(self, monkeypatch: Any) -> FakeChatModel:
        """Answer wherever the product asks a chat model."""
        monkeypatch.setattr("conversations.turns.speaking.stream_chat", self.stream)
        monkeypatch.setattr("conversations.evaluating.judging.stream_chat", self.stream)
        monkeypatch.setattr("conversations.understanding.calling.stream_chat", self.rewrite)
        monkeypatch.setattr("minirag.ai.rerank.stream_chat", self.order)
        return self

    def enqueue(self, *pieces: str | float | Exception) -> None:
        self.answers.append(list(pieces))

    def enqueue_rewriting(self, *pieces: str | float | Exception) -> None:
        self.rewritings.append(list(pieces))

    def enqueue_order(self, *pieces: str | float | Exception) -> None:
        self.orders.append(list(pieces))

    def order(self, request: ChatRequest) -> AsyncGenerator[ChatDelta | ChatFinished, None]:
        self.orders_asked.append(request)
        return self._say(request, self.orders.pop(0) if self.orders else [provider_down()])

    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta | ChatFinished, None]:
        self.requests.append(request)
        return self._say(request, self.answers.pop(0))

    def rewrite(self, request: ChatRequest) -> AsyncGenerator[ChatDelta | ChatFinished, None]:
        self.rewritings_asked.append(request)
        return self._say(request, self.rewritings.pop(0) if self.rewritings else [provider_down()])

    async def _say(
        self, request: ChatRequest, pieces: Sequence[str | float | Exception]
    ) -> AsyncGenerator[ChatDelta | ChatFinished, None]:
        try:
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, int | float):
                    await asyncio.sleep(piece)
                    continue
                await asyncio.sleep(0)
                yield piece if isinstance(piece, ToolCallPiece) else ChatDelta(piece)
            yield ChatFinished(request.model, 11, 7, Decimal("0.0021"), "stop", 0.005)
        finally:
            self.closed += 1


def provider_down() -> ProviderError:
    return ProviderError("unavailable", provider="openai")

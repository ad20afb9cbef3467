"""What a turn tells its readers, whoever they are and by whatever way they read."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, ClassVar

from conversations.models import Citation, Message
from conversations.turns.grounding import Refusal
from conversations.turns.troubles import TurnStopped
from knowledge.retrieval.passages import Passage
from minirag.ai.tooling import ToolCallPiece
from minirag.lib.errors import ProductError


@dataclass(frozen=True)
class Started:
    """The question is stored, in this chat, and its id is the turn's; the contract's wire does not show it."""

    chat_id: uuid.UUID
    turn_id: uuid.UUID


@dataclass(frozen=True)
class SourcesFound:
    """The passages that the answer may cite, `[1]` being the first; empty for a refusal."""

    chat_id: uuid.UUID
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Delta:
    """A piece of the answer, its citations checked already."""

    content: str


@dataclass(frozen=True)
class TurnUsage:
    model: str
    prompt_tokens: int
    completion_tokens: int

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True)
class Done:
    """The turn is stored."""

    chat_id: uuid.UUID
    message: Message
    usage: TurnUsage
    citations: list[tuple[int, Passage]] = field(default_factory=list)
    refusal: Refusal | None = None
    tool_calls: list[dict[str, Any]] | None = None
    """Of functions of the client's, as OpenAI's messages have them."""
    is_said: bool = True
    """Whether the answer has words: what is stored of calls alone is for people who read the chat."""

    @property
    def message_id(self) -> uuid.UUID:
        return self.message.pk

    @property
    def content(self) -> str:
        return self.message.content if self.is_said else ""

    @property
    def help(self) -> dict[str, Any] | None:
        return self.message.help

    @property
    def cut_reason(self) -> str:
        return self.message.cut_reason


@dataclass(frozen=True)
class Failed:
    """The turn ended without an answer; the question is kept."""

    chat_id: uuid.UUID
    error: ProductError


@dataclass(frozen=True)
class Stopped:
    """Somebody had the turn stopped, and what was said until then is stored; no message where nothing was."""

    chat_id: uuid.UUID
    message: Message | None
    usage: TurnUsage | None
    stopped: ClassVar = True
    refusal: ClassVar = None
    help: ClassVar = None
    cut_reason: ClassVar = ""

    @property
    def message_id(self) -> uuid.UUID | None:
        return self.message.pk if self.message else None

    @property
    def content(self) -> str:
        return self.message.content if self.message else ""

    @property
    def citations(self) -> list[Citation]:
        return list(self.message.citations.all()) if self.message else []


@dataclass(frozen=True)
class PassedOn(Done):
    """No answer: the question, its `message`, was stored for the person who is in the chat, and no model was asked."""

    passed_on: ClassVar = True
    message_id: ClassVar = None  # type: ignore[assignment]
    content: ClassVar = ""


@dataclass(frozen=True)
class ToolCalled:
    """A piece of a call of the client's function."""

    piece: ToolCallPiece


TurnEvent = Started | SourcesFound | Delta | ToolCalled | Done | Failed | Stopped


def require_no_end(event: TurnEvent) -> None:
    """Raise what a turn ends with that ends without an answer."""
    if isinstance(event, Failed):
        raise event.error
    if isinstance(event, Stopped):
        raise TurnStopped


async def read_to_end(
    events: AsyncGenerator[tuple[int, TurnEvent], None],
) -> tuple[tuple[Passage, ...], Done]:
    """Return the passages that an answer could cite, and its end. Raises the ProductError that the turn ends with."""
    passages: tuple[Passage, ...] = ()
    async with aclosing(events):
        async for _, event in events:
            require_no_end(event)
            if isinstance(event, SourcesFound):
                passages = event.passages
            elif isinstance(event, Done):
                return passages, event
    raise ProductError("The turn ended without an answer.")

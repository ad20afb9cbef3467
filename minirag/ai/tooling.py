"""What a client lets a model do beside speaking: call functions of the client's, and answer in a form of its choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ToolCallPiece:
    """A piece of a call that a model makes. Its first one has the `id` and the `name`; `arguments` come bit by bit."""

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Tooling:
    """In OpenAI's words, as they go to the provider.

    `exchange` are the messages since the question: calls that the model has made, and what came of them.
    """

    tools: tuple[dict[str, Any], ...] = ()
    choice: Any = None
    is_parallel: bool | None = None
    response_format: dict[str, Any] | None = None
    exchange: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    @property
    def says_anything(self) -> bool:
        return bool(self.tools or self.exchange or self.is_formatted)

    @property
    def is_formatted(self) -> bool:
        """Whether the answer is to be JSON, in which nothing may be marked."""
        return self.response_format is not None and self.response_format.get("type") != "text"

    def write(self) -> dict[str, Any]:
        """The parameters of a call."""
        written: dict[str, Any] = {}
        if self.tools:
            written["tools"] = list(self.tools)
            if self.choice is not None:
                written["tool_choice"] = self.choice
            if self.is_parallel is not None:
                written["parallel_tool_calls"] = self.is_parallel
        if self.is_formatted:
            written["response_format"] = self.response_format
        return written


@dataclass
class Calls:
    """The calls of one answer, put together from their pieces."""

    pieces: dict[int, list[ToolCallPiece]] = field(default_factory=dict)

    def add(self, piece: ToolCallPiece) -> None:
        self.pieces.setdefault(piece.index, []).append(piece)

    def __bool__(self) -> bool:
        return bool(self.pieces)

    def whole(self) -> list[dict[str, Any]]:
        """The calls as OpenAI's messages have them, in their order."""
        return [
            {
                "id": _first(each.id for each in pieces) or f"call_{index}",
                "type": "function",
                "function": {
                    "name": _first(each.name for each in pieces),
                    "arguments": "".join(each.arguments for each in pieces),
                },
            }
            for index, pieces in sorted(self.pieces.items())
        ]

    def describe(self) -> str:
        """The calls in words, for people."""
        made = (each["function"] for each in self.whole())
        return "\n".join(f"→ {each['name']}({each['arguments']})" for each in made)


def _first(texts: Iterable[str]) -> str:
    return next(filter(None, texts), "")

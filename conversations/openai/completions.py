"""OpenAI's chat completions in terms of ours: bots are models, the last message is the question. Pure but for look-ups.

A client's history may say what a user and an assistant said, never what the system says: a bot's instructions are its
owner's. So `system` and `developer` messages are not taken, and the answer says so in `ignored`, as with every other
parameter that belongs to the bot (temperature, max_tokens, tools, …).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from conversations.following.journal import Told
from conversations.openai.finding import NotAnswerable, choose_question
from conversations.openai.schemas import (
    ChatMessage,
    Completion,
    CompletionReply,
)
from conversations.openai.tools import read_tooling
from conversations.turns.events import read_to_end
from conversations.turns.prompting import defuse
from conversations.turns.speaking import FILTERED
from conversations.turns.state import History
from conversations.turns.taking import (
    Delta,
    Done,
    ToolCalled,
    TurnEvent,
    require_no_end,
)
from conversations.turns.troubles import TurnStopped
from minirag.ai.tooling import Tooling
from minirag.lib.errors import ProductError

_UNSAID = (
    "refusal",
    "citations",
    "refusal_details",
    "help",
)  # what OpenAI's shape has no place for, and the refusal's text
Events = AsyncGenerator[tuple[int, TurnEvent], None]
Chunk = tuple[str | None, dict[str, Any]]
"""With the id of the event that it is the last of."""


@dataclass(frozen=True)
class Asked:
    """A request understood. `ignored` names what was sent and has no effect here."""

    question: str
    history: History
    ignored: list[str]
    tooling: Tooling | None = None


def read_question(body: Completion) -> Asked:
    """Return the question, what was said before it and called for it, and what is ignored.

    Raises NotAnswerable (400).
    """
    end = split_exchange(body.messages, "messages")
    texts = [
        (message.role, _read_text(message, index)) for index, message in enumerate(body.messages)
    ]
    question, told = choose_question(texts[:end], "messages")
    exchange = show_exchange(body.messages[end:], [text for _, text in texts[end:]])
    ignored = sorted(str(name)[:64] for name in body.model_extra or {})
    ignored += [
        f"messages.{i}" for i, (role, _) in enumerate(texts) if role in ("system", "developer")
    ]
    return Asked(question, told, ignored[:50], read_tooling(body.offer(exchange)))


def split_exchange(messages: Sequence[ChatMessage], field: str) -> int:
    """Return how many messages come before the calls that were made for the question, and what came of these.

    `field` is where they stand in the request. Raises NotAnswerable (400) for a result that nobody has called for, and
    a call whose result is missing.
    """
    end = len(messages)
    while end and messages[end - 1].role != "user":
        end -= 1
    if messages[-1].role != "tool":
        return len(messages)
    open_calls: set[str] = set()
    for place, message in enumerate(messages[end:], start=end):
        if message.role == "tool":
            if message.tool_call_id not in open_calls:
                raise NotAnswerable(
                    "This is the result of a call that was not made.", code="tool_result_unexpected",
                    param=f"{field}.{place}.tool_call_id",
                )  # fmt: skip
            open_calls.discard(message.tool_call_id)
        elif message.role == "assistant":
            open_calls |= {call.id for call in message.tool_calls or ()}
    if open_calls:
        raise NotAnswerable(
            "A call has no result yet.", code="tool_result_missing", param=f"{field}.{len(messages) - 1}",
        )  # fmt: skip
    return end


def show_exchange(
    messages: Sequence[ChatMessage], texts: Sequence[str]
) -> tuple[dict[str, Any], ...]:
    """The model's calls and what came of them, as they go to the provider; of what the system says nothing goes.

    What the model said and called before it heard a result is one message: providers want the results of all its calls
    right behind it, and clients may send each call by itself. Results are quoted as sources are, and write no labels of
    ours.
    """
    shown: list[dict[str, Any]] = []
    for message, text in zip(messages, texts, strict=True):
        if message.role == "tool":
            shown.append(
                {"role": "tool", "tool_call_id": message.tool_call_id, "content": defuse(text)}
            )
        elif message.role == "assistant":
            if not shown or shown[-1]["role"] == "tool":
                shown.append({"role": "assistant", "content": ""})
            made = shown[-1]
            made["content"] = "\n".join(filter(None, (made["content"], text)))
            if message.tool_calls:
                calls = [call.model_dump() for call in message.tool_calls]
                made["tool_calls"] = [*made.get("tool_calls", ()), *calls]
    return tuple(shown)


def _read_text(message: ChatMessage, index: int) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    if any(part.type != "text" for part in message.content):
        raise NotAnswerable(
            "Only text can be read here.",
            code="content_type_unsupported",
            param=f"messages.{index}.content",
        )
    return "\n".join(part.text or "" for part in message.content)


@dataclass
class Writer:
    """Puts the events of one turn into OpenAI's words. `model` is the bot's id."""

    model: str
    ignored: list[str]
    includes_usage: bool = False
    turn_id: UUID = field(default_factory=uuid4)
    names_events: bool = False
    _head: dict[str, Any] = field(init=False)
    _has_begun: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        created = int(timezone.now().timestamp())
        self._head = {"id": f"chatcmpl-{self.turn_id.hex}", "created": created, "model": self.model}

    async def collect(self, events: Events) -> dict[str, Any]:
        """Read a turn to its end and return the whole completion; raises the ProductError it failed with."""
        _, done = await read_to_end(events)
        return self._whole(done)

    def write(self, number: int, event: TurnEvent) -> Iterator[Chunk]:
        """The chunks that one event leads to, the last with its id, to go on behind.

        Raises the ProductError a turn fails with.
        """
        require_no_end(event)
        if isinstance(event, Delta | ToolCalled | Done) and not self._has_begun:
            self._has_begun = True
            yield None, self._chunk({"role": "assistant", "content": ""})
        if isinstance(event, Delta):
            yield self._name(number), self._chunk({"content": event.content})
        elif isinstance(event, ToolCalled):
            yield self._name(number), self._chunk(_call_delta(**asdict(event.piece)))
        elif isinstance(event, Done):
            yield from self._write_end(number, self._whole(event))

    async def go_on(self, told: AsyncGenerator[Told, None]) -> AsyncGenerator[Chunk, None]:
        """`write`, from the middle of a turn on, of what is kept of it."""
        yield None, self._chunk({"role": "assistant", "content": ""})
        async with aclosing(told):
            async for number, name, data in told:
                if name == "delta":
                    yield self._name(number), self._chunk({"content": data["content"]})
                elif name == "tool_call":
                    yield self._name(number), self._chunk(_call_delta(**data))
                elif name == "error":
                    raise ProductError(data["detail"], code=data["code"])
                elif name == "done":
                    if data.get("stopped"):
                        raise TurnStopped
                    for chunk in self._write_end(number, self._whole_of(data)):
                        yield chunk

    def _write_end(self, number: int, whole: dict[str, Any]) -> Iterator[Chunk]:
        *chunks, last = self._end(whole)
        for chunk in chunks:
            yield None, chunk
        yield self._name(number), last

    def _name(self, number: int) -> str | None:
        return f"{self.turn_id}:{number}" if self.names_events else None

    def _whole_of(self, data: dict[str, Any]) -> dict[str, Any]:
        """Of a completion what `_end` says, from a `done` event's data."""
        refusal = data["refusal"]
        is_filtered = refusal is not None and refusal["reason"] == FILTERED
        message = {
            "refusal": data["content"] if refusal else None, "citations": data["citations"],
            "refusal_details": refusal, "help": data["help"],
        }  # fmt: skip
        end = "tool_calls" if data.get("tool_calls") else "stop"
        finish_reason = FILTERED if is_filtered else data["cut_reason"] or end
        return {
            "choices": [{"message": message, "finish_reason": finish_reason}],
            "usage": {name: count for name, count in data["usage"].items() if name != "model"},
            "chat_id": data["chat_id"], "message_id": data["message_id"], "ignored": self.ignored,
        }  # fmt: skip

    def _whole(self, done: Done) -> dict[str, Any]:
        message = {
            "role": "assistant", "content": done.content if done.is_said else None,
            "tool_calls": done.tool_calls, "refusal": done.content if done.refusal else None,
            "citations": done.citations, "refusal_details": done.refusal, "help": done.help,
        }  # fmt: skip
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": name_end(done)}
        whole = CompletionReply.model_validate({
            **self._head, "object": "chat.completion", "choices": [choice], "usage": done.usage,
            "chat_id": done.chat_id, "message_id": done.message_id, "ignored": self.ignored,
        })  # fmt: skip
        return whole.model_dump(mode="json")

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        """By hand, since there is one for each token."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk: dict[str, Any] = {
            **self._head,
            "object": "chat.completion.chunk",
            "choices": [choice],
        }
        return {**chunk, "usage": None} if self.includes_usage else chunk

    def _end(self, whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What of the whole completion no chunk has said yet."""
        [choice] = whole["choices"]
        grounds = {name: choice["message"][name] for name in _UNSAID}
        extras = {name: whole[name] for name in ("chat_id", "message_id", "ignored")}
        yield self._chunk(grounds, choice["finish_reason"]) | extras
        if self.includes_usage:
            yield {**self._chunk({}), "choices": [], "usage": whole["usage"]}


def name_end(done: Done) -> str:
    """Why an answer ended, in OpenAI's words: what a filter refused was filtered."""
    if done.refusal is not None and done.refusal.reason == FILTERED:
        return FILTERED
    return done.message.cut_reason or ("tool_calls" if done.tool_calls else "stop")


def _call_delta(index: int, id: str, name: str, arguments: str) -> dict[str, Any]:
    """A piece of a call as OpenAI's chunks have it; what its first one says is not said again."""
    named = {"id": id, "type": "function"} if id else {}
    function = {**({"name": name} if name else {}), "arguments": arguments}
    return {"tool_calls": [{"index": index, **named, "function": function}]}

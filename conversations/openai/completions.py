"""OpenAI's chat completions in terms of ours: bots are models, the last message is the question. Pure but for look-ups.

A client's history may say what a user and an assistant said, never what the system says: a bot's instructions are its
owner's. So `system` and `developer` messages are not taken, and the answer says so in `ignored`, as with every other
parameter that belongs to the bot (temperature, max_tokens, tools, …).
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from bots.models import BotProfile
from bots.scopes.models import LONGEST_QUESTION
from conversations.following.journal import Told
from conversations.openai.schemas import (
    ChatMessage,
    Completion,
    CompletionReply,
)
from conversations.turns.speaking import FILTERED
from conversations.turns.state import History
from conversations.turns.taking import (
    Delta,
    Done,
    Failed,
    Stopped,
    TurnEvent,
)
from conversations.turns.troubles import TurnStopped
from minirag.lib.errors import BadInput, NotFound, ProductError

_UNSAID = (
    "refusal",
    "citations",
    "refusal_details",
    "help",
)  # what OpenAI's shape has no place for, and the refusal's text
Events = AsyncGenerator[tuple[int, TurnEvent], None]
Chunk = tuple[str | None, dict[str, Any]]
"""With the id of the event that it is the last of."""


class NotAnswerable(BadInput):
    """A request that is OpenAI's and that no bot can answer; `param` names the field."""

    status = 400

    def __init__(self, detail: str, *, code: str, param: str) -> None:
        super().__init__(detail, code=code)
        self.param = param


class ModelNotFound(NotFound):
    code, param = "model_not_found", "model"


@dataclass(frozen=True)
class Asked:
    """A request understood. `ignored` names what was sent and has no effect here."""

    question: str
    history: History
    ignored: list[str]


def read_question(body: Completion) -> Asked:
    """Return the question, what was said before it, and what is ignored. Raises NotAnswerable (400)."""
    last = len(body.messages) - 1
    if body.messages[last].role != "user":
        raise NotAnswerable(
            "The last message must be the user's question.", code="last_message_not_user",
            param=f"messages.{last}.role",
        )  # fmt: skip
    texts = [
        (message.role, _read_text(message, index)) for index, message in enumerate(body.messages)
    ]
    question = texts[last][1]
    if not 1 <= len(question) <= LONGEST_QUESTION:
        raise NotAnswerable(
            f"The question must have 1 to {LONGEST_QUESTION} characters.", code="question_length",
            param=f"messages.{last}.content",
        )  # fmt: skip
    told = [(role, text) for role, text in texts[:-1] if role in ("user", "assistant") and text]
    ignored = sorted(str(name)[:64] for name in body.model_extra or {})
    ignored += [
        f"messages.{i}" for i, (role, _) in enumerate(texts) if role in ("system", "developer")
    ]
    return Asked(question, told, ignored[:50])


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


def list_models(bot_profile_id: UUID | None) -> list[BotProfile]:
    """Return the bots that a caller may ask, or the one that its token is bound to; newest first."""
    bots = BotProfile.objects.active().order_by("-created_at", "-id")
    return list(bots.filter(pk=bot_profile_id) if bot_profile_id else bots)


def find_model(name: str, bot_profile_id: UUID | None) -> BotProfile:
    """Return the active bot of this id, or of this name if no other has it. Raises ModelNotFound."""
    bots = BotProfile.objects.active()
    if bot_profile_id:
        bots = bots.filter(pk=bot_profile_id)
    if "\0" in name:
        raise ModelNotFound("The model does not exist.")
    try:
        found = list(bots.filter(pk=UUID(name)))
    except ValueError:
        found = list(bots.filter(name=name)[:2])
    if len(found) != 1:
        reason = (
            "Several models have this name; use the id." if found else "The model does not exist."
        )
        raise ModelNotFound(reason)
    return found[0]


def name_visitor(user: str | None) -> str:
    """A visitor id for OpenAI's `user`, in a form that no visitor of a widget can have."""
    if not user:
        return ""
    named = f"api:{user}"
    return named if len(named) <= 64 else f"api:{hashlib.sha256(user.encode()).hexdigest()[:60]}"


@dataclass
class Writer:
    """Puts the events of one turn into OpenAI's words. `model` is the bot's id."""

    model: str
    ignored: list[str]
    includes_usage: bool = False
    turn_id: UUID = field(default_factory=uuid4)
    names_events: bool = False
    _head: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        created = int(timezone.now().timestamp())
        self._head = {"id": f"chatcmpl-{self.turn_id.hex}", "created": created, "model": self.model}

    async def collect(self, events: Events) -> dict[str, Any]:
        """Read a turn to its end and return the whole completion; raises the ProductError it failed with."""
        async with aclosing(events):
            async for _, event in events:
                _require_no_end(event)
                if isinstance(event, Done):
                    return self._whole(event)
        raise ProductError("The turn ended without an answer.")

    async def stream(self, events: Events) -> AsyncIterator[Chunk]:
        """Yield the chunks of a completion, the last that an event leads to with its id, to go on behind.

        Raises the ProductError a turn fails with, before the first or midway.
        """
        has_begun = False
        async with aclosing(events):
            async for number, event in events:
                _require_no_end(event)
                if isinstance(event, Delta | Done) and not has_begun:
                    has_begun = True
                    yield None, self._chunk({"role": "assistant", "content": ""})
                if isinstance(event, Delta):
                    yield self._name(number), self._chunk({"content": event.content})
                elif isinstance(event, Done):
                    *chunks, last = self._end(self._whole(event))
                    for chunk in chunks:
                        yield None, chunk
                    yield self._name(number), last

    async def go_on(self, told: AsyncGenerator[Told, None]) -> AsyncIterator[Chunk]:
        """`stream`, from the middle of a turn on, as it goes over the wire."""
        yield None, self._chunk({"role": "assistant", "content": ""})
        async with aclosing(told):
            async for number, name, data in told:
                if name == "delta":
                    yield self._name(number), self._chunk({"content": data["content"]})
                elif name == "error":
                    raise ProductError(data["detail"], code=data["code"])
                elif name == "done":
                    if data.get("stopped"):
                        raise TurnStopped
                    *chunks, last = self._end(self._whole_of(data))
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
        finish_reason = FILTERED if is_filtered else data["cut_reason"] or "stop"
        return {
            "choices": [{"message": message, "finish_reason": finish_reason}],
            "usage": {name: count for name, count in data["usage"].items() if name != "model"},
            "chat_id": data["chat_id"], "message_id": data["message_id"], "ignored": self.ignored,
        }  # fmt: skip

    def _whole(self, done: Done) -> dict[str, Any]:
        message = {
            "role": "assistant", "content": done.content, "refusal": done.content if done.refusal else None,
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


def _require_no_end(event: TurnEvent) -> None:
    """Raise what a turn ends with that ends without an answer."""
    if isinstance(event, Failed):
        raise event.error
    if isinstance(event, Stopped):
        raise TurnStopped


def name_end(done: Done) -> str:
    """Why an answer ended, in OpenAI's words: what a filter refused was filtered."""
    if done.refusal is not None and done.refusal.reason == FILTERED:
        return FILTERED
    return done.message.cut_reason or "stop"

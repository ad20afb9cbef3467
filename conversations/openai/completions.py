"""OpenAI's chat completions in terms of ours: bots are models, the last message is the question. Pure but for look-ups.

A client's history may say what a user and an assistant said, never what the system says: a bot's instructions are its
owner's. So `system` and `developer` messages are not taken, and the answer says so in `ignored`, as with every other
parameter that belongs to the bot (temperature, max_tokens, tools, …).
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from django.utils import timezone
from pydantic import ConfigDict, Field

from bots.models import BotProfile
from bots.scopes.models import LONGEST_QUESTION
from conversations.turns.serializers import render_grounds
from conversations.turns.speaking import FILTERED
from conversations.turns.state import History
from conversations.turns.taking import (
    Delta,
    Done,
    Failed,
    Stopped,
    TurnEvent,
    TurnStopped,
    TurnUsage,
)
from minirag.lib.errors import BadInput, NotFound, ProductError
from minirag.lib.http_in.reading import Body
from tenants.context import require_tenant

Events = AsyncGenerator[tuple[int, TurnEvent], None]


class Part(Body):
    type: str
    text: str | None = None


class ChatMessage(Body):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part] | None = None


class StreamOptions(Body):
    include_usage: bool = False


class Metadata(Body):
    chat_id: UUID | None = None  # ours: go on in this chat


class Completion(Body):
    """A request as OpenAI's clients write it; whatever is not named here belongs to the bot."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Field(min_length=1, max_length=255)]
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=1000)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    user: Annotated[str, Field(max_length=255)] | None = None
    metadata: Metadata | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None


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


def render_model(bot: BotProfile) -> dict[str, Any]:
    return {
        "id": str(bot.pk), "object": "model", "created": int(bot.created_at.timestamp()),
        "owned_by": require_tenant().slug, "name": bot.name, "description": bot.description,
    }  # fmt: skip


@dataclass
class Writer:
    """Puts the events of one turn into OpenAI's words. `model` is the bot's id."""

    model: str
    ignored: list[str]
    includes_usage: bool = False
    _head: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        created = int(timezone.now().timestamp())
        self._head = {"id": f"chatcmpl-{uuid4().hex}", "created": created, "model": self.model}

    async def collect(self, events: Events) -> dict[str, Any]:
        """Read a turn to its end and return the whole completion; raises the ProductError it failed with."""
        async with aclosing(events):
            async for _, event in events:
                _require_no_end(event)
                if isinstance(event, Done):
                    return self._whole(event)
        raise ProductError("The turn ended without an answer.")

    async def stream(self, events: Events) -> AsyncIterator[dict[str, Any]]:
        """Yield the chunks of a completion; raises the ProductError a turn fails with, before the first or midway."""
        has_begun = False
        async with aclosing(events):
            async for _, event in events:
                _require_no_end(event)
                if isinstance(event, Delta | Done) and not has_begun:
                    has_begun = True
                    yield self._chunk({"role": "assistant", "content": ""})
                if isinstance(event, Delta):
                    yield self._chunk({"content": event.content})
                elif isinstance(event, Done):
                    yield self._chunk(_grounds(event), name_end(event)) | self._extras(event)
                    if self.includes_usage:
                        yield {**self._chunk({}), "choices": [], "usage": _usage(event.usage)}

    def _whole(self, done: Done) -> dict[str, Any]:
        message = {"role": "assistant", "content": done.message.content, **_grounds(done)}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": name_end(done)}
        return {
            **self._head, "object": "chat.completion", "choices": [choice], "usage": _usage(done.usage),
            **self._extras(done),
        }  # fmt: skip

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk: dict[str, Any] = {
            **self._head,
            "object": "chat.completion.chunk",
            "choices": [choice],
        }
        return {**chunk, "usage": None} if self.includes_usage else chunk

    def _extras(self, done: Done) -> dict[str, Any]:
        return {
            "chat_id": str(done.chat_id),
            "message_id": str(done.message.pk),
            "ignored": self.ignored,
        }


def _require_no_end(event: TurnEvent) -> None:
    """Raise what a turn ends with that ends without an answer."""
    if isinstance(event, Failed):
        raise event.error
    if isinstance(event, Stopped):
        raise TurnStopped


def _grounds(done: Done) -> dict[str, Any]:
    """What OpenAI's shape has no place for: citations, and beside the refusal's text its reason."""
    grounds = render_grounds(done)
    refusal = done.message.content if done.refusal else None
    return {
        "refusal": refusal,
        "citations": grounds["citations"],
        "refusal_details": grounds["refusal"],
    }


def name_end(done: Done) -> str:
    """Why an answer ended, in OpenAI's words: what a filter refused was filtered."""
    if done.refusal is not None and done.refusal.reason == FILTERED:
        return FILTERED
    return done.message.cut_reason or "stop"


def _usage(usage: TurnUsage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }  # fmt: skip

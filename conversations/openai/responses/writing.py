"""Puts a turn into the words of OpenAI's responses: one object, or typed events in their order. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils import timezone

from conversations.openai.completions import Events, name_end
from conversations.openai.responses.schemas import ResponseReply
from conversations.turns.events import (
    Delta,
    Done,
    SourcesFound,
    Started,
    ToolCalled,
    TurnEvent,
    read_to_end,
    require_no_end,
)
from minirag.ai.tooling import ToolCallPiece
from minirag.lib.errors import ProductError

_MARK = re.compile(r"\[(\d{1,3})\]")
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
Event = dict[str, Any]


@dataclass
class ResponseWriter:
    """`response_id` names the response, `turn_id` its message; `echoed` is what comes back as it was sent."""

    response_id: str
    turn_id: UUID
    model: str
    ignored: list[str]
    echoed: Mapping[str, Any]
    _number: int = field(default=-1, init=False)
    _created: int = field(default_factory=lambda: int(timezone.now().timestamp()), init=False)
    _chat_id: UUID | None = field(default=None, init=False)
    _has_begun: bool = field(default=False, init=False)
    _places: dict[str, int] = field(default_factory=dict, init=False)
    """Where each item stands in the output, in the order in which they came."""
    _calls: dict[int, int] = field(default_factory=dict, init=False)

    async def collect(self, events: Events) -> Event:
        """Read a turn to its end and return the whole response; raises the ProductError it failed with."""
        _, done = await read_to_end(events)
        return self._whole(done)

    def write(self, event: TurnEvent) -> Iterator[Event]:
        """The events of a response that one of its turn leads to. Raises the ProductError that the turn fails with."""
        require_no_end(event)
        if isinstance(event, Started | SourcesFound):
            self._chat_id = event.chat_id
            return
        if not self._has_begun:
            self._has_begun = True
            yield from self._open()
        yield from self._take(event)

    def fail(self, error: ProductError) -> Event:
        """The last event of a response that failed midway."""
        problem = {"code": error.code, "message": error.detail}
        return self._tell("failed", response=self._shell("failed", error=problem))

    def _open(self) -> Iterator[Event]:
        shell = self._shell("in_progress")
        yield self._tell("created", response=shell)
        yield self._tell("in_progress", response=shell)

    def _take(self, event: TurnEvent) -> Iterator[Event]:
        """What one event of a turn is told as."""
        if isinstance(event, Delta):
            yield from self._begin_message()
            yield self._tell_text("output_text.delta", delta=event.content, logprobs=[])
        elif isinstance(event, ToolCalled):
            yield from self._take_call(event.piece)
        elif isinstance(event, Done):
            if event.is_said:
                yield from self._begin_message()
            yield from self._close(self._whole(event))

    def _begin_message(self) -> Iterator[Event]:
        if self._item_id in self._places:
            return
        place = self._places[self._item_id] = len(self._places)
        item = self._message(text=None, status="in_progress")
        yield self._tell("output_item.added", output_index=place, item=item)
        yield self._tell_text("content_part.added", part=_write_part("", []))

    def _take_call(self, piece: ToolCallPiece) -> Iterator[Event]:
        # Providers number their calls from 0, or from somewhere else.
        item_id = self._name_call(self._calls.setdefault(piece.index, len(self._calls)))
        if item_id not in self._places:
            place = self._places[item_id] = len(self._places)
            item = {
                "id": item_id, "type": "function_call", "status": "in_progress",
                "call_id": piece.id or f"call_{piece.index}", "name": piece.name, "arguments": "",
            }  # fmt: skip
            yield self._tell("output_item.added", output_index=place, item=item)
        if piece.arguments:
            yield self._tell_call("delta", item_id, delta=piece.arguments)

    def _name_call(self, index: int) -> str:
        return f"fc_{self.turn_id.hex}_{index}"

    def _tell_call(self, kind: str, item_id: str, **facts: Any) -> Event:
        place = {"item_id": item_id, "output_index": self._places[item_id]}
        return self._tell(f"function_call_arguments.{kind}", **place, **facts)

    def _close(self, whole: Event) -> Iterator[Event]:
        for place, item in enumerate(whole["output"]):
            if item["type"] == "message":
                yield from self._close_message(item)
            else:
                yield self._tell_call(
                    "done", item["id"], arguments=item["arguments"], name=item["name"]
                )
            yield self._tell("output_item.done", output_index=place, item=item)
        yield self._tell(whole["status"], response=whole)

    def _close_message(self, item: Event) -> Iterator[Event]:
        [part] = item["content"]
        for index, annotation in enumerate(part["annotations"]):
            yield self._tell_text(
                "output_text.annotation.added", annotation_index=index, annotation=annotation
            )
        yield self._tell_text("output_text.done", text=part["text"], logprobs=[])
        yield self._tell_text("content_part.done", part=part)

    def _tell(self, kind: str, **facts: Any) -> Event:
        self._number += 1
        return {"type": f"response.{kind}", "sequence_number": self._number, **facts}

    def _tell_text(self, kind: str, **facts: Any) -> Event:
        index = self._places.get(self._item_id, 0)
        place = {"item_id": self._item_id, "output_index": index, "content_index": 0}
        return self._tell(kind, **place, **facts)

    @property
    def _item_id(self) -> str:
        return f"msg_{self.turn_id.hex}"

    def _message(self, *, text: str | None, status: str, **facts: Any) -> Event:
        """What is said; `text` None is of one that has not begun."""
        parts = [] if text is None else [_write_part(text, [])]
        empty: Event = {"citations": [], "refusal_details": None, "help": None}
        head = {"id": self._item_id, "type": "message", "role": "assistant", "status": status}
        return {**head, "content": parts, **empty, **facts}

    def _shell(self, status: str, **facts: Any) -> Event:
        shell = {
            "id": self.response_id, "object": "response", "created_at": self._created, "completed_at": None,
            "status": status, "model": self.model, "output": [], "usage": None, "error": None,
            "incomplete_details": None, "instructions": None,
            "temperature": None, "top_p": None, "max_output_tokens": None, "truncation": "disabled",
            "reasoning": {},
            "chat_id": self._chat_id and str(self._chat_id), "message_id": None, "ignored": self.ignored,
        }  # fmt: skip
        return {**shell, **self.echoed, **facts}

    def _whole(self, done: Done) -> Event:
        end = name_end(done)
        reason = _INCOMPLETE.get(end)
        status = "incomplete" if reason else "completed"
        item = self._message(
            text=done.content, status=status, citations=done.citations, refusal_details=done.refusal, help=done.help,
        )  # fmt: skip
        usage = {
            "input_tokens": done.usage.prompt_tokens, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": done.usage.completion_tokens, "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": done.usage.total_tokens,
        }  # fmt: skip
        self._chat_id = done.chat_id
        facts = {
            "output": self._list_items(item, done), "usage": usage, "incomplete_details": reason and {"reason": reason},
            "completed_at": int(timezone.now().timestamp()), "message_id": done.message_id,
        }  # fmt: skip
        shown = ResponseReply.model_validate(self._shell(status, **facts)).model_dump(mode="json")
        for message in (each for each in shown["output"] if each["type"] == "message"):
            message["content"] = [
                _write_part(done.content, _annotate(done.content, message["citations"]))
            ]
        return shown

    def _list_items(self, message: Event, done: Done) -> list[Event]:
        """What is said, if anything is, and what is called, in the order in which it came."""
        items = [message] if done.is_said else []
        for index, call in enumerate(done.tool_calls or ()):
            named = {"call_id": call["id"], **call["function"]}
            head = {"id": self._name_call(index), "type": "function_call", "status": "completed"}
            items.append({**head, **named})
        return sorted(items, key=lambda item: self._places.get(item["id"], 0))


def _write_part(text: str, annotations: list[Event]) -> Event:
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def _annotate(text: str, citations: list[Event]) -> list[Event]:
    """An annotation for each mark in the text whose number is cited."""
    cited = {each["number"]: each for each in citations}
    return [
        _annotation(cited[int(mark[1])], mark.start(), mark.end())
        for mark in _MARK.finditer(text)
        if int(mark[1]) in cited
    ]


def _annotation(citation: Event, start: int, end: int) -> Event:
    number = {"number": citation["number"]}
    if citation["url"].startswith(("http://", "https://")):
        place = {"start_index": start, "end_index": end}
        return {
            "type": "url_citation",
            "url": citation["url"],
            "title": citation["title"],
            **place,
            **number,
        }
    named = {"file_id": citation["source_id"], "filename": citation["title"]}
    return {"type": "file_citation", **named, "index": start, **number}

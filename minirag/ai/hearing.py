"""What is heard of one answer: its words without its thoughts, how long they took, what they cost, and how it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from minirag.ai import pricing, tokens
from minirag.ai.builtin.checking import Check
from minirag.ai.providers import calls
from minirag.ai.providers.calls import ChatAnswer, Piece
from minirag.ai.providers.chunks import BROKEN, CONTENT_FILTER, LENGTH, STOP
from minirag.ai.providers.thoughts import ThoughtFilter
from minirag.ai.tooling import ToolCallPiece
from minirag.lib.errors import ProviderError


@dataclass(frozen=True)
class ChatDelta:
    content: str


@dataclass(frozen=True)
class ChatRetracted:
    """All that came before turned out to be a thought; the answer begins after it."""


@dataclass(frozen=True)
class ChatFinished:
    """The last event. `model` is the one that answered; `first_token_seconds` counts from the call of stream_chat.

    `finish_reason` is "stop", or "length" or "content_filter" for an answer that was cut. `check` is the offline
    answerer's of what it quoted.
    """

    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: Decimal
    finish_reason: str
    first_token_seconds: float
    check: Check | None = None


Shown = ChatDelta | ChatRetracted | ToolCallPiece


class Wait:
    """`asyncio.timeout` for one block after the other, of one task at a time, by one timer for all of them.

    There is a block for each word, and next to none takes as long as it may: to make a timer for each and take it back
    was a twentieth of a streamed answer. Where the one timer comes too early for a block, it is set again.
    """

    _due = 0.0
    _task: asyncio.Task[Any] | None = None
    _timer: asyncio.TimerHandle | None = None
    _has_struck = False

    def of(self, seconds: float) -> Wait:
        """The next block."""
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + seconds
        return self

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        assert self._task is not None  # noqa: S101 - for the type checker
        self._cancelling = self._task.cancelling()
        if self._timer is None or self._timer.when() > self._due:
            self._set_timer()

    def __exit__(self, kind: type[BaseException] | None, error: Any, _: Any) -> None:
        task, self._task = self._task, None
        if self._has_struck and task is not None:
            self._has_struck = False
            # As asyncio's: somebody else may have cancelled it as well, which is no end of our time.
            if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        self.forget()
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._task is None:
            return
        if self._loop.time() < self._due:
            self._set_timer()
        else:
            self._has_struck = True
            self._task.cancel()


class Clock:
    """The deadlines of one request, in monotonic seconds."""

    def __init__(self, timeout_seconds: float) -> None:
        self.started = time.monotonic()
        self.first_token_seconds = timeout_seconds
        self.between_tokens_seconds = timeout_seconds / 2
        self.end = self.started + 4 * timeout_seconds

        self._wait = Wait()

    def limit(self, seconds: float) -> Wait:
        """A block that may take `seconds`, but not longer than the whole request may. Raises TimeoutError."""
        return self._wait.of(max(0.0, min(seconds, self.end - time.monotonic())))

    def rest(self) -> None:
        """Let go of the timer, until there is another block."""
        self._wait.forget()

    def require_time(self) -> None:
        """Raise TimeoutError behind the end. What is there already is read without a pause, so `limit` never fires:
        what a provider floods us with would be passed on for minutes.
        """
        if time.monotonic() > self.end:
            raise TimeoutError

    def elapsed(self) -> float:
        return time.monotonic() - self.started


class Hearing:
    """Takes the pieces of one answer and gives what may be shown of it."""

    def __init__(
        self, model: str, clock: Clock, *, thinks_first: bool, takes_calls: bool = False
    ) -> None:
        self.model, self._clock = model, clock
        self.is_over = False
        self._takes_calls = takes_calls  # of functions that nobody offered, nobody wants to hear
        self._thoughts = ThoughtFilter(thinks_first=thinks_first)
        self._heard: list[str] = []  # with all that is thought, which is paid for as well
        self.has_text = False
        self._usage: dict[str, Any] = {}
        self._finish_reason = STOP
        self._first_token_seconds: float | None = None

    @property
    def thinks_unopened(self) -> bool:
        """Whether the model's answers begin with a thought that nothing opens."""
        return self._thoughts.thinks_unopened

    def hear(self, pieces: list[Piece]) -> Iterator[Shown]:
        """What may be shown of some pieces; of none, which is the end, what was held back until then.

        Words that came together are one event.
        """
        words = ""
        for event in self._hear(pieces):
            if isinstance(event, ChatDelta):
                words += event.content
                continue
            if words:
                yield ChatDelta(words)
                words = ""
            yield event
        if words:
            yield ChatDelta(words)

    def _hear(self, pieces: list[Piece]) -> Iterator[Shown]:
        for piece in pieces:
            self._note(piece)
            shown = self._thoughts.release() if piece.thought.strip() else ""
            if piece.content:
                shown += self._thoughts.feed(piece.content)
            if shown and self.has_text and not self._thoughts.has_retracted:
                yield ChatDelta(shown)
            else:
                yield from self._show(shown)
            for call in piece.tool_calls if self._takes_calls else ():
                yield self._pass_on(call)
        if not pieces:
            self.is_over = True
            is_cut = self._finish_reason == LENGTH
            yield from self._show(self._thoughts.flush(is_cut=is_cut))

    def _pass_on(self, call: ToolCallPiece) -> ToolCallPiece:
        """A piece of a call, which counts as what was said: it may not be said twice."""
        self.has_text = True
        self._heard.append(call.name + call.arguments)
        if self._first_token_seconds is None:
            self._first_token_seconds = self._clock.elapsed()
        return call

    def _note(self, piece: Piece) -> None:
        if piece.usage:
            self._usage |= piece.usage
        if piece.finish_reason and self._finish_reason == STOP:
            self._finish_reason = piece.finish_reason
        if piece.content or piece.thought:
            self._heard.append(piece.thought + piece.content)

    def _show(self, text: str) -> Iterator[ChatDelta | ChatRetracted]:
        if self._thoughts.has_retracted:
            self._thoughts.has_retracted = False
            yield ChatRetracted()
        if text:
            self.has_text = True
            if self._first_token_seconds is None:
                self._first_token_seconds = self._clock.elapsed()
            yield ChatDelta(text)

    def judge_end(self, answer: ChatAnswer) -> ProviderError | None:
        """What was wrong with an answer that came to its end."""
        is_broken = self._finish_reason == BROKEN
        if is_broken or (answer.was_cut_off and self._finish_reason == STOP):
            return ProviderError("interrupted", provider=answer.provider)
        return None

    def judge(self, failure: ProviderError) -> ProviderError | None:
        """What a failure means: once text has come, an interruption, or an end where a filter cut it."""
        if not self.has_text:
            return failure
        if failure.category == CONTENT_FILTER:
            self._finish_reason = CONTENT_FILTER
            return None
        if failure.category == "timeout":
            return failure
        return ProviderError("interrupted", provider=failure.provider)

    async def finish(self, messages: Sequence[dict[str, Any]]) -> ChatFinished:
        """The last event; what the provider has not counted is counted here."""
        prompt_tokens = calls.read_count(self._usage.get("prompt_tokens"))
        completion_tokens = calls.read_count(self._usage.get("completion_tokens"))
        if not prompt_tokens:
            prompt_tokens = await asyncio.to_thread(tokens.count_prompt_tokens, messages)
        if not completion_tokens and self._heard:
            completion_tokens = await asyncio.to_thread(tokens.count_tokens, "".join(self._heard))
        seconds = self._first_token_seconds
        return ChatFinished(
            model=self.model,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            cost_usd=pricing.cost_of(self.model, prompt_tokens, completion_tokens),
            finish_reason=self._finish_reason,
            first_token_seconds=self._clock.elapsed() if seconds is None else seconds,
        )

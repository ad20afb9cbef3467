"""A short call of a chat model before the search: bounded in time and length, metered, and never needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from django.conf import settings

from bots.models import BotProfile
from bots.providers.lending import lend_key
from conversations.turns.state import Rewriting
from minirag.ai.chat import (
    ChatDelta,
    ChatFinished,
    ChatRequest,
    count_cut_off,
    stream_chat,
)
from minirag.lib.errors import ProviderError

USED, UNUSABLE, LATE, FAILED = "used", "unusable", "timeout", "failed"
LONGEST_ANSWER: Final = 1000

Messages = Sequence[dict[str, str]]


async def ask_before_search(
    bot: BotProfile, model: str, messages: Messages, *, max_tokens: int
) -> tuple[str, Rewriting]:
    """Return what the model says, and what that took; `unusable` until somebody has found it of use.

    Takes CONDENSE_TIMEOUT_SECONDS at most, raises nothing but a cancellation; where it failed or was late it says
    nothing.
    """
    started, said = time.perf_counter(), list[str]()
    outcome, end, is_cut = FAILED, None, True
    try:
        async with asyncio.timeout(settings.CONDENSE_TIMEOUT_SECONDS):
            end = await _listen(bot, model, messages, said, max_tokens)
        outcome = UNUSABLE
    except TimeoutError:
        outcome = LATE
    except ProviderError as error:
        outcome = LATE if error.category == "timeout" else FAILED
        is_cut = error.is_cut_off
    reply = "".join(said)
    if end is None and (is_cut or reply):
        end = await count_cut_off(model, messages, reply)
    spent = Rewriting(model, outcome, milliseconds=(time.perf_counter() - started) * 1000)
    if end is not None:
        spent = replace(
            spent, prompt_tokens=end.prompt_tokens, completion_tokens=end.completion_tokens, cost_usd=end.cost_usd
        )  # fmt: skip
    return (reply if outcome == UNUSABLE else ""), spent


async def _listen(
    bot: BotProfile, model: str, messages: Messages, said: list[str], max_tokens: int
) -> ChatFinished | None:
    """Collect in `said` what the model says, no more than a bounded length; returns its end, if it came to one."""
    request = ChatRequest(
        model=model, messages=tuple(messages), temperature=0.0, max_tokens=max_tokens,
        credentials=await lend_key(bot, model),
        timeout_seconds=settings.CONDENSE_TIMEOUT_SECONDS,
    )  # fmt: skip
    length = 0
    async with aclosing(stream_chat(request)) as events:
        async for event in events:
            if isinstance(event, ChatDelta):
                said.append(event.content)
                length += len(event.content)
                if length > LONGEST_ANSWER:  # an essay
                    return None
            elif isinstance(event, ChatFinished):
                return event
    return None

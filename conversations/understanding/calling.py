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
from conversations.turns.state import Rewriting
from minirag.ai.chat import ChatDelta, ChatFinished, ChatRequest, lend_credentials, stream_chat
from minirag.ai.pricing import cost_of
from minirag.ai.tokens import count_prompt_tokens, count_tokens
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
    spent = Rewriting(model, FAILED)
    try:
        async with asyncio.timeout(settings.CONDENSE_TIMEOUT_SECONDS):
            end = await _listen(bot, model, messages, said, max_tokens)
        spent = replace(spent, outcome=UNUSABLE)
        if end is not None:
            spent = replace(
                spent, prompt_tokens=end.prompt_tokens, completion_tokens=end.completion_tokens,
                cost_usd=end.cost_usd,
            )  # fmt: skip
    except TimeoutError:
        spent = replace(spent, outcome=LATE)
    except ProviderError as error:
        spent = replace(spent, outcome=LATE if error.category == "timeout" else FAILED)
    reply = "".join(said)
    if reply and not spent.completion_tokens:  # cut off: the provider bills it all the same
        spent = await asyncio.to_thread(_estimate, spent, messages, reply)
    spent = replace(spent, milliseconds=(time.perf_counter() - started) * 1000)
    return (reply if spent.outcome == UNUSABLE else ""), spent


async def _listen(
    bot: BotProfile, model: str, messages: Messages, said: list[str], max_tokens: int
) -> ChatFinished | None:
    """Collect in `said` what the model says, no more than a bounded length; returns its end, if it came to one."""
    request = ChatRequest(
        model=model, messages=tuple(messages), temperature=0.0, max_tokens=max_tokens,
        credentials=await lend_credentials(bot.credentials, bot.model, model),
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


def _estimate(spent: Rewriting, messages: Messages, said: str) -> Rewriting:
    asked, told = count_prompt_tokens(messages), count_tokens(said)
    cost = cost_of(spent.model, asked, told)
    return replace(spent, prompt_tokens=asked, completion_tokens=told, cost_usd=cost)

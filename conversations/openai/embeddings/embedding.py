"""Vectors for whoever asks for them by OpenAI's protocol: made in portions off the event loop, and metered as made."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from django.db import transaction

from bots.models import BotProfile, UsageKind
from bots.providers.lending import find_keys
from bots.quotas.counting import require_spendable, spend
from bots.usage.metering import record_usage
from conversations.openai.finding import EmbedderOfBot, NotAnswerable
from minirag.ai.builtin.local import is_local, pin_off_loop
from minirag.ai.embeddings import BATCH_SIZE, EmbedderMissing, Kind, embed_off_loop
from minirag.lib.errors import ProviderError
from tenants.context import run_sync
from webhooks.quota_events import tell_crossings

if TYPE_CHECKING:
    import numpy as np

LOCAL_PORTION = 8
"""So many texts keep one of the two threads that visitors' questions wait for, for some 0.2 s."""
_LOCAL_AT_ONCE, _REMOTE_AT_ONCE = 1, 8
"""So many portions of all callers are made at a time: the other half of the threads is for visitors' questions."""
_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, asyncio.Semaphore]] = (
    WeakKeyDictionary()
)


@dataclass
class Made:
    """What was made so far, in the order of the texts."""

    rows: list[np.ndarray]
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)


async def embed_for(
    embedder: EmbedderOfBot, texts: Sequence[str], *, kind: Kind, token_id: uuid.UUID | None,
    dimensions: int | None = None,
) -> Made:  # fmt: skip
    """Return a unit vector for each text, cut to `dimensions` (see `shorten`).

    What was made is metered for the embedder's bot and the token, also where it fails midway or its caller leaves.
    Raises QuotaExceeded, BudgetExceeded, ProviderError, NotAnswerable.
    """
    bot, made, begun = embedder.bot, Made([]), time.monotonic()
    await run_sync(require_spendable, bot.pk, token_id=token_id)
    model = await pin_off_loop(embedder.name)
    credentials = None if is_local(model) else await find_keys(bot)
    size = LOCAL_PORTION if is_local(model) else BATCH_SIZE
    try:
        for start in range(0, len(texts), size):
            portion = texts[start : start + size]
            async with _gate(is_local(model)):
                making = asyncio.ensure_future(
                    embed_off_loop(model, portion, kind=kind, credentials=credentials)
                )
                try:
                    await asyncio.shield(making)
                finally:  # what is under way is paid for, whoever leaves meanwhile
                    part = await making
                    made.tokens += part.tokens
                    made.cost_usd += part.cost_usd
            made.rows.extend(shorten(list(part.vectors), embedder.name, dimensions))
    except EmbedderMissing:
        raise ProviderError("not_configured", provider="minirag") from None
    finally:
        if made.tokens:
            milliseconds = round((time.monotonic() - begun) * 1000)
            await run_sync(_meter, bot, model, made, token_id, milliseconds)
    return made


def _gate(is_ours: bool) -> asyncio.Semaphore:
    loop = asyncio.get_running_loop()
    if loop not in _gates:
        _gates[loop] = {
            True: asyncio.Semaphore(_LOCAL_AT_ONCE), False: asyncio.Semaphore(_REMOTE_AT_ONCE)
        }  # fmt: skip
    return _gates[loop][is_ours]


def _meter(
    bot: BotProfile, model: str, made: Made, token_id: uuid.UUID | None, milliseconds: int
) -> None:
    with transaction.atomic():
        event = record_usage(
            UsageKind.EMBEDDING, bot_profile_id=bot.pk, model=model, prompt_tokens=made.tokens,
            cost_usd=made.cost_usd, duration_ms=milliseconds,
        )  # fmt: skip
        tell_crossings(spend([event], token_id=token_id))


def shorten(rows: Sequence[np.ndarray], model: str, dimensions: int | None) -> list[np.ndarray]:
    """Cut vectors to their first `dimensions`, of length 1 again.

    Only of models that are made for it: of others the first numbers mean nothing by themselves. Raises NotAnswerable.
    """
    if dimensions is None or not len(rows) or dimensions == len(rows[0]):
        return list(rows)
    if dimensions > len(rows[0]) or not model.rpartition("/")[2].startswith("text-embedding-3"):
        raise NotAnswerable(
            f"This model has vectors of {len(rows[0])} dimensions and no others.", code="dimensions_unsupported",
            param="dimensions",
        )  # fmt: skip
    cut = [row[:dimensions] for row in rows]
    return [row / (float((row * row).sum()) ** 0.5 or 1.0) for row in cut]

"""Embeds the chunks of a source in batches, outside of any transaction, and meters each call."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction

from bots.models import BotProfile, UsageKind
from bots.quotas.counting import require_spendable, spend
from bots.usage.metering import record_usage
from knowledge.indexing.chunking import CountTokens
from knowledge.indexing.incoming import NewChunk
from minirag.ai.builtin.local import MINILM, is_embedder_available, is_local, load_minilm
from minirag.ai.embeddings import EmbedderMissing, Embeddings, Kind, embed_texts
from webhooks.quota_events import tell_crossings

if TYPE_CHECKING:
    import numpy as np

logger = structlog.get_logger(__name__)

BATCH_SIZE = 64
_FIRST_PORTION, _LEAST_PORTION = 32, 8
_portions: dict[str, int] = {}
"""How many texts each model embeds here in about a second."""


def embed_chunks(
    bot: BotProfile | None, model: str, chunks: Sequence[NewChunk], *, source_id: uuid.UUID,
    note: Callable[[Mapping[uuid.UUID, np.ndarray]], None] = lambda batch: None,
    is_wanted: Callable[[], bool] | None = None,
) -> dict[uuid.UUID, np.ndarray]:  # fmt: skip
    """Return a unit vector for each chunk id; none at all if the local embedder is not installed.

    `note` is given each batch when it is made, and may raise to stop. `is_wanted` is asked about once a second where
    the embedder is ours: where others want the process, the batch ends there. Raises ProviderError, and QuotaExceeded
    or BudgetExceeded where the bot's tokens or money are used up.
    """
    vectors: dict[uuid.UUID, np.ndarray] = {}
    if not is_embedder_available(model):
        logger.warning(
            "the embedder is missing: this source is found by its words only", model=model
        )
        return vectors
    if chunks and bot is not None:
        require_spendable(bot.pk)
    start = 0
    while start < len(chunks):
        batch = chunks[start : start + BATCH_SIZE]
        try:
            texts = [chunk.text for chunk in batch]
            made = embed_batch(bot, model, texts, source_id=source_id, is_wanted=is_wanted)
        except EmbedderMissing:
            logger.warning("the embedder went missing", model=model)
            return {}
        start += len(made)
        found = dict(zip((chunk.id for chunk in batch[: len(made)]), made, strict=True))
        vectors.update(found)
        note(found)
    return vectors


def embed_batch(
    bot: BotProfile | None, model: str, texts: list[str], *, source_id: uuid.UUID | None = None,
    kind: Kind = "document", is_wanted: Callable[[], bool] | None = None,
) -> np.ndarray:  # fmt: skip
    """Embed some texts with the bot's key and meter the call. Raises ProviderError, EmbedderMissing.

    Without a bot only a local model will do: there is nobody to charge. With `is_wanted`, which is
    that of `embed_chunks`, perhaps only the first of them.
    """
    started = time.monotonic()
    if is_wanted is not None and is_local(model):
        made = _embed_in_portions(model, texts, kind, is_wanted)
    else:
        made = embed_texts(model, texts, kind=kind, credentials=bot.credentials if bot else None)
    if bot is None:
        return made.vectors
    with transaction.atomic():
        event = record_usage(
            UsageKind.EMBEDDING, bot_profile_id=bot.pk, model=model, prompt_tokens=made.tokens,
            cost_usd=made.cost_usd, source_id=source_id, duration_ms=round((time.monotonic() - started) * 1000),
        )  # fmt: skip
        tell_crossings(spend([event]))
    return made.vectors


def _embed_in_portions(
    model: str, texts: list[str], kind: Kind, is_wanted: Callable[[], bool]
) -> Embeddings:
    """Embed texts here, about a second's worth at a time, until others want the process."""
    import numpy as np

    vectors, tokens, done = [], 0, 0
    while True:
        portion = texts[done : done + _portions.get(model, _FIRST_PORTION)]
        began = time.monotonic()
        made = embed_texts(model, portion, kind=kind)
        seconds = max(time.monotonic() - began, 0.001)
        _portions[model] = max(_LEAST_PORTION, min(BATCH_SIZE, int(len(portion) / seconds)))
        vectors.append(made.vectors)
        tokens, done = tokens + made.tokens, done + len(portion)
        if done >= len(texts) or is_wanted():
            return replace(made, vectors=np.concatenate(vectors), tokens=tokens)


def embed_aside(bot: BotProfile, model: str, texts: list[str]) -> np.ndarray:
    """Embed questions that wait in the background.

    Raises as `embed_batch`, and QuotaExceeded or BudgetExceeded where a provider would have to be paid and the bot's
    tokens or money are used up.
    """
    if not is_local(model):
        require_spendable(bot.pk)
    return embed_batch(bot, model, texts, kind="query")


def find_counter(model: str) -> str:
    """The folder of the embedder whose tokens a child process counts in; empty where it estimates them."""
    return str(settings.EMBEDDER_DIR) if model == MINILM and is_embedder_available(model) else ""


def choose_counter(model: str, language: str) -> CountTokens | None:
    """Return the token counter to chunk by: the embedder's own for English with MiniLM, None for the estimate.

    MiniLM's vocabulary spells other alphabets out letter by letter; chunks measured by it would hold a sentence each.
    """
    if model != MINILM or language != "en" or not is_embedder_available(model):
        return None
    return load_minilm().count_tokens

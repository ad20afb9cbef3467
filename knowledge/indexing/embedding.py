"""Embeds the chunks of a source in batches, outside of any transaction, and meters each call."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction

from bots.models import BotProfile, UsageKind
from bots.quotas.counting import require_spendable, spend
from bots.usage.metering import record_usage
from knowledge.indexing.chunking import ChunkDraft, CountTokens, indexed_text
from knowledge.indexing.incoming import NewChunk, count_ahead
from minirag.ai.builtin.local import HASH, MINILM, is_embedder_available, is_local, load_minilm
from minirag.ai.embeddings import EmbedderMissing, Embeddings, Kind, embed_texts
from webhooks.quota_events import tell_crossings

if TYPE_CHECKING:
    import numpy as np

logger = structlog.get_logger(__name__)

BATCH_SIZE = 64
_FIRST_PORTION, _LEAST_PORTION = 32, 8
_portions: dict[str, int] = {}
"""How many texts each model embeds here in about a second."""
_begun: dict[tuple[str, tuple[str, ...]], Future[_Batch]] = {}
"""What `embed_first` has begun with last, by model and texts; lost where nobody asks for it."""


@dataclass(frozen=True)
class _Batch:
    """The vectors of some texts, and how long they took."""

    made: Embeddings
    seconds: float


def embed_chunks(
    bot: BotProfile | None, model: str, chunks: Sequence[NewChunk], *, source_id: uuid.UUID,
    note: Callable[[Mapping[uuid.UUID, np.ndarray]], None] = lambda batch: None,
    is_wanted: Callable[[], bool] = lambda: False,
) -> dict[uuid.UUID, np.ndarray]:  # fmt: skip
    """Return a unit vector for each chunk id; none at all if the local embedder is not installed.

    `note` is given each batch when it is made and metered, and may raise to stop. `is_wanted` says whether others want
    the process: then nothing is made ahead of what is noted. Raises ProviderError, and QuotaExceeded or BudgetExceeded
    where the bot's tokens or money are used up.
    """
    vectors: dict[uuid.UUID, np.ndarray] = {}
    if not is_embedder_available(model):
        logger.warning(
            "the embedder is missing: this source is found by its words only", model=model
        )
        return vectors
    if chunks and bot is not None:
        require_spendable(bot.pk)
    ahead = _is_made_ahead(model)
    batches = _make_ahead(model, chunks, is_wanted) if ahead else _make_in_turn(bot, model, chunks)
    # Closed also where `note` raises, so that nothing is left running.
    with closing(batches):
        try:
            for portion, batch in batches:
                _meter(bot, model, batch.made, batch.seconds, source_id)
                ids = (chunk.id for chunk in portion)
                found = dict(zip(ids, batch.made.vectors, strict=True))
                vectors.update(found)
                note(found)
        except EmbedderMissing:
            logger.warning("the embedder went missing", model=model)
            return {}
    return vectors


def embed_first(model: str, drafts: Iterable[ChunkDraft]) -> list[ChunkDraft]:
    """Take the pieces of a new source, and begin with the vectors of the first ones while the others are cut.

    `embed_chunks` goes on from there. What it is not asked for is lost: a second's work, which nobody pays for.
    """
    coming = iter(drafts)
    first = list(islice(coming, _portions.get(model, _FIRST_PORTION)))
    _begun.clear()
    if first and _is_made_ahead(model) and is_embedder_available(model):
        texts = tuple(map(indexed_text, first))
        aside = ThreadPoolExecutor(1)
        _begun[model, texts] = aside.submit(_make, model, texts)
        aside.shutdown(wait=False)
    return [*first, *coming]


def _is_made_ahead(model: str) -> bool:
    return is_local(model) and model != HASH


_Batches = Generator[tuple[Sequence[NewChunk], _Batch], None, None]


def _make_in_turn(bot: BotProfile | None, model: str, chunks: Sequence[NewChunk]) -> _Batches:
    """A provider is paid for nothing that may not be wanted any more, and hashing would gain nothing in a thread."""
    for start in range(0, len(chunks), BATCH_SIZE):
        portion = chunks[start : start + BATCH_SIZE]
        yield portion, _make(model, _texts_of(portion), bot)


def _make_ahead(model: str, chunks: Sequence[NewChunk], is_wanted: Callable[[], bool]) -> _Batches:
    """Make batches of about a second in a thread: each is metered and noted while the next one is made.

    The thread asks no database. What it makes when the caller stops is lost: a second's work, which nobody pays for.
    """
    done = 0
    with ThreadPoolExecutor(1) as aside:

        def begin() -> tuple[Sequence[NewChunk], Future[_Batch]]:
            portion = chunks[done : done + _portions.get(model, _FIRST_PORTION)]
            texts = _texts_of(portion)
            begun = _begun.pop((model, texts), None) or aside.submit(_make, model, texts)
            count_ahead(portion)  # as the index will want it, while the vectors are made
            return portion, begun

        coming = None
        while done < len(chunks):
            portion, begun = coming or begin()
            batch = begun.result()
            size = len(portion) / max(batch.seconds, 0.001)
            _portions[model] = max(_LEAST_PORTION, min(BATCH_SIZE, int(size)))
            done += len(portion)
            coming = begin() if done < len(chunks) and not is_wanted() else None
            yield portion, batch


def _texts_of(chunks: Sequence[NewChunk]) -> tuple[str, ...]:
    return tuple(chunk.text for chunk in chunks)


def _make(model: str, texts: Sequence[str], bot: BotProfile | None = None) -> _Batch:
    started = time.monotonic()
    # Ours need no key, and finding it would ask the database.
    credentials = None if bot is None or is_local(model) else bot.credentials
    made = embed_texts(model, texts, kind="document", credentials=credentials)
    return _Batch(made, time.monotonic() - started)


def embed_batch(
    bot: BotProfile | None, model: str, texts: list[str], *, kind: Kind = "document"
) -> np.ndarray:
    """Embed some texts with the bot's key and meter the call. Raises ProviderError, EmbedderMissing.

    Without a bot only a local model will do: there is nobody to charge.
    """
    started = time.monotonic()
    made = embed_texts(model, texts, kind=kind, credentials=bot.credentials if bot else None)
    _meter(bot, model, made, time.monotonic() - started)
    return made.vectors


def _meter(
    bot: BotProfile | None, model: str, made: Embeddings, seconds: float,
    source_id: uuid.UUID | None = None,
) -> None:  # fmt: skip
    if bot is None:
        return
    with transaction.atomic():
        event = record_usage(
            UsageKind.EMBEDDING, bot_profile_id=bot.pk, model=model, prompt_tokens=made.tokens,
            cost_usd=made.cost_usd, source_id=source_id, duration_ms=round(seconds * 1000),
        )  # fmt: skip
        tell_crossings(spend([event]))


def embed_aside(bot: BotProfile, model: str, texts: list[str]) -> np.ndarray:
    """Embed questions that wait in the background.

    Raises as `embed_batch`, and QuotaExceeded or BudgetExceeded where a provider would have to be paid and the bot's
    tokens or money are used up.
    """
    if not is_local(model):
        require_spendable(bot.pk)
        texts = [bot.make_masker().mask(text) for text in texts]  # each of somebody else
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

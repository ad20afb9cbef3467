"""Vectors for texts, from the local embedder, an OpenAI-compatible server or LiteLLM, always L2-normalised.

The confidence that decides on refusal (docs/retrieval.md) belongs to the embedder, so its numbers live here.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from billiard.exceptions import SoftTimeLimitExceeded

from minirag.ai import pricing, tokens
from minirag.ai.builtin import local
from minirag.ai.builtin.minilm import EmbedderMissing
from minirag.ai.credentials import Credentials
from minirag.ai.providers import calls, direct, gateway
from minirag.lib.errors import ProviderError
from minirag.lib.metrics.counted import note_provider_error

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "EmbedderMissing",
    "EmbedderProfile",
    "Embeddings",
    "embed_off_loop",
    "embed_query",
    "embed_texts",
    "profile_of",
]

Kind = Literal["document", "query"]
BATCH_SIZE = 128
# Some models embed questions and documents differently, and must be told.
KIND_ARGUMENTS: dict[str, dict[Kind, dict[str, str]]] = {
    "cohere": {
        "document": {"input_type": "search_document"},
        "query": {"input_type": "search_query"},
    },
    "voyage": {"document": {"input_type": "document"}, "query": {"input_type": "query"}},
}


@dataclass(frozen=True)
class EmbedderProfile:
    """How to read an embedder's cosines.

    confidence = cos_weight * top cosine + lexical_weight * bm25n * n / (n + 2), with bm25n the best BM25
    score over its maximum and n the question's distinct terms; below `floor` the bot refuses. Where an
    English-only embedder meets another language, confidence = bm25n alone, compared with `non_english_floor`.
    `dimensions` None: not known before the first answer. `abroad_floor` is the floor where a question is in another
    language than the documents, None where nobody knows.
    """

    model: str
    dimensions: int | None
    floor: float
    non_english_floor: float
    english_only: bool
    cos_weight: float
    lexical_weight: float
    abroad_floor: float | None = None

    def abroad(self) -> EmbedderProfile:
        """The same between two languages, whose cosines are lower and which share hardly a word."""
        floor = self.floor if self.abroad_floor is None else self.abroad_floor
        return dataclasses.replace(self, floor=floor)


# Measured on 17 question sets (docs/retrieval.md): 5 % false refusals, 95 % of foreign questions caught.
MINILM_PROFILE = EmbedderProfile(
    model=local.MINILM,
    dimensions=384,
    floor=0.344,
    non_english_floor=0.17,
    english_only=True,
    cos_weight=0.6,
    lexical_weight=0.4,
)
# Its cosine says little more than the words do, so only the words decide.
HASH_PROFILE = dataclasses.replace(
    MINILM_PROFILE,
    model=local.HASH,
    floor=0.17,
    english_only=False,
    cos_weight=0.0,
    lexical_weight=1.0,
)
# A starting point, not measured: most API models spread their cosines like MiniLM. Calibrate per deployment.
API_FLOOR = 0.344
# These give unrelated texts a cosine of .5 to .7, which lifts the whole mix; estimates as well.
HIGH_COSINE_FLOORS = {
    "text-embedding-ada-002": 0.55,
    "gemini-embedding-001": 0.47,
    "mistral-embed": 0.55,
}
# What the price map of LiteLLM leaves out.
DIMENSIONS = {
    "embed-english-v3.0": 1024,
    "embed-multilingual-v3.0": 1024,
    "embed-english-light-v3.0": 384,
    "embed-multilingual-light-v3.0": 384,
    "mistral-embed": 1024,
    "text-embedding-3-large": 3072,
    "text-embedding-3-small": 1536,
    "text-embedding-ada-002": 1536,
    "voyage-3": 1024,
    "voyage-3-large": 1024,
    "voyage-3-lite": 512,
    "voyage-3.5": 1024,
    "voyage-3.5-lite": 1024,
}


def profile_of(model: str) -> EmbedderProfile:
    """The profile of any embedding model id; an unknown one gets the API defaults and no dimensions."""
    if model == local.MINILM:
        return MINILM_PROFILE
    if model == local.HASH:
        return HASH_PROFILE
    if local.is_folder(model):
        return _profile_of_folder(model)
    name = model.rpartition("/")[2]
    floor = HIGH_COSINE_FLOORS.get(name, API_FLOOR)
    return dataclasses.replace(
        MINILM_PROFILE,
        model=model,
        dimensions=pricing.dimensions_of(model) or DIMENSIONS.get(name),
        floor=floor,
        non_english_floor=floor,
        english_only=False,
    )


def _profile_of_folder(model: str) -> EmbedderProfile:
    """Only words decide on refusal, until the folder's `minirag.json` says what its cosines are worth."""
    try:
        folder = local.describe(model)
    except EmbedderMissing:
        return dataclasses.replace(HASH_PROFILE, model=model, dimensions=None)
    weight = folder.cosine_weight or 0.0
    return dataclasses.replace(
        HASH_PROFILE,
        model=model,
        dimensions=folder.dimensions,
        floor=folder.floor if folder.floor is not None else HASH_PROFILE.floor,
        english_only=folder.is_english_only,
        cos_weight=weight,
        lexical_weight=1.0 - weight,
        abroad_floor=folder.abroad_floor,
    )


@dataclass(frozen=True)
class Embeddings:
    """`vectors` is float32 (texts, dimensions), each row of length 1; `tokens` as billed, or as counted locally."""

    vectors: np.ndarray = field(repr=False)
    model: str
    tokens: int
    cost_usd: Decimal


def embed_texts(
    model: str, texts: Sequence[str], *, kind: Kind, credentials: Credentials | None = None
) -> Embeddings:
    """Embeds `texts` in order. Blocks (network or CPU): for Celery, commands and threads; see `embed_query`.

    Raises ProviderError, and EmbedderMissing when the local model's files are not there. No texts, no call.
    """
    if local.is_local(model):
        vectors, read = local.encode_locally(model, texts, kind=kind)
        return Embeddings(vectors, model, read, pricing.FREE)
    import numpy as np

    if not texts:
        return Embeddings(
            np.zeros((0, profile_of(model).dimensions or 0), dtype=np.float32),
            model,
            0,
            pricing.FREE,
        )
    embedder = _find_embedder(model, kind, credentials)
    parts, read = [], 0
    for start in range(0, len(texts), BATCH_SIZE):
        # Providers refuse an empty text, which would sink the batch.
        batch = [text if text.strip() else "-" for text in texts[start : start + BATCH_SIZE]]
        rows, usage = _request_batch(embedder, batch)
        parts.append(_read_vectors(rows, len(batch), embedder.provider))
        read += _read_tokens(usage, batch)
    if len({part.shape[1] for part in parts}) > 1:
        raise ProviderError("malformed", provider=embedder.provider)
    return Embeddings(np.concatenate(parts), model, read, pricing.cost_of(model, read))


async def embed_query(
    model: str, text: str, *, credentials: Credentials | None = None
) -> Embeddings:
    """`embed_texts` of one question for the event loop: the work is done in a thread of its own kind."""
    return await embed_off_loop(model, [text], kind="query", credentials=credentials)


async def embed_off_loop(
    model: str, texts: Sequence[str], *, kind: Kind, credentials: Credentials | None = None
) -> Embeddings:
    """`embed_texts` for the event loop. Few texts at a time: questions of visitors wait for the same threads."""
    threads = local.local_threads() if local.is_local(model) else _api_threads()
    return await asyncio.get_running_loop().run_in_executor(
        threads, lambda: embed_texts(model, texts, kind=kind, credentials=credentials)
    )


_threads: ThreadPoolExecutor | None = None


def _forget_threads() -> None:
    global _threads
    _threads = None


os.register_at_fork(after_in_child=_forget_threads)


def _api_threads() -> ThreadPoolExecutor:
    """They only wait for the network, so there may be more of them than cores."""
    global _threads
    if _threads is None:
        _threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="minirag-embedding-api")
    return _threads


@dataclass(frozen=True)
class Embedder:
    """Where vectors come from: `request` gives rows and usage or raises anything, `translate` makes our error of it."""

    provider: str
    request: Callable[[list[str]], tuple[list[Any], dict[str, Any]]] = field(repr=False)
    translate: Callable[..., ProviderError] = field(repr=False)


def _choose_key(model: str, credentials: Credentials | None) -> Credentials | None:
    """The key chosen for the embedder's provider; else the bot's own, unless it was entered for another provider."""
    if credentials is None or not (credentials.chosen or credentials.provider):
        return credentials
    found = direct.split_model(model)
    provider = found[0] if found else gateway.find_provider(model)
    # With an address of its own a key goes there, whatever the model is called.
    may_go = credentials.api_base or credentials.is_for(provider)
    return credentials.choose(provider) or (credentials.alone if may_go else None)


def _find_embedder(model: str, kind: Kind, credentials: Credentials | None) -> Embedder:
    credentials = _choose_key(model, credentials)
    if direct.serves(model, credentials):
        target = direct.find_route(model, credentials)
        return Embedder(
            target.provider,
            lambda batch: direct.request_embeddings(target, batch),
            direct.translate,
        )
    route = gateway.find_route(model, credentials)
    options = KIND_ARGUMENTS.get(route.provider, {}).get(kind, {})
    return Embedder(
        route.provider,
        lambda batch: gateway.request_embeddings(route, batch, **options),
        gateway.translate,
    )


def _request_batch(embedder: Embedder, batch: list[str]) -> tuple[list[Any], dict[str, Any]]:
    attempt = 0
    while True:
        try:
            return embedder.request(batch)
        except SoftTimeLimitExceeded:
            raise  # the worker's own clock, not the provider's failure: trying again would only meet the hard limit
        except Exception as error:  # noqa: BLE001 - an edge: LiteLLM lets whatever its providers raise through
            failure = embedder.translate(error, provider=embedder.provider)
            note_provider_error(failure.category)
            delay = calls.choose_delay(attempt, failure)
        if delay is None:
            raise failure
        time.sleep(delay)
        attempt += 1


def _read_vectors(rows: list[Any], count: int, provider: str) -> np.ndarray:
    import numpy as np

    malformed = ProviderError("malformed", provider=provider)
    rows = sorted(rows, key=lambda row: calls.read_count(row.get("index")))
    if len(rows) != count:
        raise malformed
    vectors = None
    try:
        vectors = np.asarray([row["embedding"] for row in rows], dtype=np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    except (KeyError, TypeError, ValueError):
        vectors = None
    if (
        vectors is None
        or vectors.ndim != 2
        or not vectors.shape[1]
        or not np.isfinite(norms).all()
        or not norms.all()
    ):
        raise malformed
    return vectors / norms


def _read_tokens(usage: dict[str, Any], batch: list[str]) -> int:
    billed = calls.read_count(usage.get("total_tokens")) or calls.read_count(
        usage.get("prompt_tokens")
    )
    return billed or sum(map(tokens.count_tokens, batch))

"""The embedders that run in this process, and the threads they run in when an event loop asks."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from minirag.ai.builtin import hashing, minilm
from minirag.lib.errors import ProviderError

if TYPE_CHECKING:
    import numpy as np

LOCAL_PREFIX = "minirag/"
MINILM = "minirag/minilm"
HASH = "minirag/hash"

_threads: ThreadPoolExecutor | None = None


def _forget_threads() -> None:
    global _threads
    _threads = None


os.register_at_fork(after_in_child=_forget_threads)


def is_local(model: str) -> bool:
    return model.startswith(LOCAL_PREFIX)


def load_minilm() -> minilm.MiniLM:
    """The default embedder; raises minilm.EmbedderMissing when its files are not in EMBEDDER_DIR."""
    return minilm.load(Path(settings.EMBEDDER_DIR), threads=settings.EMBED_THREADS)


def is_embedder_available(model: str) -> bool:
    """Whether a local embedder can answer; True for every other model, whose provider alone can tell."""
    return model != MINILM or minilm.is_built(Path(settings.EMBEDDER_DIR))


def encode_locally(
    model: str, texts: Sequence[str], *, batch_size: int = 1
) -> tuple[np.ndarray, int]:
    """Unit vectors and tokens read, by a `minirag/` model. Blocks: call it in Celery or in `local_threads()`."""
    if model == MINILM:
        return load_minilm().encode_counted(texts, batch_size=batch_size)
    if model == HASH:
        return hashing.encode(texts)
    raise ProviderError("not_configured", provider="minirag")


def find_sentence_embedder() -> Callable[[list[str]], np.ndarray] | None:
    """MiniLM for a handful of sentences whose vectors are not kept; None when its files are missing."""
    if not is_embedder_available(MINILM):
        return None
    return lambda texts: encode_locally(MINILM, texts, batch_size=4)[0]


def local_threads() -> ThreadPoolExecutor:
    """Two threads for queries: more would only queue on the same cores, and visitors must not wait behind files."""
    global _threads
    if _threads is None:
        _threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="minirag-local-model")
    return _threads

"""Vectors that outlive a run: what the local embedder said of a text is kept in a file and not asked again.

Nothing but the time changes, so times are measured without it (`asked_anew`).
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from minirag.ai.builtin import local

ENCODE = local.encode_locally


class KeptVectors:
    """Stands in for `minirag.ai.builtin.local.encode_locally` and asks it what is not known yet."""

    def __init__(self, path: Path) -> None:
        self.asked = self.known = 0
        self._lock = threading.Lock()
        self._file = sqlite3.connect(path, check_same_thread=False, timeout=60)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB, tokens INTEGER) WITHOUT ROWID"
        )
        manifest = Path(settings.EMBEDDER_DIR) / "manifest.json"
        self._made_by = hashlib.sha256(manifest.read_bytes()).digest()

    def encode(
        self, model: str, texts: Sequence[str], *, batch_size: int = 1, **rest: Any
    ) -> tuple[np.ndarray, int]:
        # A batch's vectors depend a little on their neighbours: one by one they are the same in every run.
        keys = [self._key(model, text, rest) for text in texts]
        found = self._look_up(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        self.asked, self.known = self.asked + len(missing), self.known + len(found)
        for key, text in missing.items():
            vectors, tokens = ENCODE(model, [text], **rest)
            found[key] = vectors[0].astype(np.float32), tokens
        self._keep({key: found[key] for key in missing})
        rows = [found[key] for key in keys]
        vectors = np.stack([vector for vector, _ in rows]) if rows else np.zeros((0, 1), np.float32)
        return vectors, sum(tokens for _, tokens in rows)

    def _key(self, model: str, text: str, rest: dict[str, Any]) -> bytes:
        told = sorted(rest.items()) if local.is_folder(model) else []  # only these have prefixes
        named = f"{model}\0{told}\0{text}".encode("utf-8", "replace")
        return hashlib.sha256(self._made_by + named).digest()

    def _look_up(self, keys: Sequence[bytes]) -> dict[bytes, tuple[np.ndarray, int]]:
        found = {}
        with self._lock:
            for start in range(0, len(keys), 500):
                part = keys[start : start + 500]
                marks = ",".join("?" * len(part))
                rows = self._file.execute(
                    f"SELECT key, vector, tokens FROM vectors WHERE key IN ({marks})", part
                )
                found.update({key: (np.frombuffer(blob, np.float32), n) for key, blob, n in rows})
        return found

    def _keep(self, made: dict[bytes, tuple[np.ndarray, int]]) -> None:
        rows = [(key, vector.tobytes(), tokens) for key, (vector, tokens) in made.items()]
        with self._lock, self._file:
            self._file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)


def keep_vectors(path: Path) -> KeptVectors:
    """From now on embed through a file of known vectors."""
    kept = KeptVectors(path)
    local.encode_locally = kept.encode
    return kept


@contextmanager
def asked_anew() -> Iterator[None]:
    """Embed everything for the time of the body, as the product does."""
    kept, local.encode_locally = local.encode_locally, ENCODE
    try:
        yield
    finally:
        local.encode_locally = kept

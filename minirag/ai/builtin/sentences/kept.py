"""What an embedder said of the last texts, so that questions, and pages that are asked about again, are read once."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

R = TypeVar("R")


class Kept(Generic[R]):
    """The `most` that were used last. A text is known by its digest and never kept itself."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[bytes, R] = {}
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """A child may be forked while another thread holds the lock."""
        self._kept, self._lock = {}, threading.Lock()

    def ask(
        self, embedder: str, texts: Sequence[str], ask: Callable[[list[str]], Sequence[R]]
    ) -> list[R]:
        """What `ask` says of each text, or said before. `embedder` names what is asked, by its content."""
        keys = [
            hashlib.blake2b(f"{embedder}\0{text}".encode("utf-8", "replace")).digest()
            for text in texts
        ]
        with self._lock:
            known = {key: self._kept[key] for key in keys if key in self._kept}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            known.update(zip(missing, ask([*missing.values()]), strict=True))
        self._keep(known)
        return [known[key] for key in keys]

    def _keep(self, used: dict[bytes, R]) -> None:
        with self._lock:
            for key, value in used.items():
                self._kept.pop(key, None)
                self._kept[key] = value
            for key in list(self._kept)[: max(len(self._kept) - self._most, 0)]:
                del self._kept[key]

"""An embedder of no quality and no cost: hashed bags of words. For tests, and never for a customer's search."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np

DIMENSIONS = 384
WORD = re.compile(r"\w+")


def encode(texts: Sequence[str]) -> tuple[np.ndarray, int]:
    """Vectors float32 (n, 384), L2-normalised (a text without words gets the first axis), and the words read."""
    import numpy as np

    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    words_read = 0
    for row, text in zip(vectors, texts, strict=True):
        words = Counter(WORD.findall(text.lower()))
        words_read += words.total()
        for word, count in words.items():
            digest = crc32(word.encode("utf-8", "replace"))
            row[digest % DIMENSIONS] += (1.0 if digest & 0x80000000 else -1.0) * count**0.5
        norm = float(np.linalg.norm(row))
        if norm:
            row /= norm
        else:
            row[0] = 1.0
    return vectors, words_read

"""The two vectors of a chunk as PostgreSQL wants them. Pure: no database here.

The lexical vector holds a BM25 weight per term, tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / mean length)), that
is k1 = 1.2 and b = 0.75, without the idf, which is the question's side. So its inner product with the question's idf
values is the BM25 score. Rows travel in COPY's binary format: pgvector parses text ten times more slowly.
"""

from __future__ import annotations

import struct
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from knowledge.models import LEXICAL_DIMENSIONS
from minirag.lib.text.analysis import analyse, term_id

if TYPE_CHECKING:
    import numpy as np

    Vector = Sequence[float] | np.ndarray

K1, B = 1.2, 0.75
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
COPY_TRAILER = struct.pack(">h", -1)
_MOST_REMEMBERED = 100_000  # ids of terms
_NULL = struct.pack(">i", -1)


class _Ids(dict[str, int]):
    """The ids of terms, made once each."""

    def __missing__(self, term: str) -> int:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        found = self[term] = term_id(term)
        return found


TERM_IDS: Final = _Ids()


def count_words(text: str, language: str) -> Counter[str]:
    """How often each term occurs in a text of `language`."""
    return Counter(analyse(text, language))


def count_terms(words: Mapping[str, int]) -> Counter[int]:
    """The same by the terms' ids, of which two terms may share one."""
    ids = [TERM_IDS[word] for word in words]
    counts = dict(zip(ids, words.values(), strict=True))
    if len(counts) == len(words):
        return Counter(counts)
    shared: Counter[int] = Counter()
    for term, count in zip(ids, words.values(), strict=True):
        shared[term] += count
    return shared


def weigh_terms(counts: Mapping[int, int], mean_length: float) -> dict[int, float]:
    """Return the BM25 weight of each term, ascending by term; `mean_length` is in terms, greater than 0."""
    norm = _norm(sum(counts.values()), mean_length)
    return {term: counts[term] * (K1 + 1) / (counts[term] + norm) for term in sorted(counts)}


def recover_counts(weights: Mapping[int, float], length: int, mean_length: float) -> dict[int, int]:
    """Undo `weigh_terms`: the counts behind stored weights, so that nothing is analysed again for a new mean."""
    norm = _norm(length, mean_length)
    return {
        term: max(1, round(weight * norm / (K1 + 1 - weight))) for term, weight in weights.items()
    }


def _norm(length: int, mean_length: float) -> float:
    return K1 * (1 - B + B * length / mean_length)


def format_sparse(weights: Mapping[int, float]) -> str:
    """pgvector's text form; indices count from 1 there."""
    return (
        "{"
        + ",".join([f"{term}:{weight:.8g}" for term, weight in weights.items()])
        + f"}}/{LEXICAL_DIMENSIONS}"
    )


def read_sparse(text: str) -> dict[int, float]:
    """Read pgvector's text form back."""
    body = text[1 : text.index("}")]
    pairs = (pair.split(":") for pair in body.split(",")) if body else ()
    return {int(term): float(weight) for term, weight in pairs}


def pack_sparse(weights: Mapping[int, float]) -> bytes:
    """pgvector's binary form of a sparsevec; indices count from 0 there and must ascend."""
    size = len(weights)
    indices = (term - 1 for term in weights)
    return struct.pack(
        f">iii{size}i{size}f", LEXICAL_DIMENSIONS, size, 0, *indices, *weights.values()
    )


def pack_dense(vector: Vector) -> bytes:
    """pgvector's binary form of a halfvec."""
    return struct.pack(f">hh{len(vector)}e", len(vector), 0, *vector)


def pack_row(fields: Iterable[bytes | None]) -> bytes:
    """One row of a binary COPY."""
    packed = [_NULL if field is None else struct.pack(">i", len(field)) + field for field in fields]
    return struct.pack(">h", len(packed)) + b"".join(packed)


def pack_index_row(
    chunk_id: uuid.UUID,
    source_id: uuid.UUID,
    length: int,
    vector: Vector | None,
    weights: Mapping[int, float],
) -> bytes:
    """A row of chunk_index: chunk_id, source_id, dl, dim, emb, lex."""
    return pack_row(
        [
            chunk_id.bytes,
            source_id.bytes,
            struct.pack(">i", length),
            struct.pack(">h", 0 if vector is None else len(vector)),
            None if vector is None else pack_dense(vector),
            pack_sparse(weights),
        ]
    )

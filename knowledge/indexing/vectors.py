"""The two vectors of a chunk as PostgreSQL wants them. Pure: no database here.

The lexical vector holds a BM25 weight per term, tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / mean length)), that
is k1 = 1.2 and b = 0.75, without the idf, which is the question's side. So its inner product with the question's idf
values is the BM25 score. Rows travel in COPY's binary format: pgvector parses text ten times more slowly.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, Final

from knowledge.models import LEXICAL_DIMENSIONS
from minirag.lib.remembering import Remembered
from minirag.lib.text.analysis import tally, term_id

if TYPE_CHECKING:
    import numpy as np

    Vector = Sequence[float] | np.ndarray

K1, B = 1.2, 0.75
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
COPY_TRAILER = struct.pack(">h", -1)
_NULL = struct.pack(">i", -1)
_SPARSE_HEAD = struct.Struct(">iii")
_INDEX_HEAD = struct.Struct(">hi16si16siiih")  # six fields, of which the first four


class _Ids(Remembered[str, int]):
    """The ids of terms, made once each."""

    def __missing__(self, term: str) -> int:
        found = self[term] = term_id(term)
        return found


TERM_IDS: Final = _Ids(100_000)


def count_words(text: str, language: str) -> dict[str, int]:
    """How often each term occurs in a text of `language`."""
    return tally(text, language)


@dataclass(frozen=True)
class Lexical:
    """What many texts together are in the index: how long each is in terms, its packed weights, and which terms occur
    in how many of them."""

    lengths: Sequence[int]
    packed: Sequence[bytes]
    frequencies: Mapping[int, int]


def pack_texts(
    counted: Sequence[Mapping[Any, int]], mean_length: float, *,
    identify: Callable[[Any], int] = TERM_IDS.__getitem__,
) -> Lexical:  # fmt: skip
    """Pack what `weigh_terms` makes of each text's terms, all at once in arrays: a tenth of the time.

    Two terms may share an id; then they count as one. In its binary form a sparsevec's indices ascend from 0.
    """
    import numpy as np

    sizes = np.fromiter(map(len, counted), np.int64, len(counted))
    ids = np.fromiter(map(identify, chain.from_iterable(counted)), np.int64)
    times = np.fromiter(chain.from_iterable(each.values() for each in counted), np.int64)
    key = np.repeat(np.arange(len(counted)), sizes) << 32 | ids
    order = np.argsort(key)
    key, times = key[order], times[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    if len(first) < len(key):
        key, times = key[first], np.add.reduceat(times, first)
    owner, ids = key >> 32, key & 0xFFFFFFFF
    lengths = np.bincount(owner, weights=times, minlength=len(counted))
    norm = K1 * (1 - B + B * lengths / mean_length)
    weights = (times * (K1 + 1) / (times + norm[owner])).astype(">f4").tobytes()
    places = (ids - 1).astype(">i4").tobytes()
    counts = np.bincount(owner, minlength=len(counted)).tolist()
    ends = list(accumulate(4 * count for count in counts))
    packed = [
        _SPARSE_HEAD.pack(LEXICAL_DIMENSIONS, count, 0)
        + places[end - 4 * count : end]
        + weights[end - 4 * count : end]
        for count, end in zip(counts, ends, strict=True)
    ]
    terms, frequencies = np.unique(ids, return_counts=True)
    found = dict(zip(terms.tolist(), frequencies.tolist(), strict=True))
    return Lexical(lengths.astype(int).tolist(), packed, found)


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


def write_array(numbers: Iterable[int]) -> str:
    """PostgreSQL's text form of an array; psycopg's own way takes ten times as long."""
    return "{" + ",".join(map(str, numbers)) + "}"


def write_texts(texts: Iterable[str | None]) -> str:
    """The same of texts."""
    quoted = (
        "NULL" if text is None else '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'
        for text in texts
    )  # fmt: skip
    return "{" + ",".join(quoted) + "}"


def read_sparse(text: str) -> dict[int, float]:
    """Read pgvector's text form back."""
    body = text[1 : text.index("}")]
    pairs = (pair.split(":") for pair in body.split(",")) if body else ()
    return {int(term): float(weight) for term, weight in pairs}


def pack_dense(vector: Vector) -> bytes:
    """pgvector's binary form of a halfvec."""
    import numpy as np

    return struct.pack(">hh", len(vector), 0) + np.asarray(vector).astype(">f2").tobytes()


def pack_index_row(
    chunk_id: uuid.UUID, source_id: uuid.UUID, length: int, vector: Vector | None, lexical: bytes
) -> bytes:
    """A row of chunk_index: chunk_id, source_id, dl, dim, emb, lex."""
    size, dense = 0, _NULL
    if vector is not None:
        size, dense = len(vector), pack_dense(vector)
        dense = struct.pack(">i", len(dense)) + dense
    head = _INDEX_HEAD.pack(6, 16, chunk_id.bytes, 16, source_id.bytes, 4, length, 2, size)
    return b"".join((head, dense, struct.pack(">i", len(lexical)), lexical))

"""The default embedder: all-MiniLM-L6-v2, int8, on onnxruntime. English; 384 dimensions; reads 256 tokens of
a text.

`load(directory)` gives the one instance of this process. It is made on first use, never before a fork:
neither onnxruntime's threads nor its session survive one (Celery's prefork pool).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from minirag.ai.builtin.sentences.meaning import Reading
from minirag.ai.builtin.sessions import open_session
from minirag.lib.errors import ProductError

if TYPE_CHECKING:
    import numpy as np
    import onnxruntime
    import tokenizers

K = TypeVar("K")
V = TypeVar("V")

MODEL_FILE = "minilm-int8.onnx"
TOKENIZER_FILE = "tokenizer.json"
DIMENSIONS = 384
MAX_TOKENS = 256
_LEAST_TOKENIZED = 8
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 60_000, 32


class EmbedderMissing(ProductError):
    """The embedder's files are not there (or not readable): search goes on by words alone."""

    status, code = 503, "embedder_missing"

    def __init__(self, directory: Path) -> None:
        super().__init__("The local embedding model is not installed; searching by words only.")
        self.directory = directory

    def __str__(self) -> str:
        command = f"python -m minirag.ai.build_minilm --output {self.directory}"
        return f"No embedder in {self.directory}: run {command}"


class MiniLM:
    """A loaded model. Safe to call from several threads: session and tokenizer are only read."""

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        tokenizer: tokenizers.Tokenizer,
        threads: int,
    ) -> None:
        self._session, self._tokenizer, self._threads = session, tokenizer, threads
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="minirag-minilm")
        self._counter = _Counter(tokenizer)

    def encode(self, texts: Sequence[str], *, batch_size: int = 1) -> np.ndarray:
        """Vectors of the texts, in order: float32 (n, 384), L2-normalised. Only 256 tokens of a text are read.

        One text at a time by default: the int8 ranges span a batch, so in a batch of 16 a vector depends on
        its neighbours (cosine .99 to the same text alone), and at 200 tokens batches are no faster on two
        cores. Batches pay (about a third) for many short texts that are thrown away after use.
        """
        return self.encode_counted(texts, batch_size=batch_size)[0]

    def encode_counted(
        self, texts: Sequence[str], *, batch_size: int = 1
    ) -> tuple[np.ndarray, int]:
        """`encode`, and how many tokens were read, the two markers of each text included."""
        size = max(_LEAST_TOKENIZED, -(-len(texts) // self._threads))
        parts = [texts[start : start + size] for start in range(0, len(texts), size)]
        # As the vectors: a single question in the caller's thread, the texts of a file on all cores.
        read = self._workers.map if len(parts) > 1 else map
        rows = [row for part in read(self._read_rows, parts) for row in part]
        return run_in_batches(rows, self._run, self._workers, DIMENSIONS, batch_size)

    def _read_rows(self, texts: Sequence[str]) -> list[list[int]]:
        return [_cut(encoding.ids) for encoding in _tokenize(self._tokenizer, texts)]

    def _run(self, rows: list[list[int]]) -> np.ndarray:
        ids, mask = pad_rows(rows)
        return self._session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0]

    @property
    def reads_words(self) -> bool:
        """Whether it can say what each word means in its place; models built before cannot."""
        return any(each.name == "token_vectors" for each in self._session.get_outputs())

    def read(
        self, texts: Sequence[str], *, batch_size: int = 1, most: int = MAX_TOKENS
    ) -> list[Reading]:
        """Each text's vector and a unit vector of each piece of its words. Of a text `most` tokens are read; those of
        `encode` give its vector.
        """
        encodings = _tokenize(self._tokenizer, texts)
        ids = [_cut(each.ids, most) for each in encodings]
        width = max(map(len, ids))
        # One row a text: its vector and those of its tokens, as the batches want it.
        rows, _ = run_in_batches(
            ids,
            partial(self._run_words, width),
            self._workers,
            (1 + width) * DIMENSIONS,
            batch_size,
        )
        return [
            _pick_words(encoding, row.reshape(1 + width, DIMENSIONS))
            for encoding, row in zip(encodings, rows, strict=True)
        ]

    def _run_words(self, width: int, rows: list[list[int]]) -> np.ndarray:
        import numpy as np

        ids, mask = pad_rows(rows)
        given = {"input_ids": ids, "attention_mask": mask}
        vectors, tokens = self._session.run(["embedding", "token_vectors"], given)
        made = np.zeros((len(rows), 1 + width, DIMENSIONS), dtype=np.float32)
        made[:, 0], made[:, 1 : 1 + ids.shape[1]] = vectors, tokens
        return made.reshape(len(rows), -1)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each whole text, without the two markers that `encode` adds."""
        return self._counter(texts)

    def knows(self, word: str) -> bool:
        """Whether the vocabulary has the word as a whole."""
        return self.count_tokens([word]) == [1]


class _Counter:
    """Counts word pieces. None goes across a blank, so each word is read once for all texts."""

    def __init__(self, tokenizer: tokenizers.Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, int] = {}

    def __call__(self, texts: Sequence[str]) -> list[int]:
        split = [text.split(" ") for text in texts]
        words = {word for each in split for word in each}
        known = self._known
        new = [word for word in words if word not in known]
        if len(known) + len(new) > _MOST_REMEMBERED:
            # Another one, since other threads may be reading that.
            known = self._known = {}
            new = [*words]
        found = _tokenize(self._tokenizer, new, add_special_tokens=False)
        counts = {word: len(each.ids) for word, each in zip(new, found, strict=True)}
        known |= {word: count for word, count in counts.items() if len(word) <= _LONGEST_REMEMBERED}
        return [
            sum(counts[word] if word in counts else known[word] for word in each) for each in split
        ]


def _tokenize(
    tokenizer: tokenizers.Tokenizer, texts: Sequence[str], **options: bool
) -> list[tokenizers.Encoding]:
    encodings: list[tokenizers.Encoding] = tokenizer.encode_batch(
        [drop_surrogates(text) for text in texts], **options
    )
    return encodings


def _pick_words(encoding: tokenizers.Encoding, row: np.ndarray) -> Reading:
    """A text's vector and those of its words out of a row that has the vectors of all its tokens behind it."""
    import numpy as np

    count = min(len(encoding.ids), len(row) - 1)
    pieces = zip(encoding.tokens[:count], encoding.special_tokens_mask[:count], strict=True)
    is_word = np.array([not mark and any(map(str.isalnum, piece)) for piece, mark in pieces])
    words = row[1 : 1 + count][is_word]
    lengths = np.linalg.norm(words, axis=1, keepdims=True)
    ends = np.array([end for _, end in encoding.offsets[:count]])
    return Reading(row[0], words / np.where(lengths == 0, 1.0, lengths), ends[is_word])


def _cut(ids: list[int], most: int = MAX_TOKENS) -> list[int]:
    """What is read of a text: its beginning, and the marker at its end."""
    return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]


def drop_surrogates(text: str) -> str:
    """Lone surrogates cannot be passed to the tokenizer's UTF-8 core."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def pad_rows(rows: Sequence[Sequence[int]], padding: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Token ids of several texts as one int64 array, and the mask that is 1 where they are and 0 in the padding."""
    import numpy as np

    ids = np.full((len(rows), max(map(len, rows))), padding, dtype=np.int64)
    mask = np.zeros_like(ids)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return ids, mask


def run_in_batches(
    rows: Sequence[list[int]],
    run: Callable[[list[list[int]]], np.ndarray],
    workers: ThreadPoolExecutor,
    dimensions: int,
    batch_size: int,
) -> tuple[np.ndarray, int]:
    """The vectors that `run` makes of texts' token ids, in order: float32 (n, dimensions); and how many ids it read."""
    import numpy as np

    vectors = np.zeros((len(rows), dimensions), dtype=np.float32)
    # Batches of like length waste least on padding.
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    batches.reverse()  # the long ones first, or all cores would wait for the last one

    def fill(chosen: list[int]) -> None:
        vectors[chosen] = run([rows[index] for index in chosen])

    # A single question runs in the caller's thread and never queues behind a file.
    for _ in workers.map(fill, batches) if len(batches) > 1 else map(fill, batches):
        pass
    return vectors, sum(map(len, rows))


class LoadedModels(dict[K, V]):
    """The models that this process has loaded, and the lock to load one under. A forked child begins without any."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        # Never freed: destroying a session would wait for threads that stayed in the parent.
        self._abandoned: list[V] = []
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._abandoned.extend(self.values())
        self.clear()
        self.lock = threading.Lock()


_loaded: LoadedModels[Path, MiniLM] = LoadedModels()


def is_built(directory: Path) -> bool:
    return (directory / MODEL_FILE).is_file() and (directory / TOKENIZER_FILE).is_file()


def load(directory: Path, *, threads: int = 0) -> MiniLM:
    """The process's embedder from `directory`, loaded on the first call (about 0.3 s).

    `threads` texts are embedded at once, 0 for one per core; only the first call's value counts.
    Raises EmbedderMissing when the files are not there.
    """
    model = _loaded.get(directory)
    if model is None:
        with _loaded.lock:
            model = _loaded.get(directory)
            if model is None:
                model = _loaded[directory] = _open(directory, threads)
    return model


def open_counter(directory: Path) -> Callable[[Sequence[str]], list[int]]:
    """How many word pieces texts have, without loading the model where that is not loaded. Raises EmbedderMissing."""
    model = _loaded.get(directory)
    return model.count_tokens if model is not None else _open_counter(directory)


@lru_cache(maxsize=1)
def _open_counter(directory: Path) -> Callable[[Sequence[str]], list[int]]:
    if not is_built(directory):
        raise EmbedderMissing(directory)
    return _Counter(_open_tokenizer(directory))


def warm_up(directory: Path, *, threads: int = 0) -> None:
    """Loads the model and runs it once, so that no visitor waits for it."""
    load(directory, threads=threads).encode(["warm"])


def _open(directory: Path, threads: int) -> MiniLM:
    if not is_built(directory):
        raise EmbedderMissing(directory)
    session = open_session(directory / MODEL_FILE)
    return MiniLM(session, _open_tokenizer(directory), threads or os.cpu_count() or 1)


def _open_tokenizer(directory: Path) -> tokenizers.Tokenizer:
    """One for counting whole texts and for reading their beginnings: it takes 6 MiB."""
    # A parallel tokenizer warns, or hangs, after a fork; it is not the slow part.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(str(directory / TOKENIZER_FILE))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer

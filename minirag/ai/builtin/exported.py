"""Runs an embedder that lies in a folder (see `folders`): its tokenizer, its graph, its pooling.

As with MiniLM, an instance is made on first use and never before a fork, one text runs at a time on one thread, and
several texts on several threads. What fails in native code becomes `EmbedderUnusable` with a reason.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from minirag.ai.builtin.folder_files import (
    MAX_DIMENSIONS,
    EmbedderUnusable,
    Folder,
    Pooling,
)
from minirag.ai.builtin.folders import is_as_described
from minirag.ai.builtin.minilm import (
    LoadedModels,
    drop_surrogates,
    pad_rows,
    run_in_batches,
)
from minirag.ai.builtin.sessions import open_session
from minirag.ai.builtin.tokenizing import TextTokenizer, open_tokenizer

if TYPE_CHECKING:
    import numpy as np
    import onnxruntime

INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
OUTPUTS = ("sentence_embedding", "token_embeddings", "last_hidden_state", "embedding")
# An exchanged folder's old model stays until its vectors are replaced.
MOST_LOADED = 3
PROBE = ("Where can I park?", "Öffnungszeiten des Rathauses: 8 – 16 Uhr", "営業時間は何時ですか 🙂")


class Exported:
    """A loaded model. Safe to call from several threads."""

    def __init__(
        self,
        folder: Folder,
        session: onnxruntime.InferenceSession,
        tokenizer: TextTokenizer,
        threads: int,
    ) -> None:
        self.folder, self._session, self._tokenizer = folder, session, tokenizer
        self._types = {each.name: each.type for each in session.get_inputs()}
        self._output, self._is_pooled = _choose_output(folder, session)
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="minirag-embedder")
        if strange := sorted(self._types.keys() - set(INPUTS)):
            raise EmbedderUnusable(
                folder.directory, f"{folder.model_file} wants an input {strange[0][:40]!r}."
            )
        if folder.has_dense and not self._is_pooled:
            raise self._fault("leaves out the Dense layer of modules.json")
        self.dimensions = self._probe()

    @property
    def pooling(self) -> str:
        return "within the model" if self._is_pooled else str(self.folder.pooling)

    @property
    def summary(self) -> str:
        """What it is, in a line."""
        folder = self.folder
        prefixes = f"“{folder.query_prefix}” and “{folder.passage_prefix}”"
        said = (
            f"prefixes {prefixes}"
            if folder.query_prefix or folder.passage_prefix
            else "no prefixes"
        )
        return (
            f"{folder.model_file}, {self.dimensions} dimensions, pooling {self.pooling}, "
            f"{folder.max_tokens} tokens, {said}"
        )

    def encode_counted(
        self, texts: Sequence[str], *, prefix: str = "", batch_size: int = 1
    ) -> tuple[np.ndarray, int]:
        """Unit vectors of the texts, in order, and the tokens read. Raises EmbedderUnusable."""
        rows = self._tokenize([prefix + text for text in texts])
        return run_in_batches(rows, self._run, self._workers, self.dimensions, batch_size)

    def knows(self, word: str) -> bool:
        """Whether the vocabulary has the word as a whole."""
        shown = drop_surrogates(word.lower() if self.folder.lower_case else word)
        return self._tokenizer.count(shown) == 1

    def _tokenize(self, texts: list[str]) -> list[list[int]]:
        shown = [drop_surrogates(text) for text in texts]
        if self.folder.lower_case:
            shown = [text.lower() for text in shown]
        # A graph cannot read nothing at all.
        return [ids or [self.folder.pad_id] for ids in self._tokenizer.read(shown)]

    def _run(self, rows: list[list[int]]) -> np.ndarray:
        import numpy as np

        ids, mask = pad_rows(rows, self.folder.pad_id)
        given = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
            "position_ids": np.broadcast_to(np.arange(ids.shape[1]), ids.shape),
        }
        feed = {
            name: given[name].astype(np.int32 if "int32" in kind else np.int64)
            for name, kind in self._types.items()
        }
        try:
            made = self._session.run([self._output], feed)[0]
        except Exception as error:  # noqa: BLE001 - an edge: onnxruntime's errors have no common base
            raise self._fault("failed on a text", error) from None
        return self._finish(np.asarray(made, dtype=np.float32), mask)

    def _finish(self, made: np.ndarray, mask: np.ndarray) -> np.ndarray:
        import numpy as np

        wanted = 2 if self._is_pooled else 3
        if made.ndim != wanted or len(made) != len(mask):
            raise self._fault(f"gives something else than {wanted}-dimensional vectors")
        if not self._is_pooled and made.shape[1] != mask.shape[1]:
            raise self._fault("does not give a vector for each token")
        vectors = made if self._is_pooled else pool(made, mask, self.folder.pooling)
        if not np.isfinite(vectors).all():
            raise self._fault("gives vectors with figures that are none")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[norms[:, 0] == 0, 0] = 1.0
        return vectors / np.where(norms == 0, 1.0, norms)

    def _probe(self) -> int:
        """The dimensions it really has. Raises EmbedderUnusable where they are not those that its files say."""
        rows = self._tokenize(list(PROBE))
        dimensions = {self._run([row]).shape[1] for row in rows}
        said = self.folder.dimensions
        if len(dimensions) != 1 or not 0 < (found := dimensions.pop()) <= MAX_DIMENSIONS:
            raise self._fault(
                f"gives vectors of no fixed size, or of more than {MAX_DIMENSIONS} dimensions"
            )
        if said is not None and said != found:
            raise self._fault(f"gives {found} dimensions where the folder's files say {said}")
        return found

    def _fault(self, what: str, error: Exception | None = None) -> EmbedderUnusable:
        directory, name = self.folder.directory, self.folder.model_file
        return EmbedderUnusable(directory, f"{name} {what}{_shorten(error, directory)}.")


def pool(tokens: np.ndarray, mask: np.ndarray, pooling: Pooling) -> np.ndarray:
    """One vector a text from those of its tokens (texts, tokens, dimensions), padding left out."""
    import numpy as np

    if pooling is Pooling.CLS:
        return tokens[:, 0].copy()
    if pooling is Pooling.LAST:
        return tokens[np.arange(len(tokens)), mask.sum(axis=1) - 1]
    present = mask[:, :, None].astype(np.float32)
    if pooling is Pooling.MAX:
        lowest: np.ndarray = np.where(present > 0, tokens, -np.inf).max(axis=1)
        return lowest
    mean: np.ndarray = (tokens * present).sum(axis=1) / present.sum(axis=1)
    return mean


def _choose_output(folder: Folder, session: onnxruntime.InferenceSession) -> tuple[str, bool]:
    """The output to read, and whether it is a text's vector already."""
    outputs = {each.name: len(each.shape or ()) for each in session.get_outputs()}
    for name in (*OUTPUTS, *(outputs if len(outputs) == 1 else ())):
        if outputs.get(name) in (2, 3):
            return name, outputs[name] == 2
    names = ", ".join(outputs)[:80]
    raise EmbedderUnusable(
        folder.directory, f"{folder.model_file} has no output that is known: {names}."
    )


def _shorten(error: Exception | None, directory: Path) -> str:
    if error is None:
        return ""
    text = str(error).replace(str(directory), "").strip().partition("\n")[0]
    return f" ({text[:160] or type(error).__name__})"


_loaded: LoadedModels[tuple[Path, str], Exported | EmbedderUnusable] = LoadedModels()


def find_loaded(directory: Path, fingerprint: str) -> Exported | None:
    """The model of that content if this process has it, also after its files were exchanged."""
    found = _loaded.get((directory, fingerprint))
    return found if isinstance(found, Exported) else None


def load(folder: Folder, *, threads: int = 0) -> Exported:
    """The process's instance. Raises EmbedderUnusable, at once where it failed before."""
    key = (folder.directory, folder.fingerprint)
    with _loaded.lock:
        if key not in _loaded:
            while len(_loaded) >= MOST_LOADED:
                _loaded.pop(next(iter(_loaded)))
            try:
                _loaded[key] = _open(folder, threads)
            except EmbedderUnusable as error:
                _loaded[key] = error
            if not is_as_described(folder):
                del _loaded[key]
                raise EmbedderUnusable(folder.directory, "its files are being exchanged.")
        # The longest unused one goes first.
        found = _loaded[key] = _loaded.pop(key)
    if isinstance(found, EmbedderUnusable):
        raise EmbedderUnusable(found.directory, found.reason)
    return found


def _open(folder: Folder, threads: int) -> Exported:
    def fault(name: str, error: Exception) -> EmbedderUnusable:
        reason = f"{name} cannot be loaded{_shorten(error, folder.directory)}."
        return EmbedderUnusable(folder.directory, reason)

    try:
        path = folder.directory / folder.tokenizer_file
        tokenizer = open_tokenizer(path, max_tokens=folder.max_tokens)
    except Exception as error:  # noqa: BLE001 - an edge: tokenizers raises nothing more special
        raise fault(folder.tokenizer_file, error) from None
    try:
        session = open_session(folder.directory / folder.model_file, is_foreign=True)
    except Exception as error:  # noqa: BLE001 - an edge: onnxruntime's errors have no common base
        raise fault(folder.model_file, error) from None
    return Exported(folder, session, tokenizer, threads or os.cpu_count() or 1)

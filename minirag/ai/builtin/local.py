"""The embedders that run in this process, and the threads they run in when an event loop asks."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from django.conf import settings

from minirag.ai.builtin import exported, folders, hashing, minilm
from minirag.ai.builtin.folder_files import EmbedderUnusable, Folder
from minirag.ai.builtin.sentences.kept import Kept
from minirag.ai.builtin.sentences.meaning import Reading, SentenceReader
from minirag.ai.builtin.sessions import load_library
from minirag.lib.errors import ProviderError

if TYPE_CHECKING:
    import numpy as np

LOCAL_PREFIX = "minirag/"
MINILM = "minirag/minilm"
HASH = "minirag/hash"
FOLDER = "minirag/local"
"""The model in EMBEDDER_DIR; `minirag/local:NAME` is the one in its folder NAME. With `@` and a fingerprint an id names
one content of the files, so that vectors of exchanged files never meet.
"""
_FOLDER_ID = re.compile(r"minirag/local(?::([A-Za-z0-9][A-Za-z0-9._-]{0,63}))?(?:@([0-9a-f]{12}))?")

Kind = Literal["document", "query"]

MOST_TOKENS = 128
"""Of a sentence with its headings. One of English prose has 30, one in a hundred more than 100; a row of a log or a
table may have 250, and would cost seven times as much.
"""
_VECTORS: Kept[np.ndarray] = Kept(6000)  # 10 MB
_READINGS: Kept[Reading] = Kept(800)  # of some 25 pieces each 16 MB
_QUESTIONS: Kept[Reading] = Kept(64)
"""A turn asks for its question's vector first, and then for what its words mean."""

_threads: ThreadPoolExecutor | None = None


def _forget_threads() -> None:
    global _threads
    _threads = None


os.register_at_fork(after_in_child=_forget_threads)


def is_local(model: str) -> bool:
    return model.startswith(LOCAL_PREFIX)


def load_code() -> None:
    """The libraries of the local embedders, without one of them: what a process may have before it is forked."""
    import tokenizers  # noqa: F401

    load_library()


def load_minilm() -> minilm.MiniLM:
    """The default embedder; raises minilm.EmbedderMissing when its files are not in EMBEDDER_DIR."""
    return minilm.load(Path(settings.EMBEDDER_DIR), threads=settings.EMBED_THREADS)


def is_embedder_available(model: str) -> bool:
    """Whether a local embedder can answer; True for every other model, whose provider alone can tell."""
    if is_folder(model):
        try:
            find_embedder(model)
        except EmbedderUnusable:
            return False
        return True
    return model != MINILM or minilm.is_built(Path(settings.EMBEDDER_DIR))


def is_folder(model: str) -> bool:
    """Whether a model is one that lies in EMBEDDER_DIR as a sentence-transformers export."""
    return _FOLDER_ID.fullmatch(model) is not None


def pin(model: str) -> str:
    """The id that vectors made now are kept under: a folder's gets its fingerprint, if the folder is usable.

    May block for a second the first time (the files are hashed); afterwards it looks at their dates.
    """
    found = _FOLDER_ID.fullmatch(model)
    if found is None or found[2]:
        return model
    try:
        return f"{model}@{describe(model).fingerprint}"
    except EmbedderUnusable:
        return model


async def pin_off_loop(model: str) -> str:
    """`pin` for the event loop."""
    return await asyncio.to_thread(pin, model) if is_folder(model) else model


def unpin(model: str) -> str:
    """The id as a person names it."""
    return model.partition("@")[0] if is_folder(model) else model


def describe(model: str) -> Folder:
    """What lies in a folder model's folder now. Raises EmbedderUnusable, ProviderError for an impossible name."""
    found = _FOLDER_ID.fullmatch(model)
    if found is None:
        raise ProviderError("not_configured", provider="minirag")
    directory = Path(settings.EMBEDDER_DIR) / (found[1] or "")
    return folders.describe(directory, prefers_quantised=settings.EMBEDDER_QUANTISED)


def find_embedder(model: str) -> Folder | exported.Exported:
    """A folder model's folder, or the loaded model where the files were exchanged since. Raises EmbedderUnusable."""
    wanted = model.partition("@")[2]
    try:
        folder = describe(model)
    except EmbedderUnusable as error:
        if wanted and (loaded := exported.find_loaded(error.directory, wanted)):
            return loaded
        raise
    if not wanted or folder.fingerprint == wanted:
        return folder
    if loaded := exported.find_loaded(folder.directory, wanted):
        return loaded
    raise EmbedderUnusable(folder.directory, "its files have been exchanged since.")


def load_embedder(model: str) -> exported.Exported:
    """A folder model, ready to embed. Raises EmbedderUnusable."""
    found = find_embedder(model)
    if isinstance(found, exported.Exported):
        return found
    return exported.load(found, threads=settings.EMBED_THREADS)


def list_folders() -> list[str]:
    """Ids of the models in EMBEDDER_DIR: itself where it is an export, and each folder in it that looks like one."""
    root = Path(settings.EMBEDDER_DIR)
    try:
        names = sorted(entry.name for entry in root.iterdir() if _looks_like_export(entry))
        own = [FOLDER] if _has_graph(root) and not minilm.is_built(root) else []
    except OSError:
        return []
    return [*own, *(model for name in names if is_folder(model := f"{FOLDER}:{name}"))]


def _looks_like_export(directory: Path) -> bool:
    """Also one that lacks something, so that somebody hears of it; a part of an export is none."""
    if directory.name == "onnx" or re.match(r"\d+_", directory.name):
        return False
    is_described = any((directory / name).is_file() for name in ("modules.json", "tokenizer.json"))
    return is_described or _has_graph(directory)


def _has_graph(directory: Path) -> bool:
    return any(directory.glob("*.onnx")) or any(directory.glob("onnx/*.onnx"))


def encode_locally(
    model: str, texts: Sequence[str], *, batch_size: int = 1, kind: Kind = "document"
) -> tuple[np.ndarray, int]:
    """Unit vectors and tokens read, by a `minirag/` model. Blocks: call it in Celery or in `local_threads()`.

    `kind` tells a folder's model which of its prefixes to write before the texts.
    """
    if model == MINILM:
        if kind == "query" and load_minilm().reads_words:
            return _encode_questions(load_minilm(), texts)
        return load_minilm().encode_counted(texts, batch_size=batch_size)
    if model == HASH:
        return hashing.encode(texts)
    if is_folder(model):
        embedder = load_embedder(model)
        folder = embedder.folder
        prefix = folder.query_prefix if kind == "query" else folder.passage_prefix
        return embedder.encode_counted(texts, prefix=prefix, batch_size=batch_size)
    raise ProviderError("not_configured", provider="minirag")


def knows_word(model: str, word: str) -> bool:
    """Whether an embedder gains nothing from another spelling of the word, as its vocabulary has it as a whole.

    Models of providers read misspelled words well, and each text costs. Blocks as `encode_locally`.
    """
    if model == MINILM:
        return load_minilm().knows(word)
    if is_folder(model):
        return load_embedder(model).knows(word)
    return model != HASH


def find_sentence_embedder(model: str | None = None) -> Callable[[list[str]], np.ndarray] | None:
    """An embedder for a question and a handful of sentences whose vectors are not kept, the question first.

    It is `model` where that is one in a folder whose cosines are known (see `is_multilingual`), else MiniLM, and None
    when its files are missing.
    """
    if model is not None and is_multilingual(model):
        known = model

        def ask(sentences: list[str]) -> list[np.ndarray]:
            return [each.copy() for each in encode_locally(known, sentences)[0]]

        def embed(texts: list[str]) -> np.ndarray:
            import numpy as np

            asked, _ = encode_locally(known, texts[:1], kind="query")
            return np.stack([asked[0], *_VECTORS.ask(pin(known), texts[1:], ask)])

        return embed
    if not is_embedder_available(MINILM):
        return None
    return lambda texts: encode_locally(MINILM, texts, batch_size=4)[0]


def find_sentence_reader(model: str | None = None) -> SentenceReader | None:
    """The same as `find_sentence_embedder`, which also says what each word means in its place. MiniLM alone can."""
    if (model is not None and is_multilingual(model)) or not is_embedder_available(MINILM):
        return None
    embedder = load_minilm()

    def read(texts: list[str]) -> list[Reading]:
        asked = _read_words(embedder, _QUESTIONS, texts[:1])
        return [*asked, *_read_words(embedder, _READINGS, texts[1:], most=MOST_TOKENS)]

    return read if embedder.reads_words else None


def _encode_questions(embedder: minilm.MiniLM, texts: Sequence[str]) -> tuple[np.ndarray, int]:
    """As `encode_locally`, and what their words mean is known from then on, which costs nothing more."""
    import numpy as np

    vectors = [each.vector for each in _read_words(embedder, _QUESTIONS, texts)]
    read = sum(min(count + 2, minilm.MAX_TOKENS) for count in embedder.count_tokens(texts))
    return np.stack(vectors) if vectors else embedder.encode(texts), read


def _read_words(
    embedder: minilm.MiniLM, kept: Kept[Reading], texts: Sequence[str], *, most: int = minilm.MAX_TOKENS
) -> list[Reading]:  # fmt: skip
    def ask(missing: list[str]) -> list[Reading]:
        # One by one: in a batch its neighbours would change a text's reading a little, and that is kept.
        return [each.pack() for each in embedder.read(missing, batch_size=1, most=most)]

    return kept.ask(f"{MINILM} {settings.EMBEDDER_DIR}", texts, ask)


def is_multilingual(model: str) -> bool:
    """Whether a model lies in a folder that says what its cosines are worth, and in other languages than English."""
    if not is_folder(model):
        return False
    try:
        found = find_embedder(model)
    except EmbedderUnusable:
        return False
    folder = found.folder if isinstance(found, exported.Exported) else found
    return bool(folder.cosine_weight) and not folder.is_english_only


def local_threads() -> ThreadPoolExecutor:
    """Two threads for queries: more would only queue on the same cores, and visitors must not wait behind files."""
    global _threads
    if _threads is None:
        _threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="minirag-local-model")
    return _threads

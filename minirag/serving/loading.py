"""What a process has loaded before the first who asks would wait for it, and what it holds then."""

from __future__ import annotations

import ctypes
import gc

from django.conf import settings

from knowledge.formats.parsing import parse
from knowledge.formats.registry import MARKDOWN
from minirag.ai.chat import load_to_share, warm_up
from minirag.lib.http_out import asynchronous
from minirag.lib.security.injections import load_patterns
from minirag.lib.starting.patterns import compile_now
from minirag.lib.text.short_texts import decide_language
from minirag.lib.text.small_talk import read_small_talk


def load_for_visitors() -> None:
    """All that a turn needs. Blocks for seconds; a bot's other models load when they are first asked."""
    _load_common()
    warm_up([settings.DEFAULT_LLM_MODEL, settings.DEFAULT_EMBEDDING_MODEL])
    settle_memory()


def load_for_children() -> None:
    """The same for those that are forked of this process: nothing here has a thread, a connection or a session, which
    would not outlive a fork. A child's own embedder is what is left to it.
    """
    _load_common()
    # Other files are read by processes of their own.
    parse(b"# A\n\nSome words.\n", kind=MARKDOWN, name="")
    load_to_share([settings.DEFAULT_LLM_MODEL, settings.DEFAULT_EMBEDDING_MODEL])
    settle_memory()


def settle_memory() -> None:
    """Let no later collection look through what has been loaded by now, and hand back what it has freed.

    A full collection would stop the event loop, with every stream on it, for 140 ms, and copy what a forked process
    shares with its parent. What the system gets back, where its C library can, is some 10 MiB after loading models.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _load_common() -> None:
    asynchronous.load()
    compile_now()
    load_patterns()
    for text in ("What do we know of languages?", "Что мы знаем о языках?"):
        decide_language(text)
        read_small_talk(text)

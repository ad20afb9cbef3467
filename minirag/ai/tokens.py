"""Counting tokens when a provider does not: the cl100k encoding that ships inside LiteLLM's wheel, no download."""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tiktoken

# What the chat format adds around every message, and at the start of the answer.
TOKENS_PER_MESSAGE = 3


def count_tokens(text: str) -> int:
    """Tokens of a text, exact for OpenAI's older models and within some 20 % for others."""
    return len(load_encoding().encode(text, disallowed_special=()))


def count_prompt_tokens(messages: Iterable[Mapping[str, Any]]) -> int:
    return TOKENS_PER_MESSAGE + sum(
        TOKENS_PER_MESSAGE + count_tokens(message.get("content") or "") for message in messages
    )


@functools.cache
def load_encoding() -> tiktoken.Encoding:
    """About 0.3 s the first time."""
    spec = importlib.util.find_spec("litellm")
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0]) / "litellm_core_utils" / "tokenizers"
        os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(folder))
    import tiktoken

    encoding = tiktoken.get_encoding("cl100k_base")
    # Its table in Python, 11 MiB a process: encoding reads another one, in native code; only pickling reads this.
    encoding._mergeable_ranks = {}
    return encoding

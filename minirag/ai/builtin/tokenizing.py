"""Token ids of texts, by what an embedder's folder holds: a tokenizer of the library `tokenizers`, or a vocabulary of
SentencePiece, which takes 50 MB where the former takes 280 for the 250,000 pieces of XLM-R.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

TOKENIZER_FILE = "tokenizer.json"
PIECES_FILE = "sentencepiece.model"
# Of a longer text nothing more is read anyway.
_MOST_CHARACTERS_A_TOKEN = 64


class TextTokenizer(Protocol):
    def read(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text with the model's marks around them, cut to what the model reads."""

    def count(self, text: str) -> int:
        """How many ids the text has without marks."""


def open_tokenizer(path: Path, *, max_tokens: int) -> TextTokenizer:
    """Raises whatever the library raises for a file that is none."""
    # A parallel tokenizer warns, or hangs, after a fork; it is not the slow part.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if path.name == PIECES_FILE:
        return PieceTokenizer(path, max_tokens)
    return JsonTokenizer(path, max_tokens)


class JsonTokenizer:
    """`tokenizer.json`, of any kind."""

    def __init__(self, path: Path, max_tokens: int) -> None:
        import tokenizers

        self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)

    def read(self, texts: Sequence[str]) -> list[list[int]]:
        return [each.ids for each in self._tokenizer.encode_batch(list(texts))]

    def count(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


class PieceTokenizer:
    """`sentencepiece.model`, its pieces in the order of the model's ids. Texts are folded by NFKC before."""

    def __init__(self, path: Path, max_tokens: int) -> None:
        import sentencepiece
        from tokenizers import normalizers

        self._pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self._normaliser = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
        self._most = max_tokens - 2
        self._ends = [self._pieces.bos_id()], [self._pieces.eos_id()]

    def read(self, texts: Sequence[str]) -> list[list[int]]:
        first, last = self._ends
        return [first + self._split(text)[: self._most] + last for text in texts]

    def count(self, text: str) -> int:
        return len(self._split(text))

    def _split(self, text: str) -> list[int]:
        shown = text[: self._most * _MOST_CHARACTERS_A_TOKEN]
        found: list[int] = self._pieces.encode(self._normaliser.normalize_str(shown))
        return found

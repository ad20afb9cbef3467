"""Words that everybody knows: whatever a tenant's pages have that is nearly the same, such a word is no mistake.

"Many" is not "may" misspelled, nor "Lift" "Liste", although no page has it. In English the vocabulary of the built-in
embedder says which words there are; elsewhere, and without it, those of everyday questions and what frames them.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Final, Protocol

from minirag.ai.builtin.local import MINILM, is_embedder_available, knows_word
from minirag.lib.asking.framing_words import FRAMING_WORDS
from minirag.lib.text.analysis import analyse_words
from minirag.lib.text.stopwords import STOP_WORDS

_FOLDERS: Final = (
    Path(__file__).resolve().parents[1] / "retrieval" / "strangers",
    Path(__file__).resolve().parent / "everyday",
)


class Knows(Protocol):
    def __call__(self, word: str) -> bool: ...


def find_common(language: str) -> Knows:
    """Say of a word, lower case and without accents, whether it is a common one of a language. May load the embedder,
    but only when it is asked.
    """
    return partial(_is_common, language)


def _is_common(language: str, word: str) -> bool:
    if word in list_common(language):
        return True
    return language == "en" and is_embedder_available(MINILM) and knows_word(MINILM, word)


@cache
def list_common(language: str) -> frozenset[str]:
    """The common words of a language that are written down here, lower case and without accents."""
    texts = [
        path.read_text() for folder in _FOLDERS if (path := folder / f"{language}.txt").is_file()
    ]
    texts += [" ".join(words.get(language, ())) for words in (FRAMING_WORDS, STOP_WORDS)]
    return frozenset(word for word, _ in analyse_words("\n".join(texts), language))

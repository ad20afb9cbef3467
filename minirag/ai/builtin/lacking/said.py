"""What would be quoted, and which words of the question are in it: looked for once, for all rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minirag.ai.builtin.sentences.question_words import THERE, Word, find_words


@dataclass(frozen=True)
class Said:
    """A sentence with the `headings` above it, and how surely (0 to 1) each word of the question is in the one (`own`)
    and in the others (`above`).
    """

    text: str
    headings: str
    own: Mapping[Word, float]
    above: Mapping[Word, float]

    def find(self, word: Word) -> float:
        """How surely a word is there, in the sentence or above it."""
        return max(self.own[word], self.above[word])

    def has(self, word: Word) -> bool:
        return self.find(word) >= THERE


def read_said(
    words: Sequence[Word],
    quoted: Sequence[tuple[str, str]],
    language: str,
    variants: Mapping[str, Sequence[str]],
) -> list[Said]:
    """Each sentence that would be quoted, with the headings above it, read for the words of a question."""
    above = {
        headings: find_words(words, "", headings, language, variants)
        for headings in dict.fromkeys(headings for _, headings in quoted)
    }
    return [
        Said(text, headings, find_words(words, text, "", language, variants), above[headings])
        for text, headings in quoted
    ]

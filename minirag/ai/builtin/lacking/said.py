"""What would be quoted, and which words of the question are in it: looked for once, for all rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minirag.ai.builtin.sentences.question_words import THERE, Word, find_words
from minirag.lib.asking.answer_types import Asked


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


@dataclass(frozen=True)
class Compared:
    """A question beside what would be `quoted` for it, read for all of its `words`: `missing` are those that none of it
    has, nor means, and `meant` those that it says in others, nobody can tell in which sentence.
    """

    question: str
    words: Sequence[Word]
    missing: Sequence[Word]
    meant: Sequence[Word]
    quoted: Sequence[Said]
    asked: Asked
    language: str
    variants: Mapping[str, Sequence[str]]

    def list_naming(self) -> list[Word]:
        """The words that name what is asked about."""
        return [word for word in self.words if not (word.is_framing or word.is_light)]


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

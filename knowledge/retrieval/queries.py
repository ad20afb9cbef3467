"""What a search is asked for: a question, and what was said before it as far as it belongs to it. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Carried:
    """Words from before the question; one of them counts `weight` times a word of the question itself."""

    text: str
    weight: float


@dataclass(frozen=True)
class Query:
    """`text` is the question, whose words count in full. `language` is its, "" where that is still to be found out.

    `meaning` is what is embedded of a question that leans on the one before; others are embedded as they are. What is
    carried over into these only puts passages in order: it says nothing on whether the sources have an answer.
    With `by_words` the embedder is not asked at all.
    `curated_in` is the language to give a curated answer in, before anything is searched; None where none is wanted.
    `parts` are the questions of one that asks for several things; each is searched instead of the whole.
    `variations` ask the same in other words, and are searched as well.
    """

    text: str
    language: str = ""
    carried: tuple[Carried, ...] = ()
    meaning: str = ""
    by_words: bool = False
    curated_in: str | None = None
    parts: tuple[Query, ...] = ()
    variations: tuple[Query, ...] = ()

    @property
    def is_leaning(self) -> bool:
        return bool(self.meaning)

    @property
    def said_before(self) -> str:
        return " ".join(each.text for each in self.carried)

    @property
    def read(self) -> str:
        """All that a passage may say together: the question, and what it goes on from."""
        return f"{self.text} {self.said_before}".rstrip()

    @property
    def embedded(self) -> str:
        return self.meaning or self.text

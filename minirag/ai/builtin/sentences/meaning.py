"""What an embedder says of sentences: how like the question each is as a whole, and how much of the question's words it
takes up, in these words or in others. Pure but for the embedder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Gives one unit vector per text; the first text is the question.
SentenceEmbedder = Callable[[list[str]], "np.ndarray"]


@dataclass(frozen=True)
class Reading:
    """A text as an embedder read it: its unit `vector`, one of each piece of its words as it is meant in its place, and
    where in the text each piece ends.
    """

    vector: np.ndarray
    words: np.ndarray
    ends: np.ndarray

    def pack(self) -> Reading:
        """The same for keeping: half the size, and by itself in memory."""
        return Reading(self.vector.copy(), self.words.astype("float16"), self.ends.copy())


SentenceReader = Callable[[list[str]], list[Reading]]


@dataclass(frozen=True)
class Meaning:
    """`likeness` is a sentence's cosine with a question. `words` says for each piece of the question's words how surely
    (0 to 1) the sentence has it, in this word or another; None where nobody can tell. `ends` are the pieces' ends.
    """

    likeness: float = 0.0
    words: np.ndarray | None = None
    ends: np.ndarray | None = None

    @property
    def taken_up(self) -> float:
        """How much (0 to 1) of all of the question's words it has."""
        return float(self.words.mean()) if self.words is not None and len(self.words) else 0.0


UNKNOWN = Meaning()
FEW = 2


def embed_sentences(
    question: str, sentences: Sequence[str], embed: SentenceEmbedder
) -> list[Meaning]:
    vectors = embed([question, *sentences])
    return [Meaning(float(value)) for value in vectors[1:] @ vectors[0]]


def read_sentences(question: str, sentences: Sequence[str], read: SentenceReader) -> list[Meaning]:
    asked, *said = read([question, *sentences])
    return [
        Meaning(
            float(each.vector @ asked.vector), compare_words(asked.words, each.words), asked.ends
        )
        for each in said
    ]


def compare_words(asked: np.ndarray, said: np.ndarray) -> np.ndarray:
    """For each word of the one text its cosine with the most alike of the other, from 0 to 1."""
    import numpy as np

    if not len(said):
        return np.zeros(len(asked))
    likeness = asked.astype(np.float32) @ said.astype(np.float32).T
    return np.clip(likeness.max(axis=1), 0.0, 1.0)


def read_missing(
    question: str, texts: Sequence[str], known: Sequence[Meaning], read: SentenceReader
) -> list[Meaning]:
    """What was known of some sentences, and where it was nothing of any of them, what there is to know of the first."""
    if any(each.words is not None for each in known):
        return list(known)
    return [*read_sentences(question, texts[:FEW], read), *known[FEW:]]


def read_together(sentences: Sequence[Meaning], length: int) -> dict[int, float]:
    """How surely some sentences have each piece of a question's words, by where the piece ends, up to `length`."""
    import numpy as np

    known = [each.words for each in sentences if each.words is not None]
    ends = next((each.ends for each in sentences if each.ends is not None), None)
    if not known or ends is None:
        return {}
    together = np.max(np.stack(known), axis=0)
    pairs = zip(ends.tolist(), together.tolist(), strict=True)
    return {end: value for end, value in pairs if end <= length}

"""Made-up knowledge of the right shape: texts to ingest, and rows of an index too large to embed here.

Words follow Zipf's law over 27,000 pseudo-words. Vectors lie as embeddings of real text do: in clusters (topics), and
spread in few directions (24) rather than in all 384, which is what makes nearest neighbours findable at all.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache
from itertools import accumulate, product

import numpy as np

from bench.product import DEMO, DOCUMENTS

DIMENSIONS, DIRECTIONS, TOPICS = 384, 24, 300
_SYLLABLES = [
    "ba",
    "de",
    "fi",
    "go",
    "ku",
    "la",
    "me",
    "ni",
    "po",
    "ru",
    "sa",
    "te",
    "vi",
    "zo",
    "ran",
    "tel",
    "mor",
    "vek",
    "lin",
    "dor",
    "pan",
    "sil",
    "kar",
    "nub",
    "hex",
    "wim",
    "jol",
    "tas",
    "fen",
    "gar",
]
VOCABULARY = ["".join(parts) for parts in product(_SYLLABLES, repeat=3)]
_ODDS = list(accumulate(1 / (rank + 20) for rank in range(len(VOCABULARY))))


def make_text(chunks: int, *, seed: int) -> str:
    """A Markdown text that makes about so many chunks of 200 tokens, of the demo's sentences with words changed."""
    dice, sections = random.Random(seed), []
    for number in range(chunks):
        sentences = (vary(dice.choice(read_sentences()), dice) for _ in range(9))
        sections.append(
            f"## Section {number} on {dice.choice(VOCABULARY)}\n\n{' '.join(sentences)}\n"
        )
    return "\n".join(sections)


@cache
def read_sentences() -> list[str]:
    """The sentences of the demo's handbook and FAQ that are ten to thirty words long."""
    text = " ".join((DEMO / name).read_text() for name in DOCUMENTS)
    found = re.findall(r"[A-Z][^.!?|#*\n]{20,400}[.!?]", text)
    return [sentence for sentence in found if 10 <= len(sentence.split()) <= 30]


def vary(sentence: str, dice: random.Random, others: Sequence[str] = VOCABULARY) -> str:
    """Two words of the sentence replaced by `others`, so that no chunk is another's copy."""
    words = sentence.split()
    for _ in range(2):
        words[dice.randrange(1, len(words) - 1)] = dice.choice(others)
    return " ".join(words)


def write_passage(words: Collection[str], dice: random.Random) -> str:
    """Nine English sentences that have some of the words: what reads sentences reads as long ones as in prose."""
    others = list(words)
    return " ".join(vary(dice.choice(read_sentences()), dice, others) for _ in range(9))


def pick_words(dice: random.Random, count: int) -> list[str]:
    return dice.choices(VOCABULARY, cum_weights=_ODDS, k=count)


def count_words(dice: random.Random, topic: int) -> Counter[str]:
    """The words of one chunk of 200 tokens: 90 of the whole language, 15 of its topic's own."""
    own = VOCABULARY[3000 + topic * 80 : 3000 + (topic + 1) * 80]
    return Counter(pick_words(dice, 90) + dice.choices(own, k=15))


class VectorSpace:
    """Topics in space, and vectors around them."""

    def __init__(self, seed: int) -> None:
        self.dice = np.random.default_rng(seed)
        self.directions = self.dice.normal(size=(DIRECTIONS, DIMENSIONS)) / np.sqrt(DIMENSIONS)
        self.topics = self.dice.normal(size=(TOPICS, DIMENSIONS)) / np.sqrt(DIMENSIONS)

    def place(self, topics: np.ndarray) -> np.ndarray:
        """A unit vector near each of `topics`; float32, shape (len(topics), 384)."""
        spread = self._spread(len(topics)) * 0.7
        noise = self.dice.normal(size=(len(topics), DIMENSIONS)) / np.sqrt(DIMENSIONS) * 0.15
        return normalise(self.topics[topics] + spread + noise)

    def approach(self, vectors: np.ndarray) -> np.ndarray:
        """Questions about `vectors`: near them, and not at them."""
        return normalise(vectors + self._spread(len(vectors)) * 0.35)

    def _spread(self, count: int) -> np.ndarray:
        """Random steps of about length 1 in the few directions."""
        return self.dice.normal(size=(count, DIRECTIONS)) @ self.directions / np.sqrt(DIRECTIONS)


def normalise(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

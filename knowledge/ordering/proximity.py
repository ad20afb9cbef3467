"""Whether a passage says a question's words together: neighbours side by side, and many of them close to each other.

BM25 counts words wherever they stand, and a vector blurs them. Read in the text of the best passages instead of in the
index, pairs of words cost it nothing. Pure; measured in docs/retrieval.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Final

from knowledge.retrieval.passages import Passage
from minirag.lib.text.analysis import analyse_words

DEPTH: Final = 20
"""So many of the best passages are read; with 30 nothing changed."""
PAIRS_WEIGHT, NEARNESS_WEIGHT = 0.3, 0.3
_WINDOW = 20  # words, about a long sentence
_MOST_TERMS = 64


def _list_terms(text: str, language: str) -> tuple[str, ...]:
    return tuple(term for _, term in analyse_words(text, language) if term)


_read_terms = lru_cache(maxsize=2048)(_list_terms)


class Closeness:
    """What a question wants to see together, in each language that passages are written in.

    `weights` are the idf of its terms, `replaced` the words that it is read as having instead of others.
    """

    def __init__(
        self, question: str, weights: Mapping[str, float], replaced: Mapping[str, str]
    ) -> None:
        self.question, self.weights, self.replaced = question, weights, replaced
        self.rarest = max(weights.values(), default=1.0)
        self._asked: dict[str, list[str]] = {}

    def _terms(self, language: str) -> list[str]:
        if language not in self._asked:
            terms = _list_terms(self.question[: 20 * _MOST_TERMS], language)
            self._asked[language] = [self.replaced.get(term, term) for term in terms[:_MOST_TERMS]]
        return self._asked[language]

    def _weigh(self, term: str) -> float:
        return self.weights.get(term, self.rarest)

    def measure(self, text: str, language: str) -> float:
        """From 0, nothing of it is together, to the sum of both weights: all of it is, in its order."""
        asked = self._terms(language)
        wanted = set(asked)
        whole = sum(map(self._weigh, wanted))
        if len(wanted) < 2 or not whole:
            return 0.0
        said = _read_terms(text, language)
        common = set(pairwise(asked)) & set(pairwise(said))
        pairs = sum(min(self._weigh(first), self._weigh(second)) for first, second in common)
        nearest = self._find_nearest(said, wanted)
        return PAIRS_WEIGHT * min(pairs / whole, 1.0) + NEARNESS_WEIGHT * nearest / whole

    def _find_nearest(self, said: Sequence[str], wanted: set[str]) -> float:
        """The most of the question's weight that stands within a window."""
        places = [(place, term) for place, term in enumerate(said) if term in wanted]
        best = current = 0.0
        inside: Counter[str] = Counter()
        first = 0
        for place, term in places:
            inside[term] += 1
            current += self._weigh(term) if inside[term] == 1 else 0.0
            while places[first][0] <= place - _WINDOW:
                gone = places[first][1]
                inside[gone] -= 1
                current -= self._weigh(gone) if not inside[gone] else 0.0
                first += 1
            best = max(best, current)
        return best


def order_by_closeness(
    passages: Sequence[tuple[Passage, str]], closeness: Closeness, share: float
) -> list[Passage]:
    """Order passages (each with its language, best first) anew; the best keeps the score of the best.

    `share` says how much it counts: 1 where words count at least half, less where meaning decides.
    """
    if not passages or share <= 0:
        return [passage for passage, _ in passages]
    added = [
        share * closeness.measure(_read(passage), language) if number < DEPTH else 0.0
        for number, (passage, language) in enumerate(passages)
    ]
    scored = [
        (passage.score + more, more, passage)
        for more, (passage, _) in zip(added, passages, strict=True)
    ]
    scale = passages[0][0].score / (max(score for score, *_ in scored) or 1.0)
    scored.sort(key=lambda found: (-found[0], found[2].chunk_id))
    return [
        replace(passage, score=score * scale, fused=passage.score, closeness=more)
        for score, more, passage in scored
    ]


def list_terms(passage: Passage, language: str) -> tuple[str, ...]:
    """The words of a passage as the index knows them."""
    return _read_terms(_read(passage), language)


def _read(passage: Passage) -> str:
    return f"{passage.heading}. {passage.content}" if passage.heading else passage.content

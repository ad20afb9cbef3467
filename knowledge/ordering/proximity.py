"""Whether a passage says a question's words together: neighbours side by side, and as many as possible in one sentence.

BM25 counts words wherever they stand, and a vector blurs them. Read in the text of the best passages instead of in the
index, pairs of words cost it nothing. What all of these passages say, as those of one article say its subject, tells
none of them from the others, so a word counts less the more of them have it. Pure; measured in docs/retrieval.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, KeysView, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, chain, pairwise
from operator import and_, eq
from typing import Final

from knowledge.retrieval.passages import Passage
from minirag.lib.text.analysis import list_words
from minirag.lib.text.sentences import split_sentences

DEPTH: Final = 20
"""So many of the best passages are read; with 25 nothing changed."""
PAIRS_WEIGHT, SENTENCE_WEIGHT = 0.4, 0.4
_MOST_TERMS = 64
_KINSHIP = 0.9
_SHARED, _SHORTEST_SHARED = 0.7, 5


@lru_cache(maxsize=2048)
def _read(heading: str, content: str, language: str) -> tuple[tuple[str, ...], ...]:
    """The terms of a passage: those of its heading, then those of each of its sentences."""
    texts = (heading, *split_sentences(content))
    return tuple(tuple(list_words(each, language)) for each in texts)


class Closeness:
    """What a question wants to see together, in each language that passages are written in.

    `weights` are the idf of its terms, `replaced` the words that it is read as having instead of others.
    """

    def __init__(
        self, question: str, weights: Mapping[str, float], replaced: Mapping[str, str]
    ) -> None:
        self.question, self.weights, self.replaced = question, weights, replaced
        self.rarest = max(weights.values(), default=1.0)

    def measure(self, passages: Sequence[tuple[Passage, str]]) -> list[float]:
        """For each passage (with its language) from 0, nothing of it is together, to the sum of both weights."""
        measured = [0.0] * len(passages)
        for language in {spoken for _, spoken in passages}:
            own = [number for number, (_, spoken) in enumerate(passages) if spoken == language]
            read = [
                _read(passages[number][0].heading, passages[number][0].content, language)
                for number in own
            ]
            for number, value in zip(own, self._measure(read, language), strict=True):
                measured[number] = value
        return measured

    def _measure(
        self, read: Sequence[tuple[tuple[str, ...], ...]], language: str
    ) -> Iterable[float]:
        terms = list_words(self.question[: 20 * _MOST_TERMS], language)
        asked = [self.replaced.get(term, term) for term in terms[:_MOST_TERMS]]
        weights = {term: self.weights.get(term, self.rarest) for term in asked}
        whole = sum(weights.values())
        if len(weights) < 2 or not whole:
            return [0.0] * len(read)
        words = [set(chain.from_iterable(each)) for each in read]
        have = Counter(term for said in words for term in weights.keys() & said)
        wanted = {
            term: weight * (1 - have[term] / (len(read) + 1)) for term, weight in weights.items()
        }
        pairs, kin = set(pairwise(asked)), find_kin(weights, set().union(*words))
        worth = _Worth(wanted, kin)
        return [
            PAIRS_WEIGHT * min(_weigh_pairs(pairs, each, said, weights) / whole, 1.0)
            + SENTENCE_WEIGHT * _find_fullest(each, kin.keys(), worth) / sum(wanted.values())
            for each, said in zip(read, words, strict=True)
        ]


def _weigh_pairs(
    pairs: set[tuple[str, str]], read: Iterable[Iterable[str]], said: set[str], weights: Mapping[str, float]
) -> float:  # fmt: skip
    if not any(map(said.issuperset, pairs)):  # most passages have no two of them
        return 0.0
    common = pairs.intersection(pairwise(chain.from_iterable(read)))
    return sum(min(weights[first], weights[second]) for first, second in common)


class _Worth(dict[frozenset[str], float]):
    """How much of what is wanted some words say, themselves or by others of their root; a few sets come often."""

    def __init__(self, wanted: Mapping[str, float], kin: Mapping[str, Mapping[str, float]]) -> None:
        super().__init__()
        self._wanted, self._kin = wanted, kin

    def __missing__(self, words: frozenset[str]) -> float:
        found: dict[str, float] = {}
        for word in words:
            for term, near in self._kin[word].items():
                found[term] = max(near, found.get(term, 0.0))
        self[words] = worth = sum(near * self._wanted[term] for term, near in found.items())
        return worth


def _find_fullest(
    read: Sequence[tuple[str, ...]], telling: KeysView[str], worth: _Worth
) -> float:  # fmt: skip
    """The most of what is wanted that one sentence says under its heading; `telling` are the words that say of it."""
    heading, *sentences = read
    above = frozenset(telling & heading)
    return max(worth[above.union(telling & said)] for said in sentences or [()])


def find_kin(terms: Collection[str], said: Iterable[str]) -> dict[str, dict[str, float]]:
    """For each word that is a term, or begins as one does, how near it is to which: stemming leaves "inventor" and
    "invent".
    """
    begins: dict[str, list[str]] = {}
    for term in terms:
        if len(term) >= _SHORTEST_SHARED and term.isalpha():
            begins.setdefault(term[:_SHORTEST_SHARED], []).append(term)
    kin = {term: {term: 1.0} for term in terms}
    for word in [each for each in said if each[:_SHORTEST_SHARED] in begins]:
        for term in begins[word[:_SHORTEST_SHARED]]:
            shared = sum(accumulate(map(eq, term, word), and_))
            if word != term and word.isalpha() and shared >= _SHARED * len(term):
                kin.setdefault(word, {})[term] = _KINSHIP * shared / max(len(term), len(word))
    return kin


def order_by_closeness(
    passages: Sequence[tuple[Passage, str]], closeness: Closeness, share: float
) -> list[Passage]:
    """Order passages (each with its language, best first) anew; the best keeps the score of the best.

    `share` says how much it counts: 1 where words count a good part, less where meaning decides.
    """
    if not passages or share <= 0:
        return [passage for passage, _ in passages]
    added = [share * each for each in closeness.measure(passages[:DEPTH])]
    added += [0.0] * (len(passages) - len(added))
    scored = [
        (passage.score + more, more, passage)
        for more, (passage, _) in zip(added, passages, strict=True)
    ]
    scale = passages[0][0].score / (max(score for score, *_ in scored) or 1.0)
    scored.sort(key=lambda found: (-found[0], found[2].chunk_id))
    return [
        passage.but(score=score * scale, fused=passage.score, closeness=more)
        for score, more, passage in scored
    ]


def list_terms(passage: Passage, language: str) -> tuple[str, ...]:
    """The words of a passage as the index knows them."""
    return tuple(chain.from_iterable(_read(passage.heading, passage.content, language)))

"""Which sentence answers: one score per quotable sentence, from words, likeness, what it stands under and what was
asked for. The weights were chosen on half of 1,000 questions of SQuAD (docs/retrieval.md).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from minirag.ai.builtin.quoting import clean_inline
from minirag.ai.builtin.sentences.asked import match_answer_type, read_asked
from minirag.ai.builtin.sentences.candidates import QUESTION_MARKS, Candidate
from minirag.ai.builtin.sentences.meaning import (
    UNKNOWN,
    Meaning,
    SentenceEmbedder,
    SentenceReader,
    embed_sentences,
    read_sentences,
)
from minirag.ai.builtin.sentences.question_words import BEFORE, read_terms
from minirag.lib.asking.answer_types import Asked
from minirag.lib.text import analysis

SHORT_WORDS = 5
SHORT_PENALTY = 0.2
QUESTION_PENALTY = 0.3
# Of long sentences as many as have room, and these in any case.
LEAST_EMBEDDED = 8
BM25_K1, BM25_B = 1.2, 0.75
COVERAGE, CONTEXT, HEADING, KIND, PASSAGE, LIKENESS = 0.4, 0.3, 0.2, 0.1, 0.15, 0.6
MULTILINGUAL_LIKENESS = 1.0
TAKEN_UP, TAKEN_UP_BESIDE, USUAL = 0.8, 0.6, 0.25
"""Where it is known how much of the question's words a sentence takes up: what it has of them above what any two
English sentences have, and what the best sentence of its passage has.
"""


@dataclass(frozen=True)
class Ordering:
    """What orders the sentences whose words are known as they are meant in their places; `multilingual_likeness` is for
    those of which a multilingual embedder says only how like the question each is as a whole.

    An embedder is asked about `most` sentences, of long ones about so many as `room` characters hold: each costs some
    3 ms of CPU before the first word of the answer, unless it was read before. A multilingual one takes twice as long,
    and is asked about `most_multilingual`.
    """

    coverage: float
    passage: float
    likeness: float
    most: int
    room: int
    multilingual_likeness: float
    most_multilingual: int


AMONG_MANY: Final = Ordering(
    coverage=0.4, passage=0.3, likeness=0.4, most=20, room=2400,
    multilingual_likeness=MULTILINGUAL_LIKENESS, most_multilingual=8,
)  # fmt: skip
"""Fitted on half of SQuAD: where there is much to find, which passages were found says much, and so do rare words."""
AMONG_FEW: Final = Ordering(
    coverage=0.3, passage=0.12, likeness=1.2, most=32, room=4000,
    multilingual_likeness=2.0, most_multilingual=24,
)  # fmt: skip
"""Fitted on help pages of fifteen small sites: people ask for what stands there in words of their own, and the same
sentences are soon known.
"""


@dataclass(frozen=True)
class Weights:
    """What the question's words weigh in one language; `asking` are those that only say what kind is asked for."""

    terms: Mapping[str, float]
    asking: float

    @property
    def total(self) -> float:
        return sum(self.terms.values()) + self.asking


@dataclass(frozen=True)
class Scored:
    """One score per candidate. `best` is what the best of them has by words and likeness alone, whatever else they were
    ordered by; `meanings` is what an embedder says of each, where it can say what each word means in its place.
    """

    scores: list[float]
    best: float
    meanings: list[Meaning] | None = None


def score_candidates(
    question: str,
    candidates: Sequence[Candidate],
    term_weights: Mapping[str, float],
    embed: SentenceEmbedder | None = None,
    before: str = "",
    *,
    is_multilingual: bool = False,
    read: SentenceReader | None = None,
    ordering: Ordering = AMONG_MANY,
    spoken: str = "",
) -> Scored:
    """Score candidates, comparably only among these. The rest is as in offline.answer_question."""
    asked = read_asked(question, candidates, before, spoken)
    whole = f"{question} {before}" if before else question
    weights = {
        language: _weigh(question, before, asked, language, candidates, term_weights, spoken)
        for language in {candidate.language for candidate in candidates}
    }
    kinds = [match_answer_type(asked, whole, each) for each in candidates]
    coverage = [
        cover_all(weights[each.language], each.terms, holds=kind == 1.0)
        for each, kind in zip(candidates, kinds, strict=True)
    ]
    best_passage = max(candidate.passage.score for candidate in candidates)
    ranks = [
        max(each.passage.score, 0.0) / best_passage if best_passage > 0 else 0.0
        for each in candidates
    ]
    shared = [
        COVERAGE * covered
        + PASSAGE * rank
        + KIND * kind
        + cover_above(weights[each.language], each)
        - (QUESTION_PENALTY if each.is_question else 0.0)
        for each, covered, rank, kind in zip(candidates, coverage, ranks, kinds, strict=True)
    ]
    bm25 = score_bm25(candidates, {name: each.terms for name, each in weights.items()})
    by_words = [
        0.4 * like + rest - (SHORT_PENALTY if is_fragment(each) else 0.0)
        for each, like, rest in zip(candidates, bm25, shared, strict=True)
    ]
    if embed is None or not (is_multilingual or are_mostly_english(candidates)):
        return Scored(by_words, max(by_words))
    most = ordering.most_multilingual if is_multilingual else ordering.most
    meanings = measure_meaning(whole, candidates, by_words, embed, most, ordering.room, read)
    weight = MULTILINGUAL_LIKENESS if is_multilingual else LIKENESS
    by_likeness = [
        weight * each.likeness + rest for each, rest in zip(meanings, shared, strict=True)
    ]
    if read is None and not is_multilingual:
        return Scored(by_likeness, max(by_likeness), meanings)
    added = (
        add_taken_up(candidates, meanings, ranks, coverage, ordering)
        if read is not None
        else [(ordering.multilingual_likeness - weight) * each.likeness for each in meanings]
    )
    scores = [score + more for score, more in zip(by_likeness, added, strict=True)]
    return Scored(scores, max(by_likeness), meanings)


def add_taken_up(
    candidates: Sequence[Candidate],
    meanings: Sequence[Meaning],
    ranks: Sequence[float],
    coverage: Sequence[float],
    ordering: Ordering,
) -> list[float]:
    """What the scores change by where it is known how much of the question each sentence takes up."""
    return [
        (ordering.likeness - LIKENESS) * meaning.likeness
        + TAKEN_UP * max(meaning.taken_up - USUAL, 0.0)
        + TAKEN_UP_BESIDE * max(best - USUAL, 0.0)
        + (ordering.passage - PASSAGE) * rank
        + (ordering.coverage - COVERAGE) * covered
        for meaning, best, rank, covered in zip(
            meanings, find_best_beside(candidates, meanings), ranks, coverage, strict=True
        )
    ]


def find_best_beside(candidates: Sequence[Candidate], meanings: Sequence[Meaning]) -> list[float]:
    """For each sentence how much of the question the best of its passage takes up."""
    best: dict[int, float] = {}
    for each, meaning in zip(candidates, meanings, strict=True):
        best[each.passage.number] = max(best.get(each.passage.number, 0.0), meaning.taken_up)
    return [best[each.passage.number] for each in candidates]


def _weigh(
    question: str,
    before: str,
    asked: Asked,
    language: str,
    candidates: Sequence[Candidate],
    term_weights: Mapping[str, float],
    spoken: str,
) -> Weights:
    """A word that many of the sentences have tells none of them from the others, and weighs less."""
    own, said = (dict.fromkeys(read_terms(text, language, spoken)) for text in (question, before))
    terms = {
        term: weight if term in own else BEFORE * weight
        for term, weight in weigh_question([*own, *said], candidates, term_weights).items()
    }
    have = Counter(term for each in candidates for term in terms.keys() & set(each.terms))
    terms = {
        term: weight * (1 - have[term] / (len(candidates) + 1)) for term, weight in terms.items()
    }
    asking = set(analysis.analyse(asked.words, language)) if asked.kind else set()
    rest = {term: weight for term, weight in terms.items() if term not in asking}
    return Weights(rest, sum(terms.values()) - sum(rest.values()))


def is_fragment(candidate: Candidate) -> bool:
    """Too short to say much; words cannot be counted like this in every script."""
    return candidate.language == "en" and len(candidate.text.split()) < SHORT_WORDS


def are_mostly_english(candidates: Sequence[Candidate]) -> bool:
    """Whether the English embedder's view helps; a table or a name may look foreign among English sentences."""
    return 2 * sum(candidate.language == "en" for candidate in candidates) > len(candidates)


def weigh_question(
    terms: Sequence[str], candidates: Sequence[Candidate], term_weights: Mapping[str, float]
) -> dict[str, float]:
    """The idf of each distinct term of the question; a term that no document has counts as the rarest."""
    distinct = dict.fromkeys(terms)
    if any(term in term_weights for term in distinct):
        rarest = max(term_weights.values())
        return {term: term_weights.get(term, rarest) for term in distinct}
    documents = Counter(term for candidate in candidates for term in set(candidate.terms))
    total = len(candidates)
    return {
        term: math.log(1 + (total - documents[term] + 0.5) / (documents[term] + 0.5))
        for term in distinct
    }


def cover_question(weights: Mapping[str, float], terms: Collection[str]) -> float:
    """The share (0 to 1) of the question's weight that a sentence's terms hold."""
    total = sum(weights.values())
    present = set(terms)
    return (
        sum(weight for term, weight in weights.items() if term in present) / total
        if total > 0
        else 0.0
    )


def cover_all(weights: Weights, terms: Collection[str], *, holds: bool) -> float:
    """The same, where a thing of the kind that is asked for stands for the words that ask for it."""
    if weights.total <= 0:
        return 0.0
    found = cover_question(weights.terms, terms) * sum(weights.terms.values())
    return (found + (weights.asking if holds else 0.0)) / weights.total


def cover_above(weights: Weights, candidate: Candidate) -> float:
    """What the text above a sentence, and its passage's heading, add to what it covers itself."""
    if weights.total <= 0:
        return 0.0
    present = set(candidate.terms)
    missing = {term: weight for term, weight in weights.terms.items() if term not in present}
    share = sum(missing.values()) / weights.total
    answers = CONTEXT if candidate.title.endswith(QUESTION_MARKS) else HEADING
    return share * (
        CONTEXT * cover_question(missing, candidate.above)
        + answers * cover_question(missing, candidate.heading)
    )


def score_bm25(
    candidates: Sequence[Candidate], weights: Mapping[str, Mapping[str, float]]
) -> list[float]:
    """BM25 of each sentence for the question, over its greatest possible value (0 to 1)."""
    average = sum(len(candidate.terms) for candidate in candidates) / len(candidates) or 1.0
    scores = []
    for candidate in candidates:
        counts = Counter(candidate.terms)
        damping = BM25_K1 * (1 - BM25_B + BM25_B * len(candidate.terms) / average)
        idf = weights[candidate.language]
        score = sum(
            weight * counts[term] / (counts[term] + damping)
            for term, weight in idf.items()
            if counts[term]
        )
        scores.append(score / (sum(idf.values()) or 1.0))
    return scores


def measure_meaning(
    question: str,
    candidates: Sequence[Candidate],
    by_words: Sequence[float],
    embed: SentenceEmbedder,
    most: int,
    room: int,
    read: SentenceReader | None = None,
) -> list[Meaning]:
    """What an embedder says of the `most` best by words, each under its heading, while there is room."""
    ranked: list[int] = []
    texts: list[str] = []
    for index in sorted(range(len(candidates)), key=lambda index: -by_words[index]):
        text = name_place(candidates[index])
        room -= len(text)
        if len(texts) == most or (room < 0 and len(texts) >= LEAST_EMBEDDED):
            break
        ranked.append(index)
        texts.append(text)
    found = (
        read_sentences(question, texts, read) if read else embed_sentences(question, texts, embed)
    )
    known = dict(zip(ranked, found, strict=True))
    return [known.get(index, UNKNOWN) for index in range(len(candidates))]


def name_place(candidate: Candidate) -> str:
    """A sentence under its headings, as an embedder reads it."""
    path = clean_inline(candidate.passage.heading)
    under = "" if candidate.under in path else candidate.under
    heading = " > ".join(part for part in (path, under) if part)
    return f"{heading}: {candidate.text}" if heading else candidate.text

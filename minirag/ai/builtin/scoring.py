"""Which sentence answers: one score per quotable sentence, from words, likeness, what it stands under and what was
asked for. The weights were chosen on half of 1,000 questions of SQuAD (docs/retrieval.md).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from minirag.ai.builtin.quoting import clean_inline, read_quotes
from minirag.lib.asking.answer_types import AnswerType, Asked, holds_answer, read_question
from minirag.lib.text import analysis
from minirag.lib.text.languages import detect_languages
from minirag.lib.text.short_texts import decide_language
from minirag.lib.text.weekdays import days_in
from minirag.lib.variants import stand_for

if TYPE_CHECKING:
    import numpy as np

SHORT_WORDS = 5
SHORT_PENALTY = 0.2
QUESTION_PENALTY = 0.3
# Each costs about 4 ms of CPU before the first word of the answer, with a multilingual embedder twice as much; 32 found
# no more on SQuAD.
LONGEST_EMBEDDED_LIST, LONGEST_MULTILINGUAL_LIST = 16, 8
BM25_K1, BM25_B = 1.2, 0.75
MEANT = 0.75  # how surely other words have to stand for a term
CONTEXT, HEADING, KIND, PASSAGE, LIKENESS = 0.3, 0.2, 0.1, 0.15, 0.6
MULTILINGUAL_LIKENESS = 1.0
QUESTION_MARKS = ("?", "？", "؟")

# Gives one unit vector per text; the first text is the question.
SentenceEmbedder = Callable[[list[str]], "np.ndarray"]


@dataclass(frozen=True)
class OfflinePassage:
    """A passage as the prompt numbers it. `score` is retrieval's; only its ratio to the best one matters."""

    number: int
    heading: str
    content: str
    score: float
    page_title: str = ""

    @cached_property
    def title(self) -> str:
        """The last part of the heading's path."""
        return clean_inline(self.heading.rpartition(" > ")[2])


@dataclass(frozen=True)
class Candidate:
    """One sentence that may be quoted. `terms` are analysed words, in order; `language` is its passage's.

    `above` and `heading` are the terms of what it stands under, in the text and as its passage's heading. `context`,
    `block`, `marker` and `columns` are as in quoting.Quote.
    """

    passage: OfflinePassage
    position: int
    text: str
    terms: tuple[str, ...]
    language: str
    above: frozenset[str] = frozenset()
    heading: frozenset[str] = frozenset()
    context: str = ""
    block: int = 0
    marker: str = ""
    columns: str = ""
    under: str = ""
    """The heading in the text above it."""

    @property
    def title(self) -> str:
        """The nearest heading."""
        return self.under or self.passage.title

    @property
    def is_question(self) -> bool:
        return self.text.endswith(QUESTION_MARKS)


def list_candidates(passages: Sequence[OfflinePassage]) -> list[Candidate]:
    """Every quotable sentence once: overlapping chunks repeat some, and the better passage keeps them."""
    candidates: list[Candidate] = []
    seen: set[str] = set()
    ranked = sorted(passages, key=lambda each: -each.score)
    languages = detect_languages([f"{each.heading}\n{each.content}" for each in ranked])
    for passage, language in zip(ranked, languages, strict=True):
        heading = frozenset(analysis.analyse(passage.heading, language))
        # A chunk may begin with its own heading, which answers nothing.
        seen |= {part.casefold() for part in (passage.heading, passage.title)}
        above: dict[str, frozenset[str]] = {}
        for position, quote in enumerate(read_quotes(passage.content)):
            key = quote.text.casefold()
            if key in seen:
                continue
            seen.add(key)
            if quote.context not in above:
                above[quote.context] = frozenset(analysis.analyse(quote.context, language))
            candidates.append(
                Candidate(
                    passage, position, quote.text, _read_terms(quote.text, language), language,
                    above[quote.context], heading, quote.context, quote.block, quote.marker, quote.columns,
                    quote.heading,
                )
            )  # fmt: skip
    return candidates


def read_variants(
    candidates: Sequence[Candidate], variants: Mapping[str, Sequence[str]]
) -> list[Candidate]:
    """The candidates, where a word that search took for a term of the question counts as that term too."""
    if not variants:
        return list(candidates)

    def meant_by(terms: Set[str]) -> list[str]:
        return [
            term
            for term, taken in variants.items()
            if term not in terms and stand_for(term, taken, terms) > MEANT
        ]

    return [
        replace(
            each,
            terms=each.terms + tuple(meant_by(set(each.terms))),
            above=each.above.union(meant_by(each.above)),
            heading=each.heading.union(meant_by(each.heading)),
        )
        for each in candidates
    ]


def _read_terms(text: str, language: str) -> tuple[str, ...]:
    """The terms of a text, and the days that it means without naming them."""
    terms = analysis.analyse(text, language)
    if days := days_in(text, language):
        terms += set(analysis.analyse(" ".join(days), language)) - set(terms)
    return tuple(terms)


def read_asked(question: str, candidates: Sequence[Candidate], before: str = "") -> Asked:
    """What kind of thing is asked for; the language is the question's, or that of most candidates.

    "And for students?" asks for what was asked for before.
    """
    languages = Counter(candidate.language for candidate in candidates)
    hints = [language for language, _ in languages.most_common(2)]
    asked = read_question(question, decide_language(question, hints))
    if asked.kind is None and before:
        return read_question(before, decide_language(before, hints))
    return asked


@dataclass(frozen=True)
class Weights:
    """What the question's words weigh in one language; `asking` are those that only say what kind is asked for."""

    terms: Mapping[str, float]
    asking: float

    @property
    def total(self) -> float:
        return sum(self.terms.values()) + self.asking


def score_candidates(
    question: str,
    candidates: Sequence[Candidate],
    term_weights: Mapping[str, float],
    embed: SentenceEmbedder | None = None,
    before: str = "",
    *,
    is_multilingual: bool = False,
) -> list[float]:
    """One score per candidate, comparable only among these. The rest is as in offline.compose_answer."""
    asked = read_asked(question, candidates, before)
    whole = f"{question} {before}" if before else question
    weights = {
        language: _weigh(whole, asked, language, candidates, term_weights)
        for language in {candidate.language for candidate in candidates}
    }
    kinds = [match_answer_type(asked, whole, each) for each in candidates]
    coverage = [
        cover_all(weights[each.language], each.terms, holds=kind == 1.0)
        for each, kind in zip(candidates, kinds, strict=True)
    ]
    best_passage = max(candidate.passage.score for candidate in candidates)
    shared = [
        PASSAGE * (max(each.passage.score, 0.0) / best_passage if best_passage > 0 else 0.0)
        + KIND * kind
        + cover_above(weights[each.language], each)
        - (QUESTION_PENALTY if each.is_question else 0.0)
        for each, kind in zip(candidates, kinds, strict=True)
    ]
    bm25 = score_bm25(candidates, {name: each.terms for name, each in weights.items()})
    by_words = [
        0.4 * covered + 0.4 * like + rest - (SHORT_PENALTY if is_fragment(each) else 0.0)
        for each, covered, like, rest in zip(candidates, coverage, bm25, shared, strict=True)
    ]
    if embed is None or not (is_multilingual or are_mostly_english(candidates)):
        return by_words
    longest = LONGEST_MULTILINGUAL_LIST if is_multilingual else LONGEST_EMBEDDED_LIST
    likeness = measure_likeness(whole, candidates, by_words, embed, longest)
    weight = MULTILINGUAL_LIKENESS if is_multilingual else LIKENESS
    return [
        0.4 * covered + weight * like + rest
        for covered, like, rest in zip(coverage, likeness, shared, strict=True)
    ]


def _weigh(
    question: str,
    asked: Asked,
    language: str,
    candidates: Sequence[Candidate],
    term_weights: Mapping[str, float],
) -> Weights:
    terms = weigh_question(analysis.analyse(question, language), candidates, term_weights)
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


def measure_likeness(
    question: str,
    candidates: Sequence[Candidate],
    by_words: Sequence[float],
    embed: SentenceEmbedder,
    longest: int,
) -> list[float]:
    """Cosine of the question with the `longest` best by words, each under its heading; 0 for the other sentences."""
    ranked = sorted(range(len(candidates)), key=lambda index: -by_words[index])[:longest]
    texts = []
    for candidate in (candidates[index] for index in ranked):
        heading = clean_inline(candidate.passage.heading)
        texts.append(f"{heading}: {candidate.text}" if heading else candidate.text)
    vectors = embed([question, *texts])
    likeness = [0.0] * len(candidates)
    for index, value in zip(ranked, vectors[1:] @ vectors[0], strict=True):
        likeness[index] = float(value)
    return likeness


def match_answer_type(asked: Asked, question: str, candidate: Candidate) -> float:
    """1 when the sentence holds what is asked for, 0 when not, .5 where nothing in particular is.

    A price is half there in any number, and a length of time in any time.
    """
    if asked.kind is None:
        return 0.5
    if holds_answer(asked.kind, candidate.text, candidate.language, question):
        return 1.0
    is_near = asked.kind in (AnswerType.PRICE, AnswerType.DURATION) and _DIGIT.search(
        candidate.text
    )
    return 0.3 if is_near else 0.0


_DIGIT = re.compile(r"\d")

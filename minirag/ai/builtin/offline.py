"""The answerer that needs no model provider: it quotes the sentences that answer the question, each with its citation.

Sentences are ranked by the share of the question's weight they cover, their likeness to the question, the passage's
own score, and whether they hold the kind of thing that was asked for (docs/retrieval.md: on SQuAD two sentences of
the best five passages hold the answer in .86 of cases; .83 without an embedder).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minirag.ai.builtin.quoting import clean_inline, split_quotes
from minirag.lib.text import analysis
from minirag.lib.text.languages import detect_language

if TYPE_CHECKING:
    import numpy as np

NOT_FOUND = "I could not find this in my sources."
SENTENCES = 2
# One more sentence than asked for is quoted when it is nearly as good as the best.
EXTRA_SENTENCE_RATIO = 0.8
SHORT_WORDS = 5
SHORT_PENALTY = 0.2
# Each costs about 4 ms of CPU before the first word of the answer.
LONGEST_EMBEDDED_LIST = 32
BM25_K1, BM25_B = 1.2, 0.75

# Gives one unit vector per text; the first text is the question.
SentenceEmbedder = Callable[[list[str]], "np.ndarray"]


@dataclass(frozen=True)
class OfflinePassage:
    """A passage as the prompt numbers it. `score` is retrieval's; only its ratio to the best one matters."""

    number: int
    heading: str
    content: str
    score: float


@dataclass(frozen=True)
class Candidate:
    """One sentence that may be quoted. `terms` are analysed words, in order; `language` is its passage's."""

    passage: OfflinePassage
    position: int
    text: str
    terms: tuple[str, ...]
    language: str


def compose_answer(
    question: str,
    passages: Sequence[OfflinePassage],
    *,
    before: str = "",
    term_weights: Mapping[str, float] | None = None,
    embed: SentenceEmbedder | None = None,
    sentences: int = SENTENCES,
) -> str:
    """The whole answer: quoted sentences, each followed by its passage's ` [n]`; NOT_FOUND when there is nothing.

    `term_weights` are the idf values of the question's analysed terms among the tenant's documents; without them the
    passages themselves are counted. `before` is what was asked before, of a question that leans on it.
    `embed` is used where passages are in English. Blocks for about 4 ms a sentence with `embed`: call it in a thread.
    """
    candidates = list_candidates(passages)
    if not candidates:
        return NOT_FOUND
    scores = score_candidates(question, candidates, term_weights or {}, embed, before)
    return " ".join(
        f"{close_sentence(candidates[index].text)} [{candidates[index].passage.number}]"
        for index in choose_sentences(candidates, scores, sentences)
    )


def list_candidates(passages: Sequence[OfflinePassage]) -> list[Candidate]:
    """Every quotable sentence once: overlapping chunks repeat some, and the better passage keeps them."""
    candidates, seen = [], set()
    for passage in sorted(passages, key=lambda each: -each.score):
        language = detect_language(passage.content)
        # A chunk may begin with its own heading, which answers nothing.
        headings = {
            part.strip().casefold()
            for part in (passage.heading, passage.heading.rpartition(">")[2])
        }
        for position, text in enumerate(split_quotes(passage.content)):
            key = text.casefold()
            if key not in seen and key not in headings:
                seen.add(key)
                terms = tuple(analysis.analyse(text, language))
                candidates.append(Candidate(passage, position, text, terms, language))
    return candidates


def score_candidates(
    question: str,
    candidates: Sequence[Candidate],
    term_weights: Mapping[str, float],
    embed: SentenceEmbedder | None = None,
    before: str = "",
) -> list[float]:
    """One score per candidate, comparable only among these."""
    whole = f"{question} {before}" if before else question
    weights = {
        language: weigh_question(analysis.analyse(whole, language), candidates, term_weights)
        for language in {candidate.language for candidate in candidates}
    }
    coverage = [cover_question(weights[each.language], each.terms) for each in candidates]
    best_passage = max(candidate.passage.score for candidate in candidates)
    shared = [
        0.2 * (max(each.passage.score, 0.0) / best_passage if best_passage > 0 else 0.0)
        + 0.1 * match_answer_type(question, each.text)
        for each in candidates
    ]
    bm25 = score_bm25(candidates, weights)
    by_words = [
        0.4 * coverage[index]
        + 0.4 * bm25[index]
        + shared[index]
        + 0.1 * cover_beside(candidates, coverage, index)
        - (SHORT_PENALTY if is_fragment(candidates[index]) else 0.0)
        for index in range(len(candidates))
    ]
    if embed is None or not are_mostly_english(candidates):
        return by_words
    likeness = measure_likeness(whole, candidates, by_words, embed)
    return [
        0.4 * covered + 0.4 * like + rest
        for covered, like, rest in zip(coverage, likeness, shared, strict=True)
    ]


def is_fragment(candidate: Candidate) -> bool:
    """Too short to say much; words cannot be counted like this in every script."""
    return candidate.language == "en" and len(candidate.text.split()) < SHORT_WORDS


def are_mostly_english(candidates: Sequence[Candidate]) -> bool:
    """Whether the English embedder's view helps; a table or a name may look foreign among English sentences."""
    return 2 * sum(candidate.language == "en" for candidate in candidates) > len(candidates)


def choose_sentences(
    candidates: Sequence[Candidate], scores: Sequence[float], count: int
) -> list[int]:
    """Indices to quote: the best passage first, and a passage's sentences in their original order."""
    ranked = sorted(range(len(scores)), key=lambda index: -scores[index])
    chosen = ranked[:count]
    if (
        len(ranked) > count
        and scores[ranked[count]] >= EXTRA_SENTENCE_RATIO * scores[ranked[0]] > 0
    ):
        chosen.append(ranked[count])
    passage_order = {
        number: rank
        for rank, number in reversed([*enumerate(candidates[i].passage.number for i in chosen)])
    }
    return sorted(
        chosen, key=lambda i: (passage_order[candidates[i].passage.number], candidates[i].position)
    )


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


def cover_question(weights: Mapping[str, float], terms: Sequence[str]) -> float:
    """The share (0 to 1) of the question's weight that a sentence's terms hold."""
    total = sum(weights.values())
    present = set(terms)
    return (
        sum(weight for term, weight in weights.items() if term in present) / total
        if total > 0
        else 0.0
    )


def cover_beside(candidates: Sequence[Candidate], coverage: Sequence[float], index: int) -> float:
    """The better coverage of the two sentences around one, within its passage."""
    neighbours = [
        coverage[other]
        for other in (index - 1, index + 1)
        if 0 <= other < len(candidates) and candidates[other].passage is candidates[index].passage
    ]
    return max(neighbours, default=0.0)


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
) -> list[float]:
    """Cosine of the question with each sentence under its passage's heading; 0 for those that words rank last."""
    ranked = sorted(range(len(candidates)), key=lambda index: -by_words[index])[
        :LONGEST_EMBEDDED_LIST
    ]
    texts = []
    for candidate in (candidates[index] for index in ranked):
        heading = clean_inline(candidate.passage.heading)
        texts.append(f"{heading}: {candidate.text}" if heading else candidate.text)
    vectors = embed([question, *texts])
    likeness = [0.0] * len(candidates)
    for index, value in zip(ranked, vectors[1:] @ vectors[0], strict=True):
        likeness[index] = float(value)
    return likeness


ASKS_TIME = re.compile(
    r"\b(when|(what|which) (year|date|day|month|century|decade))\b", re.IGNORECASE
)
ASKS_NUMBER = re.compile(
    r"\b(how (many|much|long|old|far|large|big|often|tall|high|fast)|what percent(age)?)\b",
    re.IGNORECASE,
)
ASKS_PERSON = re.compile(r"\b(who|whom|whose)\b", re.IGNORECASE)
TIME = re.compile(
    r"\b(January|February|March|April|May|June|July|August|September|October|November|December|century"
    r"|1\d{3}|20\d{2})\b"
)
NUMBER = re.compile(
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand|million|billion|half"
    r"|percent|dozen)\b",
    re.IGNORECASE,
)
NAME = re.compile(r"\b[A-Z][a-z]+")
NAME_INSIDE = re.compile(r"(?<![.!?] )\b[A-Z][a-z]+")


def match_answer_type(question: str, sentence: str) -> float:
    """1 when the sentence holds the time, number or person that an English question asks for, 0 when not, else .5."""
    if ASKS_TIME.search(question):
        return 1.0 if TIME.search(sentence) else 0.0
    if ASKS_NUMBER.search(question):
        return 1.0 if NUMBER.search(sentence) else 0.0
    if ASKS_PERSON.search(question):
        known = set(NAME.findall(question))
        # The first letter is cut off: it is a capital anyway.
        return 1.0 if any(name not in known for name in NAME_INSIDE.findall(sentence[1:])) else 0.0
    return 0.5


def close_sentence(text: str) -> str:
    """List items and table rows often lack a full stop, which would run two quotations together."""
    return text + "." if text[-1:].isalnum() or text[-1:] in ")]%€$\"'”" else text


PIECE = re.compile(r"\S+\s*")


def split_pieces(answer: str) -> list[str]:
    """The answer word by word, for streaming; joined they are the answer."""
    return PIECE.findall(answer)

"""Whether what the offline answerer would quote answers the question at all. Pure; fitted as docs/retrieval.md says.

A passage on the right topic is found easily, and quoting it for an answer that it does not hold is worse than to say
nothing. A small logistic model weighs what speaks for an answer: how much of the question's words is found again in the
quotations and the headings above them (as they are, folded, misspelled, as part of a compound, or by a word that means
about the same; rare words count more, words that only frame a question little), how good scoring finds the best of
them, how far search's confidence is above its floor, and how far the best passage stands out from the others. What is
asked for (an amount, a time, a person …) has to be there in any case.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from minirag.lib.asking.answer_types import Asked, holds_answer, lacks_answer
from minirag.lib.asking.framing_words import FRAMING_WORDS
from minirag.lib.text import analysis
from minirag.lib.variants import count_edits, stand_for

if TYPE_CHECKING:
    from minirag.ai.builtin.scoring import SentenceEmbedder

Strictness = Literal["balanced", "strict"]


@dataclass(frozen=True)
class Signs:
    """What search and scoring say: the `score` of the best sentence, the `margin` of confidence above its floor, and
    the `lead` (0 to 1) of the best passage's score over the fifth's, None where that says nothing.
    """

    score: float
    margin: float
    lead: float | None = None


@dataclass(frozen=True)
class Weighing:
    """Coefficients of the log odds that a quotation answers.

    With less than `least_coverage` it never does, however well search thinks of its find.
    """

    base: float
    score: float
    coverage: float
    margin: float
    lead: float
    foreign_name: float
    least_coverage: float

    def weigh(self, signs: Signs, coverage: float, *, is_foreign: bool) -> float:
        return (
            self.base + self.score * signs.score + self.coverage * coverage
            + self.margin * max(signs.margin, 0.0) + self.lead * (signs.lead or 0.0) + self.foreign_name * is_foreign
        )  # fmt: skip


BY_MEANING: Final = Weighing(-5.54, 1.94, 2.27, 6.20, 4.95, -1.03, 0.5)
"""English with an embedder, where there is a lead."""
WITHOUT_LEAD: Final = Weighing(-4.70, 2.70, 2.76, 5.58, 0.0, -0.97, 0.5)
MULTILINGUAL: Final = Weighing(-6.39, 2.88, 2.36, 8.41, 3.66, -1.25, 0.5)
"""Any language with an embedder that knows it, where there is a lead."""
MULTILINGUAL_WITHOUT_LEAD: Final = Weighing(-5.72, 3.57, 2.18, 8.89, 0.0, -1.32, 0.5)
ABROAD: Final = Weighing(-6.70, 6.66, 0.0, 3.59, 6.75, 0.0, 0.0)
"""Where the question is in another language than what is quoted, so that its words cannot be found again. Fitted on
German questions to English passages of SQuAD, and put lower: of the wrong passages there most are of the right article.
"""
ABROAD_WITHOUT_LEAD: Final = Weighing(-4.60, 7.03, 0.0, 0.0, 0.0, 0.0, 0.0)
BY_WORDS: Final = Weighing(-3.20, 0.0, 2.94, 10.48, 0.0, 0.0, 0.45)
"""Other languages; there score and lead added nothing on a small base."""
BARS: Final[Mapping[Strictness, float]] = {"balanced": 0.35, "strict": 0.45}
"""How likely an answer has to be."""
FRAMING, MINOR, BEFORE = 0.25, 0.4, 0.3
UNKNOWN_LANGUAGE = 0.75
"""What is found at best where we do not know which words only frame a question."""
IN_HEADING, LIKE = 0.95, 0.9
# Cosines of two single words: from the first on they may mean the same, at the second they surely do.
STRANGE, SAME = 0.3, 0.7
LONGEST_QUESTION = 64  # words; a pasted page is not checked word by word
NOTHING: Final = Asked()
NO_VARIANTS: Final[Mapping[str, Sequence[str]]] = {}
WORD = re.compile(r"[^\W_]+(?:[-./][^\W_]+)*")


@dataclass(frozen=True)
class Quoted:
    """A sentence that would be quoted, and the `headings` above it (a page's title too)."""

    text: str
    headings: str


@dataclass(frozen=True)
class Check:
    """`coverage` is the share (0 to 1) of the question's weight that was found again, `missing` the words that are not.

    `sureness` (0 to 1) is how likely this is an answer. `lacks` names the kind of answer that is not there ("price",
    "time" …), "" where it is or nobody can tell.
    """

    is_answered: bool
    coverage: float
    missing: tuple[str, ...] = ()
    lacks: str = ""
    sureness: float = 0.0


@dataclass(frozen=True)
class Word:
    text: str
    terms: tuple[str, ...]
    weight: float
    is_exact: bool
    """A name or a code: nothing that only means about the same will do."""
    is_framing: bool


def check_quotes(
    question: str,
    quoted: Sequence[Quoted],
    signs: Signs,
    *,
    language: str,
    term_weights: Mapping[str, float],
    asked: Asked = NOTHING,
    before: str = "",
    variants: Mapping[str, Sequence[str]] = NO_VARIANTS,
    strictness: Strictness = "balanced",
    embed: SentenceEmbedder | None = None,
    is_multilingual: bool = False,
    is_abroad: bool = False,
) -> Check:
    """Compare a question with what would be quoted. `language` is that of the quotations.

    `asked` is the kind of answer that is asked for, `before` what was asked before, of a question that leans on it.
    `variants` are the tenant's own words that search took for the question's terms: right spellings, compounds, parts.
    `embed`, of English only unless it `is_multilingual`, is asked only where the words alone do not decide, about some
    dozens of single words.
    `is_abroad`: the question is in another language, so that its words cannot be found.
    """
    words = weigh_words(question, language, term_weights)
    if not quoted or not words:
        return Check(bool(quoted), float(bool(quoted)), sureness=float(bool(quoted)))
    looked_for = words + [
        replace(each, weight=BEFORE * each.weight)
        for each in weigh_words(before, language, term_weights)
    ]
    text = " ".join(each.text for each in quoted)
    headings = " ".join(dict.fromkeys(each.headings for each in quoted))
    found = find_words(looked_for, text, headings, language, variants)
    if asked.kind and holds_answer(asked.kind, text, language, question):
        # "How long" is answered by a length of time, not by these words.
        asking = asked.words.casefold().split()
        found |= {word: 1.0 for word in words if word.is_framing and word.text.casefold() in asking}
    has_meaning = embed is not None and (is_multilingual or language == "en")
    weighing = choose_weighing(
        has_lead=signs.lead is not None, has_meaning=has_meaning, is_multilingual=is_multilingual,
        is_abroad=is_abroad,
    )  # fmt: skip
    is_foreign = any(word.is_exact and found[word] < 0.5 for word in words)
    bar = math.log(BARS[strictness] / (1 - BARS[strictness]))

    def weigh(coverage: float) -> float:
        return weighing.weigh(signs, coverage, is_foreign=is_foreign)

    def is_enough(coverage: float) -> bool:
        return coverage >= weighing.least_coverage and weigh(coverage) >= bar

    coverage = cover(found, language)
    if embed is not None and has_meaning and not is_enough(coverage) and is_enough(hope(found)):
        found = found | find_by_meaning(found, f"{text} {headings}", embed)
        coverage = cover(found, language)
    lacks = asked.kind or "" if lacks_answer(asked, f"{headings}: {text}", language) else ""
    missing = tuple(word.text for word in words if found[word] < 0.5 and not word.is_framing)
    sureness = 1 / (1 + math.exp(-weigh(coverage)))
    return Check(is_enough(coverage) and not lacks, coverage, missing, lacks, sureness)


def choose_weighing(
    *, has_lead: bool, has_meaning: bool, is_multilingual: bool, is_abroad: bool
) -> Weighing:
    if not has_meaning:
        return BY_WORDS
    if is_abroad:
        return ABROAD if has_lead else ABROAD_WITHOUT_LEAD
    if is_multilingual:
        return MULTILINGUAL if has_lead else MULTILINGUAL_WITHOUT_LEAD
    return BY_MEANING if has_lead else WITHOUT_LEAD


def find_words(
    words: Sequence[Word],
    text: str,
    headings: str,
    language: str,
    variants: Mapping[str, Sequence[str]],
) -> dict[Word, float]:
    """How surely each word is in what would be quoted, or in the headings above it."""
    said, above = (frozenset(analysis.analyse(part, language)) for part in (text, headings))
    return {
        word: max(find_word(word, said, variants), IN_HEADING * find_word(word, above, variants))
        for word in words
    }


def cover(found: Mapping[Word, float], language: str) -> float:
    """The share of the question's weight that was found."""
    total = sum(word.weight for word in found) or 1.0
    share = sum(word.weight * value for word, value in found.items()) / total
    return share if language in FRAMING_WORDS else min(share / UNKNOWN_LANGUAGE, 1.0)


def hope(found: Mapping[Word, float]) -> float:
    """The same if each word that may be there by its meaning was."""
    return cover({word: value if word.is_exact else 1.0 for word, value in found.items()}, "en")


def weigh_words(question: str, language: str, term_weights: Mapping[str, float]) -> list[Word]:
    """The words of a question that mean something, each once, with what each counts (0 to 1)."""
    found = list(WORD.finditer(question))[:LONGEST_QUESTION]
    rarest = max(term_weights.values(), default=1.0) or 1.0
    framing = FRAMING_WORDS.get(language, frozenset())
    # German nouns are written with a capital; where somebody does that, what has none is of less weight.
    writes_capitals = language == "de" and any(match[0][0].isupper() for match in found[1:])
    words: dict[str, Word] = {}
    for match in found:
        text, terms = match[0], tuple(analysis.analyse(match[0], language))
        if not terms or text.casefold() in words:
            continue
        begins = not match.start() or question[: match.start()].rstrip()[-1:] in ".!?:"
        is_code = not text.isdigit() and (
            any(letter.isdigit() for letter in text) or sum(map(str.isupper, text)) > 1
        )
        is_name = language != "de" and text[0].isupper() and not begins
        share = (
            1.0 if is_code
            else FRAMING if text.isdigit() or text.casefold() in framing
            else MINOR if writes_capitals and text[0].islower()
            else 1.0
        )  # fmt: skip
        idf = max(term_weights.get(term, rarest) for term in terms) / rarest
        words[text.casefold()] = Word(
            text, terms, share * idf, is_code or is_name, share == FRAMING
        )
    return list(words.values())


def find_word(
    word: Word, present: frozenset[str], variants: Mapping[str, Sequence[str]] = NO_VARIANTS
) -> float:
    """How surely (0 to 1) a word is among analysed terms."""
    if any(letter.isdigit() for letter in word.text):
        # Of a code all parts, or the whole without its joints, which is its last term.
        return float(present.issuperset(word.terms) or word.terms[-1] in present)
    return max(
        max(find_term(term, present), stand_for(term, variants.get(term, ()), present))
        for term in word.terms
    )


def find_term(term: str, present: frozenset[str]) -> float:
    if term in present:
        return 1.0
    if len(term) < 4:
        return 0.0
    return max((compare_terms(term, other) for other in present if len(other) > 3), default=0.0)


@lru_cache(maxsize=50_000)
def compare_terms(asked: str, other: str) -> float:
    """How surely `other` stands for `asked`: a compound for its part, less a part for its compound, a near spelling."""
    if asked in other:
        return LIKE if other.startswith(asked) or other.endswith(asked) else 0.5
    if other in asked:
        is_part = asked.startswith(other) or asked.endswith(other)
        return LIKE * len(other) / len(asked) if is_part else 0.0
    allowed = 0 if len(asked) < 5 else 1 if len(asked) < 10 else 2
    is_near = asked[0] == other[0] and abs(len(asked) - len(other)) <= allowed
    return LIKE if is_near and count_edits(asked, other, allowed) <= allowed else 0.0


def find_by_meaning(
    found: Mapping[Word, float], text: str, embed: SentenceEmbedder
) -> dict[Word, float]:
    """How surely words that mean about the same stand for those that were not found as such."""
    missing = [word for word, value in found.items() if value < 0.6 and not word.is_exact]
    others = list(
        dict.fromkeys(
            match[0].casefold() for match in WORD.finditer(text) if analysis.analyse(match[0], "en")
        )
    )[:LONGEST_QUESTION]
    if not missing or not others:
        return {}
    vectors = embed([*(word.text.casefold() for word in missing), *others])
    likeness = (vectors[: len(missing)] @ vectors[len(missing) :].T).max(axis=1)
    return {
        word: max(found[word], min(max((float(like) - STRANGE) / (SAME - STRANGE), 0.0), 1.0))
        for word, like in zip(missing, likeness, strict=True)
    }

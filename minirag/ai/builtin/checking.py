"""Whether what the offline answerer would quote answers the question at all. Pure; fitted as docs/retrieval.md says.

A passage on the right topic is found easily, and quoting it for an answer that it does not hold is worse than to say
nothing. A small logistic model weighs what speaks for an answer: how much of the question's words is found again in the
quotations and the headings above them (as they are, folded, misspelled, as part of a compound, or by a word that means
about the same; rare words count more, words that only frame a question little), how good scoring finds the best of
them, how far search's confidence is above its floor, and how far the best passage stands out from the others. What is
asked for (an amount, a time, a person …) has to be there in any case. Where the embedder says what each word means in
its place, that decides instead of the words found again (`taken_up`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from minirag.ai.builtin.lacking.finding import find_lacking
from minirag.ai.builtin.lacking.said import Said, read_said
from minirag.ai.builtin.sentences.meaning import Meaning, read_together
from minirag.ai.builtin.sentences.question_words import (
    BEFORE,
    NO_VARIANTS,
    THERE,
    Word,
    cover,
    find_by_meaning,
    find_words,
    hope,
    weigh_words,
)
from minirag.ai.builtin.sentences.taken_up import Strictness, read_taken_up
from minirag.lib.asking.answer_types import AnswerType, Asked, holds_answer

if TYPE_CHECKING:
    from minirag.ai.builtin.sentences.meaning import SentenceEmbedder


@dataclass(frozen=True)
class Signs:
    """What search and scoring say: the `score` of the best sentence, the `margin` of confidence above its floor, the
    `lead` (0 to 1) of the best passage over the fifth, None where that says nothing. `read` is what an embedder
    says of each quotation, where it can say what each word means in its place. `chosen_by` are words of the question,
    in small letters, that what is quoted was chosen by, and need not be said: "cheapest".
    """

    score: float
    margin: float
    lead: float | None = None
    read: Sequence[Meaning] = ()
    chosen_by: Collection[str] = ()


@dataclass(frozen=True)
class Weighing:
    """Coefficients of the log odds that a quotation answers.

    With less than `least_coverage` it never does, however well search thinks of its find, and where nothing in
    particular is asked for with less than `least_of_open`, if that is set. `taken_up` is for how much of
    the question's weight is there in these words or in others, as they are meant in their places, `least_word` for the
    word that is least there in one sentence. `narrow`: an amount, a number, a length of time or an address is asked
    for, which a page may well not say of what it speaks about; `open`: nothing in particular is asked for.
    """

    base: float
    score: float
    coverage: float
    margin: float
    lead: float
    foreign_name: float
    least_coverage: float
    taken_up: float = 0.0
    least_word: float = 0.0
    narrow: float = 0.0
    open: float = 0.0
    least_of_open: float | None = None

    def needs(self, asked: Asked) -> float:
        """How much of the question has to be covered in any case."""
        is_open = asked.kind is None and self.least_of_open is not None
        return self.least_of_open or 0.0 if is_open else self.least_coverage

    def weigh(
        self,
        signs: Signs,
        coverage: float,
        taken_up: float,
        least_word: float,
        kind: AnswerType | None,
        *,
        is_foreign: bool,
    ) -> float:
        return (
            self.base + self.taken_up * taken_up + self.score * signs.score + self.coverage * coverage
            + self.margin * max(signs.margin, 0.0) + self.lead * (signs.lead or 0.0) + self.foreign_name * is_foreign
            + self.least_word * least_word + self.narrow * (kind in NARROW) + self.open * (kind is None)
        )  # fmt: skip


READ: Final = Weighing(-4.82, 0.0, 0.0, 7.30, 5.47, -0.51, 0.0, taken_up=3.20)
"""English with an embedder that says what each word means in its place, where there is a lead."""
READ_AMONG_FEW: Final = Weighing(
    -5.83, 2.70, 2.76, 5.58, 0.0, -1.47, 0.0, least_word=3.7, narrow=-0.35
)
"""The same where there is no lead, as among few chunks."""
BY_MEANING: Final = Weighing(-5.54, 1.94, 2.27, 6.20, 4.95, -1.03, 0.5)
"""English with an embedder, where there is a lead."""
WITHOUT_LEAD: Final = Weighing(-4.70, 2.70, 2.76, 5.58, 0.0, -0.97, 0.5)
MULTILINGUAL: Final = Weighing(-6.39, 2.88, 2.36, 8.41, 3.66, -1.25, 0.5)
"""Any language with an embedder that knows it, where there is a lead."""
MULTILINGUAL_WITHOUT_LEAD: Final = Weighing(
    -5.72, 3.57, 2.18, 8.89, 0.0, -1.32, 0.5, open=0.4, least_of_open=0.4
)
ABROAD: Final = Weighing(-6.70, 6.66, 0.0, 3.59, 6.75, 0.0, 0.0)
"""Where the question is in another language than what is quoted, so that its words cannot be found again. Fitted on
German questions to English passages of SQuAD, and put lower: of the wrong passages there most are of the right article.
"""
ABROAD_WITHOUT_LEAD: Final = Weighing(-4.60, 7.03, 0.0, 0.0, 0.0, 0.0, 0.0)
BY_WORDS: Final = Weighing(-3.20, 0.0, 2.94, 10.48, 0.0, 0.0, 0.45)
"""Other languages; there score and lead added nothing on a small base."""
BARS: Final[Mapping[Strictness, float]] = {"balanced": 0.35, "strict": 0.45}
"""How likely an answer has to be."""
NOTHING: Final = Asked()
NARROW: Final = (AnswerType.PRICE, AnswerType.NUMBER, AnswerType.DURATION, AnswerType.CONTACT)


class Quoted(NamedTuple):
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


def check_quotes(
    question: str,
    quoted: Sequence[Quoted],
    signs: Signs,
    *,
    language: str,
    term_weights: Mapping[str, float],
    asked: Asked = NOTHING,
    before: str = "",
    spoken: str = "",
    variants: Mapping[str, Sequence[str]] = NO_VARIANTS,
    strictness: Strictness = "balanced",
    embed: SentenceEmbedder | None = None,
    is_multilingual: bool = False,
    is_abroad: bool = False,
) -> Check:
    """Compare a question with what would be quoted. `language` is that of the quotations, `spoken` the question's.

    `asked` is the kind of answer that is asked for, `before` what was asked before, of a question that leans on it.
    `variants` are the tenant's own words that search took for the question's terms: right spellings, compounds, parts.
    `embed`, of English only unless it `is_multilingual`, is asked only where words do not decide, about some dozens.
    `is_abroad`: the question is in another language, so that its words cannot be found.
    """
    words = weigh_words(question, language, term_weights, spoken)
    if not quoted or not words:
        return Check(bool(quoted), float(bool(quoted)), sureness=float(bool(quoted)))
    looked_for = words + weigh_before(before, language, term_weights, spoken)
    text, headings = join_places(quoted)
    found = find_words(looked_for, text, headings, language, variants)
    found |= {word: 1.0 for word in words if word.text.casefold() in signs.chosen_by}
    if asked.kind and holds_answer(asked.kind, text, language, question):
        found |= dict.fromkeys(find_asking(words, asked), 1.0)
    has_meaning = embed is not None and (is_multilingual or language == "en")
    weighing = choose_weighing(
        has_lead=signs.lead is not None, has_meaning=has_meaning, is_multilingual=is_multilingual,
        is_abroad=is_abroad, is_read=bool(signs.read) and language == "en",
    )  # fmt: skip
    sure = read_taken_up(words, found, read_together(signs.read, len(question)))
    is_foreign = any(word.is_exact and found[word] < THERE for word in words)
    said = read_said(words, quoted, language, variants)
    least = weighing.least_word and find_least_word(question, words, said, signs, asked, language)  # fmt: skip

    def weigh(coverage: float) -> float:
        return weighing.weigh(signs, coverage, cover(sure, "en"), least, asked.kind, is_foreign=is_foreign)  # fmt: skip

    def is_enough(coverage: float) -> bool:
        return coverage >= weighing.needs(asked) and weigh(coverage) >= log_odds(strictness)

    coverage, by_words = cover(found, language), found
    if embed is not None and has_meaning and not is_enough(coverage) and is_enough(hope(found)):
        found = found | find_by_meaning(found, f"{text} {headings}", embed)
        coverage = cover(found, language)
    # A single word's meaning says little where the embedder was not made for one language.
    unsaid = find_missing(words, by_words, sure)
    lacks = find_lacking(question, words, unsaid, said, asked, language, variants, is_abroad=is_abroad)  # fmt: skip
    missing = tuple(word.text for word in find_missing(words, found, sure))
    return Check(
        is_enough(coverage) and not lacks, coverage, missing, lacks,
        1 / (1 + math.exp(-weigh(coverage))),
    )  # fmt: skip


def join_places(quoted: Sequence[Quoted]) -> tuple[str, str]:
    """All that is quoted, and each heading above it once."""
    headings = " ".join(dict.fromkeys(each.headings for each in quoted))
    return " ".join(each.text for each in quoted), headings


def find_missing(words: Sequence[Word], *ways: Mapping[Word, float]) -> list[Word]:
    """The words, but for those that only frame a question, that are there in none of these ways."""
    return [
        word for word in words if not word.is_framing and max(found[word] for found in ways) < THERE
    ]


def weigh_before(
    before: str, language: str, term_weights: Mapping[str, float], spoken: str = ""
) -> list[Word]:
    words = weigh_words(before, language, term_weights, spoken)
    return [replace(each, weight=BEFORE * each.weight) for each in words]


def find_asking(words: Sequence[Word], asked: Asked) -> list[Word]:
    """The words that only ask: "how long" is answered by a length of time, not by these words."""
    asking = asked.words.casefold().split()
    return [word for word in words if word.is_framing and word.text.casefold() in asking]


def find_least_word(
    question: str,
    words: Sequence[Word],
    quoted: Sequence[Said],
    signs: Signs,
    asked: Asked,
    language: str,
) -> float:
    """How surely (0 to 1) the word that is least there is there, in the best sentence of all. Where something narrow is
    surely asked for, only sentences count that hold such a thing: another one may have the words.
    """
    asking = {*asked.words.casefold().split(), *signs.chosen_by}
    naming = [word for word in words if not word.is_framing and word.text.casefold() not in asking]
    wanted = [word for word in naming if not word.is_light] or naming
    is_sure = asked.is_sure or asked.kind is AnswerType.CONTACT
    narrow = asked.kind if asked.kind in NARROW and is_sure else None
    best = 0.0
    for each, meaning in zip(quoted, signs.read, strict=True):
        if narrow and not holds_answer(narrow, each.text, language, question):
            continue
        found = {word: each.find(word) for word in wanted}
        pieces = read_together([meaning], len(question))
        best = max(best, min(read_taken_up(wanted, found, pieces).values(), default=1.0))
    return best


def log_odds(strictness: Strictness) -> float:
    """How likely an answer has to be, on the scale that signs are added up on."""
    return math.log(BARS[strictness] / (1 - BARS[strictness]))


def choose_weighing(
    *, has_lead: bool, has_meaning: bool, is_multilingual: bool, is_abroad: bool, is_read: bool
) -> Weighing:
    if not has_meaning:
        return BY_WORDS
    if is_read:
        return READ if has_lead else READ_AMONG_FEW
    if is_abroad:
        return ABROAD if has_lead else ABROAD_WITHOUT_LEAD
    if is_multilingual:
        return MULTILINGUAL if has_lead else MULTILINGUAL_WITHOUT_LEAD
    return BY_MEANING if has_lead else WITHOUT_LEAD

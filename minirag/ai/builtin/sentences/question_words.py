"""The words of a question: what each weighs, and how surely each is among the words of a text. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from minirag.ai.builtin.sentences.candidates import QUESTION_MARKS
from minirag.lib.asking.framing_words import FRAMING_WORDS
from minirag.lib.asking.light_words import is_light
from minirag.lib.asking.shared_stems import leave_out_others
from minirag.lib.text import analysis
from minirag.lib.text.clause_words import QUESTION_WORDS
from minirag.lib.text.weekdays import days_in, name_days
from minirag.lib.variants import count_edits, stand_for

if TYPE_CHECKING:
    from minirag.ai.builtin.sentences.meaning import SentenceEmbedder

FRAMING, MINOR = 0.25, 0.4
UNKNOWN_LANGUAGE = 0.75
"""What is found at best where we do not know which words only frame a question."""
IN_HEADING, LIKE = 0.95, 0.9
THERE: Final = 0.5
"""How surely a word has to be found to be taken for there."""
BEFORE = 0.3
"""What a word counts that only the questions before have."""
# Cosines of two single words: from the first on they may mean the same, at the second they surely do.
STRANGE, SAME = 0.3, 0.7
MOST_OF_A_WEEK, OTHER_DAY = 4, 0.8
LONGEST_QUESTION = 64  # words; a pasted page is not checked word by word
FEW_WORDS: Final = 3
# "Puis-je", "a-t-il", "faites-vous": the verb alone frames a question.
_INVERTED: Final = {"fr": re.compile(r"(?:-t)?-(?:je|tu|ils?|elles?|on|nous|vous|ce)$")}
NO_VARIANTS: Final[Mapping[str, Sequence[str]]] = {}
_OPENING: Final = " \n\t¿¡\"'«„“‘("
WORD = re.compile(r"[^\W_]+(?:[-./][^\W_]+)*")
# "7-year-old", "10jährig": a number and what it counts, and no code.
COUNTED = re.compile(
    r"\d+-?(?:years?|months?|weeks?|days?|nights?|hours?|minutes?|persons?|people|jährig\w*|tägig\w*|jarige?)(?:-olds?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Word:
    text: str
    terms: tuple[str, ...]
    weight: float
    is_exact: bool
    """A name or a code: nothing that only means about the same will do."""
    is_framing: bool
    place: tuple[int, int] = (0, 0)
    """Where it begins and ends in the question."""
    is_light: bool = False
    """Everyday, and no name of a thing: pages say it in other ways."""


def find_words(
    words: Sequence[Word],
    text: str,
    headings: str,
    language: str,
    variants: Mapping[str, Sequence[str]],
) -> dict[Word, float]:
    """How surely each word is in what would be quoted, or in the headings above it."""
    known: dict[str, frozenset[str]] = {}

    def read(part: str, word: Word) -> frozenset[str]:
        part = leave_out_others(word.text, part, language)
        if part not in known:
            known[part] = frozenset(analysis.analyse(part, language))
        return known[part]

    days = _read_days(text, language)
    return {
        word: max(
            find_word(word, read(text, word), variants),
            IN_HEADING * find_word(word, read(headings, word), variants),
            max((days.get(term, 0.0) for term in word.terms), default=0.0),
        )
        for word in words
    }


def _read_days(text: str, language: str) -> dict[str, float]:
    """How surely each day of the week is spoken of: those within a span are, and who says that it is open from Tuesday
    to Sunday also says something of Mondays.
    """
    days = days_in(text, language)
    others = name_days(language) if len(days) >= MOST_OF_A_WEEK else ()
    values = dict.fromkeys(others, OTHER_DAY) | dict.fromkeys(days, 1.0)
    return {
        term: value for day, value in values.items() for term in analysis.analyse(day, language)
    }


def cover(found: Mapping[Word, float], language: str) -> float:
    """The share of the question's weight that was found."""
    total = sum(word.weight for word in found) or 1.0
    share = sum(word.weight * value for word, value in found.items()) / total
    return share if language in FRAMING_WORDS else min(share / UNKNOWN_LANGUAGE, 1.0)


def hope(found: Mapping[Word, float]) -> float:
    """The same if each word that may be there by its meaning was."""
    return cover({word: value if word.is_exact else 1.0 for word, value in found.items()}, "en")


def weigh_words(
    question: str, language: str, term_weights: Mapping[str, float], spoken: str = ""
) -> list[Word]:
    """The words of a question that mean something, each once, with what each counts (0 to 1).

    `language` is that of the texts they are looked for in, `spoken` the question's where it is another one: what says
    nothing in it is no word that a text could lack ("Was *ist* ICS2?").
    """
    found = list(WORD.finditer(question))[:LONGEST_QUESTION]
    rarest = max(term_weights.values(), default=1.0) or 1.0
    framing = FRAMING_WORDS.get(language, frozenset()) | FRAMING_WORDS.get(spoken, frozenset())
    # German nouns are written with a capital; where somebody does that, what has none is of less weight.
    writes_capitals = language == "de" and any(match[0][0].isupper() for match in found[1:])
    words: dict[str, Word] = {}
    idle = find_idle(question, spoken)
    for match in found:
        text, terms = match[0], tuple(analysis.analyse(match[0], language))
        begins = begins_sentence(question, match.start())
        if not terms or text.casefold() in words or match.start() in idle:
            continue
        is_count = text.isdigit() or bool(COUNTED.fullmatch(text))
        is_code = not is_count and (
            any(letter.isdigit() for letter in text) or sum(map(str.isupper, text)) > 1
        )
        said = text.casefold()
        inverted = _INVERTED.get(language)
        is_framing = (
            said in framing
            or (inverted is not None and inverted.sub("", said) in framing)
            or (len(text) == 1 and text.islower())
        )
        is_thing = text[0].isupper() and not begins
        is_name = language != "de" and is_thing
        says_little = not is_thing and is_light(text, language)
        share = (
            1.0 if is_code
            else FRAMING if is_count or is_framing
            else MINOR if says_little or (writes_capitals and text[0].islower())
            else 1.0
        )  # fmt: skip
        idf = max(term_weights.get(term, rarest) for term in terms) / rarest
        words[text.casefold()] = Word(
            text,
            terms,
            share * idf,
            is_code or is_name,
            share == FRAMING,
            match.span(),
            says_little,
        )
    return list(words.values())


def begins_sentence(question: str, place: int) -> bool:
    before = question[:place].rstrip(_OPENING)
    return not before or before[-1] in ".!?:"


def find_idle(question: str, spoken: str) -> set[int]:
    """Where the words of a question begin that only hold a sentence of its language together, and name nothing.

    One alone among a few holds none together: a "war memorial" and a "man page" are no German, whatever a site's
    pages are written in.
    """
    if not spoken:
        return set()
    words = list(WORD.finditer(question))
    idle = [
        word
        for word in words
        if (word[0].islower() or begins_sentence(question, word.start()))
        and not analysis.analyse(word[0], spoken)
    ]
    if len(idle) == 1 and len(words) <= FEW_WORDS:
        asks = question.rstrip().endswith(QUESTION_MARKS)
        is_name = len(words) == 2 and idle == words[:1]
        is_asking = idle[0][0].casefold() in QUESTION_WORDS.get(spoken, frozenset())
        idle = idle if is_asking or (asks and not is_name) else []
    return {word.start() for word in idle}


def read_terms(question: str, language: str, spoken: str = "") -> list[str]:
    """The index terms of a question's words that mean something; languages as in `weigh_words`."""
    if spoken not in ("", language):
        idle = find_idle(question, spoken)
        question = WORD.sub(lambda word: " " if word.start() in idle else word[0], question)
    return analysis.analyse(question, language)


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

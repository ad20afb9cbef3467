"""What kind of thing a question asks for (a price, a time, a person …), and whether a text holds one.

A question in a language without a row (`answer_words`) asks for nothing in particular; what needs no words (a currency
sign, a digit, an address) is found in every language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from django.utils import translation
from django.utils.dates import MONTHS, WEEKDAYS

from minirag.lib.asking.answer_words import ROWS
from minirag.lib.text.language_table import LANGUAGES


class AnswerType(StrEnum):
    PRICE = "price"
    DURATION = "duration"
    TIME = "time"
    CONTACT = "contact"
    NUMBER = "number"
    PERSON = "person"
    PLACE = "place"


# In this order: what asks "how long" also asks "how", and a price is a number too.
_ASKS: Final = (
    AnswerType.DURATION,
    AnswerType.PRICE,
    AnswerType.CONTACT,
    AnswerType.TIME,
    AnswerType.NUMBER,
    AnswerType.PERSON,
    AnswerType.PLACE,
)
_MONEY: Final = r"[€$£¥₹₺₽₩]\s?\d|\d[\d.,]*\s?(?:[€$£¥₹₺₽₩%]|(?:eur|usd|gbp|chf|pln|sek|dkk|nok|czk|huf|kr|zł)\b)"
_CLOCK: Final = (
    r"\b(?:[01]?\d|2[0-3])[:.h][0-5]\d\b|\b1\d{3}\b|\b20\d{2}\b|\b\d{1,2}\.\s?\d{1,2}\.(?:\d{2,4})?"
)
_CONTACT: Final = r"\S@\S|\d[\d\s/()-]{3,}\d|https?://|\b\d{3,}\b"
_NAME = re.compile(r"[^\W\d_][\w'’-]+")


LONGEST_LOOK: Final = 1000


@dataclass(frozen=True)
class Asked:
    """What a question asks for: `kind` is None where nothing in particular is, `words` what said so in it.

    `is_sure`: nothing else would be an answer. "What do costs depend on?" asks about costs, and for no amount.
    """

    kind: AnswerType | None = None
    words: str = ""
    wants_several: bool = False
    is_sure: bool = False


def read_question(question: str, language: str) -> Asked:
    """Read what kind of answer is asked for, by the words of one language."""
    if language not in ROWS:
        return Asked()
    question = question[:LONGEST_LOOK]
    several = bool(_question_pattern(language, "several").search(question))
    for kind in _ASKS:
        if found := _question_pattern(language, kind).search(question):
            return Asked(
                kind, found.group(), several, _is_sure(kind, question, found.start(), language)
            )
    return Asked(wants_several=several)


def _is_sure(kind: AnswerType, question: str, start: int, language: str) -> bool:
    """A price by its own words; the rest where a question begins with it, but for a word such as "and" or "until"."""
    if kind is AnswerType.PRICE:
        return bool(_question_pattern(language, "surely_price").search(question))
    return kind is not AnswerType.CONTACT and len(question[:start].split()) <= 1


def holds_answer(kind: AnswerType, text: str, language: str, question: str = "") -> bool:
    """Whether a text holds a thing of the kind that was asked for. A person that the question names is no answer."""
    if kind is AnswerType.PERSON:
        return _names_somebody(_write_days_small(text, language), question, language)
    return bool(_answer_pattern(language, kind).search(text))


def find_all(kind: AnswerType, text: str, language: str) -> list[str]:
    """All things of a kind in a text."""
    return [found.group() for found in _answer_pattern(language, kind).finditer(text)]


def lacks_answer(asked: Asked, text: str, language: str) -> bool:
    """Whether a text surely holds nothing of what is asked for: neither such a thing nor what might stand for one."""
    kind = asked.kind
    if kind is None or not asked.is_sure or language not in ROWS:
        return False
    if holds_answer(kind, text, language) or _vague_pattern(language, kind).search(text):
        return False
    names = kind is AnswerType.PERSON or (kind is AnswerType.PLACE and language != "de")
    return not (names and _INNER_CAPITAL.search(_write_days_small(text, language)))


def find_names(text: str) -> list[str]:
    """What may be the name of a person: two words in a row with capitals."""
    names = _FULL_NAME.findall(text)
    return [name for name in names if all(part[0].isupper() for part in name.split())]


_FULL_NAME = re.compile(r"\b[^\W\d_a-z][\w'’-]*\.? [^\W\d_a-z][\w'’-]+")
# A capital inside a sentence is a name; German writes every noun like that, which still may be a person's.
_INNER_CAPITAL = re.compile(r"(?<![.!?:]\s)(?<=\s)[^\W\d_a-z][\w'’-]+|@|www\.|https?:")


@cache
def _vague_pattern(language: str, kind: AnswerType) -> re.Pattern[str]:
    row = ROWS[language]
    words = rf"\b(?:{row.vague})\b"
    patterns = {
        AnswerType.PRICE: [r"\d[.,]\d\d\b", r"\d,[-–]", r"\d ?p\b", "%"],
        AnswerType.PLACE: [rf"\b(?:{row.places})\b", r"\d"],
        AnswerType.PERSON: [rf"\b(?:{row.somebody})\b"],
        AnswerType.NUMBER: [words, r"\d"],
        AnswerType.TIME: [words, r"\d", rf"\b(?:{_name_days_and_months(language)})"],
        AnswerType.DURATION: [words, r"\d", rf"\b(?:{row.units}|{row.numbers})\b"],
    }.get(kind, [""])
    return re.compile("|".join(patterns), re.IGNORECASE)


@cache
def _name_days_and_months(language: str) -> str:
    """How the names of days and months begin, without the ending that many languages decline."""
    with translation.override(language):
        names = [str(name).casefold() for name in (*WEEKDAYS.values(), *MONTHS.values())]
    return "|".join(re.escape(name[:-1] if len(name) > 4 else name) for name in names)


def _write_days_small(text: str, language: str) -> str:
    """Monday and June have a capital in some languages, and name nobody."""
    return _name_whole_days(language).sub(lambda name: name.group().lower(), text)


@cache
def _name_whole_days(language: str) -> re.Pattern[str]:
    with translation.override(language):
        names = [re.escape(str(name)) for name in (*WEEKDAYS.values(), *MONTHS.values())]
    return re.compile(rf"\b(?:{'|'.join(names)})s?\b", re.IGNORECASE)


def _names_somebody(text: str, question: str, language: str) -> bool:
    """A capital that begins no sentence and is not in the question; in German, whose nouns have one, two in a row."""
    known = set(_NAME.findall(question))
    words = list(_NAME.finditer(text))
    names = [
        word.group() not in known
        and word.group()[0].isupper()
        and word.start() > 0
        and text[: word.start()].rstrip()[-1:] not in tuple(".!?:")
        for word in words
    ]
    if language != "de":
        return any(names)
    pairs = zip(words, words[1:], names[1:], strict=False)
    common = LANGUAGES["de"].stop_words
    return any(
        named
        and first.group()[0].isupper()
        and first.group().lower() not in common
        and second.start() == first.end() + 1
        for first, second, named in pairs
    ) or bool(_answer_pattern(language, AnswerType.PERSON).search(text))


@cache
def _question_pattern(language: str, part: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{getattr(ROWS[language], part)})\b", re.IGNORECASE)


@cache
def _answer_pattern(language: str, kind: AnswerType) -> re.Pattern[str]:
    row = ROWS.get(language)
    patterns: list[str] = {
        AnswerType.PRICE: [_MONEY],
        AnswerType.DURATION: [],
        AnswerType.TIME: [_CLOCK],
        AnswerType.CONTACT: [_CONTACT],
        AnswerType.NUMBER: [r"\d"],
        AnswerType.PERSON: [],
        AnswerType.PLACE: [r"https?://"],
    }[kind]
    if row is None:
        return re.compile("|".join(patterns or [r"\d"]), re.IGNORECASE)
    counted = rf"(?:\d|\b(?:{row.numbers})\b)[^.;]{{0,20}}?"
    patterns += {
        AnswerType.PRICE: [
            rf"{counted}\b(?:{row.money})\b",
            rf"\b(?:{row.free})\b",
            rf"\b(?:{row.price})\b[^:,.;]{{0,20}}: ?\d",  # a table's column, whose numbers have no sign
        ],
        AnswerType.DURATION: [rf"{counted}\b(?:{row.units})\b"],
        AnswerType.TIME: [rf"\b(?:{row.moments})\b"],
        AnswerType.CONTACT: [],
        AnswerType.NUMBER: [rf"\b(?:{row.numbers})\b"],
        AnswerType.PERSON: [rf"\b(?:{row.people})\b"],
        AnswerType.PLACE: [rf"\b(?:{row.places})\b"],
    }[kind]
    return re.compile("|".join(patterns), re.IGNORECASE)

"""Questions for the one thing that has the least or the most of something: "which is the cheapest?". Pure.

To add a language, write its rows; a question in one without them asks for no extreme.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from minirag.lib.asking.answer_types import LONGEST_LOOK, AnswerType, find_all
from minirag.lib.asking.patterns import whole_words

_LEAST, _MOST = -1, 1
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
PRICE: Final = "price"
"""The column of an extreme that any cell with a price is."""
# What asks for the least (-1) or the most (1), and how the column is called that says it.
_SIZES: Final = (
    r"sizes?|area|capacity|volume|space|places|seats|persons|people|guests|m²|sqm|litres?"
)
_GERMAN_SIZES: Final = (
    r"\w*größe|\w*fläche|\w*volumen|kapazität|\w*plätze|personen|gäste|m²|qm|liter"
)
_COSTS: Final = r"\w*(?:preis|gebühr|kosten)\w*"
_WEIGHTS: Final = r"\w*weight\w*|kg|kilos?|grams?|lbs?"
_LENGTHS: Final = r"lengths?|long|duration|distance|times?|km|miles|minutes|hours|days|weeks"
_TIMES: Final = r"times?|duration|days|hours|minutes|weeks|months"
_GERMAN_TIMES: Final = r"\w*dauer|\w*zeit|minuten|stunden|tagen?|wochen|monaten?"
# Of what is fastest the speed is highest, or the time shortest: the column says which.
_ASKS: Final = {
    "en": (
        (_LEAST, r"cheapest|least expensive|most affordable|lowest[- ](?:priced?|cost|rate|fee)s?"
         r"|costs? (?:the )?least", PRICE),
        (_MOST, r"dearest|most expensive|priciest|costliest|highest (?:price|cost|rate|fee)s?"
         r"|costs? (?:the )?most", PRICE),
        (_LEAST, r"lightest|weighs? (?:the )?least", _WEIGHTS),
        (_MOST, r"heaviest|weighs? (?:the )?most", _WEIGHTS),
        (_LEAST, r"shortest", _LENGTHS),
        (_MOST, r"longest", rf"{_LENGTHS}|runtime|battery(?: life)?|range"),
        (_MOST, r"furthest|farthest", r"distance|range|reach|km|miles|metres"),
        (_LEAST, r"nearest|closest", r"distance|km|miles|metres"),
        (_LEAST, r"lowest|shallowest", r"heights?|high|altitude|depth|deep"),
        (_MOST, r"tallest|highest|deepest", r"heights?|high|tall|altitude|depth|deep"),
        (_LEAST, r"slowest", r"speeds?|mbit/s|mbps|km/h|download"),
        (_MOST, r"fastest|quickest", r"speeds?|mbit/s|mbps|km/h|download"),
        (_MOST, r"slowest", _TIMES),
        (_LEAST, r"fastest|quickest", _TIMES),
        (_LEAST, r"quietest", r"noise|loudness|sound|db|decibels?"),
        (_MOST, r"loudest", r"noise|loudness|sound|db|decibels?"),
        (_LEAST, r"smallest|tiniest", _SIZES),
        (_MOST, r"largest|biggest|roomiest", _SIZES),
    ),
    "de": (
        (_LEAST, rf"(?:billig|(?:preis)?günstig|preiswerte)ste\w*|(?:niedrig|gering)ste\w* {_COSTS}"
         r"|kostet am wenigsten|am wenigsten kostet", PRICE),
        (_MOST, rf"teuerste\w*|höchste\w* {_COSTS}|kostet am meisten|am meisten kostet", PRICE),
        (_LEAST, r"leichteste\w*|wiegt am wenigsten|am wenigsten wiegt", r"\w*gewicht\w*|kg|kilo\w*|gramm"),
        (_MOST, r"schwerste\w*|wiegt am meisten|am meisten wiegt", r"\w*gewicht\w*|kg|kilo\w*|gramm"),
        (_MOST, r"weiteste\w*", r"\w*reichweite|\w*strecke|\w*entfernung|km|kilometer"),
        (_LEAST, r"nächstgelegene\w*", r"\w*entfernung|km|kilometer|metern?"),
        (_LEAST, r"kürzeste\w*", r"\w*länge|\w*dauer|strecke|km|minuten|stunden|\w*zeit"),
        (_MOST, r"längste\w*", r"\w*länge|\w*dauer|strecke|km|minuten|stunden|\w*zeit"),
        (_LEAST, r"niedrigste\w*|flachste\w*", r"\w*höhe|\w*tiefe"),
        (_MOST, r"höchste\w*|tiefste\w*", r"\w*höhe|\w*tiefe"),
        (_LEAST, r"langsamste\w*", r"\w*geschwindigkeit|tempo|mbit/s|km/h|download"),
        (_MOST, r"schnellste\w*", r"\w*geschwindigkeit|tempo|mbit/s|km/h|download"),
        (_MOST, r"langsamste\w*", _GERMAN_TIMES),
        (_LEAST, r"schnellste\w*", _GERMAN_TIMES),
        (_LEAST, r"leiseste\w*", r"\w*lautstärke|lärm|db|dezibel|\w*pegel"),
        (_MOST, r"lauteste\w*", r"\w*lautstärke|lärm|db|dezibel|\w*pegel"),
        (_LEAST, r"kleinste\w*", _GERMAN_SIZES),
        (_MOST, r"größte\w*", _GERMAN_SIZES),
    ),
}  # fmt: skip


# A limit is the most or the least too: "up to 14 nights", "from 9 euros".
_LIMITS: Final = {
    "en": {
        _MOST: r"up to|at (?:the )?most|max(?:imum)?|no (?:more|longer|larger|higher) than|limited to",
        _LEAST: r"at least|min(?:imum)?|no less than",
    },
    "de": {
        _MOST: r"bis zu|höchstens|maximal\w*|maximum|begrenzt auf",
        _LEAST: r"mindestens|minimal\w*|minimum",
    },
}
_FROM: Final = {"en": r"from|start(?:s|ing)? at", "de": r"ab"}
# Of these a page names one: "The bus stop is 200 metres away."
_ALONE: Final = {"en": r"nearest|closest", "de": r"nächstgelegene\w*"}


@dataclass(frozen=True)
class Extreme:
    """`sign` is 1 for the most and -1 for the least; `column` a pattern of what a column that says it is called, or
    counts in, or `PRICE`; `words` what asks for it.
    """

    sign: int
    column: str
    words: str


def find_extremes(question: str, language: str) -> list[Extreme]:
    """What a question asks for the least or the most of, one for each column that may say it; none elsewhere."""
    return [
        Extreme(sign, column, found.group())
        for sign, asks, column in _ASKS.get(language, ())
        if (found := whole_words(asks).search(question[:LONGEST_LOOK]))
    ]


def says_extreme(extreme: Extreme, text: str, language: str) -> bool:
    """Whether a text says itself which one it is, in these words or in others that mean it, or as a limit."""
    if whole_words(_ALONE[language]).search(extreme.words):
        return True
    if any(
        sign == extreme.sign and column == extreme.column and whole_words(asks).search(text)
        for sign, asks, column in _ASKS.get(language, ())
    ):
        return True
    limits = _LIMITS[language][extreme.sign]
    if extreme.column != PRICE:
        return whole_words(limits).search(text) is not None
    if extreme.sign == _LEAST:
        limits = f"{limits}|{_FROM[language]}"
    return counts_in(extreme, text, language) > 0 and whole_words(limits).search(text) is not None


def counts_in(extreme: Extreme, text: str, language: str) -> int:
    """How many amounts of what is asked for the least or the most of a text says."""
    if extreme.column == PRICE:
        # A share is no price, and what is free can be the least at best.
        amounts = find_all(AnswerType.PRICE, text, language)
        return sum("%" not in each and any(map(str.isdigit, each)) for each in amounts)
    return len(_NUMBER.findall(text)) if names_column(extreme, text) else 0


def names_column(extreme: Extreme, text: str) -> bool:
    """Whether a cell with its label says how much there is of what is asked for; not of prices."""
    return whole_words(extreme.column).search(text) is not None

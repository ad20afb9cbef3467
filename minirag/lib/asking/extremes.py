"""Questions for the one thing that has the least or the most of something: "which is the cheapest?". Pure.

To add a language, write its rows; a question in one without them asks for no extreme.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from minirag.lib.asking.answer_types import LONGEST_LOOK

_LEAST, _MOST = -1, 1
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
_ASKS: Final = {
    "en": (
        (_LEAST, r"cheapest|least expensive|most affordable|lowest[- ](?:priced?|cost|rate|fee)s?", PRICE),
        (_MOST, r"dearest|most expensive|priciest|costliest|highest (?:price|cost|rate|fee)s?", PRICE),
        (_LEAST, r"lightest", r"\w*weight\w*|kg|kilos?|grams?|lbs?"),
        (_MOST, r"heaviest", r"\w*weight\w*|kg|kilos?|grams?|lbs?"),
        (_LEAST, r"shortest", r"lengths?|long|duration|distance|time|km|minutes|hours"),
        (_MOST, r"longest", r"lengths?|long|duration|distance|time|km|minutes|hours|runtime|battery(?: life)?"),
        (_LEAST, r"lowest|shallowest", r"heights?|high|altitude|depth|deep"),
        (_MOST, r"tallest|highest|deepest", r"heights?|high|tall|altitude|depth|deep"),
        (_LEAST, r"slowest", r"speeds?|mbit/s|mbps|km/h|download"),
        (_MOST, r"fastest", r"speeds?|mbit/s|mbps|km/h|download"),
        (_LEAST, r"quietest", r"noise|loudness|sound|db|decibels?"),
        (_MOST, r"loudest", r"noise|loudness|sound|db|decibels?"),
        (_LEAST, r"smallest|tiniest", _SIZES),
        (_MOST, r"largest|biggest|roomiest", _SIZES),
    ),
    "de": (
        (_LEAST, rf"(?:billig|(?:preis)?günstig|preiswerte)ste\w*|(?:niedrig|gering)ste\w* {_COSTS}", PRICE),
        (_MOST, rf"teuerste\w*|höchste\w* {_COSTS}", PRICE),
        (_LEAST, r"leichteste\w*", r"\w*gewicht\w*|kg|kilo\w*|gramm"),
        (_MOST, r"schwerste\w*", r"\w*gewicht\w*|kg|kilo\w*|gramm"),
        (_LEAST, r"kürzeste\w*", r"\w*länge|\w*dauer|strecke|km|minuten|stunden|\w*zeit"),
        (_MOST, r"längste\w*", r"\w*länge|\w*dauer|strecke|km|minuten|stunden|\w*zeit"),
        (_LEAST, r"niedrigste\w*|flachste\w*", r"\w*höhe|\w*tiefe"),
        (_MOST, r"höchste\w*|tiefste\w*", r"\w*höhe|\w*tiefe"),
        (_LEAST, r"langsamste\w*", r"\w*geschwindigkeit|tempo|mbit/s|km/h|download"),
        (_MOST, r"schnellste\w*", r"\w*geschwindigkeit|tempo|mbit/s|km/h|download"),
        (_LEAST, r"leiseste\w*", r"\w*lautstärke|lärm|db|dezibel|\w*pegel"),
        (_MOST, r"lauteste\w*", r"\w*lautstärke|lärm|db|dezibel|\w*pegel"),
        (_LEAST, r"kleinste\w*", _GERMAN_SIZES),
        (_MOST, r"größte\w*", _GERMAN_SIZES),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Extreme:
    """`sign` is 1 for the most and -1 for the least; `column` a pattern of what a column that says it is called, or
    counts in, or `PRICE`; `words` what asks for it.
    """

    sign: int
    column: str
    words: str


def find_extreme(question: str, language: str) -> Extreme | None:
    """What a question asks for the least or the most of; None where it does not."""
    for sign, asks, column in _ASKS.get(language, ()):
        if found := _whole(asks).search(question[:LONGEST_LOOK]):
            return Extreme(sign, column, found.group())
    return None


def names_column(extreme: Extreme, text: str) -> bool:
    """Whether a cell with its label says how much there is of what is asked for; not of prices."""
    return _whole(extreme.column).search(text) is not None


@cache
def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)

"""What kind of answer a question asks for, and whether a text holds one. English and German; elsewhere nobody can tell.

It is said by the words that begin a question. Only what is sure is said to be missing: where a text might hold the
kind in other words than these, it counts as there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_MONEY = (
    r"[€£$¥₺]|\b(?:eur|usd|gbp|chf|euros?|pounds?|dollars?|cents?|pence|franken|rappen|z[łl])\b|\d ?p\b"
    r"|%|\d[.,]\d\d\b|\d,[-–]"
    r"|\b(?:free|gratis|complimentary|included|nothing|half|kosten(?:los|frei)|gebührenfrei|umsonst|inklusive|nichts|hälfte|"
    r"prozent|percent|extra charge|no charge|frei)\b"
)
_DAY = (
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|"
    r"sonntag)s?\b"
    r"|\b(?:mo|di|mi|do|fr|sa|so)\b[ .–-]|\b(?:january|february|march|april|may|june|july|august|september|october|"
    r"november|december|januar|februar|märz|mai|juni|juli|oktober|dezember)\b"
)
_TIME = _DAY + (
    r"|\d|\b(?:noon|midnight|morning|afternoon|evening|night|daily|weekly|monthly|yearly|always|never|today|tomorrow|"
    r"weekdays?|weekends?|weeks?|months?|years?|days?|hours?|minutes?|season|summer|winter|spring|autumn|holidays?|immediately|"
    r"once|century|after|before|until|during|täglich|wöchentlich|monatlich|jährlich|werktags|mittags?|morgens?|abends?|nachts?|"
    r"immer|nie|heute|morgen|wochen?\w*|monate?\w*|jahre?\w*|tage?\w*|stunden?|minuten?|sommer|winter|frühjahr|herbst|ferien|"
    r"sofort|nach|vor|bis|während|sobald)\b"
)
_NUMBER = (
    r"\d|\b(?:no|none|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|half|both|"
    r"single|several|unlimited|every|once|twice|kein\w*|eine?[nmrs]?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|"
    r"hundert|tausend"
    r"|beide\w*|mehrere|unbegrenzt|jede\w*)\b"
)
_UNIT = (
    r"\d\s?(?:mm|cm|m|km|kg|g|l|ml|in|ft|inch\w*|feet|foot|metres?|meters?|centimet\w+|millimet\w+|kilomet\w+|miles?|litres?|"
    r"liters?|meter\w*|zentimeter\w*|kilo\w*|gramm|pounds?|lbs?|stockwerke?|floors?|ha|hectares?|hektar|m²|qm|×|x)\b|\d\s?[×x\"″']"
)
# A capital inside a sentence is a name. German writes every noun like that; there it says that something is named.
_NAME = r"(?<![.!?:]\s)(?<=\s)[A-ZÄÖÜ][\w'’-]+|\b(?:we|our|you|your|wir|unser\w*|sie|ihr\w*)\b|@|www\.|https?:"


@dataclass(frozen=True)
class Kind:
    """`asks` recognises the question, `holds` what would answer it."""

    name: str
    asks: re.Pattern[str]
    holds: re.Pattern[str]


def _kind(name: str, asks: str, holds: str, *, is_exact: bool = False) -> Kind:
    return Kind(name, re.compile(asks, re.IGNORECASE), re.compile(holds, 0 if is_exact else re.IGNORECASE))  # fmt: skip


LONGEST_LOOK: Final = 1000
KINDS: Final = (
    _kind(
        "amount",
        r"\b(?:how much (?:is|are|does|do|did|will|would)(?: \S+){0,8}? (?:cost|charge)|how expensive (?:is|are)|"
        r"what (?:does|do|would|will|did)(?: \S+){1,8} cost|what (?:is|are|'s) the (?:price|fee|cost|charge|fare)s?|"
        r"prices? (?:of|for)|was koste[tn]|wie ?viel koste[tn]|wie teuer|preis (?:für|von)|"
        r"wie hoch (?:ist|sind) (?:die|der) (?:gebühr|preis|kosten|beitrag|steuer|miete|eintritt)\w*)\b",
        _MONEY,
    ),
    _kind("duration", r"\b(?:how long (?:does|do|will|is|are|have)|wie lange)\b", _TIME + "|" + _NUMBER),
    _kind(
        "size",
        r"\b(?:how (?:wide|tall|heavy|deep|thick) (?:is|are)|wie (?:breit|tief|dick) (?:ist|sind))\b",
        _UNIT,
    ),
    _kind("number", r"\b(?:how many|wie ?viele)\b", _NUMBER),
    _kind(
        "time",
        r"^\W*(?:and |und )?(?:when|(?:at |by )?what time|(?:seit |bis |ab )?wann|um wie ?viel uhr)\b",
        _TIME,
    ),
    _kind("person", r"^\W*(?:and |und )?(?:who|whom|whose|wer|wem|wen)\b", _NAME, is_exact=True),
)  # fmt: skip


def lacks_kind(question: str, text: str, headings: str = "") -> str:
    """The name of the kind of answer that is asked for and that `text` does not hold; "" where nothing is missing."""
    for kind in KINDS:
        if kind.asks.search(question[:LONGEST_LOOK]):
            return "" if kind.holds.search(f" {text}") or kind.holds.search(headings) else kind.name
    return ""

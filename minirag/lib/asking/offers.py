"""Questions whether something is offered, or may be paid in some way: what is asked for has to be said. Pure.

"Do you hire out cargo bikes?" is not answered by a sentence about other bikes, nor "Can I pay in instalments?" by one
about a fee. To add a language, write its rows; a question in one without them asks for none of these.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_ALSO: Final = {
    "en": r"(?:(?:also|even|still|ever|actually|currently) )?",
    "de": r"(?:(?:auch|noch|denn|eigentlich|schon|bei euch|bei ihnen|hier|dort) )*",
}
_OFFERS: Final = {
    "en": r"^\W*(?:(?:hi|hello|and|so|but)\W+)?"
    rf"(?:(?:(?:do|can|could|will|would) (?:you|they)|(?:can|could|may) (?:i|we)) {_ALSO['en']}"
    r"(?!have to\b|need\b|get\b|know\b|mean\b)[a-z]+(?: out)?"
    rf"|(?:is|are) there|have you(?: got)?) {_ALSO['en']}(?P<what>[\w'’ -]+)",
    "de": r"^\W*(?:(?:hallo|und|aber)\W+)?"
    r"(?:hab(?:t|en)|mach(?:t|en)|verkauf(?:t|en)|biete[tn]|führ(?:t|en)|repariere?[tn]|verleih(?:t|en)|vermiete[tn]"
    rf"|gibt|liefer[tn]|behandel[tn]|akzeptiere?[tn]) (?:ihr|sie|es|man) {_ALSO['de']}(?P<what>[\w'’ -]+)",
}
_ENDS: Final = {
    "en": r"of|without|to|in|on|at|from|by|per|and|or|if|when|where|that|which|who|whom|because|while|during"
    r"|before|after|as|instead|than|near|nearby|about|over|under|between|until|back|again|i|you|we|they|there|here",
    "de": r"wenn|falls|dass|während|wo|wie|ohne",
}
# "Is there somewhere to park?", "Gibt es die Möglichkeit …?": no thing is named by these.
_NO_THING: Final = {
    "en": r"(?:some|any)(?:where|thing|one|body|how)|ways?|places?|possibilit(?:y|ies)|chances?|options?|more|else"
    r"|enough",
    "de": r"irgend\w+|etwas|was|jemand\w*|möglichkeit(?:en)?|wege?|stellen?|orte?|mehr|genug",
}
_MEANS: Final = {
    "en": r"cash|cheques?|checks?|(?:(?:credit|debit|bank|gift) )?cards?|visa|mastercard|amex|american express|paypal"
    r"|(?:apple|google|amazon) pay|klarna|invoices?|instal?lments?|(?:bank )?transfers?|direct debits?|bitcoins?"
    r"|crypto\w*|vouchers?|contactless(?:ly)?|in advance|on account|(?:\w+ )?(?:parts|rates)",
    "de": r"bar|bargeld|(?:\w*karten?)|visa|mastercard|paypal|(?:apple|google|amazon) pay|klarna|(?:auf )?rechnung"
    r"|raten|ratenzahlung|(?:bank)?überweisung(?:en)?|lastschrift(?:en)?|sepa|bitcoins?|krypto\w*|gutscheine?n?|vorkasse"
    r"|kontaktlos",
}
_PAYS: Final = {
    "en": r"pay|pays|paid|paying|payable|payments?|accept(?:s|ed)?|take|takes|taken",
    "de": r"\w*zahl(?:e|en|t|bar|ung|ungen|ungsarten|ungsmittel)?|akzeptier\w+|nehmt|nehmen|begleichen|beglichen",
}


def find_offered(question: str, language: str) -> tuple[int, int] | None:
    """Where in a question stands what it asks whether it is offered; None where it does not ask that."""
    asked = _whole(_OFFERS[language]).search(question) if language in _OFFERS else None
    if asked is None:
        return None
    start, end = asked.span("what")
    behind = _whole(_ENDS[language]).search(asked["what"])
    return start, start + behind.start() if behind else end


def names_thing(word: str, language: str) -> bool:
    """Whether a word of that names a thing that may be offered."""
    return language not in _NO_THING or not _whole(_NO_THING[language]).fullmatch(word)


def lacks_means(question: str, texts: list[str], language: str) -> bool:
    """Whether it is asked if one may pay in some way, and no text says of any way that one may, or may not."""
    if language not in _MEANS or not (
        _asks(question, language) and _names_means(question, language)
    ):
        return False
    return not any(_names_means(text, language) and _asks(text, language) for text in texts)


def _asks(text: str, language: str) -> bool:
    return _whole(_PAYS[language]).search(text) is not None


def _names_means(text: str, language: str) -> bool:
    return _whole(_MEANS[language]).search(text) is not None


@cache
def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)

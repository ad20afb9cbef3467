"""Questions whether something is offered, or may be paid in some way: what is asked for has to be said. Pure.

"Do you hire out cargo bikes?" is not answered by a sentence about other bikes, nor "Can I pay in instalments?" by one
about a fee. To add a language, write its rows; a question in one without them asks for none of these.
"""

from __future__ import annotations

from typing import Final

from minirag.lib.asking.patterns import whole_words

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
    "en": r"of|for (?:my|our|me|us)|without|to|in|on|at|from|by|per|and|or|if|when|where|that|which|who|whom|because"
    r"|while|during|before|after|as|instead|than|near|nearby|about|over|under|between|until|back|again|i|you|we|they|there|here",
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
    "de": r"bar|bargeld|barzahlung(?:en)?|(?:(?:kredit|debit|bank|ec|giro|geld|geschenk)-?)?karten?"
    r"|kartenzahlung(?:en)?|visa|mastercard|paypal|(?:apple|google|amazon) pay|klarna|rechnung|raten"
    r"|ratenzahlung(?:en)?|(?:bank)?überweisung(?:en)?|lastschrift(?:en)?|sepa|bitcoins?|krypto\w*|gutscheine?n?|vorkasse|kontaktlos",
}
# An invoice is paid as well as paid by, and a transfer takes days.
_WAYS: Final = {
    "en": r"(?:takes?|accepts?) (?:[\w-]+ )?(?P<taken>{means})"
    r"|pay\w*(?: [\w'’-]+){{0,5}}? (?:(?:by|with|in|via|using|through) (?:[\w-]+ )?(?P<by>{means})"
    r"|(?P<plain>cash|paypal|contactless(?:ly)?|in advance|on account))",
    "de": r"(?:nehmt|nehmen|akzeptier\w+) (?:ihr|sie|man) (?:[\w-]+ )?(?P<taken>{means})"
    r"|(?:(?:mit|per|auf|in|via|über) (?:[\w-]+ )?(?P<by>{means})|(?P<plain>bar|paypal|kontaktlos))"
    r"(?: [\w-]+){{0,3}}? (?:be)?zahl\w*",
}
_PAYS: Final = {
    "en": r"pay|pays|paid|paying|payable|payments?|accept(?:s|ed)?|take|takes|taken",
    "de": r"\w*zahl(?:e|en|t|bar|ung|ungen|ungsarten|ungsmittel)?|akzeptier\w+|nehmt|nehmen|begleichen|beglichen",
}


# "Wie kann ich mich beschweren?", "Wie viel verdient man?": nothing else than that is asked.
_DOES: Final = {
    "de": r"^\W*(?:(?:hallo|und|aber)\W+)?(?:"
    r"(?:wie|wo) (?:kann|könnte|muss|soll|darf) (?:ich|man|wir) (?:.* )?(?P<can>[a-zäöüß]+n)\W*$"
    r"|wie ?viel (?P<does>[a-zäöüß]+t) (?:d|ein|euer|eure|ihr|man)\w*)",
}


def find_doing(question: str, language: str) -> int | None:
    """Where in a question stands the verb of what it asks how to do, or how much; None where it does not ask that."""
    asked = whole_words(_DOES[language]).search(question) if language in _DOES else None
    return asked.start(asked.lastgroup or 0) if asked else None


def find_offered(question: str, language: str) -> tuple[int, int] | None:
    """Where in a question stands what it asks whether it is offered; None where it does not ask that."""
    asked = whole_words(_OFFERS[language]).search(question) if language in _OFFERS else None
    if asked is None:
        return None
    start, end = asked.span("what")
    behind = whole_words(_ENDS[language]).search(asked["what"])
    return start, start + behind.start() if behind else end


def names_thing(word: str, language: str) -> bool:
    """Whether a word of that names a thing that may be offered."""
    return language not in _NO_THING or not whole_words(_NO_THING[language]).fullmatch(word)


def find_means(question: str, language: str) -> tuple[int, int] | None:
    """Where in a question stands the way in which it asks if one may pay; None where it does not ask that."""
    if language not in _WAYS:
        return None
    asked = whole_words(_WAYS[language].format(means=_MEANS[language])).search(question)
    return asked.span(asked.lastgroup or 0) if asked else None


def says_means(texts: list[str], language: str) -> bool:
    """Whether one of the texts says of any way to pay that one may, or may not."""
    means, pays = whole_words(_MEANS[language]), whole_words(_PAYS[language])
    return any(means.search(text) and pays.search(text) for text in texts)

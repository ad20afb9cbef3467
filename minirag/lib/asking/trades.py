"""Questions about a trade: whether we sell or buy a thing, for how long a price is, for whom it is reduced. Pure.

"Do you buy old radios?" is not answered by what the shop sells, nor "What is it for a whole day?" by a price for 90
minutes. To add a language, write its rows; a question in one without them asks for none of these.
"""

from __future__ import annotations

import re
from typing import Final

from minirag.lib.asking.answer_types import AnswerType, holds_answer
from minirag.lib.asking.patterns import whole_words

_ALSO: Final = r"(?:(?:also|even|still|ever) )?"
# What asks for a trade, and what says something of it.
_TRADES: Final = {
    "en": {
        rf"(?:do|does|can|could|will|would) (?:you|they) {_ALSO}(?:sell|stock)|(?:can|could|may) (?:i|we) {_ALSO}buy"
        r"|you sell|for sale": r"sell|sells|selling|sold|sales?|buy|buys|bought|purchas\w+|shops?|stock(?:s|ed)?"
        r"|available|order(?:s|ed)?",
        rf"(?:do|does|will|would) (?:you|they) {_ALSO}buy|can i sell (?:you|my)": r"buy|buys|buying|bought|purchas\w+"
        r"|we (?:[\w-]+ )?(?:take|accept|pay)|trade[- ]ins?|part[- ]exchange|second[- ]hand",
    },
}  # fmt: skip
_LENDS: Final = {
    "en": r"hir(?:e|es|ed|ing)|rent(?:s|ed|al|als)?|len(?:d|ds|t)|loans?|borrow\w*|leas\w+"
}
_UNITS: Final = {
    "en": {
        "hour": r"hours?|hourly|h", "day": r"days?|daily", "week": r"weeks?|weekly", "month": r"months?|monthly",
        "year": r"years?|yearly|annual(?:ly)?|annum", "night": r"nights?|nightly", "weekend": r"weekends?",
        "season": r"seasons?",
    },
}  # fmt: skip
_EACH: Final = {
    "en": rf"(?:by the|per|for (?:a|the|one) (?:whole|full|entire)) (?P<unit>{'|'.join(_UNITS['en'])})",
}
_REDUCED: Final = {"en": r"discounts?|reduc(?:ed|tions?)|concessions?|rebates?|cheaper"}
_GROUPS: Final = {
    "en": r"students?|pensioners?|seniors?|nurses?|teachers?|soldiers?|veterans?|military|unemployed|job[- ]?seekers?"
    r"|disabled|carers?|families|groups?|members?|employees|residents?|locals|doctors?|police|firefighters?"
    r"|apprentices?|couples|clergy|volunteers?",
}  # fmt: skip


def lacks_trade(question: str, texts: list[str], headings: str, language: str) -> bool:
    """Whether it is asked if a thing is sold, or bought, and a text says of neither. A price says that it is sold, but
    for one of those who hire out.
    """
    for asks, answers in _TRADES.get(language, {}).items():
        if not (asked := whole_words(asks).search(question)):
            continue
        says = whole_words(answers)
        if says.search(headings) or any(map(says.search, texts)):
            return False
        is_sold = not re.search(r"\byou\b.*\bbuy\b", asked[0], re.IGNORECASE) and any(
            holds_answer(AnswerType.PRICE, text, language) for text in texts
        )
        lends = whole_words(_LENDS[language])
        return not is_sold or bool(lends.search(f"{headings} {' '.join(texts)}"))
    return False


def lacks_unit(question: str, text: str, language: str) -> bool:
    """Whether it is asked what something is for a day, a month …, and a text says nothing of these."""
    if language not in _EACH:
        return False
    asked, units = whole_words(_EACH[language]).search(question), _UNITS[language]
    return asked is not None and not whole_words(units[asked["unit"].lower()]).search(text)


def find_favoured(question: str, language: str) -> tuple[int, int] | None:
    """Where in a question stand those of whom it asks whether they pay less; None where it does not ask that."""
    if language not in _GROUPS or not whole_words(_REDUCED[language]).search(question):
        return None
    found = whole_words(_GROUPS[language]).search(question)
    return found.span() if found else None

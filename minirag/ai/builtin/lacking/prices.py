"""Questions for what a thing costs: what its repair or a part of it costs is no answer. Pure.

"How much does the drill cost?" is not answered by "A repair of the drill costs 49 euros", nor by a row of parts for
it. To add a language, write its rows; a question in one without them asks for the price of nothing in particular.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from minirag.ai.builtin.lacking.said import Said
from minirag.lib.asking.answer_types import LONGEST_LOOK, AnswerType, holds_answer
from minirag.lib.asking.patterns import whole_words

_THING: Final = r"(?P<thing>[\w'’-]+(?: [\w'’-]+){0,4}?)"
_ASKS: Final = {
    "en": r"(?:how much (?:do|does|is|are|would|will)|what (?:do|does)(?=.* costs?\W*$)|(?:price|cost)s? (?:of|for))"
    rf" {_THING}(?: costs?)?\W*$",
    "de": rf"(?:(?:was|wie ?viel) koste[tn]|preise? (?:von|für)) {_THING}\W*$",
}
_DETERMINERS: Final = {
    "en": r"(?:an?|the|your|one|each) ",
    "de": r"(?:denn |(?:ein|d)(?:e[nrsm]?|ie|as)? )+",
}
# With these it is more than a thing, or none: "a ticket for two", "it".
_MORE: Final = {
    "en": r"of|for|with|without|to|in|on|at|from|by|per|and|or|it|this|that|they",
    "de": r"vo[nm]|für|mit|ohne|zu[mr]?|nach|i[nm]|am|an|auf|bei|pro|je|und|oder|es|das|sie",
}
# What is done to a thing, or sold for it.
_DONE: Final = {
    "en": r"repairs?|servic(?:e|ing)|maintenance|replacements?|exchanges?|deliver(?:y|ies)|shipping|insurance"
    r"|inspections?|calibrations?|cleaning|warrant(?:y|ies)|installations?|disposal|parts?|accessor(?:y|ies)",
    "de": r"\w*(?:reparatur(?:en)?|wartung(?:en)?|austausch|lieferung(?:en)?|versand|versicherung(?:en)?"
    r"|inspektion(?:en)?|kalibrierung(?:en)?|reinigung(?:en)?|garantien?|montage|installation(?:en)?|entsorgung|ersatzteile?|zubehör)",
}
_TO_IT: Final = {"en": "of|for|to|on", "de": r"von|vom|für|an|ein\w*|de[rsmn]"}
_COSTS: Final = {"en": r"\bcosts?\b", "de": r"\bkoste[tn]\b"}
_FOR_EACH: Final = {"en": r"\bfor (?:each|every) $"}
_FITS: Final = {
    "en": r"fits?|suits?|(?:suitable )?for|(?:compatible|goes) with",
    "de": r"passt|pass(?:t|end) (?:zu|für|auf)|(?:geeignet )?für",
}
_CELL = re.compile(r"(?:^|[,;|] )([^\W\d_][^:,;|]{0,40}): (?=([^:]*))")


def lacks_own_price(question: str, quoted: Sequence[Said], language: str) -> bool:
    """Whether it is asked what a thing costs, and each price beside it, of the quoted texts and what they stand under,
    is of something else. False where none names it: then nobody can tell.
    """
    thing = find_priced(question, language)
    if not thing:
        return False
    named, is_name = _read_thing(thing, language), language != "de" and thing != thing.lower()
    speaks = False
    for each in quoted:
        text = each.text
        if not holds_answer(AnswerType.PRICE, text, language):
            continue
        if found := named.search(text):
            if not _is_of_another(text, found.start(), named, language, is_name=is_name):
                return False
            speaks = True
        elif named.search(each.headings) and not whole_words(_DONE[language]).search(each.headings):
            return False
    return speaks


def find_priced(question: str, language: str) -> str:
    """The thing whose price is asked for, "" where that is no mere thing: "a repair of it", "a ticket for two"."""
    asked = (
        whole_words(_ASKS[language]).search(question[-LONGEST_LOOK:]) if language in _ASKS else None
    )
    if asked is None:
        return ""
    thing = re.sub(rf"^{_DETERMINERS[language]}", "", asked["thing"], flags=re.IGNORECASE)
    is_more = whole_words(f"{_MORE[language]}|{_DONE[language]}").search(thing)
    return "" if is_more else thing


def _is_of_another(
    text: str, start: int, named: re.Pattern[str], language: str, *, is_name: bool
) -> bool:
    before = text[:start]
    done = whole_words(rf"(?:{_DONE[language]}) (?:{_TO_IT[language]})").search(before)
    if done and not re.search(_COSTS[language], before[done.end() :], re.IGNORECASE):
        return True
    each = _FOR_EACH.get(language)
    if is_name and each and re.search(each, before) and re.search(_COSTS[language], before):
        return True  # "The care plan costs 39 euros for each Breva One"
    fits = whole_words(_FITS[language])
    return any(fits.fullmatch(cell[1]) and named.search(cell[2]) for cell in _CELL.finditer(text))


def _read_thing(thing: str, language: str) -> re.Pattern[str]:
    ending = r"\w{0,2}" if language == "de" else "(?:e?s)?"
    stems = [re.escape(re.sub(r"(?<=\w{3})s$", "", word)) for word in thing.split()]
    return whole_words(r"\s+".join(f"{stem}{ending}" for stem in stems))

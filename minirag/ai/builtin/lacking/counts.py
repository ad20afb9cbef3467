"""Questions for how many there are of something: a number has to stand beside it. Pure.

"How many pitches do you have?" is not answered by "Electricity is included on pitches up to 4 kWh a day."
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from minirag.ai.builtin.lacking.said import Said
from minirag.ai.builtin.sentences.question_words import THERE, WORD, Word, find_word
from minirag.lib.asking.answer_types import AnswerType, holds_answer
from minirag.lib.asking.exact_asks import find_counted
from minirag.lib.text import analysis

BEFORE, BEHIND = 5, 1
"""So many words before and behind the thing its number may stand: "twelve of our smaller pitches", "pitches: 40"."""
NONE_BEFORE = 2
"""How near "no" stands that says there are none: "no parking spaces", not "no dogs on the pitches"."""
FOUND: Final = 0.6
_TEENS_AND_TENS = re.compile(
    r"zero|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|null"
    r"|\w{3,}(?:zehn|zig|ßig)"
)
_PHONE: Final = re.compile(r"\+\d[\d /()-]{5,}\d|\b0\d[\d /()-]{4,}\d")
# "68 % of our pupils" and "none of the pupils" are no count of them.
_SHARE: Final = re.compile(
    r"(?<!\d)\d+(?:[.,]\d+)?\s?(?:%|per ?cent\b|prozent\b)|\b(?:none|keine[rsmn]?) (?:of|von)\b",
    re.IGNORECASE,
)
_ARTICLES: Final = frozenset(("ein", "eine", "einem", "einen", "einer", "eines", "eins", "no"))


def lacks_count(
    question: str,
    words: Sequence[Word],
    quoted: Sequence[Said],
    language: str,
    variants: Mapping[str, Sequence[str]],
) -> bool:
    """Whether it is asked how many there are of something, and some sentences speak of that and nowhere say it. False
    where none speaks of it, at least not in these words: then nobody can tell.
    """
    counted = find_counted(question, language).casefold()
    word = next((each for each in words if each.text.casefold() == counted), None)
    if word is None:
        return False
    speaks = False
    for quotation in quoted:
        if quotation.own[word] < THERE:
            continue
        text = _SHARE.sub(" ", _PHONE.sub(" ", quotation.text))
        said = [part for match in WORD.finditer(text) for part in match[0].split("-")]
        for place, each in enumerate(said):
            terms = frozenset(analysis.analyse(each, language))
            if not terms or find_word(word, terms, variants) < FOUND:
                continue
            beside = said[max(place - BEFORE, 0) : place] + said[place + 1 : place + 1 + BEHIND]
            near = [other.casefold() for other in said[max(place - NONE_BEFORE, 0) : place]]
            if "no" in near or any(_is_number(other, language) for other in beside):
                return False
            speaks = True
    return speaks


def _is_number(word: str, language: str) -> bool:
    folded = word.casefold()
    return folded not in _ARTICLES and (
        bool(_TEENS_AND_TENS.fullmatch(folded)) or holds_answer(AnswerType.NUMBER, word, language)
    )

"""What a question asks for exactly, and what would be quoted for it does not say, however alike the words are. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from minirag.ai.builtin.lacking.codes import lacks_code
from minirag.ai.builtin.lacking.counts import lacks_count
from minirag.ai.builtin.lacking.doers import lacks_called, says_who
from minirag.ai.builtin.lacking.own import find_own_lacking
from minirag.ai.builtin.lacking.prices import lacks_own_price
from minirag.ai.builtin.lacking.said import Compared, Said
from minirag.ai.builtin.sentences.question_words import Word
from minirag.lib.asking.answer_types import AnswerType, Asked, lacks_answer
from minirag.lib.asking.exact_asks import lacks_past
from minirag.lib.asking.offers import (
    find_doing,
    find_means,
    find_offered,
    names_thing,
    says_means,
)
from minirag.lib.asking.trades import find_favoured, lacks_trade, lacks_unit

_MAIN: Final = 0.5
"""What a word weighs at least without which another thing is meant."""


def find_lacking(
    question: str,
    words: Sequence[Word],
    missing: Sequence[Word],
    quoted: Sequence[Said],
    asked: Asked,
    language: str,
    variants: Mapping[str, Sequence[str]],
    *,
    is_abroad: bool = False,
) -> str:
    """The kind of answer that is asked for and surely not there; "" where none is missing. `quoted` is what would be
    said, read for all of the `words`, `missing` those that none of it has, nor means.
    Where the question is in another language (`is_abroad`) its words cannot be found.
    """
    texts = [each.text for each in quoted]
    headings = " ".join(dict.fromkeys(each.headings for each in quoted))
    whole = f"{headings}: {' '.join(texts)}"
    there = {word for word in words if any(each.has(word) for each in quoted)}
    # Said in other words: in which sentence nobody can tell.
    meant = [
        word for word in words if word not in there and word not in missing and not word.is_framing
    ]
    compared = Compared(question, words, missing, meant, quoted, asked, language, variants)
    if lacks_code(question, words, quoted, language, variants):
        return "code"
    if lacks_own_price(question, quoted, language):
        return AnswerType.PRICE
    if lacks_offered(question, missing, language):
        return "thing"
    if lacks_means(question, there, texts, language):
        return "means"
    doing = find_doing(question, language)
    if any(word.place[0] == doing for word in missing):
        return "doing"
    if lacks_trade(question, texts, headings, language) or lacks_favoured(
        question, words, there, language
    ):
        return "trade"
    if lacks_unit(question, whole, language):
        return "unit"
    if lacks_called(question, words, meant, quoted, language):
        return "name"
    if not is_abroad and (own := find_own_lacking(compared)):
        return own
    who = says_who(question, words, meant, quoted, language)
    if who is not None:
        return "" if who else AnswerType.PERSON
    if lacks_count(question, words, quoted, language, variants):
        return AnswerType.NUMBER
    is_said = all(word in there or word in meant for word in words if not word.is_framing)
    if lacks_past(question, whole, language, is_said=is_said):
        return AnswerType.TIME
    return asked.kind if asked.kind and lacks_answer(asked, whole, language) else ""


def lacks_offered(question: str, missing: Sequence[Word], language: str) -> bool:
    """Whether it is asked if something is offered, and a word of that is nowhere in what would be quoted."""
    place = find_offered(question, language)
    return place is not None and any(
        place[0] <= word.place[0] < place[1]
        and word.weight >= _MAIN
        and names_thing(word.text, language)
        for word in missing
    )


def lacks_favoured(
    question: str, words: Sequence[Word], there: Collection[Word], language: str
) -> bool:
    """Whether it is asked if some people pay less, and these are not named."""
    place = find_favoured(question, language)
    return place is not None and any(
        place[0] <= word.place[0] < place[1] and word not in there and not word.is_framing
        for word in words
    )


def lacks_means(question: str, there: Collection[Word], texts: list[str], language: str) -> bool:
    """Whether it is asked if one may pay in some way, and neither that way is named nor of any that one may or not."""
    place = find_means(question, language)
    return place is not None and not (
        says_means(texts, language) or any(place[0] <= word.place[0] < place[1] for word in there)
    )

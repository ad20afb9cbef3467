"""What a question asks for exactly, and what would be quoted for it does not say, however alike the words are. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from minirag.ai.builtin.lacking.codes import lacks_code
from minirag.ai.builtin.lacking.counts import lacks_count
from minirag.ai.builtin.lacking.doers import says_who
from minirag.ai.builtin.lacking.prices import lacks_own_price
from minirag.ai.builtin.sentences.question_words import Word, find_words
from minirag.lib.asking.answer_types import (
    AnswerType,
    Asked,
    holds_answer,
    lacks_answer,
)
from minirag.lib.asking.exact_asks import lacks_measure, lacks_past
from minirag.lib.asking.offers import find_means, find_offered, names_thing, says_means

_AMOUNTS: Final = (AnswerType.PRICE, AnswerType.NUMBER, AnswerType.DURATION)
_OWN: Final = 0.5
"""How surely one of the question's words has to be in the sentence with the amount."""
_MAIN: Final = 0.5
"""What a word weighs at least without which another thing is meant."""


def find_lacking(
    question: str,
    words: Sequence[Word],
    missing: Sequence[Word],
    quoted: Sequence[tuple[str, str]],
    asked: Asked,
    language: str,
    variants: Mapping[str, Sequence[str]],
    *,
    is_abroad: bool = False,
) -> str:
    """The kind of answer that is asked for and surely not there; "" where none is missing. `quoted` are the sentences,
    each with the headings above it, `missing` the words that none of them has, nor means.
    Where the question is in another language (`is_abroad`) its words cannot be found.
    """
    said = [text for text, _ in quoted]
    headings = " ".join(dict.fromkeys(above for _, above in quoted))
    text = f"{headings}: {' '.join(said)}"
    found = find_words(words, text, "", language, variants)
    # Said in other words: in which sentence nobody can tell.
    meant = [
        word for word in words if found[word] < _OWN and word not in missing and not word.is_framing
    ]
    if lacks_code(question, words, quoted, language, variants):
        return "code"
    if lacks_own_price(question, quoted, language):
        return AnswerType.PRICE
    if lacks_offered(question, missing, language):
        return "thing"
    if lacks_means(question, words, found, said, language):
        return "means"
    who = says_who(question, words, meant, quoted, language, variants)
    if who is not None:
        return "" if who else AnswerType.PERSON
    if not is_abroad and lacks_own_amount(
        question, words, meant, quoted, asked, language, variants
    ):
        return asked.kind or ""
    if lacks_measure(question, text, language):
        return "measure"
    if lacks_count(question, words, said, language, variants):
        return AnswerType.NUMBER
    is_said = all(found[word] >= _OWN or word in meant for word in words if not word.is_framing)
    if lacks_past(question, text, language, is_said=is_said):
        return AnswerType.TIME
    return asked.kind if asked.kind and lacks_answer(asked, text, language) else ""


def lacks_own_amount(
    question: str,
    words: Sequence[Word],
    meant: Sequence[Word],
    quoted: Sequence[tuple[str, str]],
    asked: Asked,
    language: str,
    variants: Mapping[str, Sequence[str]],
) -> bool:
    """Whether an amount, a number or a length of time is asked for, and each that is said stands in a sentence that has
    none of the question's own words: "How long does a bleaching take?" is not answered by how long a cleaning does.
    """
    asking = asked.words.casefold().split()
    wanted = [word for word in words if not word.is_framing and word.text.casefold() not in asking]
    if language == "de":  # "dauert" is no thing
        wanted = [word for word in wanted if not word.text[0].islower()] or wanted
    if (
        asked.kind not in _AMOUNTS
        or not asked.is_sure
        or not wanted
        or any(word in meant for word in wanted)
    ):
        return False
    holding = [each for each in quoted if holds_answer(asked.kind, each[0], language, question)]
    # Of "the aquafit course" each part has to be there.
    parts = [part for word in wanted for part in (split_joined(word) or [word])]
    own = [find_words(parts, text, headings, language, variants) for text, headings in holding]
    return bool(holding) and not any(
        all(found[part] >= _OWN for part in split_joined(word) or [word])
        for found in own
        for word in wanted
    )


def split_joined(word: Word) -> list[Word]:
    """The parts of a word with a hyphen; none of any other, nor of a code."""
    parts = word.text.split("-")
    if len(parts) < 2 or len(word.terms) < len(parts) or any(map(str.isdigit, word.text)):
        return []
    return [
        replace(word, text=part, terms=(term,))
        for part, term in zip(parts, word.terms, strict=False)
    ]


def lacks_offered(question: str, missing: Sequence[Word], language: str) -> bool:
    """Whether it is asked if something is offered, and a word of that is nowhere in what would be quoted."""
    place = find_offered(question, language)
    return place is not None and any(
        place[0] <= word.place[0] < place[1]
        and word.weight >= _MAIN
        and names_thing(word.text, language)
        for word in missing
    )


def lacks_means(
    question: str,
    words: Sequence[Word],
    found: Mapping[Word, float],
    texts: list[str],
    language: str,
) -> bool:
    """Whether it is asked if one may pay in some way, and neither that way is named nor of any that one may or not."""
    place = find_means(question, language)
    return place is not None and not (
        says_means(texts, language)
        or any(place[0] <= word.place[0] < place[1] and found[word] >= _OWN for word in words)
    )

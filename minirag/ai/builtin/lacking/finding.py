"""What a question asks for exactly, and what would be quoted for it does not say, however alike the words are. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from minirag.ai.builtin.lacking.codes import lacks_code
from minirag.ai.builtin.lacking.counts import lacks_count
from minirag.ai.builtin.lacking.doers import lacks_called, says_who
from minirag.ai.builtin.lacking.prices import lacks_own_price
from minirag.ai.builtin.lacking.said import Said
from minirag.ai.builtin.sentences.question_words import THERE, Word, find_words
from minirag.lib.asking.answer_types import (
    AnswerType,
    Asked,
    holds_answer,
    lacks_answer,
)
from minirag.lib.asking.exact_asks import find_measure, lacks_past
from minirag.lib.asking.offers import (
    find_doing,
    find_means,
    find_offered,
    names_thing,
    says_means,
)
from minirag.lib.asking.trades import find_favoured, lacks_trade, lacks_unit

_AMOUNTS: Final = (AnswerType.PRICE, AnswerType.NUMBER, AnswerType.DURATION)
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
    who = says_who(question, words, meant, quoted, language)
    if who is not None:
        return "" if who else AnswerType.PERSON
    if not is_abroad and lacks_own_amount(
        question, words, meant, quoted, asked, language, variants
    ):
        return asked.kind or ""
    if lacks_own_contact(words, quoted, asked, language):
        return AnswerType.CONTACT
    if lacks_own_measure(question, words, meant, quoted, language, variants):
        return "measure"
    if lacks_count(question, words, quoted, language, variants):
        return AnswerType.NUMBER
    is_said = all(word in there or word in meant for word in words if not word.is_framing)
    if lacks_past(question, whole, language, is_said=is_said):
        return AnswerType.TIME
    return asked.kind if asked.kind and lacks_answer(asked, whole, language) else ""


def lacks_own_amount(
    question: str,
    words: Sequence[Word],
    meant: Sequence[Word],
    quoted: Sequence[Said],
    asked: Asked,
    language: str,
    variants: Mapping[str, Sequence[str]],
) -> bool:
    """Whether an amount, a number or a length of time is asked for, and each that is said stands in a sentence that has
    none of the question's own words: "How long does a bleaching take?" is not answered by how long a cleaning does.
    """
    asking = asked.words.casefold().split()
    wanted = [
        word
        for word in words
        if not (word.is_framing or word.is_light) and word.text.casefold() not in asking
    ]
    if language == "de":  # "dauert" is no thing
        wanted = [word for word in wanted if not word.text[0].islower()] or wanted
    if (
        asked.kind not in _AMOUNTS
        or not asked.is_sure
        or not wanted
        or any(word in meant for word in wanted)
    ):
        return False
    holding = [each for each in quoted if holds_answer(asked.kind, each.text, language, question)]
    return bool(holding) and not any(
        has_whole(each, word, language, variants) for each in holding for word in wanted
    )


def lacks_own_contact(
    words: Sequence[Word], quoted: Sequence[Said], asked: Asked, language: str
) -> bool:
    """Whether a number or an address of somebody by name is asked for, and who is called that stands beside none."""
    names = [word for word in words if word.is_exact and not any(map(str.isdigit, word.text))]
    if asked.kind is not AnswerType.CONTACT or language == "de":
        return False
    speaking = [each for each in quoted if any(each.has(name) for name in names)]
    return bool(speaking) and not any(
        holds_answer(AnswerType.CONTACT, each.text, language) for each in speaking
    )


def lacks_own_measure(
    question: str,
    words: Sequence[Word],
    meant: Sequence[Word],
    quoted: Sequence[Said],
    language: str,
    variants: Mapping[str, Sequence[str]],
) -> bool:
    """Whether a measure is asked for, and no sentence says one of what is asked about: "How deep is the river at the
    weir?" is not answered by a trout of 25 cm.
    """
    measure = find_measure(question, language)
    if measure is None:
        return False
    holding = [each for each in quoted if measure.answers.search(f"{each.headings}: {each.text}")]
    wanted = [
        word
        for word in words
        if not (word.is_framing or word.is_light)
        and not measure.place[0] <= word.place[0] < measure.place[1]
        and not (language == "de" and word.text[0].islower())
    ]
    if any(word in meant for word in wanted):
        return not holding
    return not any(
        all(has_whole(each, word, language, variants) for word in wanted) for each in holding
    )


def has_whole(said: Said, word: Word, language: str, variants: Mapping[str, Sequence[str]]) -> bool:
    """Whether a word is there, of "the aquafit-course" each part."""
    parts = split_joined(word)
    if not parts:
        return said.has(word)
    found = find_words(parts, said.text, said.headings, language, variants)
    return all(value >= THERE for value in found.values())


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

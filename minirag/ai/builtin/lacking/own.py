"""Questions for an amount, a measure, hours, a telephone number or a quality: it has to be said of the thing that is
asked about, and not of another one beside it. Pure.

"How deep is the river at the weir?" is not answered by "Trout under 25 cm go back", nor "What does a replacement
licence cost?" by what the first one does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from minirag.ai.builtin.lacking.said import Compared, Said
from minirag.ai.builtin.sentences.question_words import THERE, Word, find_words
from minirag.lib.asking.answer_types import AnswerType, holds_answer
from minirag.lib.asking.exact_asks import asks_for_quality, find_measure, find_open

_AMOUNTS: Final = (AnswerType.PRICE, AnswerType.NUMBER, AnswerType.DURATION)
_TELLING: Final = 0.5
"""What a word weighs at least that tells one thing from another."""
# Behind these stands what is done, which is said in many ways: "How many people fit in?", "What is it to hire?"
_DEED: Final = re.compile(r"\b(?:to|how many [\w-]+) $", re.IGNORECASE)
_REACHES: Final = re.compile(r"\S@\S|\d[\d\s/()-]{5,}\d|https?://")


def find_own_lacking(compared: Compared) -> str:
    """The kind of answer that is asked for, and said of something else at best; "" where none is missing."""
    if lacks_own_amount(compared):
        return compared.asked.kind or ""
    if lacks_own_contact(compared):
        return AnswerType.CONTACT
    if lacks_own_hours(compared):
        return AnswerType.TIME
    if lacks_own_measure(compared):
        return "measure"
    return "quality" if lacks_quality(compared) else ""


def lacks_own_amount(compared: Compared) -> bool:
    """Whether an amount, a number or a length of time is asked for, and none is said of what is asked about: "How long
    does a bleaching take?" is not answered by how long a cleaning does.

    In English by all of its words that tell it from others, in German, whose compounds are many, by any.
    """
    asked, language = compared.asked, compared.language
    if asked.kind not in _AMOUNTS or not asked.is_sure:
        return False
    asking = asked.words.casefold().split()
    wanted = [
        each
        for each in compared.list_naming()
        if each.text.casefold() not in asking
        and not _DEED.search(compared.question[: each.place[0]])
    ]
    if language == "de":  # "dauert" is no thing
        wanted = [word for word in wanted if not word.text[0].islower()] or wanted
    if not wanted or any(word in compared.meant for word in wanted):
        return False
    holding = _list_holding(compared, asked.kind)
    telling = _list_telling(wanted) if language == "en" else []
    return bool(holding) and not (
        is_said_of(compared, holding, telling) and is_said_of(compared, holding, wanted, any)
    )


def lacks_own_contact(compared: Compared) -> bool:
    """Whether a number or an address of somebody by name is asked for, and who is called that stands beside none."""
    if compared.asked.kind is not AnswerType.CONTACT or compared.language == "de":
        return False
    names = [each for each in compared.words if each.is_exact and each.text.isalpha()]
    speaking = [each for each in compared.quoted if any(each.has(name) for name in names)]
    return bool(speaking) and not any(_REACHES.search(each.text) for each in speaking)


def lacks_own_measure(compared: Compared) -> bool:
    """Whether a measure is asked for, and no sentence says one of what is asked about."""
    measure = find_measure(compared.question, compared.language)
    if measure is None:
        return False
    holding = [
        each for each in compared.quoted if measure.answers.search(f"{each.headings}: {each.text}")
    ]
    wanted = [
        word
        for word in compared.list_naming()
        if not measure.place[0] <= word.place[0] < measure.place[1]
        and not (compared.language == "de" and word.text[0].islower())
    ]
    if any(word in compared.meant for word in wanted):
        return not holding
    return not is_said_of(compared, holding, _list_telling(wanted))


def lacks_own_hours(compared: Compared) -> bool:
    """Whether it is asked when a thing is open or begins, and each time that is said is another one's."""
    place = find_open(compared.question, compared.language)
    if place is None:
        return False
    wanted = [word for word in compared.list_naming() if place[0] <= word.place[0] < place[1]]
    if not wanted or any(word in compared.meant for word in wanted):
        return False
    holding = _list_holding(compared, AnswerType.TIME)
    return bool(holding) and not is_said_of(compared, holding, wanted, any)


def lacks_quality(compared: Compared) -> bool:
    """Whether it is asked if a thing is of some kind, and that is nowhere in what would be quoted."""
    return asks_for_quality(compared.question, compared.language) and any(
        word in compared.missing for word in _list_telling(compared.list_naming())
    )


def _list_telling(wanted: Iterable[Word]) -> list[Word]:
    return [word for word in wanted if word.weight >= _TELLING]


def is_said_of(
    compared: Compared,
    holding: Sequence[Said],
    wanted: Sequence[Word],
    enough: Callable[[Iterable[bool]], bool] = all,
) -> bool:
    """Whether one of the sentences has the words, or is below headings that do."""
    return any(enough(has_whole(compared, each, word) for word in wanted) for each in holding)


def has_whole(compared: Compared, said: Said, word: Word) -> bool:
    """Whether a word is there, of "the aquafit-course" each part."""
    parts = split_joined(word)
    if not parts:
        return said.has(word)
    found = find_words(parts, said.text, said.headings, compared.language, compared.variants)
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


def _list_holding(compared: Compared, kind: AnswerType) -> list[Said]:
    return [
        each
        for each in compared.quoted
        if holds_answer(kind, each.text, compared.language, compared.question)
    ]

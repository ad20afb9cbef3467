"""Rows of a table and items of a list that stand beside the one that is asked for, and answer nothing; and the row
that has the least or the most of something. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from minirag.ai.builtin.sentences.candidates import MEANT, Candidate
from minirag.ai.builtin.sentences.question_words import NO_VARIANTS, Word, find_word
from minirag.lib.asking.answer_types import AnswerType, holds_answer
from minirag.lib.asking.extremes import (
    PRICE,
    Extreme,
    counts_in,
    find_extremes,
    names_column,
    says_extreme,
)
from minirag.lib.text import analysis

_CELL: Final = re.compile(r"(?:^|, )([^:,]{1,40}): (.*?)(?=, [^:,]{1,40}: |$)")
_LABEL: Final = re.compile(r"(?:^|(?<=, ))[^:,]{1,40}: ")
_NUMBER: Final = re.compile(r"\d+(?:[.,' \u202f]\d{3})*(?:[.,]\d+)?")
_UP_TO: Final = re.compile(rf"[ \u202f]*(?:-|–|to|bis)[ \u202f]*({_NUMBER.pattern})")
_UNIT: Final = re.compile(r"[ \u202f]*([^\W\d_]+)")
_BEFORE_AMOUNT: Final = 8
"""Letters: "from £5" is an amount, and "Full container 20 foot" is none."""
_THOUSANDS: Final = re.compile(r"[.,' \u202f](?=\d{3}(?!\d))")
_CELL_END: Final = re.compile(r", (?=[^:,]{1,40}: )")


def leave_out_lesser_rows(
    words: Sequence[Word],
    candidates: Sequence[Candidate],
    chosen: Sequence[int],
    scores: Sequence[float],
    variants: Mapping[str, Sequence[str]] = NO_VARIANTS,
) -> list[int]:
    """Without the rows and items that have less of the question's words, or codes, than a better one beside them.

    Asked for E24, the row of E25 has all of the words but one; and asked for a reefer container, the row of a dry one.
    """
    names = {index: _find_in_name(words, candidates[index], variants) for index in chosen}
    found = {index: _find(words, candidates[index]) | names[index] for index in chosen}

    def has_less(index: int, other: int) -> bool:
        row, better = candidates[index], candidates[other]
        if not _are_beside(row, better):
            return False
        named, of_row, of_better = names[other], found[index], found[other]
        codes_of_row, codes_of_better = _list_codes(words, row), _list_codes(words, better)
        if codes_of_row != codes_of_better:
            return codes_of_row < codes_of_better and not (
                row.columns and _is_called_otherwise(names[index] - of_better, of_better - of_row)
            )
        if of_row < of_better and scores[other] > scores[index]:
            return True
        return bool(row.columns) and _is_less(of_row, of_better, named, names[index])

    kept = [index for index in chosen if not any(has_less(index, other) for other in chosen)]
    return kept or list(chosen)


def find_extreme_rows(
    question: str,
    words: Sequence[Word],
    candidates: Sequence[Candidate],
    chosen: Sequence[int],
    scores: Sequence[float],
    language: str,
) -> list[int]:
    """Where the least or the most of something is asked for, the rows of the whole table that have it: of those that
    the question names, if it names some. It is the table of which a row is among the `chosen`, or else the one that has
    the best row with a column that says it. A sentence that says it itself comes first; none where nothing does.
    """
    for extreme in find_extremes(question, language):
        row = _find_row(extreme, candidates, chosen, scores)
        if row is None:
            continue
        asking = extreme.words.casefold().split()
        wanted = [
            each for each in words if not each.is_framing and each.text.casefold() not in asking
        ]
        found = _find_saying(extreme, wanted, candidates) or _compare_rows(
            extreme, wanted, candidates, candidates[row], language
        )
        if found:
            return found
    return []


def name_extremes(question: str, language: str) -> set[str]:
    """The words, in small letters, by which a question asks for the least or the most of something."""
    return {
        word
        for extreme in find_extremes(question, language)
        for word in extreme.words.casefold().split()
    }


def lacks_extreme(question: str, quoted: Sequence[Candidate], language: str) -> bool:
    """Whether the least or the most of something is asked for, and nothing is quoted that says which one that is, nor
    amounts that could be compared: several rows or items beside each other, or several in one sentence.
    """
    extremes = find_extremes(question, language)
    if not extremes:
        return False
    beside = [
        each
        for each in quoted
        if any(
            each is not other and (_are_beside(each, other) or are_one_table(each, other))
            for other in quoted
        )
    ]
    for extreme in extremes:
        if any(says_extreme(extreme, f"{each.text} {each.title}", language) for each in quoted):
            return False
        amounts = [counts_in(extreme, each.text, each.language) for each in beside]
        if sum(map(bool, amounts)) > 1:
            return False
        if any(counts_in(extreme, each.text, each.language) > 1 for each in quoted):
            return False
    return True


def _find_row(
    extreme: Extreme,
    candidates: Sequence[Candidate],
    chosen: Sequence[int],
    scores: Sequence[float],
) -> int | None:
    among = [index for index in chosen if candidates[index].columns]
    if among or extreme.column == PRICE:
        return next(iter(among), None)
    rows = [
        index for index, each in enumerate(candidates)
        if each.columns and any(names_column(extreme, label) for label, _ in _CELL.findall(each.text))
    ]  # fmt: skip
    return max(rows, key=lambda index: scores[index], default=None)


def _compare_rows(
    extreme: Extreme,
    wanted: Sequence[Word],
    candidates: Sequence[Candidate],
    row: Candidate,
    language: str,
) -> list[int]:
    table = [index for index, each in enumerate(candidates) if are_one_table(each, row)]
    # What the whole table stands under names none of its rows: below "Our bikes" an e-bike is one of them.
    above = row.above | row.heading | frozenset(analysis.analyse(row.passage.page_title, language))
    naming = [each for each in wanted if not above.issuperset(each.terms)]
    named = {
        index: _weigh_said(naming, _LABEL.sub("", candidates[index].text), language)
        for index in table
    }
    most = max(named.values())
    amounts = {
        index: _read_amounts(candidates[index], extreme, wanted)
        for index in table
        if named[index] == most
    }
    return _find_extreme(extreme.sign, amounts)


def _find_extreme(sign: int, amounts: Mapping[int, Mapping[str, float]]) -> list[int]:
    """The rows that have most, or least, in each column; none where columns tell different ones or nothing."""
    columns = {label for row in amounts.values() for label in row}
    best = {
        label: max(sign * row[label] for row in amounts.values() if label in row)
        for label in columns
    }
    if len(amounts) < 2 or not columns:
        return []
    return [
        index
        for index, row in amounts.items()
        if all(label in row and sign * row[label] == best[label] for label in columns)
    ]


def _find_saying(
    extreme: Extreme, words: Sequence[Word], candidates: Sequence[Candidate]
) -> list[int]:
    """The first sentence that says itself which one it is."""
    whole, asks = sum(word.weight for word in words), extreme.words.casefold()
    saying = (
        index
        for index, each in enumerate(candidates)
        if not each.columns
        and not each.is_question
        and asks in each.text.casefold()
        and _weigh_said(words, each.text, each.language) >= whole
    )
    return list(islice(saying, 1))


def _weigh_said(words: Sequence[Word], text: str, language: str) -> float:
    terms = frozenset(analysis.analyse(text, language))
    return sum(word.weight for word in words if not terms.isdisjoint(word.terms))


def _read_amounts(row: Candidate, extreme: Extreme, words: Sequence[Word]) -> dict[str, float]:
    """How much a row has of it, by column: of those alone that the question names. No price where it is free.

    The first column names the rows, unless it is the one that says it: "Size: 25 sq ft".
    """
    cells = [
        (label, cell)
        for label, cell in _CELL.findall(row.text)
        if label != row.columns or (extreme.column != PRICE and names_column(extreme, label))
    ]
    named = {
        label: _weigh_said(words, f"{label} {cell}", row.language)
        for label, cell in cells
        if (number := _NUMBER.search(cell)) and number.start() <= _BEFORE_AMOUNT
    }
    most = max(named.values(), default=0.0)
    amounts: dict[str, float] = {}
    for label, cell in cells:
        text = f"{label}: {cell}"
        is_price = extreme.column == PRICE and holds_answer(AnswerType.PRICE, text, row.language)
        is_column = is_price or (extreme.column != PRICE and names_column(extreme, text))
        found = _NUMBER.search(cell)
        if named.get(label, 0.0) < most or not (is_column or (found and most)):
            continue
        if found:
            # 950 g and 1.2 kg, or 90 minutes and 2 hours, are not to be compared by their numbers.
            amount, behind = _read_end(cell, found, extreme.sign)
            unit = "" if is_price else _read_unit(behind, row.language)
            amounts[f"{label} {unit}"] = float(_THOUSANDS.sub("", amount).replace(",", "."))
        elif is_price:
            amounts[f"{label} "] = 0.0
    return amounts


def _read_end(cell: str, found: re.Match[str], sign: int) -> tuple[str, str]:
    """The number that was found, or of a span the end that counts, "1 to 2 days", and what stands behind."""
    behind = cell[found.end() :]
    if last := _UP_TO.match(behind):
        return last[1] if sign > 0 else found[0], behind[last.end() :]
    return found[0], behind


def _read_unit(behind: str, language: str) -> str:
    found = _UNIT.match(behind)
    return " ".join(analysis.analyse(found[1], language)) or found[1] if found else ""


def _is_less(
    of_row: set[Word], of_better: set[Word], named: set[Word], named_row: set[Word]
) -> bool:
    """Whether a row lacks what the question calls the better one by, and has nothing for it but a commoner word that
    goes with that: the "container" of a "reefer container". "Mondays and Tuesdays" are two.
    """
    lacks, extra = _weigh(named - of_row), _weigh(of_row - of_better)
    if _is_called_otherwise({*extra, *(named_row - of_better)}, lacks):
        return False
    return sum(lacks.values()) > sum(extra.values())


def _is_called_otherwise(extra: Iterable[Word], lacks: Iterable[Word]) -> bool:
    """Whether a row has a word that does not go with any that it lacks: "day ticket" and "season ticket" are two."""
    return not all(any(_go_together(word, other) for other in lacks) for word in extra)


def _weigh(words: set[Word]) -> dict[Word, float]:
    return {word: word.weight for word in words if not word.is_framing}


def _go_together(one: Word, other: Word) -> bool:
    first, second = sorted((one.place, other.place))
    return second[0] - first[1] == 1


def _find(words: Sequence[Word], row: Candidate) -> set[Word]:
    terms = frozenset(row.terms)
    return {word for word in words if not terms.isdisjoint(word.terms)}


def _find_in_name(
    words: Sequence[Word], row: Candidate, variants: Mapping[str, Sequence[str]]
) -> set[Word]:
    """The words that a row is called by, in its first cell."""
    name = _CELL_END.split(row.text, maxsplit=1)[0].rpartition(": ")[2]
    terms = frozenset(analysis.analyse(name, row.language))
    return {word for word in words if find_word(word, terms, variants) > MEANT}


def _list_codes(words: Sequence[Word], row: Candidate) -> set[str]:
    asked = {term for word in words for term in word.terms}
    return {
        term for term in asked.intersection(row.terms) if not (term.isalpha() or term.isdigit())
    }


def _are_beside(row: Candidate, other: Candidate) -> bool:
    """Whether they are of one list or of one table, which may have been cut into several passages."""
    if row.columns or other.columns:
        return are_one_table(row, other)
    return bool(row.marker and other.marker) and is_one_list(row, other)


def are_one_table(one: Candidate, other: Candidate) -> bool:
    """Whether both are rows of a table with the same first column on the same page."""
    return (
        bool(one.columns)
        and one.columns == other.columns
        and one.passage.page_title == other.passage.page_title
    )


def is_one_list(one: Candidate, other: Candidate) -> bool:
    return one.passage is other.passage and one.block == other.block

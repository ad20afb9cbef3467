"""Rows of a table and items of a list that stand beside the one that is asked for, and answer nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from minirag.ai.builtin.sentences.candidates import MEANT, Candidate
from minirag.ai.builtin.sentences.question_words import NO_VARIANTS, Word, find_word
from minirag.lib.text import analysis

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
        return row.columns == other.columns and row.passage.page_title == other.passage.page_title
    return bool(row.marker and other.marker) and is_one_list(row, other)


def is_one_list(one: Candidate, other: Candidate) -> bool:
    return one.passage is other.passage and one.block == other.block

"""What a quotation is completed with: the paragraph below a heading that asks the same, and all of a list. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from minirag.ai.builtin.sentences.candidates import QUESTION_MARKS, Candidate
from minirag.ai.builtin.sentences.question_words import Word, find_word, weigh_words
from minirag.lib.asking.answer_types import Asked, holds_answer
from minirag.lib.text import analysis

MOST_ITEMS, LONGEST_LIST = 15, 1500
SHORT_PARAGRAPH: Final = 240
LONGEST_PARAGRAPH: Final = 3
SAME_QUESTION, FOUND = 0.7, 0.8


def put_in_order(candidates: Sequence[Candidate], chosen: Iterable[int]) -> list[int]:
    """Passages as they come first among the chosen, and the sentences of each as they are read."""
    ranks: dict[int, int] = {}
    chosen = list(dict.fromkeys(chosen))
    for index in chosen:
        ranks.setdefault(candidates[index].passage.number, len(ranks))
    return sorted(
        chosen, key=lambda i: (ranks[candidates[i].passage.number], candidates[i].position)
    )


def answer_below(
    question: str,
    candidates: Sequence[Candidate],
    chosen: list[int],
    term_weights: Mapping[str, float],
    variants: Mapping[str, Sequence[str]],
    before: str = "",
    spoken: str = "",
) -> list[int]:
    """Where a heading asks the same question: what stands first below it, and no other passage.

    A question that leans on what was asked `before` asks the same as a heading that names the subject.
    """
    asked: dict[tuple[int, str], float] = {}
    for each in candidates:
        key = (each.passage.number, each.title)
        if each.title.endswith(QUESTION_MARKS) and key not in asked:
            words = weigh_words(question, each.language, term_weights, spoken)
            earlier = weigh_words(before, each.language, term_weights, spoken)
            asked[key] = compare_heading(words, each.title, each.language, variants, earlier)
    best = max(
        asked, key=lambda key: (asked[key], key == _place_of(candidates[chosen[0]])), default=None
    )
    if best is None or asked[best] < SAME_QUESTION:
        return chosen
    below = [index for index, each in enumerate(candidates) if _place_of(each) == best]
    first = [index for index in below if candidates[index].block == candidates[below[0]].block]
    return put_in_order(
        candidates, [*first[:LONGEST_PARAGRAPH], *(each for each in chosen if each in below)]
    )


def _place_of(candidate: Candidate) -> tuple[int, str]:
    return candidate.passage.number, candidate.title


def compare_heading(
    words: Sequence[Word],
    heading: str,
    language: str,
    variants: Mapping[str, Sequence[str]],
    earlier: Sequence[Word] = (),
) -> float:
    """The share (0 to 1) of a question's weight that a heading has; 0 where it asks for much else, that no `earlier`
    word says either.
    """
    terms = frozenset(analysis.analyse(heading, language))
    found = [word for word in words if find_word(word, terms, variants) >= FOUND]
    named = {
        each.terms
        for each in (
            *found,
            *(word for word in earlier if find_word(word, terms, variants) >= FOUND),
        )
        if not each.is_framing
    }
    said = sum(not word.is_framing for word in weigh_words(heading, language, {}))
    if 2 * len(named) <= said:
        return 0.0
    return sum(word.weight for word in found) / (sum(word.weight for word in words) or 1.0)


def complete_lists(
    candidates: Sequence[Candidate], chosen: Sequence[int], asked: Asked
) -> list[int]:
    """Add what a quotation would be useless without: the list behind "You need:", and all of a list, or of steps,
    where several things are asked for; its lead-in as well.
    """
    complete: list[int] = []
    for index in chosen:
        complete.append(index)
        candidate = candidates[index]
        if candidate.text.endswith((":", "：")) and not candidate.marker:
            complete += _list_below(candidates, index)
        elif candidate.marker and asked.wants_several:
            complete += _list_around(candidates, index)
    return put_in_order(candidates, complete)


def complete_paragraph(candidates: Sequence[Candidate], best: int, asked: Asked) -> list[int]:
    """The paragraph of the best sentence where it is short, and the sentence holds nothing that is asked for in
    particular: "Bikes are due at 6 pm." and "For each hour that you are late we charge £6." are half an answer each.
    """
    mine = candidates[best]
    holds = asked.kind is not None and holds_answer(asked.kind, mine.text, mine.language)
    if holds or mine.marker or mine.columns:
        return []
    paragraph = _block_of(candidates, best)
    length = sum(len(candidates[index].text) for index in paragraph)
    return paragraph if length <= SHORT_PARAGRAPH else []


def _list_below(candidates: Sequence[Candidate], index: int) -> list[int]:
    below = candidates[index + 1 : index + 2]
    if not below or not below[0].marker or below[0].passage is not candidates[index].passage:
        return []
    return _bound_list(candidates, _block_of(candidates, index + 1), index + 1)


def _list_around(candidates: Sequence[Candidate], index: int) -> list[int]:
    block = _block_of(candidates, index)
    before = block[0] - 1
    leads = (
        before >= 0
        and candidates[before].passage is candidates[index].passage
        and candidates[before].text.endswith((":", "："))
    )
    return [before] * leads + _bound_list(candidates, block, index)


def _block_of(candidates: Sequence[Candidate], index: int) -> list[int]:
    mine = candidates[index]
    return [
        other
        for other, each in enumerate(candidates)
        if each.passage is mine.passage and each.block == mine.block
    ]


def _bound_list(candidates: Sequence[Candidate], block: list[int], index: int) -> list[int]:
    """The list, or of a long one as much as may be quoted: from its beginning, or from the item that was found."""
    start = 0 if block.index(index) < MOST_ITEMS else block.index(index)
    kept, length = [], 0
    for each in block[start : start + MOST_ITEMS]:
        length += len(candidates[each].text)
        if length > LONGEST_LIST:
            break
        kept.append(each)
    return kept

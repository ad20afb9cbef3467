"""A question with its words spelled as the documents spell them, for an embedder that knows no misspelled ones. Pure.

The index keeps words without their endings, so how a word is written is read off the passages that it was found in.
Only where a single word of the vocabulary is nearest: a guess between two is no better than what was typed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from knowledge.retrieval.passages import Passage
from knowledge.wording.vocabulary import SPELLING_WEIGHT, Expansion
from minirag.lib.text.analysis import analyse_words
from minirag.lib.variants import count_edits

_READ: Final = 5  # passages, in which the words are looked for
_WORD = re.compile(r"[^\W\d_]+")


def respell(
    text: str,
    language: str,
    expansions: Iterable[Expansion],
    passages: Sequence[tuple[Passage, str]],
    knows: Callable[[str], bool],
) -> str:
    """Return `text` with its misspelled words put right, as far as that is certain; `passages` come with languages.

    `knows` says of a word that the embedder knows it: no page has it, and still it is no mistake ("many" is not "may").
    """
    right = find_certain(expansions)
    if not right:
        return text
    written = _find_written(set(right.values()), passages[:_READ])

    def correct(match: re.Match[str]) -> str:
        word = match[0]
        for _, term in analyse_words(word, language):
            forms = written.get(right.get(term, ""))
            if forms and not knows(word):
                typed = word.casefold()
                found = min(
                    forms, key=lambda form: (count_edits(typed, form, 4), -forms[form], form)
                )
                return found.capitalize() if word[0].isupper() else found
        return word

    return _WORD.sub(correct, text)


def find_certain(expansions: Iterable[Expansion]) -> dict[str, str]:
    """The terms that are misspelled words beyond doubt, with the right ones."""
    nearest: dict[str, list[str]] = {}
    for each in expansions:
        if each.kind == "spelling" and each.weight == SPELLING_WEIGHT:
            nearest.setdefault(each.term, []).append(each.found)
    return {term: found[0] for term, found in nearest.items() if len(found) == 1}


def _find_written(
    terms: set[str], passages: Sequence[tuple[Passage, str]]
) -> Mapping[str, Counter[str]]:
    """How often each of the terms is written how."""
    found: dict[str, Counter[str]] = {}
    for passage, language in passages:
        for word in _WORD.findall(f"{passage.heading} {passage.content}"):
            for _, term in analyse_words(word, language):
                if term in terms:
                    found.setdefault(term, Counter())[word.casefold()] += 1
    return found

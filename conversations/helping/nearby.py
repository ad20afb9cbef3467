"""Which of the passages that were found are worth showing to somebody who got no answer, and what may be asked instead.

Search always finds something. A passage is shown only if it has something in common with the question: enough of the
words that set it apart, or, where the built-in embedder knows the language, a meaning that is near. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from conversations.helping.offers import shorten
from knowledge.retrieval.passages import Passage
from knowledge.retrieval.retrieving import Retrieval
from minirag.ai.builtin.checking import find_word, weigh_words
from minirag.ai.builtin.local import MINILM
from minirag.ai.builtin.quoting import clean_inline
from minirag.ai.builtin.scoring import QUESTION_MARKS
from minirag.lib.security.injections import is_override, orders_a_machine
from minirag.lib.text.analysis import analyse

MOST_SHOWN: Final = 3
LEAST_SHARE, LEAST_SHARE_OF_WEAK = 0.2, 0.5
"""Of the weight of a question's words, found in a passage as they are or nearly; the second where the floor refused."""
LEAST_COSINE: Final = 0.45
_FOUND: Final = 0.8
_LONGEST_QUESTION: Final = 120
_FEWEST_WORDS: Final = 4  # of a heading that is understood without its page; "Too late?" is not
_ALONE = re.compile(r"^(?![a-z])[^\n.!:;]{3,140}[?？؟]\W*(?=\n\s*\S)", re.MULTILINE)
"""A question on a line of its own with something below: so a passage has the headings within it."""


def choose_near(question: str, retrieval: Retrieval) -> tuple[Passage, ...]:
    """The passages that a visitor may have meant, best first, one of each heading."""
    chosen: dict[tuple[str, str], Passage] = {}
    for passage in retrieval.passages:
        if is_plausible(question, passage, retrieval) and not is_planted(passage):
            chosen.setdefault((fold(passage.title), fold(passage.heading)), passage)
    return tuple(chosen.values())


def is_plausible(question: str, passage: Passage, retrieval: Retrieval) -> bool:
    """Whether a passage has anything in common with a question that is worth a look."""
    if knows_language(retrieval) and passage.cosine >= LEAST_COSINE:
        return True
    words = weigh_words(question, retrieval.language, retrieval.term_weights)
    total = sum(word.weight for word in words)
    present = frozenset(analyse(f"{passage.heading}\n{passage.content}", retrieval.language))
    found = [
        word for word in words
        if not word.is_framing and find_word(word, present, retrieval.variants) >= _FOUND
    ]  # fmt: skip
    if any(word.is_exact for word in found):
        return True
    least = LEAST_SHARE_OF_WEAK if retrieval.is_weak else LEAST_SHARE
    return bool(found) and sum(word.weight for word in found) >= least * total


def knows_language(retrieval: Retrieval) -> bool:
    """Whether the cosines say something that is known to hold: of the built-in embedder, in English."""
    return retrieval.language == "en" and retrieval.embedding_model == MINILM


def is_planted(passage: Passage) -> bool:
    """Whether it speaks to machines: nobody is sent there."""
    lines = (passage.title, passage.heading, *passage.content.splitlines())
    return any(orders_a_machine(line) or is_override(line) for line in lines if line.strip())


def list_asked(passages: Iterable[Passage]) -> Iterator[str]:
    """The questions that stand as headings above or in passages: what stands below answers them."""
    for passage in passages:
        headings = [passage.heading.rpartition(" > ")[2], *_ALONE.findall(passage.content)]
        for heading in map(_clean_heading, headings):
            if heading.endswith(QUESTION_MARKS) and len(heading) <= _LONGEST_QUESTION:
                is_whole = len(heading.split()) >= _FEWEST_WORDS
                yield heading if is_whole else name_reading(passage.title, heading)


def _clean_heading(line: str) -> str:
    return clean_inline(line.strip(" #\n"))


def list_topics(passages: Iterable[Passage]) -> Iterator[str]:
    """What passages are about, as a visitor could put it."""
    for passage in passages:
        yield name_reading(passage.title, clean_inline(passage.heading.rpartition(" > ")[2]))


def name_reading(title: str, heading: str) -> str:
    """Page and heading as one: "Delivery: What it costs"; each alone where they say the same."""
    if not heading or (title and fold(heading) in fold(title)):
        return shorten(title)
    is_whole = fold(title) in fold(heading)  # an empty title is in each
    return shorten(heading if is_whole else f"{title}: {heading}")


def leave_out_asked(questions: Iterable[str], asked: Sequence[str]) -> list[str]:
    """Each question once, and none that was asked before."""
    known = {fold(each) for each in asked}
    chosen: dict[str, str] = {}
    for question in questions:
        folded = fold(question)
        if folded and folded not in known:
            chosen.setdefault(folded, question)
    return list(chosen.values())


def fold(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))

"""Whether a question is so short that the sources hold several good readings of it, and which those are. Pure.

"refund?" is on three pages, and each would be a guess. A question is vague only by its form: some few words without a
name, a number or a code in them, or words that only frame a question ("What does it cost?"). Its readings are passages
that hold all of its words and come about as close as the best; where one of them is clearly better, or there is one
alone, nobody has to be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from conversations.helping.nearby import (
    LEAST_COSINE,
    fold,
    is_planted,
    knows_language,
    name_reading,
)
from conversations.understanding.reading import is_dense
from knowledge.retrieval.passages import Passage
from knowledge.retrieval.retrieving import Retrieval
from minirag.ai.builtin.quoting import clean_inline
from minirag.ai.builtin.sentences.question_words import WORD, Word, find_word, weigh_words
from minirag.lib.text.analysis import analyse

MOST_CHOICES: Final = 4
MOST_WORDS, MOST_MEANT, MOST_FRAMING = 3, 2, 6
"""Of a bare phrase: written words, and such as mean something; of a question that is only a frame: written words."""
CLOSE, CLOSE_OF_FRAME = 0.7, 0.5
"""A reading's score, as a share of the best one's; the second of a question that is only a frame."""
_FOUND: Final = 0.8
_LONGEST, _LONGEST_DENSE = 120, 4  # characters; where words are written without spaces


def find_readings(question: str, retrieval: Retrieval) -> tuple[str, ...]:
    """The readings of a vague question, as a visitor could choose them, best first; () where it is clear."""
    longest = _LONGEST_DENSE if is_dense(retrieval.language) else _LONGEST
    if len(question) > longest or len(retrieval.passages) < 2:
        return ()
    words = weigh_words(question, retrieval.language, retrieval.term_weights)
    if not _is_vague(question, words):
        return ()
    is_frame = all(word.is_framing for word in words)
    least = (CLOSE_OF_FRAME if is_frame else CLOSE) * retrieval.passages[0].score
    has_enough = any if is_frame else all
    close = [
        passage for passage in retrieval.passages
        if passage.score >= least and not is_planted(passage)
        and has_enough(
            find_word(word, _terms_of(passage, retrieval), retrieval.variants) >= _FOUND for word in words
        )
    ]  # fmt: skip
    asked = {term for word in words for term in word.terms}
    headed = [passage for passage in close if _is_headed(passage, asked, retrieval.language)]
    is_clear = len(words) > 1 and len(headed) == 1 and headed[0] is retrieval.passages[0]
    close.sort(key=lambda passage: passage not in headed)
    if len(close) < 2 or is_clear:
        return ()
    labels = _name(_with_nearest(retrieval, close), question)
    return labels if len(labels) > 1 else ()


def _is_vague(question: str, words: Sequence[Word]) -> bool:
    written = len(WORD.findall(question))
    if not words or any(word.is_exact for word in words) or any(map(str.isdigit, question)):
        return False
    most = MOST_FRAMING if all(word.is_framing for word in words) else MOST_WORDS
    return written <= most and len(words) <= MOST_MEANT


def _is_headed(passage: Passage, asked: set[str], language: str) -> bool:
    """Whether a passage stands under just the words that were asked."""
    return set(analyse(passage.heading.rpartition(" > ")[2], language)) == asked


def _terms_of(passage: Passage, retrieval: Retrieval) -> frozenset[str]:
    return frozenset(analyse(f"{passage.heading}\n{passage.content}", retrieval.language))


def _with_nearest(retrieval: Retrieval, close: Sequence[Passage]) -> list[Passage]:
    """The passage that is nearest in meaning may say it in other words."""
    best = max(retrieval.passages, key=lambda passage: passage.cosine)
    if (
        best in close
        or not knows_language(retrieval)
        or best.cosine < LEAST_COSINE
        or is_planted(best)
    ):
        return list(close)
    return [*close[: MOST_CHOICES - 1], best]


def _name(passages: Sequence[Passage], question: str) -> tuple[str, ...]:
    """What tells the readings apart: their headings, and their pages where there are several."""
    is_one_page = len({fold(passage.title) for passage in passages}) == 1
    labels: dict[str, str] = {}
    for passage in passages:
        path = [clean_inline(part) for part in passage.heading.split(" > ")[1:]]
        heading = " – ".join(path)
        label = name_reading("" if is_one_page and heading else passage.title, heading)
        if fold(label) != fold(question):
            labels.setdefault(fold(label), label)
    return tuple(labels.values())[:MOST_CHOICES]

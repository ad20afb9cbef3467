"""Which of the passages that were found are worth showing to somebody who got no answer, and what may be asked instead.

Search always finds something. A passage is shown only if it has something in common with the question: enough of the
words that set it apart, and, where the built-in embedder knows the language, a meaning that is not far. The bounds
were chosen on the everyday questions that floors are made with. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final

from conversations.helping.offers import shorten
from conversations.understanding.reading import is_dense, leans
from knowledge.retrieval.passages import Passage
from knowledge.retrieval.retrieving import Retrieval
from minirag.ai.builtin.local import MINILM
from minirag.ai.builtin.quoting import clean_inline
from minirag.ai.builtin.sentences.candidates import QUESTION_MARKS
from minirag.ai.builtin.sentences.question_words import WORD, Word, find_word, weigh_words
from minirag.lib.security.injections import is_override, orders_a_machine
from minirag.lib.text.analysis import analyse
from minirag.lib.text.short_texts import decide_language

MOST_SHOWN: Final = 3
LEAST_SHARE, LEAST_SHARE_BY_WORDS, LEAST_SHARE_OF_WEAK = 0.2, 0.4, 0.5
"""Of the weight of a question's words, found in a passage as they are or nearly; the second where nobody
can tell what a passage means, the last where the floor refused.
"""
LEAST_COSINE: Final = 0.45
FAR_COSINE, FAR_COSINE_OF_WEAK = 0.25, 0.35
"""What is farther in meaning only shares a word."""
_ALL: Final = 0.9
_FOUND: Final = 0.8
_LONGEST_QUESTION: Final = 120
_FEWEST_WORDS: Final = 4  # of a heading that is understood without its page; "Too late?" is not
_ALONE = re.compile(r"^(?![a-z])[^\n.!:;]{3,140}[?？؟]\W*(?=\n\s*\S)", re.MULTILINE)
"""A question on a line of its own with something below: so a passage has the headings within it."""


def choose_plausible(question: str, retrieval: Retrieval) -> tuple[Passage, ...]:
    """The passages that a visitor may have meant, best first, one of each heading."""
    chosen: dict[tuple[str, str], Passage] = {}
    words = weigh_words(question, retrieval.language, retrieval.term_weights)
    for passage in retrieval.passages:
        if _is_plausible(question, words, passage, retrieval) and not is_planted(passage):
            chosen.setdefault((fold(passage.title), fold(passage.heading)), passage)
    return tuple(chosen.values())


def _is_plausible(
    question: str, words: Sequence[Word], passage: Passage, retrieval: Retrieval
) -> bool:
    """Whether a passage has anything in common with a question of these words that is worth a look."""
    is_weak = retrieval.is_weak
    present = frozenset(analyse(f"{passage.heading}\n{passage.content}", retrieval.language))
    found = [
        word for word in words
        if not word.is_framing and find_word(word, present, retrieval.variants) >= _FOUND
    ]  # fmt: skip
    if any(_is_code(word.text) for word in found):
        return True
    share = sum(word.weight for word in found) / (sum(word.weight for word in words) or 1.0)
    if _names_alike(question, words, passage):
        share = 1.0
    if knows_language(retrieval):
        if passage.cosine >= LEAST_COSINE:
            return True
        far = FAR_COSINE_OF_WEAK if is_weak else FAR_COSINE
        return passage.cosine >= far and share >= (LEAST_SHARE_OF_WEAK if is_weak else LEAST_SHARE)
    # One word of several is in any text, and nothing but words speaks for it.
    is_alone = len(found) == 1 and share < _ALL
    least = LEAST_SHARE_OF_WEAK if is_weak else LEAST_SHARE_BY_WORDS
    return share >= least and not (is_weak and is_alone)


def _names_alike(question: str, words: Sequence[Word], passage: Passage) -> bool:
    """Whether a name in the question stands in the passage, whole and as it is written: not the "Lake" of another."""
    names = {word.text for word in words if word.is_exact}
    runs = [
        " ".join(run)
        for is_name, run in groupby(WORD.findall(question), key=names.__contains__)
        if is_name
    ]
    text = f"{passage.title}\n{passage.heading}\n{passage.content}"
    return any(re.search(rf"(?<!\w){re.escape(run)}(?!\w)", text) for run in runs)


def _is_code(text: str) -> bool:
    return any(map(str.isdigit, text)) and any(map(str.isalpha, text))


def knows_language(retrieval: Retrieval) -> bool:
    """Whether the cosines say something that is known to hold: of the built-in embedder, in English."""
    return retrieval.language == "en" and retrieval.embedding_model == MINILM


def is_planted(passage: Passage) -> bool:
    """Whether it speaks to machines: nobody is sent there."""
    return _speaks_to_machines(passage.title, passage.heading, passage.content)


@lru_cache(maxsize=4096)  # some 3 ms a passage, and a bot's best ones come up again and again
def _speaks_to_machines(title: str, heading: str, content: str) -> bool:
    lines = (title, heading, *content.splitlines())
    return any(orders_a_machine(line) or is_override(line) for line in lines if line.strip())


def list_asked(passages: Iterable[Passage], language: str) -> Iterator[str]:
    """The questions that stand as headings above or in passages: what stands below answers them.

    One that says little by itself ("What should I have at hand?") has what it stands under before it, and is none where
    that does not make it clear. `language` is that of most passages.
    """
    for passage in passages:
        *above, own = map(clean_inline, passage.heading.split(" > "))
        under = above[-1] if above else passage.title
        inside = ((own or passage.title, each) for each in _ALONE.findall(passage.content))
        for topic, line in ((under, own), *inside):
            heading = _clean_heading(line)
            if not heading.endswith(QUESTION_MARKS) or len(heading) > _LONGEST_QUESTION:
                continue
            named = passage.title if topic.endswith(QUESTION_MARKS) else topic
            for question in (heading, name_reading(named, heading)):
                if stands_alone(question, language):
                    yield question
                    break


@lru_cache(maxsize=4096)
def stands_alone(question: str, language: str) -> bool:
    """Whether it is understood by who reads nothing else, as it is by a search."""
    spoken = decide_language(question, [language])
    is_long = is_dense(spoken) or len(question.split()) >= _FEWEST_WORDS
    return is_long and not leans(question, spoken)


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
    """Each question once, and none that was asked before; with its page's name before it, it is the same question."""
    known = [fold(each) for each in asked]
    chosen = []
    for question in questions:
        folded = fold(question)
        if folded and not any(_is_same(folded, other) for other in known):
            known.append(folded)
            chosen.append(question)
    return chosen


def _is_same(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return long == short or (long.endswith(f" {short}") and len(short.split()) > 1)


def fold(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))

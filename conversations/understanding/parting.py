"""A question with several parts ("What does it cost, and when do you open?") as questions of their own. Pure.

Each is searched for itself, since one search for all finds what is between them. Only what begins like a question is a
part: "tea and coffee" is one thing, and "when and where" asks two things of one.
"""

from __future__ import annotations

import re
from typing import Final

from minirag.lib.text.analysis import analyse
from minirag.lib.text.clause_words import JOINERS, QUESTION_WORDS
from minirag.lib.text.sentences import split_sentences

MOST_PARTS: Final = 3
_LONGEST: Final = 600  # characters; what is longer tells a story
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_ASKS = ("?", "？", "؟", ";")
_AT_ITS_BEGINNING: Final = 2  # words: "In which", "À quelle"


def split_parts(question: str, language: str) -> tuple[str, ...]:
    """The parts of a question, at most three; none where it has only one."""
    if len(question) > _LONGEST:
        return ()
    parts: list[str] = []
    told = ""
    for sentence in split_sentences(question):
        if not sentence.endswith(_ASKS):
            told = f"{told} {sentence}".strip()  # what leads to a question belongs to it
            continue
        first, *others = _split_joined(sentence, language)
        parts += [f"{told} {first}".strip(), *others]
        told = ""
    if not parts:  # nobody has to write the mark
        parts = _split_joined(told, language)
    if len(parts) < 2 or not all(_has_content(part, language) for part in parts):
        return ()
    return tuple(parts[:MOST_PARTS])


def _split_joined(sentence: str, language: str) -> list[str]:
    """A sentence cut before each joining word behind which another question begins."""
    asking, joining = QUESTION_WORDS.get(language), JOINERS.get(language)
    words = list(_WORD.finditer(sentence))
    if not asking or not joining:
        return [sentence]
    folded = [word[0].casefold().replace("’", "'") for word in words]
    if asking.isdisjoint(folded[:_AT_ITS_BEGINNING]):
        return [sentence]
    parts, start = [], 0
    for place in range(1, len(words) - 1):
        if folded[place] not in joining or folded[place + 1] not in asking:
            continue
        left = sentence[start : words[place].start()].rstrip(" ,;–-")
        if _has_content(left, language) and _has_content(sentence[words[place].end() :], language):
            parts.append(f"{left}?")
            start = words[place + 1].start()
    return [*parts, sentence[start:]]


def _has_content(text: str, language: str) -> bool:
    """Whether it names something beside the words that ask."""
    asking = QUESTION_WORDS.get(language, frozenset())
    return any(
        word[0].casefold().replace("’", "'") not in asking and analyse(word[0], language)
        for word in _WORD.finditer(text)
    ) or (not asking and bool(analyse(text, language)))

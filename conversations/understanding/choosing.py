"""The words in which a bot asks back which of several readings is meant, and how a reply to that is understood. Pure.

What was asked back is read from the conversation itself, so that it works the same in a chat of ours and in a history
that a client of OpenAI's protocol sends along.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conversations.models import MessageRole
from minirag.ai.builtin.sentences.question_words import find_term
from minirag.lib.text.analysis import analyse
from minirag.lib.text.phrases import SPOKEN, phrases_in

_ITEM: Final = "- "
_LONGEST_REPLY: Final = 160
_MOST_WORDS: Final = 6
_FOUND: Final = 0.8
_NUMBER = re.compile(r"\W*(?:(?:no|nr|n°|№)\W*)?([1-9])\W*", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_ASKED: Final = frozenset(phrases.which_one for phrases in SPOKEN.values())


@dataclass(frozen=True)
class AskedBack:
    """A `question` that was asked back, and the readings that were offered."""

    question: str
    choices: tuple[str, ...]


def write_choices(language: str, choices: Sequence[str]) -> str:
    """What the bot says; a list, for those who see no buttons."""
    lines = "\n".join(f"{_ITEM}{choice}" for choice in choices)
    return f"{phrases_in(language).which_one}\n\n{lines}"


def find_asked_back(history: Sequence[tuple[str, str]]) -> AskedBack | None:
    """What the bot asked back in the turn before, if it did."""
    if len(history) < 2 or [role for role, _ in history[-2:]] != [
        MessageRole.USER,
        MessageRole.ASSISTANT,
    ]:
        return None
    first, *lines = history[-1][1].splitlines() or [""]
    choices = tuple(line.removeprefix(_ITEM).strip() for line in lines if line.startswith(_ITEM))
    if first.strip() not in _ASKED or len(choices) < 2:
        return None
    return AskedBack(history[-2][1], choices)


def read_choice(reply: str, asked: AskedBack, language: str) -> str | None:
    """Which choice a reply means: by its words, some of them, or its number. None where it is something else."""
    if len(reply) > _LONGEST_REPLY:
        return None
    folded = _fold(reply)
    for choice in asked.choices:
        if folded == _fold(choice):
            return choice
    if number := _NUMBER.fullmatch(reply):
        place = int(number[1]) - 1
        return asked.choices[place] if place < len(asked.choices) else None
    terms = set(analyse(reply, language))
    if not terms or len(folded.split()) > _MOST_WORDS:
        return None
    meant = [choice for choice in asked.choices if _holds(choice, terms, language)]
    return meant[0] if len(meant) == 1 else None


def _holds(choice: str, terms: set[str], language: str) -> bool:
    present = frozenset(analyse(choice, language))
    return all(find_term(term, present) >= _FOUND for term in terms)


def join_choice(question: str, choice: str) -> str:
    """The question in the reading that was chosen."""
    said = set(_fold(choice).split())
    rest = [word for word in question.split() if _fold(word) and _fold(word) not in said]
    return f"{choice} {' '.join(rest)}".strip()


def _fold(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))

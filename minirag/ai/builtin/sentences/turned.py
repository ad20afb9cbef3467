"""Sentences that their heading turns round: "live animals, cash" below "Excluded goods" says what is not taken."""

from __future__ import annotations

import re
from typing import Final

from minirag.ai.builtin.sentences.candidates import QUESTION_MARKS, Candidate
from minirag.lib.text.clause_words import NEGATIONS

_LONGEST_HEADING: Final = 80
_NUMBERED: Final = re.compile(r"^(?:\d+[.)]?)+\s+")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# How words begin that leave something out; beside the words that say no.
_EXCLUDES: Final = {
    "en": ("exclu", "prohibit", "forbid", "banned", "refus", "except"),
    "de": ("ausgeschloss", "ausschl", "verbot", "ausnahm", "ausgenommen", "unzulässig"),
    "nl": ("uitgeslot", "uitgezonder", "verbod", "uitzonder"),
    "fr": ("exclu", "interdi", "sauf"),
    "es": ("exclu", "prohib", "excep"),
    "it": ("esclu", "viet", "proib", "eccezion"),
    "pt": ("exclu", "proib", "exce"),
    "sv": ("undantag", "förbjud", "uteslut"),
    "da": ("undtag", "forbud", "udeluk"),
}


def name_what_turns(candidate: Candidate) -> str:
    """The heading without which a sentence would say the opposite; "" of any other."""
    title = _NUMBERED.sub("", candidate.title)
    is_short = len(title) <= _LONGEST_HEADING and not title.endswith(QUESTION_MARKS)
    turns = is_short and _denies(title, candidate.language)
    return title if turns and not _denies(candidate.text, candidate.language) else ""


def _denies(text: str, language: str) -> bool:
    words = [word.casefold().replace("’", "'") for word in _WORD.findall(text)]
    denying, beginnings = NEGATIONS.get(language, frozenset()), _EXCLUDES.get(language, ())
    return not denying.isdisjoint(words) or any(word.startswith(beginnings) for word in words)

"""Sentences that their heading turns round: "live animals, cash" below "Excluded goods" says what is not taken."""

from __future__ import annotations

import re
from typing import Final

from minirag.ai.builtin.sentences.candidates import QUESTION_MARKS, Candidate
from minirag.lib.text.clause_words import NEGATIONS

_LONGEST_HEADING: Final = 80
_NUMBERED: Final = re.compile(r"^\d[\d.)]*\s+")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# Words that leave something out, beside those that say no: not "exclusive", "exceptional" or "refuse collection".
_EXCLUDES: Final = {
    "en": r"exclu[ds](?!iv)\w*|prohibit\w*|forbid\w*|banned|refus(?:ed|als?)|except(?:ions?|ed)?",
    "de": r"ausgeschloss\w*|ausschl(?!iesslich)\w*|\w*verbot\w*|ausnahmen?|ausgenommen\w*|unzulässig\w*",
    "nl": r"uitgeslot\w*|uitgezonder\w*|verbod\w*|uitzondering(?:en)?",
    "fr": r"exclu(?!siv|sif)\w*|interdi(?:t|ct)\w*|sauf",
    "es": r"exclu(?!siv)\w*|prohib\w*|excepto|excepción|excepciones",
    "it": r"esclu(?!siv)\w*|viet(?:at|ar)\w*|proib\w*|eccezion[ei]",
    "pt": r"exclu(?!siv)\w*|proib\w*|exceto|exceção|exceções",
    "sv": r"undantag\w*|förbjud\w*|uteslut(?!ande)\w*",
    "da": r"undtag\w*|forbud\w*|udeluk(?!kende)\w*",
}


def name_what_turns(candidate: Candidate) -> str:
    """The heading without which a sentence would say the opposite; "" of any other."""
    title = _NUMBERED.sub("", candidate.title)
    is_short = len(title) <= _LONGEST_HEADING and not title.endswith(QUESTION_MARKS)
    turns = is_short and _denies(title, candidate.language)
    return title if turns and not _denies(candidate.text, candidate.language) else ""


def _denies(text: str, language: str) -> bool:
    words = [word.casefold().replace("’", "'") for word in _WORD.findall(text)]
    if not NEGATIONS.get(language, frozenset()).isdisjoint(words):
        return True
    excludes = _EXCLUDES.get(language)
    return excludes is not None and any(map(re.compile(excludes).fullmatch, words))

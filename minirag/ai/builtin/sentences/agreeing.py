"""The "Yes" or "No" that a sentence begins with answers its heading's question, and no other one. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Final

from minirag.ai.builtin.sentences.candidates import QUESTION_MARKS, Candidate

_YES_AND_NO: Final = {
    "en": r"yes|no(?!\.\s*\d)",  # "No. 5" is a number
    "de": "ja|nein",
    "nl": "ja|nee",
    "fr": "oui|non|si",
    "es": r"sí|no(?!\.\s*\d)",
    "it": "sì|no",
    "pt": "sim|não",
    "sv": "ja|nej",
    "da": "ja|nej",
    "no": "ja|nei",
    "fi": "kyllä|ei",
    "pl": "tak|nie",
    "cs": "ano|ne",
    "ro": "da|nu",
    "hu": "igen|nem",
    "tr": "evet|hayır",
    "ru": "да|нет",
    "uk": "так|ні",
}


# What an answer begins with that is no sentence of its own: "Yes, with payment within 30 days", "Yes, if it is dry".
_PREPOSITIONS: Final = {
    "en": r"after|against|as|at|before|but|by|during|except|for|from|in|only|on|subject to|to|under|up to|via|with"
    r"|within|without",
    "de": r"ab|allerdings|am?|an|auf|aus|außer|beim?|bis|durch|für|gegen|im|in|innerhalb|mit|nach|nur|ohne|über|unter"
    r"|vo[mnr]|zu[mr]?",
}
_CONDITIONS: Final = {
    "en": r"as long as|if|once|provided|unless|until|when",
    "de": r"falls|sobald|sofern|solange|wenn",
}
_VERBS: Final = {
    "en": r"\b(?:is|are|was|were|be|am|can|could|may|might|must|shall|should|will|would|do|does|did|has|have|had|costs?"
    r"|gets?|needs?|takes?|pays?|applies|apply|goes|opens?|closes?|begins?|starts?|ends?|stays?|receives?|charges?"
    r"|accepts?|offers?|sends?|counts?)\b",
    "de": r"\b(?:ist|sind|war|waren|wird|werden|kann|können|darf|dürfen|muss|müssen|soll|sollen|hat|haben|gibt|gilt"
    r"|gelten|kostet|kosten|bekommt|bekommen|braucht|brauchen|zahlt|zahlen|geht|gehen|bleibt|bleiben|beginnt|endet)\b",
}
_SHORT: Final = 10
"""Words: an answer that says more says a sentence, whatever verb it has."""


def answers_its_heading(candidate: Candidate) -> bool:
    """Whether a sentence begins with a yes or a no to the question that it stands below."""
    pattern = _read_pattern(candidate.language)
    asks = candidate.title.endswith(QUESTION_MARKS)
    return bool(asks and pattern and pattern.match(candidate.text))


def leave_out_answer(candidate: Candidate) -> Candidate | None:
    """The sentence without its yes or no; None where it says nothing else, or nothing without its question."""
    pattern = _read_pattern(candidate.language)
    rest = pattern.sub("", candidate.text, count=1) if pattern else candidate.text
    if not rest or _is_cut_short(rest, candidate.language):
        return None
    return replace(candidate, text=rest[:1].upper() + rest[1:])


def name_its_question(candidate: Candidate) -> Candidate:
    """The sentence with the question before it that its yes or no answers."""
    return replace(candidate, text=f"{candidate.title} {candidate.text}")


def _is_cut_short(rest: str, language: str) -> bool:
    if language not in _CONDITIONS or len(rest.split()) > _SHORT:
        return False
    if _begins(rest, _CONDITIONS[language]):
        return "," not in rest
    return _begins(rest, _PREPOSITIONS[language]) and not re.search(
        _VERBS[language], rest, re.IGNORECASE
    )


def _begins(text: str, words: str) -> bool:
    return re.match(rf"(?:{words})\b", text, re.IGNORECASE) is not None


@cache
def _read_pattern(language: str) -> re.Pattern[str] | None:
    words = _YES_AND_NO.get(language)
    return re.compile(rf"(?:{words})(?:\s*[,.:;!–—]\s*|$)", re.IGNORECASE) if words else None

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


def answers_its_heading(candidate: Candidate) -> bool:
    """Whether a sentence begins with a yes or a no to the question that it stands below."""
    pattern = _read_pattern(candidate.language)
    asks = candidate.title.endswith(QUESTION_MARKS)
    return bool(asks and pattern and pattern.match(candidate.text))


def leave_out_answer(candidate: Candidate) -> Candidate | None:
    """The sentence without its yes or no; None where it says nothing else."""
    pattern = _read_pattern(candidate.language)
    rest = pattern.sub("", candidate.text, count=1) if pattern else candidate.text
    return replace(candidate, text=rest[:1].upper() + rest[1:]) if rest else None


@cache
def _read_pattern(language: str) -> re.Pattern[str] | None:
    words = _YES_AND_NO.get(language)
    return re.compile(rf"(?:{words})(?:\s*[,.:;!–—]\s*|$)", re.IGNORECASE) if words else None

"""Sentences that lean on the one before them: "It costs 5 euros." does not say what costs that. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from minirag.ai.builtin.sentences.candidates import Candidate
from minirag.lib.text.language_table import LANGUAGES

# They also address the reader, or stand for nothing: "Sie brauchen", "es gibt", "il faut".
_OFTEN_ELSE: Final = {
    "de": ("sie", "es", "ihnen"),
    "fr": ("il", "lui"),
    "nl": ("daar",),
    "en": ("her",),
}
_DAS: Final = r"[Dd]as(?=\s[a-zäöüß])"  # "Das kostet", not "Das Konto"


def add_leads(candidates: Sequence[Candidate], chosen: Sequence[int]) -> list[int]:
    """The chosen, and of each that begins with a word for what was said before, the sentence before it."""
    leads = (
        index - 1
        for index in chosen
        if index and leans(candidates[index]) and _follows(candidates[index], candidates[index - 1])
    )
    return list(dict.fromkeys([*chosen, *leads]))


def leans(candidate: Candidate) -> bool:
    """Whether a sentence begins with a word that leads back."""
    pattern = _name_beginnings(candidate.language)
    return bool(pattern and not candidate.marker and pattern.match(candidate.text))


def _follows(candidate: Candidate, before: Candidate) -> bool:
    return (
        before.passage is candidate.passage
        and before.block == candidate.block
        and before.position + 1 == candidate.position
        and not before.is_question
    )


@cache
def _name_beginnings(language: str) -> re.Pattern[str] | None:
    words = LANGUAGES[language].back_words.split() if language in LANGUAGES else []
    rows = [re.escape(word) for word in words if word not in _OFTEN_ELSE.get(language, ())]
    found = [rf"(?i:{'|'.join(rows)})\b"] if rows else []
    if language == "de":
        found.append(_DAS)
    return re.compile("|".join(found)) if found else None

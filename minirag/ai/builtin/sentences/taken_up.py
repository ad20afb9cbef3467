"""How much of a question is taken up by what would be quoted, by what its words mean in their places. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from minirag.ai.builtin.sentences.question_words import THERE, Word

Strictness = Literal["balanced", "strict"]

FOUND_AS_WORD = 0.75
"""What a word counts that is there as such, though perhaps not as it is meant."""
OTHER_NAME = 0.5
"""So much of its likeness counts what may be another name for the same; of a code nothing."""


def read_taken_up(
    words: Sequence[Word], found: Mapping[Word, float], pieces: Mapping[int, float]
) -> dict[Word, float]:
    """How surely each word of a question is there, in itself or another, as it is meant in its place: from how surely
    each of its `pieces` is, by where the piece ends. A misspelled word means little there, so what was `found` of it
    counts too.
    """
    sure = {}
    for word in words:
        start, end = word.place
        values = [value for piece_end, value in pieces.items() if start < piece_end <= end]
        value = sum(values) / len(values) if values else 0.0
        if word.is_exact and found[word] < THERE:
            value *= 0.0 if any(map(str.isdigit, word.text)) else OTHER_NAME
        sure[word] = max(value, FOUND_AS_WORD * found[word])
    return sure

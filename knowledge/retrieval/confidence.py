"""How sure retrieval is that the sources cover a question. Pure arithmetic, calibrated as docs/retrieval.md says.

The fused score only orders passages: it is relative to the best candidate, so the best of a hopeless lot looks as
good as the best of a good one. Confidence is made of two absolute figures instead: the best cosine, and the best
BM25 score as a share of what a chunk with every word of the question would get.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from bots.models import RefusalMode
from minirag.ai.embeddings import EmbedderProfile
from minirag.lib.text.analysis import analyse

_WORD = re.compile(r"[^\W_]+(?:[-./][^\W_]+)*")
_MOST_WORDS, _FEW_WORDS, _SHORT_WORD = 64, 3, 4
_RARE: Final = 0.6
_LEAST_WEIGHT: Final = 1.0
"""An inverse document frequency of less is that of a word which is everywhere, or of a base of some few chunks."""


@dataclass(frozen=True)
class Floors:
    """Confidences: below `hopeless` no chat model is asked, below `balanced` or `strict` a bot of that mode refuses.

    `made_for`: the "base" whose chunks they were made of, an "embedder", or "words" alone.
    """

    hopeless: float
    balanced: float
    strict: float
    made_for: str = field(default="base", compare=False)


FloorName = Literal["none", "own", "hopeless", "balanced", "strict"]
WORDS_ALONE: Final = Floors(0.05, 0.12, 0.17, "words")
"""Where only words decide. The last is the middle of six languages' points of 5 % false refusals (.12 to .22)."""


def measure_confidence(
    profile: EmbedderProfile | None, *, top_cosine: float, top_bm25_share: float, term_count: int
) -> float:
    """Return the confidence, 0 to 1. `profile` is None where the cosine says nothing, then words alone decide.

    `term_count` is the number of distinct content words in the question: with one or two of them a full match is easy,
    so their share is shrunk by n / (n + 2).
    """
    share = min(max(top_bm25_share, 0.0), 1.0)
    if profile is None:
        return share
    shrunk = share * term_count / (term_count + 2)
    return min(max(profile.cos_weight * top_cosine + profile.lexical_weight * shrunk, 0.0), 1.0)


def choose_floors(
    own: Floors | None, profile: EmbedderProfile, *, is_dense: bool, trusts_cosine: bool
) -> Floors:
    """The floors that were made for this knowledge, or failing that those that fit most.

    Without vectors the confidence is another one, for which none were made.
    """
    if own is not None and is_dense:
        return own
    if not is_dense:
        return WORDS_ALONE
    if profile.cos_weight and trusts_cosine:
        return Floors(profile.floor - 0.194, profile.floor - 0.094, profile.floor, "embedder")
    return WORDS_ALONE


@dataclass(frozen=True)
class Measured:
    """What a confidence is made of, and what it was compared with."""

    top_cosine: float
    top_bm25_share: float
    term_count: int
    floor: FloorName
    floors: Floors


def name_floor(mode: str, *, own_floor: float | None, is_quoting: bool) -> FloorName:
    """Which floor counts. A chat model says itself what its sources do not hold, so that only the hopeless is kept from
    it, unless the bot is strict or has a floor of its own. `is_quoting`: the offline answerer speaks.
    """
    if mode == RefusalMode.OPEN:
        return "none"
    if own_floor is not None:
        return "own"
    if mode == RefusalMode.STRICT:
        return "strict"
    return "balanced" if is_quoting else "hopeless"


def choose_threshold(
    mode: str, *, own_floor: float | None, floors: Floors, is_quoting: bool
) -> float:
    """Return the confidence below which the bot refuses before anything is said; 0 where it never does."""
    name = name_floor(mode, own_floor=own_floor, is_quoting=is_quoting)
    if name == "own":
        return own_floor or 0.0
    return 0.0 if name == "none" else getattr(floors, name)


def find_carrier(
    question: str, passage: str, language: str, term_weights: Mapping[str, float]
) -> str:
    """The word of a question that carries it alone, "" if there is none: the best passage has it exactly as it stands.

    It is a code (`TN-45M`, `RFQ`), or all that was asked ("Wardenclyffe?"), and rare in the tenant's documents.
    """
    words = _WORD.findall(question)[:_MOST_WORDS]
    least = _RARE * max(term_weights.values(), default=0.0)
    told = [word for word in words if analyse(word, language)]
    for word in told:
        is_code = any(map(str.isdigit, word)) and any(map(str.isalpha, word))
        is_code = is_code or (len(word) > 1 and word.isupper() and not question.isupper())
        if not is_code and (len(told) > 1 or len(words) > _FEW_WORDS or len(word) < _SHORT_WORD):
            continue
        terms = analyse(word, language)
        if max(term_weights.get(term, 0.0) for term in terms) < max(least, _LEAST_WEIGHT):
            continue
        as_it_stands = re.compile(
            rf"(?<!\w){re.escape(word)}(?!\w)", 0 if word.isupper() and word.isalpha() else re.I
        )
        if as_it_stands.search(passage):
            return word
    return ""

"""How sure retrieval is that the sources cover a question. Pure arithmetic, calibrated as docs/retrieval.md says.

The fused score only orders passages: it is relative to the best candidate, so the best of a hopeless lot looks as
good as the best of a good one. Confidence is made of two absolute figures instead: the best cosine, and the best
BM25 score as a share of what a chunk with every word of the question would get.
"""

from __future__ import annotations

from minirag.ai.embeddings import EmbedderProfile

LEXICAL_FLOOR = 0.17
"""The floor where only words decide: the middle of six languages' points of 5 % false refusals (.12 to .22)."""


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


def choose_threshold(
    *,
    refuses: bool,
    own_floor: float | None,
    profile: EmbedderProfile,
    is_dense: bool,
    trusts_cosine: bool,
) -> float:
    """Return the confidence below which the bot refuses: its own floor, else the embedder's; 0 if it never refuses."""
    if not refuses:
        return 0.0
    if own_floor is not None:
        return own_floor
    if not is_dense:
        return LEXICAL_FLOOR
    return profile.floor if trusts_cosine else profile.non_english_floor

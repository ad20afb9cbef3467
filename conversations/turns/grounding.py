"""Keeps answers honest: refuses when retrieval is too weak, and lets only citations through that exist. Pure.

The first guard comes before the model: a confidence against a floor that fits the bot's knowledge. It cannot know
whether a passage on the right topic holds the answer; for that a chat model is offered a sentence to refuse with, and
this module recognises it, and the offline answerer checks what it would quote. Citations are checked while the text
streams, so a reader never sees one that leads nowhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bots.models import RefusalMode
from knowledge.retrieval.retrieving import Retrieval
from minirag.ai.builtin.checking import Check
from minirag.ai.builtin.sentences.taken_up import Strictness
from minirag.lib.text.phrases import fold_said, phrases_in

_MARKER = re.compile(r"\[\d{1,3}\]")


@dataclass(frozen=True)
class Refusal:
    """Why there is no answer; `score` and `threshold` are confidences from 0 to 1."""

    reason: str
    score: float
    threshold: float
    missing: tuple[str, ...] = ()
    """Words of the question, or the kind of answer, that what was found does not have; of `not_answered`."""


def ground(retrieval: Retrieval, *, refuses: bool) -> Refusal | None:
    """Judge whether the passages can carry an answer; None means go on.

    Reasons: `nothing_in_filter` (a filter leaves no source, and then every bot declines), `no_passages` (nothing was
    found) and `low_confidence`.
    """
    if retrieval.is_filtered_out:
        return Refusal("nothing_in_filter", 0.0, retrieval.threshold)
    if not refuses:
        return None
    if not retrieval.passages:
        return Refusal("no_passages", 0.0, retrieval.threshold)
    if retrieval.is_weak:
        return Refusal("low_confidence", retrieval.confidence, retrieval.threshold)
    return None


def choose_strictness(mode: str) -> Strictness | None:
    """How the offline answerer checks what it would quote, None where it need not."""
    if mode == RefusalMode.OPEN:
        return None
    return "strict" if mode == RefusalMode.STRICT else "balanced"


def decline(retrieval: Retrieval, check: Check) -> Refusal:
    """Say why what the offline answerer would quote is no answer (`not_answered`)."""
    missing = (*check.missing, *([check.lacks] if check.lacks else []))
    return Refusal("not_answered", retrieval.confidence, retrieval.threshold, missing)


def choose_refusal_text(own: str, language: str) -> str:
    """Return the bot's own refusal sentence, or ours in the question's language, English failing that."""
    return own.strip() or phrases_in(language).no_answer


def find_model_refusal(answer: str, refusal_text: str, retrieval: Retrieval) -> Refusal | None:
    """Recognise an answer in which the model says that the sources do not hold it (`not_in_sources`)."""
    if not retrieval.passages or _MARKER.search(answer):
        return None
    told = fold_said(refusal_text)
    if not told or told not in fold_said(answer):  # one of signs only is in any answer
        return None
    return Refusal("not_in_sources", retrieval.confidence, retrieval.threshold)

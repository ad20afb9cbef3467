"""Why a turn ended as it did, in plain sentences, from what is kept of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bots.models import Outcome
from knowledge.locating.reasons import Reason

_FLOORS: Final = {
    "own": "the bot's own refusal_floor",
    "hopeless": "the floor of a bot whose chat model judges itself",
    "balanced": "the floor of a balanced bot that quotes",
    "strict": "the floor of a strict bot",
}
_MADE_FOR: Final = {
    "base": "made of this bot's own passages",
    "embedder": "the embedder's usual one, as none was made of this base yet",
    "words": "of words alone",
}
_GUARDED: Final = {
    "forbidden_topic": "One of the bot's scopes forbids the topic.",
    "off_topic": "None of the topics that the bot's scopes allow was recognised.",
    "unsafe_question": "It was taken for an order to drop, show or change the bot's instructions.",
}
_SAID: Final = {
    "no_passages": ("Nothing was found.", "See whether the bot has sources that are ready."),
    "not_in_sources": (
        "The model read the passages and said that they hold no answer.",
        "See whether the passage that holds it is among them.",
    ),
    "unsupported": ("Nothing of what was said was supported by what it cited.", ""),
    "content_filter": ("The model provider's filter refused the question.", ""),
}  # fmt: skip


def explain_outcome(
    told: Mapping[str, Any], outcome: str, *, refusal_reason: str = "", error_code: str = "",
    curated: Mapping[str, Any] | None = None,
) -> Reason:  # fmt: skip
    """The one reason for how a turn ended; `told` is its trace as `conversations.logs.traces` tells it.

    `curated` is what the trace keeps of a curated answer that was given.
    """
    understood = told.get("understood") or {}
    if outcome == Outcome.FAILED or error_code:
        return Reason(
            "failed", f"The turn failed: {error_code}.", "See the error codes in the docs."
        )
    if outcome == Outcome.REFUSED:
        return _explain_refusal(told, refusal_reason)
    if understood.get("small_talk"):
        kind = str(understood["small_talk"]).replace("_", " ")
        return Reason(
            "small_talk", f"It was understood as small talk ({kind}): nothing was searched."
        )
    if outcome != Outcome.ANSWERED:
        return Reason(outcome, f"The turn is {outcome}.")
    if curated:
        by = "words" if curated["by"] == "words" else "meaning"
        return Reason(
            "curated", f"A curated answer was given, for its question “{curated['question']}” by its {by}."
        )  # fmt: skip
    if told.get("asked_back"):
        return Reason(
            "asked_back", "It has several good readings: the visitor was asked what they mean."
        )
    cited = [each for each in told["candidates"] if each["fate"] == "cited"]
    if not cited:
        return Reason("uncited", "It was answered without citing a passage.")
    return Reason("answered", f"It was answered from {_count(len(cited), 'passage')}.")


def _explain_refusal(told: Mapping[str, Any], reason: str) -> Reason:
    if reason in _GUARDED:
        return Reason(reason, _GUARDED[reason], "See the bot's scopes.")
    if reason == "low_confidence" and told.get("search"):
        return _explain_floor(told["search"])
    if reason == "not_answered":
        return _explain_check(told)
    says, helps = _SAID.get(reason, (f"It was declined: {reason}.", ""))
    return Reason(reason or "refused", says, helps)


def _explain_floor(search: Mapping[str, Any]) -> Reason:
    floor = _FLOORS.get(search.get("floor") or "", "the floor")
    made = _MADE_FOR.get(search.get("made_for") or "")
    says = (
        f"The confidence {search['confidence']:.3f} is below {search['threshold']:.3f}, {floor}"
        f"{f' ({made})' if made and search.get('floor') != 'own' else ''}."
    )
    helps = "refusal_mode=open never asks a floor; manage.py calibrate makes floors for this base."
    if search.get("floor") == "own":
        helps = "Lower refusal_floor, or leave it empty for one that fits the base."
    return Reason("low_confidence", says, helps)


def _explain_check(told: Mapping[str, Any]) -> Reason:
    check = told.get("check") or {}
    wanted = list(check.get("missing") or told.get("missing") or [])
    if check.get("lacks"):
        wanted.append(f"what is asked for ({check['lacks']})")
    lacking = f" lacks: {', '.join(wanted)}." if wanted else " covers too little of the question."
    helps = "If a passage holds it, ask why that was not found; refusal_mode=open quotes without a check."
    return Reason("not_answered", f"What would have been quoted{lacking}", helps)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

"""Why a turn ended as it did, in plain sentences, from what is kept of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext, gettext_noop, ngettext

from bots.models import Outcome
from knowledge.locating.reasons import Reason

_FLOORS: Final = {
    "own": gettext_noop("the bot's own refusal_floor"),
    "hopeless": gettext_noop("the floor of a bot whose chat model judges itself"),
    "balanced": gettext_noop("the floor of a balanced bot that quotes"),
    "strict": gettext_noop("the floor of a strict bot"),
}
_MADE_FOR: Final = {
    "base": gettext_noop("made of this bot's own passages"),
    "embedder": gettext_noop("the embedder's usual one, as none was made of this base yet"),
    "words": gettext_noop("of words alone"),
}
_GUARDED: Final = {
    "forbidden_topic": gettext_noop("One of the bot's scopes forbids the topic."),
    "off_topic": gettext_noop("None of the topics that the bot's scopes allow was recognised."),
    "unsafe_question": gettext_noop(
        "It was taken for an order to drop, show or change the bot's instructions."
    ),
}
_SAID: Final = {
    "no_passages": (
        gettext_noop("Nothing was found."),
        gettext_noop("See whether the bot has sources that are ready."),
    ),
    "not_in_sources": (
        gettext_noop("The model read the passages and said that they hold no answer."),
        gettext_noop("See whether the passage that holds it is among them."),
    ),
    "unsupported": (gettext_noop("Nothing of what was said was supported by what it cited."), ""),
    "content_filter": (gettext_noop("The model provider's filter refused the question."), ""),
}


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
            "failed",
            gettext("The turn failed: %(error_code)s.") % {"error_code": error_code},
            gettext("See the error codes in the docs."),
        )
    if outcome == Outcome.REFUSED:
        return _explain_refusal(told, refusal_reason)
    if understood.get("small_talk"):
        kind = str(understood["small_talk"]).replace("_", " ")
        return Reason(
            "small_talk",
            gettext("It was understood as small talk (%(kind)s): nothing was searched.")
            % {"kind": kind},
        )
    if outcome != Outcome.ANSWERED:
        return Reason(outcome, gettext("The turn is %(outcome)s.") % {"outcome": outcome})
    if curated:
        said = (
            gettext("A curated answer was given, for its question “%(question)s” by its words.")
            if curated["by"] == "words"
            else gettext(
                "A curated answer was given, for its question “%(question)s” by its meaning."
            )
        )
        return Reason("curated", said % {"question": curated["question"]})
    if told.get("asked_back"):
        return Reason(
            "asked_back",
            gettext("It has several good readings: the visitor was asked what they mean."),
        )
    cited = [each for each in told["candidates"] if each["fate"] == "cited"]
    if not cited:
        return Reason("uncited", gettext("It was answered without citing a passage."))
    said = ngettext(
        "It was answered from %(count)s passage.",
        "It was answered from %(count)s passages.",
        len(cited),
    )
    return Reason("answered", said % {"count": len(cited)})


def _explain_refusal(told: Mapping[str, Any], reason: str) -> Reason:
    if reason in _GUARDED:
        return Reason(reason, gettext(_GUARDED[reason]), gettext("See the bot's scopes."))
    if reason == "low_confidence" and told.get("search"):
        return _explain_floor(told["search"])
    if reason == "not_answered":
        return _explain_check(told)
    if reason not in _SAID:
        return Reason(
            reason or "refused", gettext("It was declined: %(reason)s.") % {"reason": reason}, ""
        )
    says, helps = _SAID[reason]
    return Reason(reason, gettext(says), helps and gettext(helps))


def _explain_floor(search: Mapping[str, Any]) -> Reason:
    floor = gettext(_FLOORS.get(search.get("floor") or "", gettext_noop("the floor")))
    made = _MADE_FOR.get(search.get("made_for") or "")
    says = gettext("The confidence %(confidence)s is below %(threshold)s, %(floor)s%(what)s.") % {
        "confidence": f"{search['confidence']:.3f}",
        "threshold": f"{search['threshold']:.3f}",
        "floor": floor,
        "what": f" ({gettext(made)})" if made and search.get("floor") != "own" else "",
    }
    helps = gettext(
        "refusal_mode=open never asks a floor; manage.py calibrate makes floors for this base."
    )
    if search.get("floor") == "own":
        helps = gettext("Lower refusal_floor, or leave it empty for one that fits the base.")
    return Reason("low_confidence", says, helps)


def _explain_check(told: Mapping[str, Any]) -> Reason:
    check = told.get("check") or {}
    wanted = list(check.get("missing") or told.get("missing") or [])
    if check.get("lacks"):
        wanted.append(gettext("what is asked for (%(lacks)s)") % {"lacks": check["lacks"]})
    says = gettext("What would have been quoted covers too little of the question.")
    if wanted:
        says = gettext("What would have been quoted lacks: %(what)s.") % {"what": ", ".join(wanted)}
    helps = gettext(
        "If a passage holds it, ask why that was not found; refusal_mode=open quotes without a check."
    )
    return Reason("not_answered", says, helps)

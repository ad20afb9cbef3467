"""Which questions were not answered well, and why: noted in the transaction that ends a turn or takes an opinion."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from bots.models import Outcome
from conversations.models import Feedback, Message
from conversations.models.gaps import LONGEST_KEPT, GapQuestion
from conversations.turns.state import Understood
from tenants.context import require_tenant
from tenants.due import DueKind, make_due
from tenants.models import Tenant

WEAK, UNSUPPORTED, DISLIKED = "weak", "unsupported", "disliked"
NO_GAPS: Final = frozenset(("forbidden_topic", "off_topic", "unsafe_question", "content_filter"))
"""Refused for what was asked and not for what is known."""
MARGIN: Final = 1.1
"""An answer is weak whose confidence is hardly above what a refusal has."""
GROUP_AFTER: Final = timedelta(minutes=2)


def find_reason(question: Message, answer: Message) -> str:
    """Why a turn was no good, "" where it was."""
    if answer.feedback == Feedback.NEGATIVE:
        return DISLIKED
    if answer.outcome == Outcome.REFUSED:
        return "" if answer.refusal_reason in NO_GAPS else answer.refusal_reason
    if answer.outcome != Outcome.ANSWERED or answer.curated_answer_id is not None:
        return ""
    if (answer.help or {}).get("choices"):  # it was asked back, and each choice has an answer
        return ""
    if question.unsupported:
        return UNSUPPORTED
    if answer.confidence is None or answer.threshold is None:
        return ""
    return WEAK if answer.confidence < MARGIN * answer.threshold else ""


def note_turn(
    question: Message, answer: Message, understood: Understood | None, unsupported: int | None
) -> None:
    """Keep a question that was not answered well for the list of gaps."""
    question.unsupported = unsupported
    reason = find_reason(question, answer)
    if not reason or understood is None or understood.is_small_talk:
        return
    _note(question, reason, understood.language, tell_meaning(understood, question.content))


def note_opinion(answer: Message) -> None:
    """The same, or no longer, for an answer about which a reader has just said something."""
    question = answer.question
    if question is None:
        return
    reason = find_reason(question, answer)
    known = GapQuestion.objects.filter(message=question)
    if not reason:
        known.delete()
    elif not known.update(reason=reason):
        understood = (question.trace or {}).get("understood") or {}
        if not understood.get("small_talk"):
            told = understood.get("question") or question.content
            _note(question, reason, understood.get("language") or "en", told)


def tell_meaning(understood: Understood, question: str) -> str:
    """A question as it is understood alone: a follow-up offline stands behind what it follows."""
    if not understood.query.is_leaning:
        return question if understood.decided_by == "words" else understood.query.text
    carried = understood.query.carried[0].text if understood.query.carried else ""
    return f"{carried} {question}".strip()


def week_of(moment: datetime, zone: str) -> date:
    """The Monday of its week, where the tenant is."""
    day = timezone.localdate(moment, ZoneInfo(zone))
    return day - timedelta(days=day.weekday())


def _note(question: Message, reason: str, language: str, text: str) -> None:
    zone = Tenant.objects.values_list("time_zone", flat=True).get(pk=require_tenant().pk)
    GapQuestion.objects.create(
        message=question, bot_profile_id=question.chat.bot_profile_id, language=language[:10],
        text=" ".join(text.split())[:LONGEST_KEPT], reason=reason[:64], asked_at=question.created_at,
        week=week_of(question.created_at, zone),
    )  # fmt: skip
    make_due({DueKind.GAPS: timezone.now() + GROUP_AFTER})

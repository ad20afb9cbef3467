"""A chat asks for a person: because its visitor does, or by one of the bot's rules."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from bots.models import Outcome
from conversations.handoffs.rules import is_staffed
from conversations.handoffs.telling import ring
from conversations.models import (
    Chat,
    Feedback,
    Handoff,
    HandoffEnd,
    HandoffReason,
    HandoffRules,
    Message,
    MessageRole,
)
from minirag.lib.errors import Conflict, NotFound, ProductError
from tenants.audit import record
from tenants.due import DueKind, make_due
from tenants.plans.holding import has_feature
from tenants.plans.models import Feature
from webhooks.event_types import EventType
from webhooks.events import emit

MOST_OF_ONE_VISITOR: Final = 3
"""Handoffs of one visitor of a bot that are not over."""


class NobodyThere(Conflict):
    """No person is there at this hour; a message may be left where the bot takes one."""

    code = "nobody_there"

    def __init__(self) -> None:
        super().__init__("Nobody is there at this hour.")


class TooManyHandoffs(ProductError):
    """One visitor asks for people in one chat after the other."""

    status, code = 429, "too_many_handoffs"

    def __init__(self) -> None:
        super().__init__("You are waiting for a person in other conversations already.")


def call_person(chat: Chat, reason: HandoffReason, **facts: Any) -> Handoff:
    """Have the chat wait for a person, as the caller decided; the one that it waits for or has already stays.

    Raises TooManyHandoffs, NotFound for a chat that was deleted meanwhile.
    """
    standing = find_open(chat.pk)
    if standing is not None:
        return standing
    if _waits_too_often(chat):
        raise TooManyHandoffs
    try:
        with transaction.atomic():
            chat.hold()
            handoff = Handoff.objects.create(
                chat=chat, bot_profile_id=chat.bot_profile_id, reason=reason, **facts
            )
            tell_waiting(handoff)
    except IntegrityError:  # somebody was first
        standing = find_open(chat.pk)
        if standing is None:
            raise
        return standing
    record("handoff.asked", of=handoff, detail={"chat_id": chat.pk, "reason": str(reason)})
    return handoff


def _waits_too_often(chat: Chat) -> bool:
    if not chat.visitor_id:
        return False
    others = Handoff.objects.open().filter(
        chat__visitor_id=chat.visitor_id, bot_profile_id=chat.bot_profile_id
    )
    return others.count() >= MOST_OF_ONE_VISITOR


def tell_waiting(handoff: Handoff) -> None:
    """Tell webhooks, people and open pages of a chat that waits, in the transaction that makes it."""
    emit(EventType.CHAT_HANDOFF, describe_event(handoff))
    make_due({DueKind.HANDOFFS: timezone.now()})
    ring(handoff.chat_id)


def describe_event(handoff: Handoff) -> dict[str, Any]:
    """What webhooks are told; no word of what was said."""
    return {
        "handoff_id": str(handoff.pk), "chat_id": str(handoff.chat_id),
        "bot_profile_id": str(handoff.bot_profile_id), "state": handoff.state, "reason": handoff.reason,
        "person": handoff.person_email or None, "ended_as": handoff.ended_as or None,
    }  # fmt: skip


def find_open(chat_id: UUID) -> Handoff | None:
    """Return the chat's handoff that waits or has a person."""
    return Handoff.objects.open().filter(chat_id=chat_id).first()


def keep_person(chat: Chat) -> bool:
    """Whether a person is in the chat, who cannot leave it before the caller's transaction ends. Raises NotFound."""
    chat.hold()
    joined = Handoff.objects.joined().filter(chat=chat).select_for_update()
    return bool(joined.values_list("pk", flat=True)[:1])


def pass_on(chat: Chat, question: str, request_id: str) -> Message:
    """Store what a visitor says to the person in the chat; no model is asked. Inside the caller's transaction."""
    message = Message.objects.create(
        chat=chat, role=MessageRole.USER, content=question, outcome=Outcome.PERSON, request_id=request_id
    )  # fmt: skip
    chat.count_up(messages=1)
    ring(chat.pk)
    return message


# --- A visitor of the widget, or a program, asks ------------------------------------------------------------------
def ask_as_visitor(chat: Chat, language: str) -> Handoff:
    """A visitor presses the button. Raises NotFound where the bot does not offer it, NobodyThere, TooManyHandoffs."""
    standing = find_open(chat.pk)
    if standing is not None:
        return standing
    rules = require_offered(chat.bot_profile_id)
    if not is_staffed(rules):
        raise NobodyThere
    with transaction.atomic():
        return call_person(chat, HandoffReason.ASKED, language=language[:10])


def leave_message(
    chat: Chat, text: str, *, contact: str, name: str, language: str, request_id: str
) -> Handoff:
    """A visitor leaves a message to be answered by e-mail, while nobody is there. Raises as `ask_as_visitor`, and
    Conflict (`no_messages`) where the bot takes none."""
    rules = require_offered(chat.bot_profile_id)
    if not rules.takes_messages:
        raise Conflict(gettext("This assistant takes no messages."), code="no_messages")
    with transaction.atomic():
        chat.hold()
        handoff = call_person(
            chat, HandoffReason.MESSAGE, language=language[:10], contact=contact, contact_name=name
        )
        if handoff.contact != contact or handoff.contact_name != name:
            Handoff.objects.filter(pk=handoff.pk).update(contact=contact, contact_name=name)
            handoff.refresh_from_db()
        pass_on(chat, text, request_id)
    return handoff


def require_offered(bot_profile_id: UUID) -> HandoffRules:
    rules = HandoffRules.objects.filter(bot_profile_id=bot_profile_id, is_offered=True).first()
    if rules is None or not has_feature(Feature.HANDOFFS):
        raise NotFound(gettext("This assistant has no people to ask for."))
    return rules


def withdraw(chat_id: UUID) -> None:
    """A visitor wants no person any more."""
    handoff = find_open(chat_id)
    if handoff is None:
        return
    with transaction.atomic():
        if handoff.end(HandoffEnd.WITHDRAWN):
            record("handoff.closed", of=handoff, detail={"ended_as": handoff.ended_as})
            emit(EventType.CHAT_HANDOFF_CLOSED, describe_event(handoff))
            ring(chat_id)


# --- Rules --------------------------------------------------------------------------------------------------------
def heeds_wish(chat: Chat) -> bool | None:
    """Whether a wish for a person is heeded: None where no rule says so, or its visitor waits in too many chats
    already; False where nobody is there now."""
    rules = HandoffRules.objects.filter(bot_profile_id=chat.bot_profile_id, on_wish=True).first()
    if (
        rules is None
        or not has_feature(Feature.HANDOFFS)
        or (find_open(chat.pk) is None and _waits_too_often(chat))
    ):
        return None
    return is_staffed(rules)


def note_wish(chat: Chat, language: str) -> None:
    _follow_rule(chat, HandoffReason.WISH, "on_wish", language)


def note_declined(chat: Chat, question: Message, language: str) -> None:
    """A question was declined: a person is called where the one before was, too, and the bot has that rule."""
    before = chat.messages.filter(
        role=MessageRole.USER, created_at__lt=question.created_at
    ).order_by("-created_at")
    if before.values_list("outcome", flat=True).first() == Outcome.REFUSED:
        _follow_rule(chat, HandoffReason.DECLINED, "on_declined_twice", language)


def note_disliked(answer: Message) -> None:
    if answer.feedback == Feedback.NEGATIVE:
        _follow_rule(answer.chat, HandoffReason.DISLIKED, "on_disliked", "")


def _follow_rule(chat: Chat, reason: HandoffReason, rule: str, language: str) -> None:
    """What a rule may not, it leaves: no turn and no opinion fails because of it."""
    rules = HandoffRules.objects.filter(bot_profile_id=chat.bot_profile_id, **{rule: True}).first()
    if rules is None or not is_staffed(rules) or not has_feature(Feature.HANDOFFS):
        return
    try:
        call_person(chat, reason, language=language[:10])
    except TooManyHandoffs:
        return

"""What people do in a chat: join it, answer, hand it back to the bot, close it.

Each is one conditional UPDATE on the row (see `Handoff`): of two people who join at once one does, and the other is
told who was first and may take over knowingly.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from django.db import transaction
from django.utils.translation import gettext

from bots.models import Outcome
from conversations.following.journal import stop_turns
from conversations.handoffs.asking import describe_event, tell_waiting
from conversations.handoffs.telling import ring
from conversations.models import (
    Chat,
    Handoff,
    HandoffEnd,
    HandoffState,
    Message,
    MessageRole,
    Trait,
)
from conversations.models.handoffs import ANSWERING
from minirag.lib.errors import Conflict, Forbidden, NotFound
from tenants.audit import record
from tenants.context import require_tenant
from tenants.due import DueKind, make_due
from tenants.models import User
from tenants.people.roles import May
from webhooks.event_types import EventType
from webhooks.events import emit


def may_answer(user: User) -> bool:
    """Whether a person may answer in chats."""
    return user.may(May.ANSWER_CHATS)


def require_may_answer(user: User) -> None:
    """Raises Forbidden (`role_forbidden`)."""
    if not may_answer(user):
        raise Forbidden(gettext("Your role may not answer chats."), code="role_forbidden")


def join(
    handoff: Handoff, person: User, *, takes_over: bool = False, held_for: timedelta = ANSWERING
) -> Handoff:
    """The person answers from now on, and the bot is silent; who is in it already stays.

    Raises Conflict: `handoff_taken` where another person is in it, unless `takes_over`, or `handoff_closed`.
    """
    require_may_answer(person)
    if handoff.hear_of(person.pk, held_for):
        return handoff
    with transaction.atomic():
        before = handoff.person_email
        instead_of = handoff.person_id if takes_over else None
        if not handoff.join(person, held_for, instead_of=instead_of):
            raise refuse(handoff)
        record("handoff.joined", of=handoff, detail={"instead_of": before} if before else None)
        emit(EventType.CHAT_HANDOFF_JOINED, describe_event(handoff))
        ring(handoff.chat_id)
        _silence_bot(handoff)
        if handoff.held_until is not None:
            make_due({DueKind.HANDOFFS: handoff.held_until})
    return handoff


def _silence_bot(handoff: Handoff) -> None:
    """What the bot is just saying ends where it is, and is stored as stopped: two voices would answer at once."""
    running = Message.objects.filter(chat_id=handoff.chat_id, outcome=Outcome.PENDING)
    turn_ids = list(running.values_list("pk", flat=True))
    if turn_ids:
        transaction.on_commit(partial(stop_turns, require_tenant().schema_name, turn_ids))


def say(
    handoff: Handoff, person: User, content: str, *, held_for: timedelta = ANSWERING
) -> Message:
    """Answer the visitor.

    Raises Conflict: `handoff_closed`, `handoff_taken`, `handoff_waiting` for who has not joined; NotFound.
    """
    require_may_answer(person)
    with transaction.atomic():
        Chat(pk=handoff.chat_id).hold()
        if not handoff.hear_of(person.pk, held_for):
            raise refuse(handoff)
        message = Message.objects.create(
            chat_id=handoff.chat_id, role=MessageRole.PERSON, content=content, author_id=person.pk,
            author_name=person.display_name,
        )  # fmt: skip
        handoff.chat.count_up(messages=1, traits=[Trait.PERSON])
        record("handoff.answered", of=handoff, detail={"message_id": message.pk})
        ring(handoff.chat_id)
    return message


def hand_back(handoff: Handoff, person: User) -> Handoff:
    """The bot answers again. Raises Conflict (`handoff_closed`, `handoff_taken`)."""
    return _end(handoff, person, HandoffEnd.HANDED_BACK)


def close(handoff: Handoff, person: User) -> Handoff:
    """It is settled; what the visitor asks from now on is the bot's again. Raises Conflict as `hand_back`."""
    return _end(handoff, person, HandoffEnd.CLOSED)


def release(handoff: Handoff, person: User | None = None, *, actor: User | str = "") -> bool:
    """The chat waits again: its person has gone, may not answer any more, or leaves it to others."""
    with transaction.atomic():
        before = handoff.person_email
        try:
            is_free = handoff.release(person.pk if person else None)
        except NotFound:  # the chat was deleted meanwhile
            return False
        if not is_free:
            return False
        record("handoff.released", of=handoff, actor=actor, detail={"person": before})
        tell_waiting(handoff)
    return True


def _end(handoff: Handoff, person: User, ended_as: HandoffEnd) -> Handoff:
    require_may_answer(person)
    with transaction.atomic():
        if not handoff.end(ended_as, person.pk):
            raise refuse(handoff)
        record("handoff.closed", of=handoff, detail={"ended_as": str(ended_as)})
        emit(EventType.CHAT_HANDOFF_CLOSED, describe_event(handoff))
        ring(handoff.chat_id)
    return handoff


def refuse(handoff: Handoff) -> Conflict:
    """Why somebody who has not joined cannot do that."""
    if handoff.state == HandoffState.CLOSED:
        return Conflict(gettext("This chat has no handoff any more."), code="handoff_closed")
    if handoff.state == HandoffState.JOINED:
        who = handoff.person_name or handoff.person_email
        return Conflict(
            gettext("%(who)s answers in this chat.") % {"who": who}, code="handoff_taken"
        )
    return Conflict(gettext("Join the chat first."), code="handoff_waiting")

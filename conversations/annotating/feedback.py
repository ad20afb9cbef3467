"""What a reader thought of an answer."""

from __future__ import annotations

from django.db import transaction

from conversations.gaps.noting import note_opinion
from conversations.handoffs.asking import note_disliked
from conversations.models import Chat, Feedback, Message, MessageRole
from minirag.lib.errors import BadInput
from tenants.audit import record
from webhooks.event_types import EventType
from webhooks.events import emit


def set_feedback(message: Message, feedback: str | None, reason: str | None = None) -> None:
    """Record what a reader thought of an answer, and why; None takes it back. Raises BadInput for other messages,
    NotFound for one of a chat that was deleted meanwhile.

    A reason that is not given stays with the same verdict and goes with another one. The same again changes nothing
    and sends no event.
    """
    if message.role != MessageRole.ASSISTANT:
        raise BadInput("Feedback can only be set on assistant messages")
    verdict = Feedback(feedback).value if feedback else None
    if reason is None:
        reason = message.feedback_reason if verdict == message.feedback else ""
    said = {"feedback": verdict, "feedback_reason": reason if verdict else ""}
    same = said if verdict else {"feedback__isnull": True, "feedback_reason": ""}
    with transaction.atomic():
        Chat(pk=message.chat_id).hold()
        if Message.objects.filter(pk=message.pk).exclude(**same).update(**said):
            chat = message.chat
            message.feedback = verdict
            chat.note_opinions()
            note_opinion(message)
            note_disliked(message)
            record("feedback.given", detail={"message_id": message.pk, "feedback": verdict})
            emit(
                EventType.FEEDBACK_GIVEN,
                {
                    "chat_id": str(chat.pk),
                    "message_id": str(message.pk),
                    "bot_profile_id": str(chat.bot_profile_id),
                    "feedback": verdict,
                    "reason": said["feedback_reason"] or None,
                },
            )
    message.feedback, message.feedback_reason = verdict, said["feedback_reason"] or ""

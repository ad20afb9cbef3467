"""What a reader thought of an answer."""

from __future__ import annotations

from django.db import transaction

from conversations.models import Feedback, Message, MessageRole
from minirag.lib.errors import BadInput
from webhooks.events import emit
from webhooks.models import EventType


def set_feedback(message: Message, feedback: str | None) -> None:
    """Record what a reader thought of an answer; None takes it back. Raises BadInput for other messages.

    The same verdict once more changes nothing and is no event.
    """
    if message.role != MessageRole.ASSISTANT:
        raise BadInput("Feedback can only be set on assistant messages")
    verdict = Feedback(feedback).value if feedback else None
    with transaction.atomic():
        others = Message.objects.filter(pk=message.pk)
        others = (
            others.filter(feedback__isnull=False)
            if verdict is None
            else others.exclude(feedback=verdict)
        )
        if others.update(feedback=verdict):
            chat = message.chat
            emit(
                EventType.FEEDBACK_GIVEN,
                {
                    "chat_id": str(chat.pk),
                    "message_id": str(message.pk),
                    "bot_profile_id": str(chat.bot_profile_id),
                    "feedback": verdict,
                },
            )
    message.feedback = verdict

"""A chat's messages: questions with how their turns ended, and answers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.utils.translation import gettext_lazy as _

from bots.models import Outcome
from conversations.models.chats import Chat
from minirag.lib.rows import QuickRow
from minirag.lib.text.word_search import word_index

# By hand, as every turn does it and Django takes ten times as long to write the statement.
_END = """
UPDATE conversations_message
   SET outcome = %s, error_code = %s, reserved_in = NULL, citation_valid = %s, unsupported = %s, trace = %s::jsonb
 WHERE id = %s AND outcome = 'pending' RETURNING id"""


class MessageRole(models.TextChoices):
    SYSTEM = "system", _("System")
    USER = "user", _("User")
    ASSISTANT = "assistant", _("Assistant")
    PERSON = "person", _("Person")
    """Of the tenant, who has taken the chat over."""


class Feedback(models.TextChoices):
    POSITIVE = "positive", "Positive"
    NEGATIVE = "negative", "Negative"


class CutReason(models.TextChoices):
    """Why an answer is not whole, in OpenAI's words."""

    LENGTH = "length", "Reached its greatest length"
    FILTER = "content_filter", "By the provider's content filter"


REFUSALS: Final = {
    "low_confidence": _("The sources say too little of it"), "no_passages": _("Nothing was found"),
    "not_in_sources": _("The sources do not answer it"), "not_answered": _("No passage answers it"),
    "unsupported": _("The passages do not hold what was said"), "nothing_in_filter": _("Nothing is within the filter"),
    "off_topic": _("Off the bot's topics"), "forbidden_topic": _("A forbidden topic"),
    "unsafe_question": _("An attack"), "content_filter": _("The provider's content filter"),
}  # fmt: skip
"""Why a question may be declined, in words."""


def tell_refusal(reason: str) -> str:
    return str(REFUSALS.get(reason, reason))


class Refused(NamedTuple):
    """Why an answer is none, as it was stored."""

    reason: str
    score: float | None
    threshold: float | None


class Message(QuickRow, models.Model):
    """One utterance. A user's message is stored before anything can fail, and stays."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(
        Chat,
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,  # message_by_chat leads with it
    )
    role = models.CharField(max_length=10, choices=MessageRole)
    content = models.TextField()
    # Of a person's message. No foreign key: people live in the public schema.
    author_id = models.UUIDField(null=True, blank=True, editable=False)
    author_name = models.CharField(
        max_length=255, blank=True, default="", db_default="", editable=False
    )
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    feedback = models.CharField(max_length=10, choices=Feedback, null=True, blank=True)
    feedback_reason = models.CharField(max_length=1000, blank=True, default="")
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.ANSWERED)
    error_code = models.CharField(max_length=64, blank=True, default="")
    cut_reason = models.CharField(max_length=16, choices=CutReason, blank=True, default="")
    refusal_reason = models.CharField(max_length=64, blank=True, default="")
    help = models.JSONField(
        null=True,
        editable=False,
        help_text="Of a refusal, or of a question asked back: what it offers.",
    )
    confidence = models.FloatField(null=True, blank=True)
    threshold = models.FloatField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True, default="")
    # How a turn ended is said on its question, which exists even where there is no answer.
    question = models.OneToOneField(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="answer",
        editable=False,
        help_text="Of an answer: what it answers.",
    )
    citation_valid = models.BooleanField(
        null=True,
        editable=False,
        help_text="Of a question that was answered: the model cited, and nothing that was not there.",
    )
    unsupported = models.PositiveSmallIntegerField(
        null=True,
        editable=False,
        help_text="Of a question that was answered: cited sentences that their passages do not hold.",
    )
    # No foreign key: what was said stays, whatever becomes of it.
    curated_answer_id = models.UUIDField(
        null=True, editable=False, help_text="Of an answer: the curated one that was given."
    )
    is_asked_back = models.BooleanField(
        default=False,
        editable=False,
        help_text="Of an answer: it is none yet, but asks which of several readings was meant.",
    )
    trace = models.JSONField(
        null=True, editable=False, help_text="Of a question: what the turn took and found."
    )
    # So that all code that ends a turn, the sweeper too, can give its question back.
    reserved_in = models.JSONField(
        null=True,
        editable=False,
        help_text="Of a question that is being answered: the quota counters that count it.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["chat", "created_at"], name="message_by_chat"),
            models.Index(fields=["created_at", "id"], name="message_by_time"),
            models.Index(
                fields=["request_id"], name="message_by_request", condition=~models.Q(request_id="")
            ),
            # The chat log is asked for what went wrong, which is rare.
            models.Index(
                fields=["outcome", "created_at"],
                name="turn_by_outcome",
                # Not `__in`: pg_dump writes that in another form than it was, and clones would differ from originals.
                condition=models.Q(
                    models.Q(outcome="refused")
                    | models.Q(outcome="failed")
                    | models.Q(outcome="stopped"),
                    role="user",
                ),
            ),
            # There are few at any moment, and the clock looks for those that nobody ends.
            models.Index(
                fields=["created_at"], name="turn_open", condition=models.Q(outcome="pending")
            ),
            models.Index(
                fields=["created_at"],
                name="turn_badly_cited",
                condition=models.Q(citation_valid=False),
            ),
            models.Index(
                fields=["feedback", "created_at"],
                name="answer_by_feedback",
                condition=models.Q(feedback__isnull=False),
            ),
            # All that statistics ask of answers, so that they never read the answers themselves.
            models.Index(
                fields=["created_at"],
                include=["chat", "feedback", "outcome", "refusal_reason"],
                condition=models.Q(role="assistant"),
                name="answers_by_time",
            ),
            models.Index(
                fields=["created_at"],
                name="answers_curated",
                condition=models.Q(curated_answer_id__isnull=False),
            ),
            models.Index(
                fields=["created_at"],
                name="answers_asked_back",
                condition=models.Q(is_asked_back=True),
            ),
            word_index("content", name="message_by_words"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def told_refusal(self) -> str:
        return tell_refusal(self.refusal_reason)

    @property
    def refusal(self) -> Refused | None:
        if not self.refusal_reason:
            return None
        return Refused(self.refusal_reason, self.confidence, self.threshold)

    def reserve(self, counters: Sequence[int]) -> None:
        """Of a question: note which quota counters (QuotaUse) count it, in the transaction that stores it."""
        if counters:
            Message.objects.filter(pk=self.pk).update(reserved_in=list(counters))

    def end_turn(
        self, outcome: Outcome, *, error_code: str, citation_valid: bool | None, unsupported: int | None,
        trace: dict[str, Any],
    ) -> None:  # fmt: skip
        """Of a question: pending → how its turn ended; this is the only way out of pending.

        With the transaction's next statement, which raises Missed where somebody else was first: it is to be rolled
        back then. What was reserved is the caller's to settle in the same transaction.
        """
        facts = [outcome, error_code, citation_valid, unsupported, json.dumps(trace), self.pk]
        database: Any = connections[DEFAULT_DB_ALIAS]
        database.hold(_END, facts, has_to_hit=True)


def leave_out_retried(said: Sequence[Any], again: tuple[str, str] | None = None) -> list[Any]:
    """Return a chat's messages, oldest first, without what was stopped or failed and then asked again by a retry.

    A retry comes under its question's own request id, and the question counts once, as it ended at last. `again` is
    request id and text of one that is just being asked.
    """
    last = {(each.request_id, each.content): each.pk for each in said if _is_named_question(each)}
    if again is not None:
        last[again] = None
    retried = {
        each.pk
        for each in said
        if _is_named_question(each)
        and each.outcome in (Outcome.STOPPED, Outcome.FAILED, Outcome.PENDING)
        and last[each.request_id, each.content] != each.pk
    }
    return [each for each in said if each.pk not in retried and each.question_id not in retried]


def _is_named_question(message: Any) -> bool:
    return bool(message.role == MessageRole.USER and message.request_id)

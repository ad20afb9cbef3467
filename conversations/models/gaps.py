"""Gaps: what visitors asked and got no good answer to, together with what others asked that means the same."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from pgvector.django import HalfVectorField

from bots.models import BotProfile
from conversations.models.messages import Message
from minirag.lib.rows import QuickRow

LONGEST_KEPT = 500
"""How much of a question is kept for comparing; longer ones are cut."""


class GapState(models.TextChoices):
    OPEN = "open", "Open"
    ANSWERED = "answered", "Answered"
    DISMISSED = "dismissed", "Dismissed"


class GapQuerySet(models.QuerySet["Gap"]):
    def standing(self) -> GapQuerySet:
        """Leave out those whose questions have all been erased."""
        return self.filter(Exists(GapQuestion.objects.filter(gap=OuterRef("pk"))))


class Gap(QuickRow, models.Model):
    """Questions of one bot, in one language, that mean the same and were not answered well.

    It holds none of their words: those are its questions', and go with their chats.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot_profile = models.ForeignKey(
        BotProfile,
        on_delete=models.CASCADE,
        related_name="gaps",
        verbose_name="bot",
        db_index=False,  # gap_by_bot leads with it
    )
    language = models.CharField(max_length=10)
    embedding_model = models.CharField(max_length=100, editable=False)
    emb = HalfVectorField(editable=False)
    state = models.CharField(max_length=10, choices=GapState, default=GapState.OPEN)
    first_asked_at = models.DateTimeField()
    last_asked_at = models.DateTimeField()
    decided_by = models.CharField(max_length=320, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    reopened_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was asked again though it had been answered."
    )
    # No foreign key: what became of the answer is not the gap's to say.
    curated_answer_id = models.UUIDField(null=True, blank=True, editable=False)

    objects = GapQuerySet.as_manager()

    class Meta:
        ordering = ["-last_asked_at", "-id"]
        indexes = [
            models.Index(fields=["bot_profile", "language"], name="gap_by_bot"),
            models.Index(fields=["-last_asked_at", "-id"], name="gap_by_time"),
        ]

    def __str__(self) -> str:
        return self.question or str(self.pk)

    @property
    def question(self) -> str:
        """One of its questions to call it by; of rows with `lead` without another query."""
        lead = getattr(self, "lead", None)
        if lead is None:
            lead = self.questions.order_by("asked_at", "id").values_list("text", flat=True).first()
        return lead or ""

    def decide(self, state: GapState, *, by: str, curated_answer_id: Any = None) -> None:
        """Answer or dismiss it, or open it again."""
        is_open = state == GapState.OPEN
        self.state, self.decided_by = state, "" if is_open else by[:320]
        self.decided_at = None if is_open else timezone.now()
        self.reopened_at = None
        if curated_answer_id is not None:
            self.curated_answer_id = curated_answer_id
        self.save(
            update_fields=["state", "decided_by", "decided_at", "reopened_at", "curated_answer_id"]
        )

    @classmethod
    def note_asked(cls, gap_id: uuid.UUID, first: datetime, last: datetime) -> None:
        """It was asked in between; one that had been answered before the last is open again, and says so."""
        rows = cls.objects.filter(pk=gap_id)
        rows.filter(last_asked_at__lt=last).update(last_asked_at=last)
        rows.filter(first_asked_at__gt=first).update(first_asked_at=first)
        rows.filter(state=GapState.ANSWERED, decided_at__lt=last).update(
            state=GapState.OPEN, reopened_at=last
        )


class GapQuestion(models.Model):
    """A question that was not answered well, as it was understood; of no gap until it is grouped."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="gap_question")
    bot_profile = models.ForeignKey(BotProfile, on_delete=models.CASCADE, related_name="+")
    gap = models.ForeignKey(
        Gap,
        on_delete=models.CASCADE,
        null=True,
        related_name="questions",
        db_index=False,  # gap_question_by_gap leads with it
    )
    language = models.CharField(max_length=10)
    text = models.CharField(max_length=LONGEST_KEPT)
    reason = models.CharField(max_length=64)
    week = models.DateField(help_text="Its Monday, in the tenant's time zone.")
    asked_at = models.DateTimeField()

    class Meta:
        ordering = ["-asked_at", "-id"]
        indexes = [
            models.Index(
                fields=["asked_at"], name="gap_question_ungrouped", condition=Q(gap__isnull=True)
            ),
            models.Index(fields=["gap", "-asked_at"], name="gap_question_by_gap"),
            models.Index(fields=["week"], name="gap_question_by_week"),
        ]

    def __str__(self) -> str:
        return self.text[:80]

"""A bot's guardrails: allowed and forbidden topics, strictness, and in which words it refuses."""

from __future__ import annotations

import uuid
from typing import Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from bots.quotas import models as quota_models  # noqa: F401 - Django looks for models here
from minirag.lib.bounds import ListOf
from minirag.lib.rows import QuickRow
from minirag.lib.telling.shown import show_name

MOST_TOPICS: Final = 50
LONGEST_TOPIC: Final = 200
LONGEST_QUESTION: Final = 32_000  # the wire contract's, wherever one is asked


class Strictness(models.TextChoices):
    """What becomes of a question that is about none of the allowed topics, and how sure a match must be."""

    STRICT = "strict", "Strict: only what is clearly about an allowed topic"
    MODERATE = "moderate", "Moderate: what has to do with an allowed topic"
    LENIENT = "lenient", "Lenient: everything but the forbidden topics"


class Tone(models.TextChoices):
    FRIENDLY = "friendly", "Friendly"
    FORMAL = "formal", "Formal"
    PLAIN = "plain", "Plain words"


# What a turn needs of a scope.
SCOPE_FACTS = (
    "id", "name", "strictness", "allowed_topics", "forbidden_topics", "refusal_text", "max_words", "require_citations",
    "step_by_step", "tone",
)  # fmt: skip


class Scope(QuickRow, models.Model):
    """A bot's guardrails: what it speaks about and what not, how strictly, and how it answers."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot_profile = models.ForeignKey(
        "bots.BotProfile",
        on_delete=models.CASCADE,
        related_name="scopes",
        verbose_name="bot",
        db_index=False,  # scope_name_once_per_bot leads with it
    )
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=1000, blank=True, default="")
    is_active = models.BooleanField(default=True)
    strictness = models.CharField(max_length=8, choices=Strictness, default=Strictness.MODERATE)
    allowed_topics = models.JSONField(
        default=list, blank=True, validators=[ListOf(MOST_TOPICS, LONGEST_TOPIC)]
    )
    forbidden_topics = models.JSONField(
        default=list, blank=True, validators=[ListOf(MOST_TOPICS, LONGEST_TOPIC)]
    )
    refusal_text = models.CharField(
        max_length=1000,
        blank=True,
        default="",
        help_text="Empty: the bot's own, or a sentence that names the topics.",
    )
    max_words = models.PositiveSmallIntegerField(
        "longest answer, in words",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(5000)],
    )
    require_citations = models.BooleanField("every statement is cited", default=False)
    step_by_step = models.BooleanField("procedures in numbered steps", default=False)
    tone = models.CharField(max_length=8, choices=Tone, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["bot_profile", "name"], name="scope_name_once_per_bot"),
            models.CheckConstraint(
                name="scope_max_words_range",
                condition=models.Q(max_words__gte=1, max_words__lte=5000),
            ),
        ]

    def __str__(self) -> str:
        return show_name(self.name, self.pk)

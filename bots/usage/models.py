"""What model calls used, and what it costs."""

from __future__ import annotations

import uuid

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext

from bots.quotas import models as quota_models  # noqa: F401 - Django looks for models here
from minirag.lib.rows import QuickRow


class Outcome(models.TextChoices):
    """How a turn ended; on the assistant's message, or on the user's where there is no answer."""

    ANSWERED = "answered", "Answered"
    REFUSED = "refused", "Refused"
    STOPPED = "stopped", "Stopped by the reader"
    FAILED = "failed", "Failed"
    PENDING = "pending", "Being answered"
    PERSON = "person", "Left to a person"


class UsageKind(models.TextChoices):
    CHAT = "chat", "Chat"
    EMBEDDING = "embedding", "Embedding"
    REWRITE = "rewrite", "Rewriting of a question"
    RERANK = "rerank", "Reranking"
    EVALUATION = "evaluation", "Evaluation"
    """Whatever a rehearsed question called: it costs, and nobody asked it."""


class UsageEventQuerySet(models.QuerySet["UsageEvent"]):
    def count_as_evaluation(self) -> int:
        """Have calls just metered count as nobody's question: their cost stays, and no chat and no turn is theirs."""
        return self.update(kind=UsageKind.EVALUATION, chat_id=None, message_id=None)


class UsageEvent(QuickRow, models.Model):
    """One metered model call. Times in milliseconds, cost in US dollars."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=UsageKind, default=UsageKind.CHAT)
    # What was spent stays when its bot is deleted; the id may then lead nowhere, so the key is nullable.
    bot_profile = models.ForeignKey(
        "bots.BotProfile",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="usage_events",
        db_index=False,  # usage_by_bot leads with it
    )
    # Plain ids: what was spent stays counted when a chat is deleted, and conversations lie in a layer above.
    chat_id = models.UUIDField(null=True, blank=True)
    message_id = models.UUIDField(null=True, blank=True)
    source_id = models.UUIDField(null=True, blank=True)
    model = models.CharField(max_length=100)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    total_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    is_stream = models.BooleanField(default=False)
    time_to_first_token_ms = models.PositiveIntegerField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.ANSWERED)
    is_rolled_up = models.BooleanField(
        default=False, editable=False, help_text="Counted in UsageDay and UsageTiming."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UsageEventQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="usage_by_time"),
            models.Index(fields=["bot_profile", "-created_at"], name="usage_by_bot"),
            models.Index(
                fields=["created_at"],
                name="usage_not_rolled_up",
                condition=models.Q(is_rolled_up=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.model}: {self.total_tokens} {gettext('tokens')}"


class UsageDay(models.Model):
    """What one bot spent on one model on one day of UsageRollup's time zone; written by bots.usage.rollup alone."""

    day = models.DateField()
    bot_profile_id = models.UUIDField()
    model = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=UsageKind)
    request_count = models.PositiveBigIntegerField()
    prompt_tokens = models.PositiveBigIntegerField()
    completion_tokens = models.PositiveBigIntegerField()
    total_tokens = models.PositiveBigIntegerField()
    cost_usd = models.DecimalField(max_digits=20, decimal_places=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bot_profile_id", "day", "model", "kind"], name="usage_day_once"
            )
        ]


class Measure(models.TextChoices):
    FIRST_TOKEN = "first_token", "Time to first token"
    DURATION = "duration", "Duration"


class UsageTiming(models.Model):
    """How many turns of a day took a time in `bucket` (see bots.usage.timings); written by bots.usage.rollup alone."""

    day = models.DateField()
    bot_profile_id = models.UUIDField()
    model = models.CharField(max_length=100)
    measure = models.CharField(max_length=11, choices=Measure)
    bucket = models.SmallIntegerField()
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bot_profile_id", "day", "model", "measure", "bucket"],
                name="usage_timing_once",
            )
        ]


class UsageRollup(models.Model):
    """One row: the time zone in which the days of UsageDay and UsageTiming begin; locked while they are written."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    time_zone = models.CharField(max_length=64)


class PriceOverride(models.Model):
    """What this tenant pays for a model, in US dollars per million tokens; counts for calls from now on."""

    model = models.CharField(
        max_length=100,
        unique=True,
        help_text="The id as usage shows it, e.g. openai/gpt-4o-mini; `default` is for models without a known price.",
    )
    prompt_cost_per_1m = models.DecimalField(
        "prompt, USD per million tokens",
        max_digits=12,
        decimal_places=6,
        validators=[MinValueValidator(0)],
    )
    completion_cost_per_1m = models.DecimalField(
        "completion, USD per million tokens",
        max_digits=12,
        decimal_places=6,
        default=0,
        validators=[MinValueValidator(0)],
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["model"]
        verbose_name = "price"

    def __str__(self) -> str:
        return self.model

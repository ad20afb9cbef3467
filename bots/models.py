"""Bots: one configured assistant each, and what its model calls cost."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models.functions import JSONObject

from bots.quotas import models as quota_models  # noqa: F401 - Django looks for models here
from minirag.ai.credentials import Credentials
from minirag.lib.security.crypto import decrypt, encrypt
from tenants.context import current_schema, require_tenant
from tenants.models import BotAddress


def default_model() -> str:
    return settings.DEFAULT_LLM_MODEL


class Fusion(models.TextChoices):
    MAX_NORM = "max_norm", "Max-normalised sum"
    RECIPROCAL_RANK = "rrf", "Reciprocal rank"


class BotProfileQuerySet(models.QuerySet["BotProfile"]):
    def active(self) -> BotProfileQuerySet:
        return self.filter(is_active=True)

    def with_scopes(self) -> BotProfileQuerySet:
        """Bring each bot's `active_scopes` along, in the same query."""
        own = Scope.objects.filter(bot_profile=models.OuterRef("pk"), is_active=True)
        facts = JSONObject(**{name: name for name in SCOPE_FACTS})
        return self.annotate(
            scope_rows=ArraySubquery(own.order_by("created_at", "id").values_list(facts))
        )


class BotProfile(models.Model):
    """A configured assistant: its model, its tone, when it refuses, and where its widget may stand."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=1000, blank=True, default="")
    model = models.CharField(
        "chat model", max_length=100, default=default_model, help_text="Any LiteLLM model id."
    )
    embedding_model = models.CharField(
        max_length=100, null=True, blank=True, help_text="Empty: the installation's default."
    )
    system_prompt = models.TextField(default="You are a helpful assistant.", blank=True)
    temperature = models.FloatField(
        default=0.7, validators=[MinValueValidator(0.0), MaxValueValidator(2.0)]
    )
    max_tokens = models.PositiveIntegerField(
        default=1024, validators=[MinValueValidator(1), MaxValueValidator(128_000)]
    )
    encrypted_credentials = models.TextField(null=True, blank=True, editable=False)
    stored_bytes = models.BigIntegerField(
        default=0, editable=False, help_text="Of its sources that are not deleted."
    )
    is_active = models.BooleanField(default=True)

    passage_count = models.PositiveSmallIntegerField(
        "passages per question", default=5, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    history_turns = models.PositiveSmallIntegerField(default=10, validators=[MaxValueValidator(50)])
    fusion = models.CharField(max_length=10, choices=Fusion, default=Fusion.MAX_NORM)
    dense_weight = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Share of the dense score in the fused one. Empty: 0.5, or 0.2 where the embedder is weak.",
    )
    refuses = models.BooleanField(
        "refuses when retrieval is weak", default=True, help_text="Off: the model is always asked."
    )
    refusal_floor = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Confidence below which the bot refuses. Empty: the embedder's own floor.",
    )
    refusal_text = models.CharField(
        max_length=1000,
        blank=True,
        default="",
        help_text="Empty: a sentence in the question's language.",
    )

    greeting = models.CharField(max_length=500, blank=True, default="")
    starter_questions = models.JSONField(default=list, blank=True)
    allowed_origins = models.JSONField(
        default=list,
        blank=True,
        help_text='Pages whose widget may talk to this bot, e.g. ["https://www.acme.com"].',
    )
    is_public = models.BooleanField(
        "public",
        default=False,
        help_text="Anybody may ask it on our own page /t/<slug>/, which shows the oldest public bot. Off: only pages "
        "that are listed may.",
    )

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = BotProfileQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "bot"
        constraints = [
            models.CheckConstraint(
                name="bot_temperature_range",
                condition=models.Q(temperature__gte=0, temperature__lte=2),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and enter a new bot into the public directory in the same transaction."""
        is_new = self._state.adding
        with transaction.atomic():
            super().save(*args, **kwargs)
            if is_new:
                BotAddress.objects.get_or_create(
                    bot_profile_id=self.pk, defaults={"tenant": require_tenant()}
                )

    @property
    def active_scopes(self) -> list[Scope]:
        """The guardrails that count now, oldest first; without another query if they came `with_scopes`."""
        rows: list[dict[str, Any]] | None = getattr(self, "scope_rows", None)
        if rows is None:
            return list(self.scopes.filter(is_active=True))
        return [Scope(bot_profile_id=self.pk, **row) for row in rows]

    @property
    def has_credentials(self) -> bool:
        return bool(self.encrypted_credentials)

    @property
    def effective_embedding_model(self) -> str:
        return self.embedding_model or settings.DEFAULT_EMBEDDING_MODEL

    def _secret_context(self) -> str:
        return f"{current_schema()}/bot:{self.pk}/credentials"

    def set_credentials(self, credentials: Credentials) -> None:
        """Encrypt the bot's own provider key, or forget it when there is none; the caller saves."""
        if not credentials.api_key:
            self.encrypted_credentials = None
            return
        secret = f"{credentials.api_key}\n{credentials.api_base or ''}"
        self.encrypted_credentials = encrypt(secret, context=self._secret_context())

    @property
    def credentials(self) -> Credentials:
        """The bot's own provider key, or empty credentials: then the platform's environment counts."""
        if not self.encrypted_credentials:
            return Credentials(api_key=None, api_base=None)
        api_key, _, api_base = decrypt(
            self.encrypted_credentials, context=self._secret_context()
        ).partition("\n")
        return Credentials(api_key=api_key, api_base=api_base or None)


class Outcome(models.TextChoices):
    """How a turn ended; on the assistant's message, or on the user's where there is no answer."""

    ANSWERED = "answered", "Answered"
    REFUSED = "refused", "Refused"
    STOPPED = "stopped", "Stopped by the reader"
    FAILED = "failed", "Failed"
    PENDING = "pending", "Being answered"


class UsageKind(models.TextChoices):
    CHAT = "chat", "Chat"
    EMBEDDING = "embedding", "Embedding"
    REWRITE = "rewrite", "Rewriting of a question"
    RERANK = "rerank", "Reranking"


class UsageEvent(models.Model):
    """One metered model call. Times in milliseconds, cost in US dollars."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=UsageKind, default=UsageKind.CHAT)
    # What was spent stays when its bot is deleted: the id may lead nowhere, and the key says so by being nullable.
    bot_profile = models.ForeignKey(
        BotProfile,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="usage_events",
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
        return f"{self.kind} {self.model}: {self.total_tokens} tokens"


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
    """One row: in which time zone the days of UsageDay and UsageTiming begin; locked while they are written."""

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


class Scope(models.Model):
    """A bot's guardrails: what it speaks about and what not, how strictly, and how it answers."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot_profile = models.ForeignKey(
        BotProfile, on_delete=models.CASCADE, related_name="scopes", verbose_name="bot"
    )
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=1000, blank=True, default="")
    is_active = models.BooleanField(default=True)
    strictness = models.CharField(max_length=8, choices=Strictness, default=Strictness.MODERATE)
    allowed_topics = models.JSONField(default=list, blank=True)
    forbidden_topics = models.JSONField(default=list, blank=True)
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
            models.UniqueConstraint(fields=["bot_profile", "name"], name="scope_name_once_per_bot")
        ]

    def __str__(self) -> str:
        return self.name

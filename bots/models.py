"""Bots: one configured assistant each, and what its model calls cost."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models.functions import JSONObject
from django.utils import timezone

from bots.quotas.models import Quota, QuotaUse, SharedStorage
from bots.scopes.models import SCOPE_FACTS, Scope, Strictness, Tone
from bots.usage.models import (
    Measure,
    Outcome,
    PriceOverride,
    UsageDay,
    UsageEvent,
    UsageKind,
    UsageRollup,
    UsageTiming,
)
from minirag.ai.builtin.local import pin
from minirag.ai.credentials import Credentials
from minirag.lib.bounds import ListOf
from minirag.lib.security.crypto import decrypt, encrypt, rotate
from tenants.context import TenantRow, current_schema, require_tenant
from tenants.due import DueKind, make_due
from tenants.models import BotAddress

__all__ = [
    "SCOPE_FACTS",
    "BotProfile",
    "BotProfileQuerySet",
    "CondenseMode",
    "Fusion",
    "Measure",
    "Outcome",
    "PriceOverride",
    "Quota",
    "QuotaUse",
    "RefusalMode",
    "Scope",
    "SharedStorage",
    "Strictness",
    "Tone",
    "UnsupportedMode",
    "UsageDay",
    "UsageEvent",
    "UsageKind",
    "UsageRollup",
    "UsageTiming",
    "default_model",
]


MOST_QUESTIONS: Final = 10
MOST_ORIGINS: Final = 50


def default_model() -> str:
    return settings.DEFAULT_LLM_MODEL


class CondenseMode(models.TextChoices):
    """When a chat model is asked to put a question so that it stands alone, before it is searched."""

    AUTO = "auto", "Where a question leans on what was said before"
    ALWAYS = "always", "For every question with something said before it"
    NEVER = "never", "Never: by the words alone"


class UnsupportedMode(models.TextChoices):
    """What becomes of a cited sentence that its passages do not hold."""

    MARK = "mark", "Stays, and is marked in the trace"
    DROP = "drop", "Is left out of the answer"


def default_refusal_mode() -> str:
    return settings.DEFAULT_REFUSAL_MODE


class RefusalMode(models.TextChoices):
    """Who judges whether the sources answer a question.

    Open: nobody, the model is always asked. Balanced: a chat model itself, once what was found is not hopeless; for the
    offline answerer the floor and a check of what it would quote. Strict: the floor for every model, and the check word
    for word.
    """

    STRICT = "strict", "Strict: rather no answer than a doubtful one"
    BALANCED = "balanced", "Balanced: a chat model says itself what its sources do not hold"
    OPEN = "open", "Open: the model is always asked"


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


class BotProfile(TenantRow, models.Model):
    """A configured assistant: its model, its tone, when it refuses, and on which pages its widget may be."""

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
        default=0.2, validators=[MinValueValidator(0.0), MaxValueValidator(2.0)]
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
    unsupported_mode = models.CharField(
        "sentences that their sources do not support",
        max_length=10,
        choices=UnsupportedMode,
        default=UnsupportedMode.MARK,
        help_text="To leave them out, the answer is shown sentence by sentence.",
    )
    condense_mode = models.CharField(
        "rewriting of follow-ups", max_length=10, choices=CondenseMode, default=CondenseMode.AUTO
    )
    condense_model = models.CharField(
        "model for that", max_length=100, blank=True, default="", help_text="Empty: the chat model."
    )
    fusion = models.CharField(max_length=10, choices=Fusion, default=Fusion.MAX_NORM)
    dense_weight = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Share of the dense score in the fused one. Empty: 0.5, or 0.2 where the embedder is weak.",
    )
    refusal_mode = models.CharField(
        "refusal", max_length=10, choices=RefusalMode, default=default_refusal_mode
    )
    refusal_floor = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Confidence below which the bot refuses. Empty: what fits its knowledge.",
    )
    refusal_text = models.CharField(
        max_length=1000,
        blank=True,
        default="",
        help_text="Empty: a sentence in the question's language.",
    )

    greeting = models.CharField(max_length=500, blank=True, default="")
    contact = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="Where a person can be reached, for visitors who ask for one: an address, a telephone number.",
    )
    starter_questions = models.JSONField(
        default=list, blank=True, validators=[ListOf(MOST_QUESTIONS, 200)]
    )
    allowed_origins = models.JSONField(
        default=list,
        blank=True,
        validators=[ListOf(MOST_ORIGINS, 300)],
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
            models.CheckConstraint(
                name="bot_answer_range",
                condition=models.Q(
                    max_tokens__gte=1,
                    max_tokens__lte=128_000,
                    passage_count__gte=1,
                    passage_count__lte=20,
                    history_turns__lte=50,
                ),
            ),
            models.CheckConstraint(
                name="bot_share_range",  # null is in every range
                condition=models.Q(
                    dense_weight__gte=0,
                    dense_weight__lte=1,
                    refusal_floor__gte=0,
                    refusal_floor__lte=1,
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save, and enter a new bot into the public directory in the same transaction.

        With another embedding model, knowledge that was embedded with the old one is looked for from now on.
        """
        is_new = self._state.adding
        with transaction.atomic():
            super().save(*args, update_fields=update_fields, **kwargs)
            if not is_new and (update_fields is None or "embedding_model" in update_fields):
                make_due({DueKind.REEMBEDDING: timezone.now()})
            if is_new:
                BotAddress.objects.get_or_create(
                    bot_profile_id=self.pk, defaults={"tenant": require_tenant()}
                )

    @property
    def refuses(self) -> bool:
        """Whether it ever says that its sources hold no answer: what `refusal_mode` was before it had three values."""
        return self.refusal_mode != RefusalMode.OPEN

    @refuses.setter
    def refuses(self, value: bool) -> None:
        """Off is `open`; on leaves a mode that refuses as it is, and makes `open` `balanced`."""
        if not value:
            self.refusal_mode = RefusalMode.OPEN
        elif not self.refuses:
            self.refusal_mode = RefusalMode.BALANCED

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
        """The id that its vectors are kept under; see `local.pin`."""
        return pin(self.embedding_model or settings.DEFAULT_EMBEDDING_MODEL)

    def _secret_context(self) -> str:
        return f"{current_schema()}/bot:{self.pk}/credentials"

    def set_credentials(self, credentials: Credentials) -> None:
        """Encrypt the bot's own provider key, or forget it when there is none; the caller saves."""
        self.encrypted_credentials = self.seal_credentials(credentials)

    def seal_credentials(self, credentials: Credentials) -> str | None:
        """Return the column's value for a provider key; None where there is none."""
        if not credentials.api_key:
            return None
        secret = f"{credentials.api_key}\n{credentials.api_base or ''}"
        return encrypt(secret, context=self._secret_context())

    @classmethod
    def sealed_rows(cls) -> models.QuerySet[BotProfile]:
        """The rows with a secret in them, for `manage.py rotate_keys`."""
        sealed = cls.objects.exclude(encrypted_credentials=None).exclude(encrypted_credentials="")
        return sealed.only("pk", "encrypted_credentials")

    def reseal(self) -> dict[str, Any]:
        """Return the columns whose secret is not under the first key, resealed. Raises DecryptionFailed."""
        old = self.encrypted_credentials or ""
        new = rotate(old, self._secret_context())
        return {} if new == old else {"encrypted_credentials": new}

    @property
    def credentials(self) -> Credentials:
        """The bot's own provider key, or empty credentials: then the platform's environment counts."""
        if not self.encrypted_credentials:
            return Credentials(api_key=None, api_base=None)
        api_key, _, api_base = decrypt(
            self.encrypted_credentials, context=self._secret_context()
        ).partition("\n")
        return Credentials(api_key=api_key, api_base=api_base or None)

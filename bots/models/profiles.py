"""One configured assistant: its model, its words, its pages and its provider key."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models.functions import JSONObject
from django.utils import timezone

from bots.appearance.looks import check_appearance
from bots.models.answering import Answering
from bots.models.choices import MOST_ORIGINS, MOST_QUESTIONS, default_model
from bots.providers.models import KEY_FACTS, ProviderChoice, open_keys
from bots.scopes.models import SCOPE_FACTS, Scope
from minirag.ai.builtin.local import is_local, pin
from minirag.ai.credentials import Credentials
from minirag.ai.pricing import provider_of
from minirag.lib.bounds import ListOf
from minirag.lib.security.crypto import decrypt, encrypt, rotate
from minirag.lib.telling.shown import show_name
from tenants.context import TenantRow, current_schema, current_tenant, require_tenant
from tenants.due import DueKind, make_due
from tenants.models import BotAddress
from tenants.plans.holding import require_feature
from tenants.plans.models import Feature

_IDENTITY_SECRETS: Final = ("encrypted_identity_secret", "encrypted_previous_identity_secret")


class BotProfileQuerySet(models.QuerySet["BotProfile"]):
    def active(self) -> BotProfileQuerySet:
        return self.filter(is_active=True)

    def lone(self) -> BotProfile | None:
        """The active bot where there is one alone: nobody has to choose it."""
        found = self.active()[:2]
        return found[0] if len(found) == 1 else None

    def with_scopes(self) -> BotProfileQuerySet:
        """Bring each bot's `active_scopes` along, in the same query."""
        own = Scope.objects.filter(bot_profile=models.OuterRef("pk"), is_active=True)
        facts = JSONObject(**{name: name for name in SCOPE_FACTS})
        return self.annotate(
            scope_rows=ArraySubquery(own.order_by("created_at", "id").values_list(facts))
        )

    def with_keys(self) -> BotProfileQuerySet:
        """Bring the provider keys that each bot has chosen along, sealed, in the same query."""
        own = ProviderChoice.objects.filter(bot_profile=models.OuterRef("pk"))
        facts = JSONObject(**{name: f"credential__{name}" for name in KEY_FACTS})
        return self.annotate(key_rows=ArraySubquery(own.order_by("provider").values_list(facts)))


class BotProfile(TenantRow, Answering):
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
    key_provider = models.CharField(
        max_length=50,
        blank=True,
        default="",
        editable=False,
        help_text="Whose its own key is: it goes to models of this provider alone. Empty: not known.",
    )
    # With these a site signs who its visitors are: see conversations.widget.identities.
    encrypted_identity_secret = models.TextField(
        blank=True, default="", db_default="", editable=False
    )
    encrypted_previous_identity_secret = models.TextField(
        blank=True, default="", db_default="", editable=False
    )
    previous_identity_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    stored_bytes = models.BigIntegerField(
        default=0, editable=False, help_text="Of its sources that are not deleted."
    )
    is_active = models.BooleanField(default=True)

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
    appearance = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_appearance],
        help_text='How its widget looks, e.g. {"color": "#8a1c4a", "position": "left"}. Empty: the widget\'s own.',
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
        help_text="Anybody may ask it on its own page /t/<slug>/chat/<id>/, and on /t/<slug>/, which shows the oldest "
        "public bot. Off: only pages that are listed may.",
    )
    is_indexed = models.BooleanField(
        "found by search engines",
        default=False,
        help_text="Search engines may list its own page. Off: the page asks them not to.",
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
                name="bot_recency_range",
                condition=models.Q(recency_days__gte=1, recency_days__lte=36_500),
            ),
            models.CheckConstraint(
                name="bot_variations_range",
                condition=models.Q(query_variations__lte=4),
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

    key_rows: list[dict[str, Any]]
    """The keys it has chosen, sealed, once they are loaded."""

    held_back: dict[str, Any] | None = None
    """What a change just made has put into the bot's draft instead, since the bot has a gate."""

    def __str__(self) -> str:
        return show_name(self.name, self.pk)

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save, and enter a new bot into the public directory in the same transaction.

        With another embedding model, knowledge that was embedded with the old one is looked for from now on. A key that
        was entered while it asked no provider is the first one's that it asks.
        """
        is_new = self._state.adding
        if self.encrypted_credentials and not self.key_provider:
            self.key_provider = self.find_key_provider()
            update_fields = update_fields and {*update_fields, "key_provider"}
        with transaction.atomic():
            super().save(*args, update_fields=update_fields, **kwargs)
            if not is_new and (update_fields is None or "embedding_model" in update_fields):
                now = timezone.now()
                make_due({DueKind.REEMBEDDING: now, DueKind.CURATED: now})
            if is_new:
                BotAddress.objects.get_or_create(
                    bot_profile_id=self.pk, defaults={"tenant": require_tenant()}
                )

    @property
    def known_contact(self) -> str:
        """Where a person is reached: the bot's own, or its tenant's."""
        tenant = current_tenant()
        return self.contact.strip() or (tenant.contact.strip() if tenant is not None else "")

    scope_rows: list[dict[str, Any]]
    """What came `with_scopes`, or is to count in their place."""

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
        """Encrypt the bot's own provider key, or forget it when there is none; the caller saves. Raises NotInPlan."""
        if credentials.api_key:
            require_feature(Feature.PROVIDER_KEYS)
        self.encrypted_credentials = self.seal_credentials(credentials)
        self.key_provider = self.find_key_provider() if credentials.api_key else ""

    def find_key_provider(self) -> str:
        """The provider that a key entered now is for: of its chat model, or of what else it asks for."""
        models = (self.model, self.embedding_model, self.rerank_model, self.condense_model)
        foreign = next((each for each in models if each and not is_local(each)), "")
        return provider_of(foreign)[:50]

    def seal_credentials(self, credentials: Credentials) -> str | None:
        """Return the column's value for a provider key; None where there is none."""
        if not credentials.api_key:
            return None
        secret = f"{credentials.api_key}\n{credentials.api_base or ''}"
        return encrypt(secret, context=self._secret_context())

    @classmethod
    def sealed_rows(cls) -> models.QuerySet[BotProfile]:
        """The rows with a secret in them, for `manage.py rotate_keys`."""
        has_key = models.Q(encrypted_credentials__isnull=False) & ~models.Q(
            encrypted_credentials=""
        )
        sealed = cls.objects.filter(has_key | ~models.Q(encrypted_identity_secret=""))
        return sealed.only("pk", "encrypted_credentials", *_IDENTITY_SECRETS)

    def reseal(self) -> dict[str, Any]:
        """Return the columns whose secret is not under the first key, resealed. Raises DecryptionFailed."""
        contexts = dict.fromkeys(_IDENTITY_SECRETS, self._identity_context())
        contexts["encrypted_credentials"] = self._secret_context()
        old = {name: value for name in contexts if (value := getattr(self, name))}
        new = {name: rotate(value, contexts[name]) for name, value in old.items()}
        return {name: value for name, value in new.items() if value != old[name]}

    def _identity_context(self) -> str:
        return f"{current_schema()}/bot:{self.pk}/identity"

    def replace_identity_secret(self, secret: str, overlap: timedelta) -> list[str]:
        """Take another secret; the one before counts for `overlap` longer. Returns the columns for the caller to save.

        Without a secret nobody is identified any more.
        """
        keeps = bool(secret and overlap and self.encrypted_identity_secret)
        self.encrypted_previous_identity_secret = self.encrypted_identity_secret if keeps else ""
        self.previous_identity_secret_until = timezone.now() + overlap if keeps else None
        context = self._identity_context()
        self.encrypted_identity_secret = encrypt(secret, context=context) if secret else ""
        return [*_IDENTITY_SECRETS, "previous_identity_secret_until"]

    def reveal_identity_secrets(self) -> list[str]:
        """The secrets that count now, in clear, the newest first."""
        until, context = self.previous_identity_secret_until, self._identity_context()
        sealed = [self.encrypted_identity_secret]
        if until is not None and until > timezone.now():
            sealed.append(self.encrypted_previous_identity_secret)
        return [decrypt(each, context=context) for each in sealed if each]

    @property
    def has_identity_secret(self) -> bool:
        return bool(self.encrypted_identity_secret)

    @property
    def credentials(self) -> Credentials:
        """The bot's own provider key, if it has one, and those that it has chosen by provider.

        Without either the platform's environment counts. Asks the database once where the bot did not come `with_keys`:
        on the event loop, see `bots.providers.lending`.
        """
        chosen = open_keys(self.load_keys())
        if not self.encrypted_credentials:
            return Credentials(chosen=chosen)
        api_key, _, api_base = decrypt(
            self.encrypted_credentials, context=self._secret_context()
        ).partition("\n")
        return Credentials(
            api_key=api_key, api_base=api_base or None, chosen=chosen, provider=self.key_provider
        )

    @property
    def has_loaded_keys(self) -> bool:
        return hasattr(self, "key_rows")

    def load_keys(self) -> list[dict[str, Any]]:
        """Return the chosen keys, sealed, and keep them."""
        if not self.has_loaded_keys:
            paths = [f"credential__{name}" for name in KEY_FACTS]
            found = self.provider_choices.order_by("provider").values_list(*paths)
            self.key_rows = [dict(zip(KEY_FACTS, row, strict=True)) for row in found]
        return self.key_rows

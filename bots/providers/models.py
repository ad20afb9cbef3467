"""A key at a model provider, and which bots have chosen it."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.utils import timezone

from minirag.ai.credentials import LONGEST_BASE, Credentials
from minirag.lib.security.crypto import decrypt, encrypt, rotate
from tenants.context import TenantRow, current_schema

_SHOWN = 4
_SHORTEST_SHOWN = 16  # of a shorter key four characters would tell too much


class ProviderCredential(TenantRow, models.Model):
    """One key of the tenant's at one provider. It goes to models of that provider alone, for the bots that chose it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    provider = models.CharField(
        max_length=50,
        help_text="As LiteLLM names it: openai, anthropic, mistral, hosted_vllm.",
    )  # fmt: skip
    encrypted_key = models.TextField(editable=False)
    last_four = models.CharField(
        "ends in", max_length=_SHOWN, blank=True, default="", editable=False
    )
    api_base = models.CharField("base URL", max_length=LONGEST_BASE, blank=True, default="")
    key_set_at = models.DateTimeField(default=timezone.now, editable=False)
    tested_at = models.DateTimeField(null=True, blank=True, editable=False)
    test_outcome = models.CharField(max_length=50, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "provider key"

    def __str__(self) -> str:
        return self.name

    def set_key(self, api_key: str, api_base: str) -> None:
        """Take another key and the address that it is for; what was tested was the one before. The caller saves."""
        self.encrypted_key = encrypt(api_key, context=self._secret_context())
        self.last_four = api_key[-_SHOWN:] if len(api_key) >= _SHORTEST_SHOWN else ""
        self.api_base = api_base
        self.key_set_at = timezone.now()
        self.tested_at, self.test_outcome = None, ""

    @property
    def credentials(self) -> Credentials:
        """The key in clear, for a call: none where it was left out of a tenant's file. Raises DecryptionFailed."""
        sealed = self.encrypted_key
        key = decrypt(sealed, context=self._secret_context()) if sealed else ""
        return Credentials(api_key=key, api_base=self.api_base or None)

    @property
    def bot_profile_ids(self) -> list[uuid.UUID]:
        """The bots that use it."""
        return [each.bot_profile_id for each in self.choices.all()]

    def note_test(self, outcome: str) -> bool:
        """Keep how the key fared, unless it has been replaced meanwhile; says whether it was kept."""
        self.tested_at, self.test_outcome = timezone.now(), outcome
        same_key = type(self).objects.filter(pk=self.pk, encrypted_key=self.encrypted_key)
        return bool(same_key.update(tested_at=self.tested_at, test_outcome=outcome))

    @classmethod
    def sealed_rows(cls) -> models.QuerySet[ProviderCredential]:
        """The rows with a secret in them, for `manage.py rotate_keys`."""
        return cls.objects.exclude(encrypted_key="").only("pk", "encrypted_key")

    def reseal(self) -> dict[str, Any]:
        """Return the column if its secret is not under the first key, resealed. Raises DecryptionFailed."""
        sealed = rotate(self.encrypted_key, self._secret_context())
        return {} if sealed == self.encrypted_key else {"encrypted_key": sealed}

    def _secret_context(self) -> str:
        return f"{current_schema()}/provider:{self.pk}/key"


class ProviderChoice(models.Model):
    """A bot's choice of a key: one of each provider at most."""

    bot_profile = models.ForeignKey(
        "bots.BotProfile",
        on_delete=models.CASCADE,
        related_name="provider_choices",
        db_index=False,  # provider_chosen_once leads with it
    )
    credential = models.ForeignKey(
        ProviderCredential, on_delete=models.PROTECT, related_name="choices"
    )
    provider = models.CharField(max_length=50, editable=False)  # the credential's, which is fixed

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bot_profile", "provider"], name="provider_chosen_once")
        ]

    def __str__(self) -> str:
        return f"{self.bot_profile}: {self.credential}"


def open_keys(rows: list[dict[str, Any]]) -> tuple[tuple[str, Credentials], ...]:
    """Chosen keys in clear by provider, of what `BotProfileQuerySet.with_keys` brings. Raises DecryptionFailed."""
    found = (ProviderCredential(**row) for row in rows)
    return tuple((each.provider, each.credentials) for each in found)


KEY_FACTS = ("id", "provider", "encrypted_key", "api_base")

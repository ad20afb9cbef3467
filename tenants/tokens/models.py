"""API tokens of tenants, tokens of the platform's operators, and where a bot's public address leads."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from minirag.lib.bounds import ListOf
from minirag.lib.rows import QuickRow
from minirag.lib.security.groups import LONGEST_GROUP, MOST_GROUPS, check_groups
from tenants.validators import validate_rate

if TYPE_CHECKING:
    from tenants.models import User


class Right(models.TextChoices):
    """What an API token may do; one that names none may do all that its user may. On the wire: `scopes`."""

    CHAT = "chat", "Chat"
    READ = "read", "Read"
    MANAGE = "manage", "Manage"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def mint(self, *, user: User, name: str, **fields: Any) -> tuple[ApiToken, str]:
        """Make a token for `user`; returns the row and the secret, which cannot be read again."""
        secret = secrets.token_urlsafe(32)
        token = self.create(
            tenant_id=user.tenant_id,
            user=user,
            name=name,
            token_hash=hash_token(secret),
            token_prefix=secret[:8],
            **fields,
        )
        return token, secret

    def touch(self, token: ApiToken) -> None:
        """Note that the token was used, at most once a minute: a busy token must not become a hot row."""
        now = timezone.now()
        if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
            self.filter(pk=token.pk).exclude(last_used_at__gt=now - timedelta(minutes=1)).update(
                last_used_at=Now()
            )


def hash_token(secret: str) -> str:
    """SHA-256 in hex: a token has 256 random bits, so a slow hash would only cost time."""
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiToken(QuickRow, models.Model):
    """A secret for a tenant's servers: 43 characters without a dot, with the rights of the user who made it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(
        "tenants.Tenant", on_delete=models.CASCADE, related_name="api_tokens"
    )
    user = models.ForeignKey("tenants.User", on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=255, blank=True)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    token_prefix = models.CharField(max_length=8, editable=False)
    rights = models.JSONField(
        db_column="scopes",
        default=list,
        blank=True,
        help_text="Empty: everything its user may do.",
    )
    bot_profile_id = models.UUIDField(
        null=True, blank=True, help_text="If set, good for this bot only."
    )
    groups = models.JSONField(
        default=list, blank=True, validators=[ListOf(MOST_GROUPS, LONGEST_GROUP), check_groups],
        help_text="Whoever asks with it is in these, and is answered from what is for them. Empty: only from what is "
        "for everybody.",
    )  # fmt: skip
    names_groups = models.BooleanField(
        default=False,
        help_text="With each question it may say itself in which groups its visitor is.",
    )
    rate = models.CharField(
        max_length=50,
        blank=True,
        default="",
        validators=[validate_rate],
        help_text="What this token may call, such as 60/minute; 0 is no limit. Empty: API_RATE.",
    )
    is_active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    family_id = models.UUIDField(
        null=True,
        editable=False,
        help_text="The first of the tokens that this one took the place of, by rotation.",
    )
    replaced_by = models.ForeignKey(
        "self", models.SET_NULL, null=True, editable=False, related_name="replaces"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name or 'token'} ({self.token_prefix}…)"

    def revoke(self) -> None:
        """Stop the token at once; it stays listed."""
        self.is_active = False
        self.save(update_fields=["is_active"])

    def replace(self, new: ApiToken, overlap: timedelta) -> None:
        """Let `new` replace this token, which works for `overlap` longer, or until it expires before that."""
        self.replaced_by, self.is_active = new, bool(overlap)
        ends_at = timezone.now() + overlap
        self.expires_at = min(self.expires_at or ends_at, ends_at)
        self.save(update_fields=["replaced_by", "is_active", "expires_at"])

    @property
    def family(self) -> uuid.UUID:
        """What stays the same when a token is rotated: quotas are counted for it."""
        return self.family_id or self.pk

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


class OperatorToken(models.Model):
    """A secret for the operator's own programs: it opens `/v1/platform` and nothing of any tenant."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        "tenants.User", on_delete=models.CASCADE, related_name="operator_tokens"
    )
    name = models.CharField(max_length=255, blank=True)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    token_prefix = models.CharField(max_length=8, editable=False)
    is_read_only = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name or 'token'} ({self.token_prefix}…)"


class BotAddress(models.Model):
    """Which tenant a bot belongs to, so that a widget on any page needs the bot's id and nothing else."""

    bot_profile_id = models.UUIDField(primary_key=True)
    tenant = models.ForeignKey(
        "tenants.Tenant", on_delete=models.CASCADE, related_name="bot_addresses"
    )

    def __str__(self) -> str:
        return str(self.bot_profile_id)

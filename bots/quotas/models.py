"""The models of quotas; `bots.models` imports them."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext

from minirag.lib.periods import DAY, MONTH, TOTAL

LARGEST_LIMIT: Final = 10**12


class QuotaSubject(models.TextChoices):
    TENANT = "tenant", "Tenant"
    BOT = "bot", "Bot"
    TOKEN = "token", "API token"


class QuotaResource(models.TextChoices):
    MESSAGES = "messages", "Questions"
    TOKENS = "tokens", "Tokens"
    COST = "cost_usd", "Cost in US dollars"
    STORAGE = "stored_bytes", "Stored bytes"


class QuotaPeriod(models.TextChoices):
    DAY = DAY, "Day"
    MONTH = MONTH, "Month"
    TOTAL = TOTAL, "Without end"


class Quota(models.Model):
    """How much of something may be used up in a period; `bots.quotas.counting` enforces it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject = models.CharField(max_length=10, choices=QuotaSubject, default=QuotaSubject.TENANT)
    subject_id = models.UUIDField(
        null=True, blank=True, help_text="Of the bot or API token; none for the tenant."
    )
    resource = models.CharField(max_length=20, choices=QuotaResource)
    period = models.CharField(max_length=10, choices=QuotaPeriod, default=QuotaPeriod.MONTH)
    limit = models.DecimalField(
        max_digits=20,
        decimal_places=6,
        validators=[MinValueValidator(0), MaxValueValidator(LARGEST_LIMIT)],
    )
    warning_percent = models.PositiveSmallIntegerField(
        default=80,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Told to webhooks once it is reached.",
    )
    is_platform = models.BooleanField(
        "set by the operator", default=False, help_text="The tenant sees it and cannot change it."
    )
    from_plan = models.BooleanField(
        default=False, db_default=False, editable=False, help_text="Of the tenant's plan."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                "subject",
                "subject_id",
                "resource",
                "period",
                "is_platform",
                "from_plan",
                name="quota_once",
                nulls_distinct=False,
                violation_error_message="There is such a quota already.",
            ),
            models.CheckConstraint(
                name="quota_of_the_tenant_has_no_subject_id",
                condition=models.Q(subject="tenant", subject_id__isnull=True)
                | (~models.Q(subject="tenant") & models.Q(subject_id__isnull=False)),
            ),
            models.CheckConstraint(
                name="quota_of_bytes_is_without_end_and_not_a_tokens",
                condition=~models.Q(resource="stored_bytes")
                | (models.Q(period="total") & ~models.Q(subject="token")),
            ),
            models.CheckConstraint(
                name="quota_range",
                condition=models.Q(limit__gte=0, warning_percent__gte=1, warning_percent__lte=100),
            ),
        ]

    def __str__(self) -> str:
        told: dict[str, str] = {
            QuotaPeriod.DAY: gettext("%(what)s per day"),
            QuotaPeriod.MONTH: gettext("%(what)s per month"),
            QuotaPeriod.TOTAL: gettext("%(what)s per total"),
        }
        return told.get(self.period, "%(what)s") % {"what": self.get_resource_display()}

    @property
    def warning_level(self) -> Decimal:
        return self.limit * self.warning_percent / 100


class QuotaUse(models.Model):
    """How much of a quota was used in one of its periods, and when that was told."""

    quota = models.ForeignKey(
        Quota,
        on_delete=models.CASCADE,
        related_name="uses",
        db_index=False,  # quota_use_once_per_period leads with it
    )
    starts_at = models.DateTimeField()
    used = models.DecimalField(max_digits=24, decimal_places=8, default=0)
    warned_at = models.DateTimeField(null=True, blank=True)
    reached_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.UniqueConstraint("quota", "starts_at", name="quota_use_once_per_period")
        ]

    def __str__(self) -> str:
        return gettext("%(used)s since %(day)s") % {
            "used": self.used,
            "day": f"{self.starts_at:%Y-%m-%d}",
        }


class SharedStorage(models.Model):
    """One row, made when it is needed: what the tenant stores that belongs to no single bot."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    stored_bytes = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.stored_bytes} bytes"

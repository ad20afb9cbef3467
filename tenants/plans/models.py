"""Plans: a named set of features and bounds. A tenant names its plan; one whose plan is nobody's row has everything."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, Final

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from tenants.due import DueKind, make_due_of_plan

LARGEST: Final = 10**12
MOST_ROWS: Final = 1_000_000


class Feature(models.TextChoices):
    """What a plan may have or not have."""

    SITES = "sites", _("Web sites as sources")
    CONNECTORS = "connectors", _("Connectors to files elsewhere")
    HANDOFFS = "handoffs", _("People who answer in chats")
    SSO = "sso", _("Single sign-on")
    PROVIDER_KEYS = "provider_keys", _("Own keys at model providers")
    HOSTS = "hosts", _("Hosts of one's own")
    WEBHOOKS = "webhooks", _("Webhooks")


class Countable(models.TextChoices):
    """What a plan bounds by number."""

    BOTS = "bots", _("Bots")
    PEOPLE = "people", _("People")
    SOURCES = "sources", _("Sources")


def all_features() -> list[str]:
    return [each.value for each in Feature]


def validate_features(names: list[str]) -> None:
    """Raise ValidationError for what is no feature, or is named twice."""
    if not set(names) <= set(Feature.values) or len(set(names)) < len(names):
        known = ", ".join(Feature.values)
        raise ValidationError(_("Each once, of these: %(known)s."), params={"known": known})


def _number(label: Any, most: int = MOST_ROWS) -> Any:
    return models.BigIntegerField(
        label, null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(most)]
    )


class Plan(models.Model):
    """A plan. An empty number is no bound; what is used of the others is counted by quotas of each tenant."""

    key = models.CharField(
        max_length=50, primary_key=True, validators=[RegexValidator(r"^[a-z0-9-]+\Z")],
        help_text=_("What tenants and programs name it by, such as pro: a-z, 0-9 and '-'. Fixed for good."),
    )  # fmt: skip
    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(
        _("description"), max_length=500, blank=True, default="", help_text=_("Tenants read it.")
    )
    features = models.JSONField(
        _("features"),
        default=all_features,
        blank=True,
        validators=[validate_features],
    )
    most_bots = _number(_("bots"))
    most_people = _number(_("people"))
    most_sources = _number(_("sources"))
    messages_per_month = _number(_("questions a month"), LARGEST)
    tokens_per_month = _number(_("tokens a month"), LARGEST)
    cost_usd_per_month = models.DecimalField(
        _("US dollars a month"), max_digits=20, decimal_places=6, null=True, blank=True,
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(LARGEST)],
    )  # fmt: skip
    stored_bytes = _number(_("stored bytes"), LARGEST)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    QUOTAS: ClassVar[dict[str, tuple[str, str]]] = {
        "messages_per_month": ("messages", "month"), "tokens_per_month": ("tokens", "month"),
        "cost_usd_per_month": ("cost_usd", "month"), "stored_bytes": ("stored_bytes", "total"),
    }  # fmt: skip
    """Which bound is which quota: resource and period."""

    class Meta:
        ordering: ClassVar[list[str]] = ["key"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; the quotas of its tenants follow, each by work of its own that is due from now on."""
        with transaction.atomic():
            super().save(*args, **kwargs)
            make_due_of_plan(self.key, DueKind.PLANS)

    def has(self, feature: Feature) -> bool:
        return feature.value in self.features

    def most(self, what: Countable) -> int | None:
        bounds = {
            Countable.BOTS: self.most_bots, Countable.PEOPLE: self.most_people,
            Countable.SOURCES: self.most_sources,
        }  # fmt: skip
        return bounds[what]

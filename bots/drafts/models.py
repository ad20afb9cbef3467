"""A bot's gate, and the changed configuration that waits behind it."""

from __future__ import annotations

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext

_SHARE: dict[str, Any] = {
    "null": True, "blank": True, "validators": [MinValueValidator(0.0), MaxValueValidator(1.0)],
}  # fmt: skip


class QualityGate(models.Model):
    """What a bot's golden questions have to come to before a change of how it answers is published; null: no matter."""

    bot_profile = models.OneToOneField(
        "bots.BotProfile", on_delete=models.CASCADE, related_name="gate", verbose_name="bot"
    )
    least_right = models.FloatField("answered right at least", **_SHARE)
    least_declined_right = models.FloatField("declined right at least", **_SHARE)
    least_citation_valid = models.FloatField("citations valid at least", **_SHARE)
    least_support = models.FloatField("supported at least", **_SHARE)
    forbids_worse = models.BooleanField(
        "no question may get worse", default=True, help_text="Than in the last run of what is published."
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return gettext("gate of %(bot)s") % {"bot": self.bot_profile}


class BotDraft(models.Model):
    """The answering configuration that a bot is to have, as far as it differs; the bot answers by the old one."""

    bot_profile = models.OneToOneField(
        "bots.BotProfile", on_delete=models.CASCADE, related_name="draft", verbose_name="bot"
    )
    changes = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    made_by = models.CharField(max_length=320, blank=True, default="")  # who changed it last
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = "draft"

    def __str__(self) -> str:
        return gettext("draft of %(bot)s") % {"bot": self.bot_profile}

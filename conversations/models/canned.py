"""Texts that people of the tenant answer with again and again. Not curated answers: those the bot gives by itself."""

from __future__ import annotations

import uuid
from typing import Final

from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from bots.models import BotProfile

LONGEST_CANNED: Final = 4_000


class CannedAnswer(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        _("name"), max_length=50, validators=[RegexValidator(r"^[\w][\w .-]*$", _("Letters, digits, blanks, - and ."))],
        help_text=_("What one types behind / to find it."),
    )  # fmt: skip
    text = models.TextField(
        _("text"), validators=[MaxLengthValidator(LONGEST_CANNED)],
        help_text=_(
            "{visitor}, {bot} and {person} are filled in: the visitor's name, if it is known, the bot's, and yours."
        ),
    )  # fmt: skip
    language = models.CharField(
        _("language"), max_length=10, blank=True, default="", validators=[RegexValidator(r"^[a-z]{2,3}$")],
        help_text=_("Such as de. Empty: in every chat."),
    )  # fmt: skip
    bot_profile = models.ForeignKey(
        BotProfile, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("bot"),
        help_text=_("Empty: in chats of every bot."),
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("canned answer")
        verbose_name_plural = _("canned answers")
        indexes = [models.Index(fields=["name"], name="canned_by_name")]

    def __str__(self) -> str:
        return self.name

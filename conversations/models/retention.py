"""How long a tenant keeps its chats. One row at most; without it they are kept for good."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

LONGEST_KEPT_DAYS: Final = 3_650


class RetentionAct(models.TextChoices):
    DELETE = "delete", _("Delete them")
    ANONYMISE = "anonymise", _("Take out the words and who asked, keep the figures")


class ChatRetention(models.Model):
    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    days = models.PositiveIntegerField(
        _("days"), validators=[MinValueValidator(1), MaxValueValidator(LONGEST_KEPT_DAYS)]
    )
    act = models.CharField(
        _("what is done then"), max_length=10, choices=RetentionAct, default=RetentionAct.DELETE
    )
    takes_golden = models.BooleanField(
        _("golden questions that were made of them go, too"), default=False
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("retention of chats")
        verbose_name_plural = _("retention of chats")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="chat_retention_once")]

    def __str__(self) -> str:
        return f"{self.days} days, then {self.act}"

    @property
    def until(self) -> datetime:
        """What was last said before this is kept no longer."""
        return timezone.now() - timedelta(days=self.days)

"""A bot's configuration as it was saved once."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _


class CameFrom(models.TextChoices):
    """What made a version."""

    FORM = "form", _("Admin")
    API = "api", _("API")
    COMMAND = "command", _("Command")
    DRAFT = "draft", _("Draft that was published")
    ROLL_BACK = "roll_back", _("Roll-back")
    BEFORE = "before", _("As it was before its first change")


class BotVersion(models.Model):
    """One configuration of a bot; the newest is what it is set to. There is no secret in it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot_profile = models.ForeignKey(
        "bots.BotProfile",
        on_delete=models.CASCADE,
        related_name="versions",
        verbose_name=_("bot"),
        db_index=False,  # bot_version_number leads with it
    )
    number = models.PositiveIntegerField(_("number"))
    configuration = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    # Of the part that decides how it answers, as evaluation runs have it.
    configuration_hash = models.CharField(max_length=16, blank=True, default="")
    changed = models.JSONField(default=list)  # names of what is other than in the one before
    came_from = models.CharField(_("came from"), max_length=20, choices=CameFrom)
    made_by = models.CharField(_("made by"), max_length=320, blank=True, default="")
    note = models.CharField(_("reason"), max_length=1000, blank=True, default="")
    restored_number = models.PositiveIntegerField(_("brought back"), null=True, blank=True)
    created_at = models.DateTimeField(_("made at"), auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-number"]
        verbose_name = _("version of a bot")
        verbose_name_plural = _("versions of bots")
        constraints = [
            models.UniqueConstraint(fields=["bot_profile", "number"], name="bot_version_number")
        ]

    told: list[Any]
    """What it changed, once that has been told."""

    def __str__(self) -> str:
        return str(self.number)

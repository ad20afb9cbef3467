"""What a confidence is worth in one bot's knowledge."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.db import models

from bots.models import BotProfile

CALIBRATE_AFTER: Final = timedelta(seconds=60)  # once for all the sources that come together
FIRST_AFTER: Final = timedelta(seconds=5)


class RefusalFloorsQuerySet(models.QuerySet["RefusalFloors"]):
    def next_due(self, bot_id: uuid.UUID | None, now: datetime) -> datetime:
        """When to look whether a bot's floors fit what has just become its knowledge; soon where it has none at all."""
        is_first = bot_id is not None and not self.filter(bot_profile=bot_id).exists()
        return now + (FIRST_AFTER if is_first else CALIBRATE_AFTER)


class RefusalFloors(models.Model):
    """The confidences below which a bot refuses, made from its own chunks by `calibrating`; one row a language.

    `chunk_count` is how much it knew then: floors of a base that has changed much are made anew.
    """

    bot_profile = models.ForeignKey(
        BotProfile,
        on_delete=models.CASCADE,
        related_name="refusal_floors",
        db_index=False,  # floors_once leads with it
    )
    embedding_model = models.CharField(max_length=100)
    language = models.CharField(max_length=10)
    hopeless = models.FloatField(help_text="Below it no chat model is asked.")
    balanced = models.FloatField(help_text="Below it the offline answerer does not look further.")
    strict = models.FloatField(help_text="Below it a strict bot does not look further.")
    chunk_count = models.PositiveIntegerField()
    made_at = models.DateTimeField(auto_now=True)

    objects = RefusalFloorsQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bot_profile", "embedding_model", "language"], name="floors_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.language}: {self.hopeless:.2f} / {self.balanced:.2f} / {self.strict:.2f}"

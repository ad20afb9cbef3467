"""What people say of a source beside what it holds: whom it is for, what it is filtered by and what it counts."""

from __future__ import annotations

from typing import Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from bots.models import LONGEST_TAG, MOST_TAGS
from knowledge.models.audience import Restrictable
from minirag.lib.bounds import ListOf

STANDING: Final = ("tags", "weight", "is_pinned", "dated_on", "visibility", "groups")
LEAST_WEIGHT: Final = 0.5
MOST_WEIGHT: Final = 2.0


class Standing(Restrictable):
    tags = models.JSONField(default=list, blank=True, validators=[ListOf(MOST_TAGS, LONGEST_TAG)])
    weight = models.FloatField(
        default=1.0,
        validators=[MinValueValidator(LEAST_WEIGHT), MaxValueValidator(MOST_WEIGHT)],
        help_text="What the scores of what it says are multiplied by, 0.5 to 2.",
    )
    is_pinned = models.BooleanField(
        "pinned",
        default=False,
        help_text="Wins over sources that contradict it, whatever their age.",
    )
    dated_on = models.DateField(
        "dated",
        null=True,
        blank=True,
        help_text="The day that what it says is of. Empty: the day it was added.",
    )

    class Meta:
        abstract = True

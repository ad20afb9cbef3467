"""Datasets, and which bots answer from them."""

from __future__ import annotations

import uuid
from typing import Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import FilteredRelation, Q
from django.db.models.functions import Lower

from bots.models import BotProfile
from minirag.lib.bounds import JsonOfAtMost, ListOf
from tenants.context import TenantRow

LARGEST_METADATA: Final = 16_384


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def shared(self) -> DatasetQuerySet:
        """Return the datasets that are nobody's own and not deleted."""
        return self.filter(bot_profile__isnull=True, deleted_at__isnull=True)

    def searched_by(self, bot_profile_id: uuid.UUID) -> DatasetQuerySet:
        """Return what a bot answers from now."""
        return self.alias(link=link_of(bot_profile_id)).filter(is_searched_by(bot_profile_id))

    def searched_by_any(self) -> DatasetQuerySet:
        """Return what any active bot answers from now."""
        links = BotDataset.objects.filter(bot_profile__is_active=True, is_active=True)
        shared = Q(pk__in=links.values("dataset_id"), is_active=True, deleted_at__isnull=True)
        return self.filter(Q(bot_profile__is_active=True) | shared)


def link_of(bot_profile_id: uuid.UUID, at: str = "") -> FilteredRelation:
    """The one link of a bot to each dataset, `at` which a row has its dataset; to be joined as `link`."""
    own = Q(**{f"{at}bot_links__bot_profile": bot_profile_id})
    return FilteredRelation(f"{at}bot_links", condition=own)


def is_searched_by(bot_profile_id: uuid.UUID, at: str = "") -> Q:
    """What a bot answers from now: its private dataset, and active shared ones by its active `link`.

    By that join, since every search asks it, and two subqueries took longer to plan than all the rest.
    """
    shared = {"link__is_active": True, f"{at}is_active": True, f"{at}deleted_at__isnull": True}
    return Q(**{f"{at}bot_profile": bot_profile_id}) | Q(**shared)


class Dataset(TenantRow, models.Model):
    """A set of sources with one embedding model; every bot has a private one, others are shared by links."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=1000, blank=True, default="")
    tags = models.JSONField(default=list, blank=True, validators=[ListOf(50, 50)])
    metadata = models.JSONField(
        default=dict, blank=True, validators=[JsonOfAtMost(LARGEST_METADATA)]
    )
    is_active = models.BooleanField(default=True, help_text="If not, no bot answers from it.")
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    bot_profile = models.OneToOneField(
        BotProfile, on_delete=models.CASCADE, null=True, blank=True, related_name="private_dataset"
    )
    embedding_model = models.CharField(max_length=100)
    embedding_dimensions = models.PositiveIntegerField(
        null=True, blank=True, help_text="Known after the first chunk."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="shared_dataset_name_once",
                condition=Q(bot_profile__isnull=True, deleted_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_shared(self) -> bool:
        return self.bot_profile_id is None

    @property
    def shown_bot_count(self) -> int:
        """How many bots it has, of a row of `listed_datasets`."""
        return int(self.bot_count) if self.is_shared else 1  # type: ignore[attr-defined]


class BotDataset(models.Model):
    """A bot's link to a shared dataset: it answers from it while link and dataset are active."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot_profile = models.ForeignKey(
        BotProfile,
        models.CASCADE,
        related_name="dataset_links",
        verbose_name="bot",
        db_index=False,  # dataset_linked_once leads with it
    )
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="bot_links")
    priority = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="1 comes first. Each step below takes 1 % off the score of what is found here, 5 % at most.",
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["priority", "created_at"]
        verbose_name = "bot link"
        constraints = [
            models.UniqueConstraint(fields=["bot_profile", "dataset"], name="dataset_linked_once"),
            models.CheckConstraint(condition=Q(priority__range=(1, 100)), name="priority_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.bot_profile} → {self.dataset}"

    @property
    def is_searched(self) -> bool:
        return self.is_active and self.dataset.is_active

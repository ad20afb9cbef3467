"""Where knowledge comes from."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from bots.models import BotProfile
from knowledge.models.datasets import Dataset


class SourceType(models.TextChoices):
    TEXT = "text", "Text"
    UPLOAD = "upload", "Upload"
    URL = "url", "URL"
    NYXCORE = "nyxcore", "nyxCore"


class SourceStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    PROCESSING = "processing", "Processing"
    READY = "ready", "Ready"
    ERROR = "error", "Error"


class RefreshSchedule(models.TextChoices):
    NONE = "none", "Never"
    HOURLY = "hourly", "Hourly"
    DAILY = "daily", "Daily"
    WEEKLY = "weekly", "Weekly"


class SourceQuerySet(models.QuerySet["Source"]):
    def answering(self, bot_profile_id: uuid.UUID) -> SourceQuerySet:
        """Return the sources a bot may answer from now: active, not deleted, with knowledge that was once ready.

        A source that is being re-ingested, or whose last ingestion failed, still answers from its old knowledge.
        External ones have none here.
        """
        return (
            self._in_use(bot_profile_id)
            .filter(chunk_count__gt=0)
            .exclude(source_type=SourceType.NYXCORE)
        )

    def external(self, bot_profile_id: uuid.UUID) -> SourceQuerySet:
        """Return the external sources a bot may ask now: active, and their last connection check succeeded.

        While one is checked again it goes on answering.
        """
        ready = ~Q(status=SourceStatus.ERROR) & Q(last_refreshed_at__isnull=False)
        return self._in_use(bot_profile_id).filter(ready, source_type=SourceType.NYXCORE)

    def _in_use(self, bot_profile_id: uuid.UUID) -> SourceQuerySet:
        return self.filter(
            Q(parent__isnull=True) | Q(parent__is_active=True),
            is_active=True,
            deleted_at__isnull=True,
            dataset__in=Dataset.objects.searched_by(bot_profile_id),
        )

    def claim(self, source_id: uuid.UUID, *, stale_after: timedelta) -> uuid.UUID | None:
        """Claim a source for ingestion by a conditional UPDATE; returns the claim, or None if another worker has it."""
        now, claim = timezone.now(), uuid.uuid4()
        free = (
            ~Q(status=SourceStatus.PROCESSING)
            | Q(heartbeat_at__lt=now - stale_after)
            | Q(heartbeat_at=None)
        )
        taken = self.filter(free, pk=source_id, deleted_at__isnull=True).update(
            status=SourceStatus.PROCESSING,
            claim_id=claim,
            heartbeat_at=now,
            queued_at=None,
            cancel_requested=False,
            progress_stage="loading",
            progress_done=0,
            progress_total=0,
            error_message=None,
            error_code="",
        )
        return claim if taken else None


class Redo(models.TextChoices):
    """What the next ingestion does though nothing has changed."""

    NOTHING = "", "Nothing"
    PARSE = "parse", "Read and cut the text anew"
    EMBED = "embed", "Also make every vector anew"


class Source(models.Model):
    """Where knowledge comes from: a text, an uploaded file, a URL, or an external nyxCore base.

    Which bots answer from it is its dataset's affair. `bot_profile` is the bot of a private dataset; in a shared one it
    is None, or the linked bot whose key and account its embedding is put down to.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # A private source goes with its bot by way of the dataset; a shared one stays.
    bot_profile = models.ForeignKey(
        BotProfile,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="sources",
        verbose_name="bot",
    )
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="sources")
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="children"
    )
    external_id = models.CharField(
        max_length=255, blank=True, default="", help_text="The integrator's own id."
    )
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=1000, blank=True, default="")
    source_type = models.CharField(max_length=10, choices=SourceType)
    config = models.JSONField(default=dict, blank=True)
    content = models.TextField(null=True, blank=True, help_text="The text of a text source.")
    is_active = models.BooleanField(default=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    refresh_schedule = models.CharField(
        max_length=10, choices=RefreshSchedule, null=True, blank=True
    )

    status = models.CharField(max_length=10, choices=SourceStatus, default=SourceStatus.PENDING)
    error_message = models.CharField(max_length=2000, null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True, default="")
    document_count = models.PositiveIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(default=0)
    failed_searches = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text="Of an external source, since its last connection check.",
    )
    stored_bytes = models.BigIntegerField(
        default=0, editable=False, help_text="See knowledge.storage."
    )
    language = models.CharField(
        max_length=8, blank=True, default="", help_text="Found at ingestion."
    )
    last_refreshed_at = models.DateTimeField(null=True, blank=True)
    next_refresh_at = models.DateTimeField(null=True, blank=True, editable=False)

    queued_at = models.DateTimeField(null=True, blank=True, editable=False)
    claim_id = models.UUIDField(null=True, blank=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    cancel_requested = models.BooleanField(default=False, editable=False)
    progress_stage = models.CharField(max_length=20, blank=True, default="", editable=False)
    progress_done = models.PositiveIntegerField(default=0, editable=False)
    progress_total = models.PositiveIntegerField(default=0, editable=False)

    etag = models.CharField(max_length=255, blank=True, default="", editable=False)
    last_modified = models.CharField(max_length=64, blank=True, default="", editable=False)
    content_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    redo = models.CharField(
        max_length=5, choices=Redo, blank=True, default=Redo.NOTHING, editable=False
    )

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["bot_profile", "is_active"], name="source_by_bot"),
            models.Index(fields=["status", "heartbeat_at"], name="source_by_status"),
        ]
        constraints = [
            models.CheckConstraint(
                name="source_is_not_its_own_parent", condition=~Q(parent=models.F("id"))
            ),
            models.UniqueConstraint(
                fields=["dataset", "external_id"],
                condition=~Q(external_id=""),
                name="source_by_external_id",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def progress(self) -> dict[str, Any]:
        return {
            "stage": self.progress_stage,
            "done": self.progress_done,
            "total": self.progress_total,
        }


class SourceFile(models.Model):
    """The bytes of an uploaded file, kept in the tenant's schema: web and worker processes share no disk."""

    source = models.OneToOneField(
        Source, on_delete=models.CASCADE, primary_key=True, related_name="file"
    )
    name = models.CharField(max_length=255)
    kind = models.CharField(max_length=10)
    data = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.name

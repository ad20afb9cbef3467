"""Where knowledge comes from."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from bots.models import BotProfile
from knowledge.models.datasets import Dataset
from knowledge.models.floors import RefusalFloors
from knowledge.models.source_queries import SourceQuerySet
from knowledge.models.standing import LEAST_WEIGHT, MOST_WEIGHT, Standing
from knowledge.models.states import (
    SEALED,
    SECRET_OF,
    SYNCED,
    Redo,
    SourceStatus,
    SourceType,
    servers_own,
)
from knowledge.sources.schedule import (
    LONGEST_SCHEDULE,
    next_attempt,
    next_refresh,
)
from minirag.lib.jobs.job import MAX_ATTEMPTS, Job
from minirag.lib.telling.shown import show_name
from tenants.context import TenantRow, require_tenant
from tenants.due import DueKind, make_due


class Source(TenantRow, Standing, Job):
    """Where knowledge comes from: a text, an uploaded file, a URL, or an external nyxCore base.

    Which bots answer from it is its dataset's affair. `bot_profile` is the bot of a private dataset; in a shared one it
    is None, or the linked bot whose key and account its embedding is put down to.
    """

    WAITING = {"status": SourceStatus.PENDING, "next_refresh_at": None}
    RUNNING = {
        "status": SourceStatus.PROCESSING, "error_message": None, "error_code": "",
        "progress_stage": "loading", "progress_done": 0, "progress_total": 0,
    }  # fmt: skip
    DONE = {
        "status": SourceStatus.READY, "error_message": None, "error_code": "", "times_gone": 0, "redo": Redo.NOTHING,
        "progress_stage": "", "progress_done": 0, "progress_total": 0,
    }  # fmt: skip
    FAILED = {"status": SourceStatus.ERROR, "progress_stage": ""}
    HEAVY = ("content",)
    NEEDS = ("bot_profile", "dataset__bot_profile")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # A private source goes with its bot by way of the dataset; a shared one stays.
    bot_profile = models.ForeignKey(
        BotProfile,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="sources",
        verbose_name="bot",
        db_index=False,  # source_by_bot leads with it
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
        max_length=LONGEST_SCHEDULE,
        null=True,
        blank=True,
        help_text="See knowledge.sources.schedule.",
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
    corrected_bytes = models.BigIntegerField(
        default=0, db_default=0, editable=False, help_text="What of them people have written."
    )
    language = models.CharField(
        max_length=8, blank=True, default="", help_text="Found at ingestion."
    )
    last_refreshed_at = models.DateTimeField(null=True, blank=True)
    next_refresh_at = models.DateTimeField(null=True, blank=True, editable=False)

    progress_stage = models.CharField(max_length=20, blank=True, default="", editable=False)
    progress_done = models.PositiveIntegerField(default=0, editable=False)
    progress_total = models.PositiveIntegerField(default=0, editable=False)

    times_gone = models.PositiveSmallIntegerField(
        default=0,
        editable=False,
        help_text="How often in a row its address answered that there is nothing.",
    )
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
                name="source_is_not_its_own_parent", condition=~Q(parent=F("id"))
            ),
            models.CheckConstraint(
                name="source_weight_range", condition=Q(weight__range=(LEAST_WEIGHT, MOST_WEIGHT))
            ),
            models.UniqueConstraint(
                fields=["dataset", "external_id"],
                condition=~Q(external_id=""),
                name="source_by_external_id",
            ),
        ]

    def __str__(self) -> str:
        return show_name(self.name, self.pk)

    children_count = 0  # of a row that is shown without a summary of its children

    @property
    def shared_dataset_id(self) -> uuid.UUID | None:
        return self.dataset_id if self.dataset.is_shared else None

    @property
    def shown_config(self) -> dict[str, Any]:
        """The config as clients see it: of its secret only that there is one."""
        secret = SECRET_OF.get(self.source_type)
        if secret is None:
            return self.config
        own = servers_own(secret)
        shown = {name: value for name, value in self.config.items() if name not in own}
        return {**shown, f"has_{secret}": True} if self.config.get(SEALED) else shown

    @property
    def progress(self) -> dict[str, Any]:
        done, total = self.progress_done, self.progress_total
        return {"stage": self.progress_stage, "done": done, "total": total}

    @classmethod
    def is_free(cls, now: datetime) -> Q:
        return super().is_free(now) & Q(deleted_at__isnull=True)

    @classmethod
    def remind(cls, at: datetime) -> None:
        make_due({DueKind.INGESTION: at})

    def become(self, source_type: str) -> None:
        """Be of another type from now on, as one may that was deleted. A secret of the old type's is forgotten."""
        self.source_type = source_type
        self.config = {name: value for name, value in self.config.items() if name != SEALED}

    def report(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Show progress, which is a sign of life as well. Raises ClaimLost."""
        self.beat(progress_stage=stage, progress_done=done, progress_total=total)

    def finish(self, **facts: Any) -> None:
        now = timezone.now()
        again = next_refresh(self.refresh_schedule, now, require_tenant().time_zone)
        due = {DueKind.CALIBRATION: RefusalFloors.objects.next_due(self.bot_profile_id, now)}
        make_due(due | ({DueKind.REFRESHES: again} if again else {}))
        super().finish(last_refreshed_at=now, next_refresh_at=again, **facts)

    def fail(self, code: str, reason: str, *, retryable: bool = False, **facts: Any) -> None:
        again = next_attempt(
            self.refresh_schedule, timezone.now(), failures=self.attempts + 1, retryable=retryable,
            zone=require_tenant().time_zone, pauses=self.source_type in SYNCED,
        )  # fmt: skip
        if again:
            make_due({DueKind.REFRESHES: again})
        super().fail(code, reason, **{"next_refresh_at": again, "times_gone": 0, **facts})

    def plan_refresh(self, schedule: str | None) -> list[str]:
        """Give it a schedule, or none, from now on; one in error keeps to its backoff.

        The caller saves the columns that this returns.
        """
        self.refresh_schedule, zone = schedule, require_tenant().time_zone
        if self.status == SourceStatus.ERROR:
            failures = max(self.attempts, 1)
            self.next_refresh_at = next_attempt(
                schedule, timezone.now(), failures=failures, retryable=False, zone=zone
            )
        else:
            last = self.last_refreshed_at
            self.next_refresh_at = next_refresh(schedule, last, zone) if last else None
        return ["refresh_schedule", "next_refresh_at"]

    def lose_document(self, *, documents: int, chunks: int, stored_bytes: int) -> None:
        """Go on with what is left. A worker that has it gives up; its schedule reads it again, or who asks for it.

        Without any document left it is pending.
        """
        now = timezone.now()
        again = next_refresh(self.refresh_schedule, now, require_tenant().time_zone)
        if again:
            make_due({DueKind.REFRESHES: again})
        left: Any = Value(SourceStatus.PENDING)
        if documents:
            left = Case(
                When(status=SourceStatus.PROCESSING, then=Value(SourceStatus.READY)),
                default="status",
            )
        self._rows().update(
            status=left, document_count=documents, chunk_count=chunks, stored_bytes=stored_bytes, content_hash="",
            etag="", last_modified="", next_refresh_at=again, queued_at=None, claim_id=None, heartbeat_at=None,
            progress_stage="", updated_at=now,
        )  # fmt: skip

    def interrupted_reason(self) -> str:
        return f"The ingestion was interrupted {MAX_ATTEMPTS} times. The source may be too large to be read here."


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

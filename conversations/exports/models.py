"""The models of exports; `conversations.models` imports them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from django.utils.translation import gettext

from minirag.lib.jobs.job import MAX_ATTEMPTS, RESEND_AFTER, Job, JobQuerySet
from tenants.due import DueKind, make_due


class ExportType(models.TextChoices):
    CHATS = "chats", "Chats"
    MESSAGES = "messages", "Messages"
    CHAT_LOGS = "chat_logs", "Chat logs"
    USAGE = "usage", "Usage"


class ExportFormat(models.TextChoices):
    JSONL = "jsonl", "JSON lines"
    CSV = "csv", "CSV"


MEDIA_TYPES = {
    ExportFormat.JSONL: "application/x-ndjson",
    ExportFormat.CSV: "text/csv; charset=utf-8",
}


class ExportStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"


class ExportJobQuerySet(JobQuerySet["ExportJob"]):
    def open(self) -> ExportJobQuerySet:
        """Return those that wait or run."""
        return self.filter(status__in=(ExportStatus.PENDING, ExportStatus.RUNNING))

    def drop_file(self) -> int:
        """Say that the parts are gone; the rows stay."""
        return self.update(part_count=0)

    def lose_file(self) -> int:
        """Fail because parts of the file are gone; a retry writes it again."""
        reason = "A part of the file is lost. Retry the export."
        return self.filter(status=ExportStatus.SUCCEEDED).update(
            status=ExportStatus.FAILED,
            error_code="file_lost",
            error_message=reason,
            updated_at=timezone.now(),
        )

    def waiting(self) -> ExportJobQuerySet:
        return self.filter(status=ExportStatus.PENDING)

    def order(self, **fields: Any) -> ExportJob:
        """Write down what to export; the caller tells a worker."""
        now = timezone.now()
        with transaction.atomic():
            job = self.create(**fields, queued_at=now)
            self.model.remind(now + RESEND_AFTER)
        return job

    def retry(self) -> int:
        """Start again those that have failed; returns how many. The caller removes their parts."""
        return self.filter(status=ExportStatus.FAILED)._begin()

    def begin_again(self) -> int:
        """The same for those that wait or run: what was written does not count any more."""
        return self.open()._begin(claim_id=None, heartbeat_at=None)

    def _begin(self, **facts: Any) -> int:
        return self.put_in_queue(
            error_code="", error_message="", rows_total=None, rows_done=0, size_bytes=0, part_count=0, position=None,
            attempts=0, started_at=None, finished_at=None, expires_at=None, **facts,
        )  # fmt: skip


class ExportJob(Job):
    """A file that a worker writes: how far it is, and which worker has it. Its bytes are in ExportPart."""

    WAITING = {"status": ExportStatus.PENDING}
    RUNNING = {"status": ExportStatus.RUNNING, "started_at": Coalesce("started_at", Now())}
    DONE = {"status": ExportStatus.SUCCEEDED}
    FAILED = {"status": ExportStatus.FAILED}

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    export_type = models.CharField(max_length=10, choices=ExportType)
    format = models.CharField(max_length=5, choices=ExportFormat, default=ExportFormat.JSONL)
    filters = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=10, choices=ExportStatus, default=ExportStatus.PENDING)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.CharField(max_length=500, blank=True, default="")
    rows_total = models.PositiveBigIntegerField(null=True, blank=True)
    rows_done = models.PositiveBigIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    part_count = models.PositiveIntegerField(default=0)
    # The last row that is in a part: (created_at, id). Another worker goes on after it.
    position = models.JSONField(null=True, blank=True, editable=False)
    user_id = models.UUIDField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = ExportJobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = "export"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="export_by_time"),
            models.Index(fields=["status", "heartbeat_at"], name="export_by_status"),
        ]

    def __str__(self) -> str:
        return gettext("%(what)s as %(format)s") % {
            "what": self.get_export_type_display(),
            "format": self.get_format_display(),
        }

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[ExportFormat(self.format)]

    @property
    def file_name(self) -> str:
        return f"{self.export_type}-{self.pk}.{self.format}"

    @classmethod
    def remind(cls, at: datetime) -> None:
        make_due({DueKind.EXPORTS: at})

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def finish(self, **facts: Any) -> None:
        super().finish(**facts, **self._keep())

    def fail(self, code: str, reason: str, **facts: Any) -> None:
        super().fail(code, reason, **facts, **self._keep())

    def _keep(self) -> dict[str, Any]:
        """Its file, or what there is of it, is kept for some days."""
        now = timezone.now()
        expires_at = now + timedelta(days=settings.EXPORT_RETENTION_DAYS)
        make_due({DueKind.OLD_EXPORTS: expires_at})
        return {"finished_at": now, "expires_at": expires_at}

    def interrupted_reason(self) -> str:
        return f"The export was interrupted {MAX_ATTEMPTS} times."


class ExportPart(models.Model):
    """A piece of an export's file, compressed: at most a megabyte, since web and worker share no disk."""

    job = models.ForeignKey(
        ExportJob,
        on_delete=models.CASCADE,
        related_name="parts",
        db_index=False,  # export_part_once leads with it
    )
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["job", "number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="export_part_once")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.number}"

"""Changing a dataset's embedding model: a job, one row for each dataset that ever did."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from knowledge.models.datasets import Dataset
from minirag.lib.jobs.job import MAX_ATTEMPTS, Job, JobQuerySet
from minirag.lib.telling.kept_sentences import retell
from minirag.lib.telling.shown import show_number
from tenants.due import DueKind, make_due

PAUSE = timedelta(seconds=900)
"""How long a dataset is left alone after its new model failed."""


class ReembeddingStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class ReembeddingQuerySet(JobQuerySet["Reembedding"]):
    def order(self, dataset_id: uuid.UUID, model: str) -> uuid.UUID | None:
        """Have a dataset embedded by `model`; returns the row whose message the caller sends.

        None where it waits or runs already, and shortly after that same model failed.
        """
        row, _ = self.get_or_create(dataset_id=dataset_id, defaults={"embedding_model": model})
        paused = Q(embedding_model=model, next_attempt_at__gt=timezone.now())
        free = self.filter(pk=row.pk, claim_id__isnull=True, queued_at__isnull=True)
        facts: dict[str, Any] = {"error_code": "", "error_message": "", "next_attempt_at": None}
        ordered = free.exclude(paused).put_in_queue(embedding_model=model, attempts=0, **facts)
        return row.pk if ordered else None

    def busy(self) -> ReembeddingQuerySet:
        """Return those that wait for a worker, or that one has in hand."""
        return self.filter(Q(queued_at__isnull=False) | Q(claim_id__isnull=False))


class Reembedding(Job):
    """How far a dataset's new vectors are, and who makes them. The vectors themselves are NextVectors."""

    WAITING = {"status": ReembeddingStatus.PENDING}
    RUNNING = {"status": ReembeddingStatus.RUNNING}
    DONE = {"status": ReembeddingStatus.DONE}
    FAILED = {"status": ReembeddingStatus.FAILED}

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.OneToOneField(Dataset, on_delete=models.CASCADE, related_name="reembedding")
    embedding_model = models.CharField(max_length=100, help_text="The new one.")
    status = models.CharField(
        max_length=10, choices=ReembeddingStatus, default=ReembeddingStatus.PENDING
    )
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.CharField(max_length=500, blank=True, default="")
    chunks_done = models.PositiveIntegerField(default=0)
    chunks_total = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ReembeddingQuerySet.as_manager()

    def __str__(self) -> str:
        said = {
            "model": self.embedding_model,
            "done": show_number(self.chunks_done), "total": show_number(self.chunks_total),
            "reason": retell(self.error_message), "code": self.error_code, "state": self.get_status_display(),
        }  # fmt: skip
        if self.status == ReembeddingStatus.RUNNING:
            return gettext("%(model)s: %(done)s of %(total)s chunks") % said
        if self.status != ReembeddingStatus.FAILED:
            return f"{self.embedding_model}: {said['state']}"
        told = gettext("%(model)s: failed. %(reason)s (%(code)s)") % said
        if self.next_attempt_at is None:
            return told
        again = gettext("Tried again at %(time)s UTC.") % {"time": f"{self.next_attempt_at:%H:%M}"}
        return f"{told} {again}"

    @classmethod
    def remind(cls, at: datetime) -> None:
        make_due({DueKind.REEMBEDDING: at})

    def fail(self, code: str, reason: str, **facts: Any) -> None:
        """End badly; the old vectors go on answering, and the pause keeps a wrong key from being tried every minute."""
        again = timezone.now() + PAUSE
        self.remind(again)
        super().fail(code, reason, **{"next_attempt_at": again, **facts})

    def interrupted_reason(self) -> str:
        return f"The re-embedding was interrupted {MAX_ATTEMPTS} times."

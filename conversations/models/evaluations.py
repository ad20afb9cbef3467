"""Evaluation runs: one measuring of a bot by its golden questions, with what each question came to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from django.utils.translation import gettext

from bots.models import BotProfile, Outcome
from conversations.models.golden import GoldenQuestion
from conversations.models.messages import tell_refusal
from minirag.lib.jobs.job import MAX_ATTEMPTS, RESEND_AFTER, Job, JobQuerySet
from tenants.due import DueKind, make_due

LONGEST_ANSWER: Final = 20_000


class RunStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


_OPEN: Final = (RunStatus.PENDING, RunStatus.RUNNING)
_BROKEN_OFF: Final = (RunStatus.FAILED, RunStatus.CANCELLED)


class EvaluationRunQuerySet(JobQuerySet["EvaluationRun"]):
    def waiting(self) -> EvaluationRunQuerySet:
        return self.filter(status=RunStatus.PENDING)

    def open(self) -> EvaluationRunQuerySet:
        """Return those that wait or run."""
        return self.filter(status__in=_OPEN)

    def succeeded(self) -> EvaluationRunQuerySet:
        return self.filter(status=RunStatus.SUCCEEDED)

    def order(self, **fields: Any) -> EvaluationRun:
        """Write down what to measure; the caller tells a worker."""
        now = timezone.now()
        with transaction.atomic():
            run = self.create(**fields, queued_at=now)
            self.model.remind(now + RESEND_AFTER)
        return run

    def stop(self) -> int:
        """Cancel those that wait or run; what was measured of them stays. Returns how many."""
        now = timezone.now()
        return self.open().cancel(status=RunStatus.CANCELLED, finished_at=now)

    def retry(self) -> int:
        """Go on with those that failed or were cancelled, behind what they have; returns how many."""
        over = self.filter(status__in=_BROKEN_OFF)
        return over.put_in_queue(error_code="", error_message="", attempts=0, finished_at=None)


class EvaluationRun(Job):
    """One measuring of a bot. `configuration` is what it answered by, whatever the bot is set to since."""

    WAITING: ClassVar[Mapping[str, Any]] = {"status": RunStatus.PENDING}
    RUNNING: ClassVar[Mapping[str, Any]] = {
        "status": RunStatus.RUNNING,
        "started_at": Coalesce("started_at", Now()),
    }
    DONE: ClassVar[Mapping[str, Any]] = {"status": RunStatus.SUCCEEDED, "finished_at": Now()}
    FAILED: ClassVar[Mapping[str, Any]] = {"status": RunStatus.FAILED, "finished_at": Now()}

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot_profile = models.ForeignKey(
        BotProfile,
        on_delete=models.CASCADE,
        related_name="evaluation_runs",
        verbose_name="bot",
        db_index=False,  # evaluation_run_by_bot leads with it
    )
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.PENDING)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.CharField(max_length=500, blank=True, default="")
    is_draft = models.BooleanField(
        default=False, help_text="Of the bot's draft instead of what is published."
    )
    tag = models.CharField(
        max_length=50, blank=True, default="", help_text="Only questions with this tag."
    )
    judge_model = models.CharField(
        max_length=100, blank=True, default="", help_text="A chat model that judges answers. Empty: nobody."
    )  # fmt: skip
    configuration = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    configuration_hash = models.CharField(max_length=16, blank=True, default="")
    surroundings = models.JSONField(
        default=dict, help_text="Guardrails, embedding model, index and version at its start."
    )
    figures = models.JSONField(default=dict)
    questions_total = models.PositiveIntegerField(default=0)
    questions_done = models.PositiveIntegerField(default=0)
    made_by = models.CharField(max_length=320, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = EvaluationRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["bot_profile", "-created_at", "-id"], name="evaluation_run_by_bot"
            ),
            models.Index(fields=["status", "heartbeat_at"], name="evaluation_run_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M} {gettext('draft') if self.is_draft else gettext('published')}"

    @classmethod
    def remind(cls, at: datetime) -> None:
        make_due({DueKind.EVALUATIONS: at})

    def interrupted_reason(self) -> str:
        return f"The run was interrupted {MAX_ATTEMPTS} times."

    @property
    def is_over(self) -> bool:
        return self.status not in _OPEN

    @property
    def can_go_on(self) -> bool:
        return self.status in _BROKEN_OFF


class EvaluationResult(models.Model):
    """What one golden question came to in one run. The question's words are kept, for it may change or go."""

    run = models.ForeignKey(
        EvaluationRun,
        on_delete=models.CASCADE,
        related_name="results",
        db_index=False,  # evaluation_result_once leads with it
    )
    golden_question = models.ForeignKey(
        GoldenQuestion, on_delete=models.SET_NULL, null=True, related_name="results"
    )
    name_hash = models.CharField(max_length=32)
    question = models.TextField()
    answer = models.TextField(blank=True, default="")
    outcome = models.CharField(max_length=10, choices=Outcome)
    error_code = models.CharField(max_length=64, blank=True, default="")
    refusal_reason = models.CharField(max_length=64, blank=True, default="")
    is_right = models.BooleanField()
    measures = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "name_hash"], name="evaluation_result_once")
        ]

    def __str__(self) -> str:
        return f"{'right' if self.is_right else 'wrong'}: {self.question[:80]}"

    @property
    def told_refusal(self) -> str:
        return tell_refusal(self.refusal_reason)

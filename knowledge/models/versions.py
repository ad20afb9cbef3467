"""What a document said before, kept for a time; and what people wrote in place of what it says."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from knowledge.models.documents import ContentOrigin, Document
from minirag.lib.jobs.job import MAX_ATTEMPTS, Job, JobQuerySet
from tenants.due import DueKind, make_due

PAUSE: Final = timedelta(seconds=300)
"""How long an edit that could not be put in waits until it is tried again."""
_FORGET_BEYOND = """
DELETE FROM knowledge_documentversion AS v USING knowledge_document AS d
 WHERE v.document_id = d.id AND d.id = ANY(%s) AND v.number <= d.content_version - 1 - %s"""


class DocumentVersionQuerySet(models.QuerySet["DocumentVersion"]):
    def forget_beyond(self, document_ids: list[uuid.UUID]) -> None:
        """Keep of each document only as many of the newest as the installation does."""
        with connection.cursor() as cursor:
            cursor.execute(_FORGET_BEYOND, [document_ids, settings.VERSIONS_KEPT])


class DocumentVersion(models.Model):
    """A document's text before the present one, with what it was called then.

    It is packed chunks rather than a file: brought back they have the ids that they had, and all that hangs on them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    document = models.ForeignKey(
        Document,
        on_delete=models.CASCADE,
        related_name="versions",
        db_index=False,  # one_version_of_a_number leads with it
    )
    number = models.PositiveIntegerField()
    content_from = models.CharField(
        "came from", max_length=10, choices=ContentOrigin, default=ContentOrigin.INGESTION
    )
    content_by = models.CharField("by", max_length=320, blank=True, default="")
    content_at = models.DateTimeField("answered from")
    replaced_at = models.DateTimeField("answered until", db_index=True)
    title = models.CharField(max_length=500, blank=True)
    url = models.CharField("address", max_length=2048, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    language = models.CharField(max_length=8, blank=True)
    content_hash = models.CharField(max_length=64)
    char_count = models.PositiveIntegerField("characters", default=0)
    chunk_count = models.PositiveIntegerField("chunks", default=0)
    body = models.BinaryField(editable=False, help_text="Its chunks, packed.")

    objects = DocumentVersionQuerySet.as_manager()

    class Meta:
        ordering = ["document", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="one_version_of_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.title or self.document_id}, " + gettext("version %(number)s") % {
            "number": self.number
        }


class EditStatus(models.TextChoices):
    PENDING = "pending", "Waits to be put in"
    RUNNING = "running", "Is being put in"
    APPLIED = "applied", "Answers"
    FAILED = "failed", "Could not be put in"


class DocumentEditQuerySet(JobQuerySet["DocumentEdit"]):
    def in_conflict(self) -> DocumentEditQuerySet:
        return self.filter(conflict_since__isnull=False)

    def busy(self) -> DocumentEditQuerySet:
        """Return those that wait for a worker, or that one has in hand."""
        return self.filter(Q(queued_at__isnull=False) | Q(claim_id__isnull=False))

    def order(self, document_id: uuid.UUID, **wanted: Any) -> None:
        """Have a worker put in what is wanted; one that is at the former wish loses its claim."""
        facts: dict[str, Any] = {
            "attempts": 0, "error_code": "", "error_message": "", "next_attempt_at": None,
            "claim_id": None, "heartbeat_at": None,
        }  # fmt: skip
        self.filter(pk=document_id).put_in_queue(**facts, **wanted)

    def try_again(self, now: datetime) -> list[uuid.UUID]:
        """Queue those whose pause is over; returns them."""
        due = self.filter(next_attempt_at__lte=now, queued_at__isnull=True, claim_id__isnull=True)
        found = list(due.values_list("pk", flat=True)[:500])
        return [pk for pk in found if due.filter(pk=pk).put_in_queue(next_attempt_at=None)]

    def next_try(self) -> datetime | None:
        first: datetime | None = self.aggregate(first=models.Min("next_attempt_at"))["first"]
        return first


class DocumentEdit(Job):
    """A text that stands in for what a document's source says.

    `mine` is the wish, `theirs` the source's newest text, both packed. The hashes are of the words alone: `base_hash`
    of the source's text that the edit was made, or decided, against. It is in conflict while the source says another.
    """

    WAITING = {"status": EditStatus.PENDING}
    RUNNING = {"status": EditStatus.RUNNING}
    DONE = {"status": EditStatus.APPLIED}
    FAILED = {"status": EditStatus.FAILED}
    HEAVY = ("mine", "theirs")

    document = models.OneToOneField(
        Document, on_delete=models.CASCADE, primary_key=True, related_name="edit"
    )
    kind = models.CharField(max_length=10, choices=ContentOrigin, default=ContentOrigin.EDIT)
    status = models.CharField(max_length=10, choices=EditStatus, default=EditStatus.PENDING)
    is_in_force = models.BooleanField(default=False, editable=False)
    """Whether the document says what a person wrote: this text, or the one before it that waits to be replaced."""
    mine = models.BinaryField(editable=False)
    mine_hash = models.CharField(max_length=64, editable=False)
    mine_language = models.CharField(max_length=8, blank=True, default="", editable=False)
    mine_bytes = models.BigIntegerField(default=0, editable=False)
    theirs = models.BinaryField(editable=False)
    theirs_hash = models.CharField(max_length=64, blank=True, editable=False)
    theirs_language = models.CharField(max_length=8, blank=True, default="", editable=False)
    base_hash = models.CharField(max_length=64, blank=True, editable=False)
    is_gone = models.BooleanField(
        default=False, help_text="The source does not have this document any more."
    )
    conflict_since = models.DateTimeField(null=True, blank=True, db_index=True)
    author = models.CharField("by", max_length=320, blank=True, default="")
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.CharField(max_length=500, blank=True, default="")
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    edited_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DocumentEditQuerySet.as_manager()

    class Meta:
        ordering = ["-edited_at"]

    def __str__(self) -> str:
        return str(self.document_id)

    @classmethod
    def remind(cls, at: datetime) -> None:
        make_due({DueKind.EDITS: at})

    @property
    def is_undone(self) -> bool:
        """Whether the source's text is to answer again."""
        return self.kind == ContentOrigin.UNDO

    def meet(self, theirs_hash: str, *, is_gone: bool, **theirs: Any) -> bool:
        """Take note of what the source says now; returns whether that is a conflict that there was not before.

        A source that says what it said when the edit was made, or what the edit says, is at odds with nobody.
        """
        said = "" if is_gone else theirs_hash
        agrees = said in (self.base_hash, self.mine_hash)
        base = said if said == self.mine_hash else self.base_hash
        since = None if agrees else self.conflict_since or timezone.now()
        is_new = since is not None and self.conflict_since is None
        self.is_gone, self.theirs_hash, self.base_hash, self.conflict_since = (
            is_gone,
            said,
            base,
            since,
        )
        for name, value in theirs.items():
            setattr(self, name, value)
        self.save(
            update_fields=[
                "is_gone",
                "theirs_hash",
                "base_hash",
                "conflict_since",
                *theirs,
                "updated_at",
            ]
        )
        return is_new

    def keep_mine(self) -> None:
        """Decide a conflict: what the source says now is known, and the edit stands."""
        self.base_hash, self.conflict_since = self.theirs_hash, None
        self.save(update_fields=["base_hash", "conflict_since", "updated_at"])

    def apply(self) -> None:
        """End well: what was wanted answers. Raises ClaimLost."""
        self.finish(is_in_force=True)

    def dissolve(self) -> bool:
        """End, with the source's text answering again; False where another worker has it, or the wish is another."""
        return bool(self._held()._raw_delete("default"))

    def fail(self, code: str, reason: str, *, retryable: bool = False, **facts: Any) -> None:
        """End badly: what answered before goes on answering."""
        again = timezone.now() + PAUSE if retryable and self.attempts < 10 else None
        if again:
            self.remind(again)
        super().fail(code, reason, **{"next_attempt_at": again, **facts})

    def interrupted_reason(self) -> str:
        return f"Putting the text in was interrupted {MAX_ATTEMPTS} times. It may be too large."

"""What is kept of tenants on the move: exports, imports, copies and erasures by workers, and receipts of erasures."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

import structlog
from django.db import models, transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from minirag.lib.files.choosing import kept_files
from minirag.lib.files.keeping import FilesFailed
from minirag.lib.jobs.job import ClaimLost, Job, JobQuerySet
from minirag.lib.security.crypto import decrypt, encrypt, rotate

logger = structlog.get_logger(__name__)

KEPT_FOR = timedelta(days=7)


class TransferKind(models.TextChoices):
    EXPORT = "export", _("Export")
    IMPORT = "import", _("Import")
    CLONE = "clone", _("Copy")
    ERASURE = "erasure", _("Erasure")


class TransferStatus(models.TextChoices):
    PENDING = "pending", _("Pending")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


OVER = (TransferStatus.SUCCEEDED, TransferStatus.FAILED, TransferStatus.CANCELLED)


class TransferQuerySet(JobQuerySet["TenantTransfer"]):
    def order(self, *, passphrase: str = "", **fields: Any) -> TenantTransfer:
        """Write down what is to be done; the caller tells a worker."""
        job = TenantTransfer(**fields, queued_at=timezone.now())
        job.keep_passphrase(passphrase)
        job.save(force_insert=True)
        return job

    def over(self) -> TransferQuerySet:
        """Those whose file is kept no longer."""
        return self.filter(expires_at__lte=timezone.now(), file_size__gt=0)


class TenantTransfer(Job):
    """A tenant's way out into a file, in from one, to a copy, or to its end: how far, and which worker has it."""

    WAITING: ClassVar[Mapping[str, Any]] = {"status": TransferStatus.PENDING}
    RUNNING: ClassVar[Mapping[str, Any]] = {
        "status": TransferStatus.RUNNING,
        "started_at": Coalesce("started_at", Now()),
    }
    DONE: ClassVar[Mapping[str, Any]] = {
        "status": TransferStatus.SUCCEEDED, "sealed_passphrase": "", "finished_at": Now(),
    }  # fmt: skip
    FAILED: ClassVar[Mapping[str, Any]] = {
        "status": TransferStatus.FAILED, "sealed_passphrase": "", "finished_at": Now(),
    }  # fmt: skip
    TAKES_LONG = False  # it is the platform's, and in no tenant's share

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=TransferKind)
    slug = models.CharField(max_length=100, help_text="The tenant that goes, or that is made.")
    source = models.CharField(
        max_length=100, blank=True, default="", help_text="What is copied, or the file's name."
    )
    options = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=10, choices=TransferStatus, default=TransferStatus.PENDING)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.CharField(max_length=500, blank=True, default="")
    steps_done = models.PositiveIntegerField(default=0)
    steps_total = models.PositiveIntegerField(default=0)
    step = models.CharField(max_length=100, blank=True, default="")
    file_size = models.PositiveBigIntegerField(default=0)
    notes = models.JSONField(default=list, blank=True)
    asked_by = models.CharField(max_length=320, blank=True, default="")
    sealed_passphrase = models.TextField(blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    is_lost = False  # of a worker's own: what it holds was cancelled, or is another's

    objects: ClassVar[TransferQuerySet] = TransferQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        app_label = "tenants"
        ordering = ["-created_at"]
        verbose_name = "transfer"

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.slug}"

    @property
    def file_name(self) -> str:
        """Of its file among those that are kept: what an export has written, or an import was given."""
        return f"transfers/{self.pk}.zip"

    @property
    def has_file(self) -> bool:
        """Whether there is a file to download."""
        is_kept = self.expires_at is None or self.expires_at > timezone.now()
        return (
            self.kind == TransferKind.EXPORT
            and self.status == TransferStatus.SUCCEEDED
            and bool(self.file_size)
            and is_kept
        )

    @property
    def receipt_id(self) -> uuid.UUID | None:
        """The receipt of an erasure that is done."""
        found = self.options.get("receipt")
        return uuid.UUID(found) if found else None

    def remember(self, **facts: Any) -> None:
        """Keep facts for whoever goes on after this worker has died. Raises ClaimLost."""
        self.options = {**self.options, **facts}
        self.beat(options=self.options)

    def keep_passphrase(self, passphrase: str) -> None:
        """Keep it until the worker has done its work; the caller saves."""
        self.sealed_passphrase = encrypt(passphrase, context=self._context()) if passphrase else ""

    def reveal_passphrase(self) -> str | None:
        """Raises DecryptionFailed."""
        sealed = self.sealed_passphrase
        return decrypt(sealed, context=self._context()) if sealed else None

    def reseal(self) -> dict[str, str]:
        """Return the column if its secret is not under the first key, resealed. Raises DecryptionFailed."""
        sealed = rotate(self.sealed_passphrase, self._context())
        return {} if sealed == self.sealed_passphrase else {"sealed_passphrase": sealed}

    def tell(self, done: int, total: int, what: str) -> None:
        """How far it is; written down with the next sign of life. Raises ClaimLost if the last one was in vain."""
        if self.is_lost:
            raise ClaimLost
        self.steps_done, self.steps_total, self.step = done, total, what

    def beat(self, **progress: Any) -> None:
        told = {"steps_done": self.steps_done, "steps_total": self.steps_total, "step": self.step}
        try:
            super().beat(**told, **progress)
        except ClaimLost:
            self.is_lost = True
            raise

    def end(self, *, notes: list[str], file_size: int = 0, **facts: Any) -> None:
        """End well; a file is kept for KEPT_FOR. Raises ClaimLost."""
        kept: datetime | None = timezone.now() + KEPT_FOR if file_size else None
        facts |= {"steps_done": self.steps_total, "steps_total": self.steps_total, "step": ""}
        self.finish(notes=notes, file_size=file_size, expires_at=kept, **facts)

    def cancel(self) -> bool:
        """End it before it has ended; its worker finds out at its next sign of life. Returns whether there was time.

        What is written until then is undone: an import and a copy end in one transaction, in which the row is asked.
        """
        open_ones = TenantTransfer.objects.filter(pk=self.pk).exclude(status__in=OVER)
        # Where nobody comes to remove its file now, the clock does.
        facts = {
            "status": TransferStatus.CANCELLED, "sealed_passphrase": "", "finished_at": Now(), "expires_at": Now(),
        }  # fmt: skip
        return bool(open_ones.cancel(**facts))

    def drop_file(self) -> None:
        """Remove its file; the row stays. Raises FilesFailed."""
        with transaction.atomic():
            TenantTransfer.objects.filter(pk=self.pk).update(file_size=0)
            kept_files().remove(self.file_name)

    def drop_file_in_time(self) -> None:
        """Remove its file now, or have the clock do it where that cannot be now."""
        try:
            self.drop_file()
        except FilesFailed as error:
            logger.warning(
                "a file cannot be removed yet", transfer_id=str(self.pk), reason=error.detail
            )
            TenantTransfer.objects.filter(pk=self.pk).update(expires_at=Now())

    def _context(self) -> str:
        return f"transfer:{self.pk}/passphrase"


class ErasureReceipt(models.Model):
    """What the platform keeps of an erased tenant: the signed receipt, which names nobody."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.CharField(max_length=100)
    receipt = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "tenants"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.slug

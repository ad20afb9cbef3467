"""Knowledge: where it comes from, its documents, their chunks, and the index that answers from them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from pgvector.django import HalfVectorField, SparseVectorField

from bots.models import BotProfile

LEXICAL_DIMENSIONS = 1_000_000_000  # of minirag.lib.text.analysis.term_id


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def shared(self) -> DatasetQuerySet:
        """Return the datasets that are nobody's own and not deleted."""
        return self.filter(bot_profile__isnull=True, deleted_at__isnull=True)

    def searched_by(self, bot_profile_id: uuid.UUID) -> DatasetQuerySet:
        """Return what a bot answers from now: its private dataset, and active shared ones by its active links."""
        links = BotDataset.objects.filter(bot_profile_id=bot_profile_id, is_active=True)
        shared = Q(pk__in=links.values("dataset_id"), is_active=True, deleted_at__isnull=True)
        return self.filter(Q(bot_profile_id=bot_profile_id) | shared)


class Dataset(models.Model):
    """A set of sources with one embedding model; every bot has a private one, others are shared by links."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=1000, blank=True, default="")
    tags = models.JSONField(default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
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


class BotDataset(models.Model):
    """A bot's link to a shared dataset: it answers from it while link and dataset are active."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot_profile = models.ForeignKey(
        BotProfile, models.CASCADE, related_name="dataset_links", verbose_name="bot"
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


class Document(models.Model):
    """One item of a source, as it was parsed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="documents")
    title = models.CharField(max_length=500, blank=True)
    url = models.CharField(max_length=2048, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    originals = models.JSONField(
        default=dict, blank=True, editable=False
    )  # of edited fields: what the source says
    language = models.CharField(max_length=8, blank=True)
    content_hash = models.CharField(max_length=64)
    char_count = models.PositiveIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["title", "id"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="document_newest_first")]

    def __str__(self) -> str:
        return self.title or str(self.pk)


class Chunk(models.Model):
    """One retrievable piece of a document. Its id is derived from source and content, so it survives re-ingestion."""

    id = models.UUIDField(primary_key=True, editable=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="chunks")
    ordinal = models.PositiveIntegerField()
    heading = models.CharField(max_length=1000, blank=True)
    content = models.TextField()
    page = models.PositiveIntegerField(null=True, blank=True)
    token_count = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["document", "ordinal"]
        indexes = [models.Index(fields=["source", "ordinal"], name="chunk_by_source")]

    def __str__(self) -> str:
        return f"{self.heading or self.document_id} #{self.ordinal}"


class IndexEntry(models.Model):
    """The narrow row that search scans: a chunk's two vectors, apart from its text (twice as fast as a wide table)."""

    chunk = models.OneToOneField(
        Chunk, on_delete=models.CASCADE, primary_key=True, related_name="index_entry"
    )
    source_id = models.UUIDField()
    dl = models.PositiveIntegerField(help_text="Length in terms, repeats counted.")
    dim = models.PositiveSmallIntegerField(default=0, help_text="Dimensions of emb; 0 without one.")
    emb = HalfVectorField(null=True)
    lex = SparseVectorField(dimensions=LEXICAL_DIMENSIONS)

    class Meta:
        db_table = "chunk_index"
        indexes = [models.Index(fields=["source_id"], name="chunk_index_by_source")]

    def __str__(self) -> str:
        return str(self.chunk_id)


class NextVector(models.Model):
    """A chunk's vector by the model that its dataset is changing to, kept beside the old one until all are made."""

    # Plain ids: chunks come and go meanwhile, and what has no chunk any more is dropped at the end.
    chunk_id = models.UUIDField(primary_key=True)
    dataset_id = models.UUIDField()
    embedding_model = models.CharField(max_length=100)
    emb = HalfVectorField()

    class Meta:
        indexes = [models.Index(fields=["dataset_id"], name="next_vector_by_dataset")]

    def __str__(self) -> str:
        return str(self.chunk_id)


class LexiconTerm(models.Model):
    """In how many chunks of the tenant a term occurs."""

    term = models.IntegerField(primary_key=True)
    df = models.IntegerField()

    class Meta:
        db_table = "lex_df"

    def __str__(self) -> str:
        return f"{self.term}: {self.df}"


class LexiconTotals(models.Model):
    """The tenant's number of chunks and their total length: one row, made by the first ingestion."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    n = models.BigIntegerField(default=0)
    total_dl = models.BigIntegerField(default=0)
    baked_avgdl = models.FloatField(
        default=0, help_text="The mean length that the stored weights were made with."
    )

    class Meta:
        db_table = "lex_stats"

    def __str__(self) -> str:
        return f"{self.n} chunks"

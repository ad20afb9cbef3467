"""What a source holds: its documents, and the chunks that they were cut into."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from knowledge.formats.sections import LONGEST_PLACE
from knowledge.models.audience import Audience
from knowledge.models.datasets import LARGEST_METADATA
from knowledge.models.sources import Source
from minirag.lib.bounds import JsonOfAtMost
from minirag.lib.rows import QuickRow


class ContentOrigin(models.TextChoices):
    """What a document's text came to be by."""

    INGESTION = "ingestion", "Read from its source"
    EDIT = "edit", "Edited by hand"
    RESTORE = "restore", "An earlier version, brought back"
    UNDO = "undo", "The source's text, after an edit"


class RestrictedPartQuerySet(models.QuerySet["RestrictedPart"]):
    def readable_by(self, audience: Audience) -> RestrictedPartQuerySet:
        if audience.is_insider:
            return self
        if not audience.groups:
            return self.none()
        return self.filter(groups__has_any_keys=sorted(audience.groups))


class RestrictedPart(models.Model):
    """The documents of a source that say of themselves that they are for some groups alone; without any, for insiders.

    In the index their chunks stand under the part's id instead of the source's. A search names what it looks in, so one
    that names the source finds none of them: they are found only by who names the part, which `load_scope` does for
    those who may read it.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="restricted_parts")
    groups = models.JSONField(default=list)

    objects = RestrictedPartQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.source_id}: {', '.join(self.groups) or 'private'}"

    @classmethod
    def identify(cls, source_id: uuid.UUID, groups: Iterable[str]) -> uuid.UUID:
        return uuid.uuid5(source_id, f"restricted to {json.dumps(sorted(groups))}")


class DocumentQuerySet(models.QuerySet["Document"]):
    def readable_by(self, audience: Audience) -> DocumentQuerySet:
        """Return those whose own words leave this audience read them; of whom their sources are for is not asked."""
        if audience.is_insider:
            return self
        parts = RestrictedPart.objects.readable_by(audience).values("pk")
        return self.filter(Q(restricted_to__isnull=True) | Q(restricted_to__in=parts))


class Document(QuickRow, models.Model):
    """One item of a source, as it was parsed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="documents")
    title = models.CharField(max_length=500, blank=True)
    url = models.CharField("URL", max_length=2048, blank=True)
    metadata = models.JSONField(
        default=dict, blank=True, validators=[JsonOfAtMost(LARGEST_METADATA)]
    )
    originals = models.JSONField(
        default=dict, blank=True, editable=False
    )  # of edited fields: what the source says
    language = models.CharField(max_length=8, blank=True)
    content_hash = models.CharField(max_length=64)
    char_count = models.PositiveIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(default=0)
    restricted_to = models.ForeignKey(
        RestrictedPart, on_delete=models.RESTRICT, null=True, blank=True, editable=False, related_name="documents"
    )  # fmt: skip
    error_code = models.CharField(max_length=64, blank=True, default="", db_default="")
    error_message = models.CharField(
        max_length=500, blank=True, default="", db_default="", help_text="Why it could not be read."
    )
    content_version = models.PositiveIntegerField("version", default=1, db_default=1)
    content_from = models.CharField(
        "text", max_length=10, choices=ContentOrigin, default=ContentOrigin.INGESTION,
        db_default=ContentOrigin.INGESTION,
    )  # fmt: skip
    content_by = models.CharField(max_length=320, blank=True, default="", db_default="")
    content_changed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["title", "id"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="document_newest_first")]

    def __str__(self) -> str:
        return self.title or str(self.pk)

    @property
    def content_at(self) -> datetime:
        """Since when its text is what it is."""
        return self.content_changed_at or self.created_at

    @property
    def own_groups(self) -> list[str] | None:
        """Whom it says it is for: these groups, nobody but insiders where there are none; None for everybody."""
        return None if self.restricted_to is None else list(self.restricted_to.groups)

    @property
    def edited_fields(self) -> list[str]:
        """What a person has edited, which stays as it is when the source is ingested again."""
        edit = self.text_edit
        text = {"content"} if edit is not None and edit.kind != ContentOrigin.UNDO else set()
        return sorted(text | ({"metadata", "title", "url"} & set(self.originals)))

    @property
    def text_edit(self) -> Any:
        """What was written in place of its text (a `DocumentEdit`), if anything was."""
        return getattr(self, "edit", None)


class Chunk(QuickRow, models.Model):
    """One retrievable piece of a document. Its id is derived from source and content, so it survives re-ingestion."""

    id = models.UUIDField(primary_key=True, editable=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    source = models.ForeignKey(
        Source,
        on_delete=models.CASCADE,
        related_name="chunks",
        db_index=False,  # chunk_by_source leads with it
    )
    ordinal = models.PositiveIntegerField()
    heading = models.CharField(max_length=1000, blank=True)
    content = models.TextField()
    page = models.PositiveIntegerField(null=True, blank=True)
    place = models.CharField(max_length=LONGEST_PLACE, blank=True, default="", db_default="")
    token_count = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)
    is_pinned = models.BooleanField(
        "pinned",
        default=False,
        db_default=False,
        help_text="Wins over passages that contradict it.",
    )

    class Meta:
        ordering = ["document", "ordinal"]
        indexes = [models.Index(fields=["source", "ordinal"], name="chunk_by_source")]

    def __str__(self) -> str:
        return f"{self.heading or self.document_id} #{self.ordinal}"

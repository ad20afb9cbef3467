"""What a document said before: kept for a time, to be read, compared and brought back."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import connection, models

from knowledge.models.documents import ContentOrigin, Document

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
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
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
        return f"{self.title or self.document_id}, version {self.number}"

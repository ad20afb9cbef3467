"""What an ingestion has made and that is not in the index yet, so that whoever goes on makes none of it again."""

from __future__ import annotations

from django.db import models
from pgvector.django import HalfVectorField

from knowledge.models.sources import Source
from knowledge.models.states import Redo


class StagedText(models.Model):
    """The documents of a source as they were read and cut, of an ingestion that gave its process back."""

    source = models.OneToOneField(
        Source, on_delete=models.CASCADE, primary_key=True, related_name="staged_text"
    )
    embedding_model = models.CharField(max_length=100)
    remake = models.CharField(max_length=5, choices=Redo, blank=True, default=Redo.NOTHING)
    facts = models.JSONField(help_text="What the source is given with the swap.")
    body = models.BinaryField()
    staged_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"staged text of {self.source_id}"


class StagedVector(models.Model):
    """The vector of a chunk that is not in the index yet."""

    chunk_id = models.UUIDField(primary_key=True)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="staged_vectors")
    embedding_model = models.CharField(max_length=100)
    remake = models.CharField(max_length=5, choices=Redo, blank=True, default=Redo.NOTHING)
    emb = HalfVectorField()

    def __str__(self) -> str:
        return str(self.chunk_id)

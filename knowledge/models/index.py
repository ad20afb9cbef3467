"""The index that answers: each chunk's two vectors, and the word statistics behind BM25."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Reverse
from pgvector.django import HalfVectorField, SparseVectorField

from knowledge.models.documents import Chunk

LEXICAL_DIMENSIONS = 1_000_000_000  # of minirag.lib.text.analysis.term_id


class IndexEntry(models.Model):
    """The narrow row that search scans: a chunk's two vectors, apart from its text (twice as fast as a wide table)."""

    chunk = models.OneToOneField(
        Chunk, on_delete=models.CASCADE, primary_key=True, related_name="index_entry"
    )
    source_id = models.UUIDField(
        help_text="Of a document that is not for everybody its RestrictedPart instead."
    )
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

    # Plain ids: chunks come and go in the meantime, and what has no chunk any more is dropped at the end.
    chunk_id = models.UUIDField(primary_key=True)
    dataset_id = models.UUIDField()
    embedding_model = models.CharField(max_length=100)
    emb = HalfVectorField()

    class Meta:
        indexes = [models.Index(fields=["dataset_id"], name="next_vector_by_dataset")]

    def __str__(self) -> str:
        return str(self.chunk_id)


class LexiconTerm(models.Model):
    """In how many chunks of the tenant a term occurs, and what word it is: the tenant's vocabulary."""

    term = models.IntegerField(primary_key=True)
    df = models.IntegerField()
    text = models.CharField(
        max_length=64, null=True, db_collation="C",
        help_text="Empty for numbers and codes, null where it was counted before spellings were kept.",
    )  # fmt: skip

    class Meta:
        db_table = "lex_df"
        indexes = [
            models.Index(fields=["text"], name="lex_df_by_text"),
            models.Index(Reverse("text"), name="lex_df_by_end"),
        ]

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

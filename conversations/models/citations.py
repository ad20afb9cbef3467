"""What an answer cites."""

from __future__ import annotations

from django.db import models

from conversations.models.messages import Message
from knowledge.formats.sections import LONGEST_PLACE
from knowledge.retrieval.passages import Passage
from minirag.lib.rows import QuickRow
from minirag.lib.text.headings import hide_heading_marks

EXCERPT_LENGTH = 200
"""How much of a passage readers see who did not ask for all of it."""


class CitationKind(models.TextChoices):
    PASSAGE = "passage", "A passage of a source"
    CURATED = "curated", "A curated answer"


class Citation(QuickRow, models.Model):
    """What `[number]` in an answer refers to, kept as it was when the answer was given."""

    message = models.ForeignKey(
        Message,
        on_delete=models.CASCADE,
        related_name="citations",
        db_index=False,  # citation_number_once leads with it
    )
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(
        max_length=10, choices=CitationKind, default=CitationKind.PASSAGE,
        help_text="Of a curated answer the source is itself, and the chunk its question that was asked.",
    )  # fmt: skip
    # The chunk itself may be gone tomorrow; what was cited stays readable.
    chunk_id = models.UUIDField()
    source_id = models.UUIDField()
    external_id = models.CharField(
        max_length=200, blank=True, default="", help_text="The chunk's name in nyxCore."
    )
    title = models.CharField(max_length=500, blank=True)
    heading = models.CharField(max_length=1000, blank=True)
    url = models.CharField("URL", max_length=2048, blank=True)
    page = models.PositiveIntegerField(null=True, blank=True)
    place = models.CharField(max_length=LONGEST_PLACE, blank=True, default="", db_default="")
    content = models.TextField()
    score = models.FloatField()

    class Meta:
        ordering = ["message", "number"]
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="citation_number_once")
        ]

    def __str__(self) -> str:
        return f"[{self.number}] {self.title}"

    @classmethod
    def of(cls, message: Message, number: int, passage: Passage) -> Citation:
        """What was cited as it was when it was cited; not stored yet."""
        return cls(
            message=message,
            number=number,
            chunk_id=passage.chunk_id,
            source_id=passage.source_id,
            title=passage.title[:500],
            heading=passage.heading[:1000],
            url=passage.url,
            page=passage.page,
            place=passage.place,
            content=passage.content,
            score=passage.score,
            external_id=passage.external_id,
            kind=passage.kind,
        )

    @property
    def shown_id(self) -> str:
        """The chunk's id as clients see it."""
        return self.external_id or str(self.chunk_id)

    @property
    def excerpt(self) -> str:
        return hide_heading_marks(self.content)[:EXCERPT_LENGTH]

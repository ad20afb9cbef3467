"""What people have said of single chunks: switched off, corrected, pinned, or written by hand."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from knowledge.models.sources import Source

LONGEST_CORRECTION: Final = 8_000
MOST_IDS: Final = 50
_TOLD: Final = ("id", "document_id", "heading", "content", "page", "place", "held", "echo")


class CorrectionState(models.TextChoices):
    """Whether it is in force. The source's text has changed or is gone: somebody has to decide."""

    LIVE = "live", "In force"
    CHANGED = "changed", "Conflict: the source's text has changed"
    VANISHED = "vanished", "Conflict: the source does not say it any more"
    RESTING = "resting", "At rest, until the source says it again"


class Decision(models.TextChoices):
    """What becomes of a conflict."""

    KEEP_MINE = "keep_mine", "Keep mine"
    TAKE_THEIRS = "take_theirs", "Take the source's"
    DROP = "drop", "Neither answers"


CONFLICTS: Final = (CorrectionState.CHANGED, CorrectionState.VANISHED)


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def about(self, chunk_id: uuid.UUID) -> CorrectionQuerySet:
        """Those that have to do with a chunk: the text that they replace or hold, or what they have made of it."""
        return self.filter(Q(chunk_ids__contains=[chunk_id]) | Q(made_ids__contains=[chunk_id]))

    def lose(self) -> int:
        """Their source's text is taken out of the index: none of them has anything to stand for."""
        now = timezone.now()
        gone: dict[str, Any] = {"theirs": [], "made_ids": [], "chunk_id": None, "updated_at": now}
        resting = self.filter(state=CorrectionState.RESTING).update(**gone)
        waiting = self.filter(state__in=CONFLICTS).update(**gone, state=CorrectionState.VANISHED)
        live = self.filter(state=CorrectionState.LIVE)
        return (
            resting
            + waiting
            + live.update(**gone, state=CorrectionState.VANISHED, conflict_since=now)
        )


class Correction(models.Model):
    """What a person has said of one chunk of a source. It is anchored by the text that they saw, not by a place.

    Only `knowledge.corrections.fitting` says what it stands for now. `theirs` are the chunks of the source that it
    stands for, as the source says them: `held` are those that do not answer because of it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="corrections")
    # No foreign key: a document comes and goes with its source's ingestions, and keeps its id.
    document_id = models.UUIDField()
    is_added = models.BooleanField("added", default=False)
    is_off = models.BooleanField("switched off", default=False)
    is_pinned = models.BooleanField("pinned", default=False)
    content = models.TextField(
        "corrected text", null=True, blank=True, validators=[MaxLengthValidator(LONGEST_CORRECTION)]
    )
    note = models.CharField(
        max_length=500, blank=True, default="", help_text="Why, for your colleagues."
    )
    anchor_heading = models.CharField("heading", max_length=1000, blank=True, default="")
    anchor_content = models.TextField(
        "original text", blank=True, default="", help_text="What the source said then."
    )
    anchor_hash = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(
        max_length=10, choices=CorrectionState, default=CorrectionState.LIVE, db_index=True
    )
    conflict_since = models.DateTimeField(null=True, blank=True)
    theirs = models.JSONField(default=list, blank=True)
    chunk_id = models.UUIDField(
        null=True, blank=True, help_text="The chunk that answers with it now."
    )
    made_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    chunk_ids = ArrayField(
        models.UUIDField(),
        default=list,
        blank=True,
        help_text="Under which its chunk was ever known.",
    )
    # Users live in the public schema, and what they did stays when they leave.
    author = models.CharField(max_length=320, blank=True, default="", help_text="Who said so last.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="correction_newest_first")]

    def __str__(self) -> str:
        return " ".join((self.content or self.anchor_content).split())[:80] or str(self.pk)

    @property
    def audit_name(self) -> str:
        """Its text is the tenant's knowledge, and no business of the log."""
        return str(self.pk)

    @property
    def is_conflict(self) -> bool:
        return self.state in CONFLICTS

    @property
    def says_nothing(self) -> bool:
        """Whether nothing is left of it: the source's own text answers."""
        return not (self.is_added or self.is_off or self.is_pinned or self.content is not None)

    @property
    def holds(self) -> bool:
        """Whether the source's text does not answer because of it."""
        return not self.is_added and (self.is_off or self.content is not None)

    @property
    def told_theirs(self) -> list[dict[str, Any]]:
        """`theirs` as it is shown."""
        return [{name: each[name] for name in _TOLD} for each in self.theirs]

    @property
    def their_content(self) -> str:
        """What the source says now in its place; empty where it says nothing of the kind."""
        return "\n\n".join(each["content"] for each in self.theirs if not each.get("echo"))

    def anchor(self, heading: str, content: str, content_hash: str) -> None:
        """Have it stand for this text of the source from now on."""
        self.anchor_heading, self.anchor_content = heading[:1000], content
        self.anchor_hash = content_hash

    def know(self, *chunk_ids: uuid.UUID) -> None:
        """Remember by which ids its chunk was known, so that old citations lead to it."""
        self.chunk_ids = list(dict.fromkeys([*self.chunk_ids, *chunk_ids]))[-MOST_IDS:]

    def stand(self, state: CorrectionState) -> None:
        if state in CONFLICTS and self.state != state:
            self.conflict_since = timezone.now()
        elif state not in CONFLICTS:
            self.conflict_since = None
        self.state = state

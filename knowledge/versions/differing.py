"""What a newer file of many documents has changed, kept as a look at it is: `Differing`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils import timezone

from knowledge.indexing.incoming import NewDocument, identify_document
from knowledge.models import Document, DocumentEdit, SiteSync, Source, SyncState

MOST_CHANGES = 5000
_REASONS = {"missing": "Its edited text answers until somebody decides."}


class Differing:
    """The documents of a source before a swap. `note`, in the swap's transaction, writes down what it changes.

    Nothing is written of the first reading, and of a source that is one document, whose versions tell more.
    """

    def __init__(self, source: Source, documents: Sequence[NewDocument]) -> None:
        self._source = source
        self._new = {identify_document(source.pk, each) for each in documents}
        self._is_of_many = any(each.key for each in documents)
        self._before = self._read() if self._is_of_many else {}

    def note(self) -> None:
        if not self._before:
            return
        now = self._read()
        lost = self._before.keys() - self._new
        kept = set(self._find_edited().filter(pk__in=lost).values_list("pk", flat=True))
        found = {
            "added": now.keys() - self._before.keys(),
            "gone": lost - kept,
            "missing": kept,
            "changed": {
                pk for pk in self._before.keys() & self._new if self._before[pk][0] != now[pk][0]
            },
        }
        changes = [
            {"url": place, "change": kind, "title": title[:300], "reason": _REASONS.get(kind, "")}
            for kind, ids in found.items()
            for _, place, title in sorted(
                (now.get(pk) or self._before[pk] for pk in ids), key=lambda row: row[1]
            )
        ]
        counts = {kind: len(ids) for kind, ids in found.items()}
        total = len(self._new)
        SiteSync.objects.create(
            source=self._source, state=SyncState.DONE, setup="file", ended_at=timezone.now(),
            changes=changes[:MOST_CHANGES], unchanged=total - counts["added"] - counts["changed"],
            pages_done=total, pages_total=total, **counts,
        )  # fmt: skip
        SiteSync.objects.forget_old(self._source.pk)

    def _find_edited(self) -> QuerySet[DocumentEdit]:
        """What people wrote in place of a text that the source does not have any more, and goes on answering."""
        return DocumentEdit.objects.in_conflict().filter(document__source=self._source)

    def _read(self) -> dict[uuid.UUID, tuple[str, str, str]]:
        """By id what each says, where it is in the file, and its title."""
        rows = Document.objects.filter(source=self._source)
        found = rows.values_list("pk", "content_hash", "metadata__path", "title")
        return {pk: (said, str(place or title)[:2048], title) for pk, said, place, title in found}

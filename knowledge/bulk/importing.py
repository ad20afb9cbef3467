"""Brings a bot's sources up to what is in a folder or an archive: only what differs is stored and read again."""

from __future__ import annotations

import enum
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.utils.translation import gettext

from bots.quotas.refusing import QuotaExceeded
from knowledge.bulk.scanning import Found, NotTaken, find_marks, scan
from knowledge.formats.sections import ParseError
from knowledge.models import Source, SourceType
from knowledge.sources.changing import delete_source
from knowledge.sources.homes import Home
from knowledge.sources.putting_files import NewFile, put_file
from knowledge.sources.upserts import Upserted
from minirag.lib.errors import ProductError


class Outcome(enum.StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    DELETED = "deleted"
    MISSING = "missing"


_OF_PUT = {
    Upserted.CREATED: Outcome.ADDED,
    Upserted.CHANGED: Outcome.CHANGED,
    Upserted.UNCHANGED: Outcome.UNCHANGED,
}
LABEL: Final = "import_label"
"""Where the config of an imported source says which import it is of."""
Tell = Callable[[Outcome, str, str], None]


@dataclass
class Import:
    """One folder or archive as sources of one home. `label` begins the ids, so that two folders do not meet.

    `tell` is called for each file with what became of it, its path, and why.
    """

    place: Path
    home: Home
    label: str
    said: Mapping[str, Any]
    tell: Tell
    counts: Counter[Outcome] = field(default_factory=Counter)
    total: int = 0
    put: list[uuid.UUID] = field(default_factory=list)
    """The sources that are read anew."""
    _marks: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def run(self, *, delete_missing: bool = False) -> None:
        """Take all that is there. What was taken earlier and is gone is deleted only where that is asked for.

        Raises ParseError, OSError where the place as a whole cannot be read or is empty, and QuotaExceeded where there
        is no room for more; nothing is deleted then.
        """
        self.counts.clear()
        self.put.clear()
        self._marks = {}
        marks = find_marks(self.place)
        seen, not_looked_into, hidden = set(), [], False
        for found in scan(self.place):
            self.total = found.total
            external_id = Found(f"{self.label}/{found.path}").external_id
            seen.add(external_id)
            if not self._take(found, external_id):
                not_looked_into.append(f"{external_id}/")
            hidden |= found.hides
        if not seen:
            self._marks = marks
            raise ParseError(gettext("There is not one file."), code="no_content")
        for source in self._find_missing(seen, tuple(not_looked_into)):
            path = source.external_id.removeprefix(f"{self.label}/")
            if hidden:
                self._note(Outcome.MISSING, path, "it may be in the archive that cannot be read")
            elif delete_missing:
                delete_source(source.pk)
                self._note(Outcome.DELETED, path)
            else:
                self._note(Outcome.MISSING, path, "its source stays; --delete-missing deletes it")
        self._marks = marks

    def has_changed(self) -> bool:
        """Whether times and sizes say that something is there that `run` has not seen, or is gone."""
        return self._marks != find_marks(self.place)

    def _take(self, found: Found, external_id: str) -> bool:
        """Put one file; False where it is not taken."""
        if found.reason:
            self._note(Outcome.REFUSED, found.path, found.reason)
            return False
        try:
            file = NewFile(found.name, found.read(), self.said, {LABEL: self.label})
            source, outcome = put_file(self.home, None, external_id, file)
        except NotTaken as error:
            self._note(Outcome.REFUSED, found.path, str(error))
            return False
        except ProductError as error:
            self._note(Outcome.REFUSED, found.path, error.detail)
            if isinstance(error, QuotaExceeded):
                raise
            return False
        if outcome is not Upserted.UNCHANGED:
            self.put.append(source.pk)
        self._note(_OF_PUT[outcome], found.path)
        return True

    def _find_missing(self, seen: set[str], not_looked_into: tuple[str, ...]) -> list[Source]:
        """What was taken earlier under this label and is gone, but for what is below a folder that could not be read.

        Only an import's own: not what others have put under such an id, nor what an import has whose label is longer.
        """
        mine = Source.objects.filter(
            dataset=self.home.dataset, source_type=SourceType.UPLOAD, deleted_at__isnull=True,
            **{f"config__{LABEL}": self.label},
        ).only("pk", "external_id", "name")  # fmt: skip
        # A path that is too long for an id does not say where it lies: it may be there.
        return [
            source
            for source in mine.order_by("external_id")
            if source.external_id not in seen
            and not source.external_id.startswith(not_looked_into)
            and not (not_looked_into and not source.external_id.startswith(f"{self.label}/"))
        ]

    def _note(self, outcome: Outcome, path: str, reason: str = "") -> None:
        self.counts[outcome] += 1
        self.tell(outcome, path, reason)

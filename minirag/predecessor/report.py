"""What a move found, what came along and what did not, to be read by an operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

TABLES: Final = (
    "users", "api_tokens", "bot_profiles", "provider keys", "sources", "documents", "chunks", "webhooks", "chats",
    "messages", "usage_events",
)  # fmt: skip
REASONS: Final = {
    "documents": "made anew from their sources; of web pages the last text comes along",
    "chunks": "made anew, with their vectors, when the sources are ingested",
}
"""What stays behind by its nature and not for a fault of a row."""


@dataclass
class Moved:
    """One tenant's part. `state` is moved, here (it was already) or refused, of which `detail` says why."""

    slug: str
    name: str
    state: str = "moved"
    detail: str = ""
    there: Counter[str] = field(default_factory=Counter)
    came: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def leave_out(self, table: str, row_id: Any, reason: str) -> None:
        self.faults.append((table, str(row_id), reason))

    def lines(self, *, is_dry: bool) -> Iterator[str]:
        """A table, and below it each row that stays behind."""
        told = {
            "moved": "would be moved" if is_dry else "moved",
            "here": "is here already: left alone",
        }
        yield f"{self.slug} ({self.name}): {told.get(self.state, self.state)}{self.detail and f': {self.detail}'}"
        if self.state != "moved":
            return
        yield f"  {'':<14}{'there':>9}{'comes' if is_dry else 'came':>9}{'left out':>10}"
        for table in TABLES:
            there, came = self.there[table], self.came[table]
            if there:
                why = REASONS.get(table, "") if there > came else ""
                yield f"  {table:<14}{there:>9,}{came:>9,}{there - came:>10,}  {why}".rstrip()
        for note in self.notes:
            yield f"  - {note}"
        for table, row_id, reason in self.faults:
            yield f"  ! {table} {row_id}: {reason}"

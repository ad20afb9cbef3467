"""What the people of a run were promised: every item that the product has accepted, written down by who asked."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass, field

MARK = re.compile(r"mark-[0-9a-f]{8}")


@dataclass
class Asked:
    """A question. `is_accepted`: the product has said that it has it; `answer` is what was told to its end."""

    text: str
    is_accepted: bool = False
    answer: str | None = None


@dataclass
class Taught:
    """A source that was taken, and perhaps its ingestion. `deletion`: asked for, or done as far as anybody was told."""

    name: str
    source_id: str = ""
    is_ordered: bool = False
    deletion: str = ""


@dataclass
class Ledger:
    """Of one tenant; its loads write in it at the same time. `heard` are marks of others in what it was told."""

    mark: str
    asked: list[Asked] = field(default_factory=list)
    taught: list[Taught] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)
    crossings: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def look_at(self, where: str, text: str) -> None:
        """Notes marks of other tenants in what this one has got."""
        foreign = set(MARK.findall(text)) - {self.mark}
        self.crossings += [f"{where}: {mark} in what {self.mark} got" for mark in sorted(foreign)]


@dataclass
class Troubles:
    """Calls that were not answered, by why: what people saw of the outages."""

    seen: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, why: str) -> None:
        with self.lock:
            self.seen[why] += 1

    def note_call(self) -> None:
        with self.lock:
            self.calls += 1

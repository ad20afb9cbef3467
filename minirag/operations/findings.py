"""What is found when an installation is looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from minirag.lib.telling.kept_sentences import retell

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    """One part of the installation: its `state` is ok, warn or fail; anything but ok has a remedy."""

    part: str
    state: str
    detail: str
    remedy: str = ""

    def told(self) -> Finding:
        """The same in the reader's language."""
        return replace(self, detail=retell(self.detail), remedy=retell(self.remedy))

    def to_dict(self) -> dict[str, str]:
        return asdict(self)

"""Rates as they are written: `60/minute`, `5 per 10 second`, and `0` or nothing for no limit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(
    r"(\d{1,9})\s*(?:/|\s+per\s+)\s*(?:(\d{1,4})\s*)?(second|minute|hour|day)s?", re.IGNORECASE
)


@dataclass(frozen=True)
class Rate:
    """At most `amount` hits in any `multiple` units of time."""

    amount: int
    multiple: int
    unit: str

    @property
    def seconds(self) -> int:
        return self.multiple * _UNITS[self.unit]

    @property
    def window(self) -> str:
        return self.unit if self.multiple == 1 else f"{self.multiple} {self.unit}s"

    def __mul__(self, factor: int) -> Rate:
        return Rate(self.amount * factor, self.multiple, self.unit)


@lru_cache(maxsize=1024)
def parse_rate(text: str) -> Rate | None:
    """Read a rate; None where there is no limit (empty, or an amount of 0). Raises ValueError for anything else."""
    if text.strip() in ("", "0"):
        return None
    found = _RATE.fullmatch(text.strip())
    if found is None or found[2] == "0":
        raise ValueError(f"“{text[:50]}” is not a rate, such as 60/minute, nor 0.")
    rate = Rate(int(found[1]), int(found[2] or 1), found[3].lower())
    return rate if rate.amount else None

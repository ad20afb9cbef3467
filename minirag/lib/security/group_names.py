"""Names of groups, compared without regard to case and outer blanks. Pure: the parsing child reads them too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MOST_GROUPS: Final = 50
LONGEST_GROUP: Final = 64
EVERYBODY: Final = frozenset(
    ("", "public", "everyone", "everybody", "all", "anyone", "open", "world", "*")
)
"""What people write who mean no group, but everybody."""


def fold_group(name: str) -> str:
    return name.strip().casefold()


def fold_groups(names: Iterable[str]) -> list[str]:
    """The names as they are kept and compared: each once, in order."""
    return sorted({folded for name in names if (folded := fold_group(name))})

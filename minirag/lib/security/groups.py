"""Names of groups: who may read what is not for everybody. Compared without regard to case and outer blanks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final

from django.core.exceptions import ValidationError
from pydantic import AfterValidator, Field, StringConstraints

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


def check_groups(names: Any) -> None:
    """Validate a column of groups: each has a name of its own, and is not everybody. ListOf says the rest."""
    for name in names if isinstance(names, list) else ():
        if isinstance(name, str) and fold_group(name) in EVERYBODY:
            raise ValidationError(f'"{name}" is everybody, and no group: leave the list empty.')


def _read(names: list[str]) -> list[str]:
    for name in names:
        if fold_group(name) in EVERYBODY:
            raise ValueError(f'"{name}" is everybody, and no group: leave the list empty.')
    return fold_groups(names)


GroupName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_GROUP)
]
Groups = Annotated[list[GroupName], Field(max_length=MOST_GROUPS), AfterValidator(_read)]
"""Groups as they are read from a body or a signed identity."""

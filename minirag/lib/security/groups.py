"""Groups as columns and bodies have them: who may read what is not for everybody."""

from __future__ import annotations

from typing import Annotated, Any

from django.core.exceptions import ValidationError
from pydantic import AfterValidator, Field, StringConstraints

from minirag.lib.security.group_names import (
    EVERYBODY,
    LONGEST_GROUP,
    MOST_GROUPS,
    fold_group,
    fold_groups,
)

__all__ = [
    "LONGEST_GROUP", "MOST_GROUPS", "GroupName", "Groups", "check_groups", "fold_group", "fold_groups",
]  # fmt: skip


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

"""Whether a document says of itself that it is not for everybody, and whom it is for: `groups: [staff]`.

What cannot be understood counts as a restriction to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from minirag.lib.security.group_names import (
    EVERYBODY,
    LONGEST_GROUP,
    MOST_GROUPS,
    fold_group,
    fold_groups,
)

UNREADABLE: Final = "unreadable"
"""Stands for what was meant to restrict a document, and could not be understood."""
_KEYS: Final = ("visibility", "groups", "private")
_SAYS_SO = re.compile(
    r"""^[ \t{]*["']?(?:visibility|groups|private)["']?[ \t]*[:=]""", re.IGNORECASE | re.MULTILINE
)


def find_restriction(metadata: Mapping[str, Any]) -> str | None:
    """What restricts a document, as it says it ("visibility: private"); None where it is for everybody."""
    for name, value in metadata.items():
        key = str(name).strip().casefold()
        if key in _KEYS and not _is_for_all(key, value):
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            return f"{key}: {str(shown)[:100]}"
    return None


def read_groups(metadata: Mapping[str, Any]) -> list[str] | None:
    """The groups that a document says it is for; empty where it is for nobody, None where it is for everybody.

    `visibility` and `private` narrow it no further where groups are named: these are who the document is for.
    """
    if find_restriction(metadata) is None:
        return None
    named = [value for name, value in metadata.items() if str(name).strip().casefold() == "groups"]
    values = [value for value in named if not _is_for_all("groups", value)]
    if len(values) != 1 or UNREADABLE in map(str, metadata.values()):
        return []  # or several, of which nobody knows the right one
    told = values[0] if isinstance(values[0], list) else str(values[0]).split(",")
    groups = fold_groups(str(each) for each in told if each is not None)
    is_clear = len(groups) <= MOST_GROUPS and all(len(each) <= LONGEST_GROUP for each in groups)
    return groups if is_clear and not EVERYBODY.intersection(groups) else []


def may_restrict(text: str) -> bool:
    """Whether what was meant as metadata, but cannot be read as such, seems to restrict the document."""
    return _SAYS_SO.search(text) is not None


def _is_for_all(key: str, value: Any) -> bool:
    if key == "private":
        return value in (None, False) or str(value).strip().casefold() in ("", "false", "no", "0")
    values = value if isinstance(value, list) else [value]
    said = [fold_group(str(each)) for each in values if each is not None]
    return all(each in EVERYBODY for each in said)

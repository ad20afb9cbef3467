"""Whether a document says of itself that it is not for everybody, and whom it is for: `groups: [staff]`.

What cannot be understood counts as a restriction to nobody.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
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
    r"""^[ \t{-]*["']?(visibility|groups|private)["']?[ \t]*[:=]""", re.IGNORECASE | re.MULTILINE
)
_COMMENT = re.compile(r"\s*<!--(.{0,4096}?)-->", re.DOTALL)
_FENCE = re.compile(r"\s*(?:-{3,9}|\+{3,9})[^\n]{0,20}\n")
_END = re.compile(r"^[ \t]*(?:(?:-{3,9}|\+{3,9}|\.{3})[ \t]*)?$", re.MULTILINE)
_MOST_COMMENTS: Final = 10


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


def restrict_to(metadata: Mapping[str, Any], groups: list[str] | None) -> dict[str, Any]:
    """The same metadata, which say that it is for these groups; where that is everybody, they are left as they are."""
    if groups is None or read_groups(metadata) == groups:
        return dict(metadata)
    kept = {
        key: value for key, value in metadata.items() if str(key).strip().casefold() not in _KEYS
    }
    return kept | ({"groups": groups} if groups else {"visibility": "private"})


def restrict_by_fields(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """What the fields of a thing say of who may read it, as metadata; empty where that is everybody.

    A value is a text or a list of texts; anything else, and the same field with different values, cannot be read.
    """
    kept: dict[str, Any] = {}
    for name, value in fields:
        key = str(name).strip().casefold()
        if key not in _KEYS or not value:
            continue
        texts = [value] if isinstance(value, str) else value
        is_flat = isinstance(texts, list) and all(isinstance(each, str | None) for each in texts)
        told = value if is_flat else UNREADABLE
        kept[key] = told if kept.get(key, told) == told else UNREADABLE
    return kept if find_restriction(kept) else {}


def is_key(name: object) -> bool:
    """Whether a field of this name says who may read."""
    return str(name).strip().casefold() in _KEYS


def note_columns(names: Iterable[str]) -> list[str]:
    """Sentences for the owner of records whose fields look as if they restricted who may read them."""
    found = sorted({name for each in names if (name := str(each).strip().casefold()) in _KEYS})
    if not found:
        return []
    shown = ", ".join(f'"{name}"' for name in found)
    return [
        f"The field {shown} of its records restricts nothing: say of the source whom it is for."
    ]


def may_restrict(text: str) -> bool:
    """Whether what was meant as metadata, but cannot be read as such, seems to restrict the document."""
    return _SAYS_SO.search(text) is not None


def looks_restricted(text: str) -> bool:
    """Whether a text begins with what looks like a head that restricts it, though not in a way that is read."""
    at = 0
    for _ in range(_MOST_COMMENTS):
        comment = _COMMENT.match(text, at)
        if comment is None:
            break
        if may_restrict(comment.group(1)):
            return True
        at = comment.end()
    fence = _FENCE.match(text, at)
    if fence is None:
        return False
    end = _END.search(text, fence.end())
    return may_restrict(text[fence.end() : end.start() if end else None])


def is_contradictory(head: str, loaded: Any) -> bool:
    """Whether a head that was read says more of who may read than its fields do: the same field twice, of which the
    last would count, or one within another.
    """
    if any(count > 1 for count in Counter(_SAYS_SO.findall(head)).values()):
        return True
    waiting, seen = [*_values_of(loaded)], set[int]()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:  # an alias, which may lead back
            continue
        seen.add(id(value))
        if isinstance(value, dict) and find_restriction(value):
            return True
        waiting += _values_of(value)
    return False


def _values_of(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def _is_for_all(key: str, value: Any) -> bool:
    if key == "private":
        return value in (None, False) or str(value).strip().casefold() in ("", "false", "no", "0")
    values = value if isinstance(value, list) else [value]
    said = [fold_group(str(each)) for each in values if each is not None]
    return all(each in EVERYBODY for each in said)

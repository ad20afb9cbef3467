"""Whether a document says of itself that it is not for everybody: `visibility: private`, `groups: [staff]`.

Who asks is not known here, so what is for some is for nobody. What cannot be understood counts as a restriction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_PUBLIC: Final = frozenset(
    ("", "public", "everyone", "everybody", "all", "anyone", "open", "world", "*")
)
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


def may_restrict(text: str) -> bool:
    """Whether what was meant as metadata, but cannot be read as such, seems to restrict the document."""
    return _SAYS_SO.search(text) is not None


def _is_for_all(key: str, value: Any) -> bool:
    if key == "private":
        return value in (None, False) or str(value).strip().casefold() in ("", "false", "no", "0")
    values = value if isinstance(value, list) else [value]
    said = [str(each).strip().casefold() for each in values if each is not None]
    return all(each in _PUBLIC for each in said)

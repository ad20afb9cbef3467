"""The headings of a few words that stand within a chunk's text: marked, so that nobody reads them as its sentences."""

from __future__ import annotations

import re
from typing import Final

_MARK: Final = "## "
_MARKED: Final = re.compile(r"^## (?=\S)", re.MULTILINE)


def mark_heading(text: str) -> str:
    return f"{_MARK}{text}"


def hide_heading_marks(content: str) -> str:
    """A chunk's text as visitors see it."""
    return _MARKED.sub("", content)

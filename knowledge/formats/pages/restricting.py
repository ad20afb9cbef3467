"""What a web page says of who may read it: `<meta name="groups" content="staff">`, or a head before the page."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from knowledge.formats.plain import read_unread_head
from knowledge.formats.restrictions import find_restriction, restrict_by_fields

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

_LONGEST: Final = 4000
_UNKNOWN: Final = [object()]
"""Stands for what is there and cannot be read."""


def read_restriction(tree: LexborHTMLParser, text: str) -> dict[str, object]:
    """What restricts a page, as metadata; empty where nothing does."""
    said: list[tuple[str, object]] = []
    for node in tree.css("meta"):
        content = node.attributes.get("content")
        value = _UNKNOWN if content is None or len(content) > _LONGEST else content.strip()
        named = {node.attributes.get("name") or "", node.attributes.get("property") or ""}
        said += [(name, value) for name in named]
    return {**restrict_by_fields(said), **read_unread_head(text)}


def write_restriction(said: Mapping[str, object]) -> str:
    """The same in a page's own words, for a page that is cut."""
    if not find_restriction(said):
        return ""
    return "".join(
        f'<meta name="{name}" content="{html.escape(str(value))}">' for name, value in said.items()
    )

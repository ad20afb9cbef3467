"""What a web page says of who may read it: `<meta name="groups" content="staff">`, or a head before the page."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from knowledge.formats.plain import read_unread_head
from knowledge.formats.restrictions import find_restriction, restrict_by_fields

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

_LONGEST: Final = 4000
_TEMPLATE_TAG: Final = re.compile(r"</?template\b[^>]{0,2000}>", re.IGNORECASE)
_UNKNOWN: Final = [object()]
"""Stands for what is there and cannot be read."""


def read_restriction(tree: LexborHTMLParser, text: str) -> dict[str, object]:
    """What restricts a page, as metadata; empty where nothing does."""
    said: list[tuple[str, object]] = []
    for node in _with_templates(tree, text).css("meta, [itemprop]"):
        content = node.attributes.get("content")
        if content is None and node.tag != "meta":
            content = node.text()
        value = _UNKNOWN if content is None or len(content) > _LONGEST else content.strip()
        named = {node.attributes.get(each) or "" for each in ("name", "property", "itemprop")}
        said += [(name, value) for name in named]
    return {**restrict_by_fields(said), **read_unread_head(text)}


def _with_templates(tree: LexborHTMLParser, text: str) -> LexborHTMLParser:
    """The page with what stands in its templates, which is no part of its tree, and may say who reads the page."""
    from selectolax.lexbor import LexborHTMLParser

    if "<template" not in text.lower():
        return tree
    return LexborHTMLParser(_TEMPLATE_TAG.sub(" ", text))


def write_restriction(said: Mapping[str, object]) -> str:
    """The same in a page's own words, for a page that is cut."""
    if not find_restriction(said):
        return ""
    return "".join(
        f'<meta name="{name}" content="{html.escape(str(value))}">' for name, value in said.items()
    )

"""Nodes of a page: what is hidden, and how what they say is written on one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from knowledge.formats.pages.furniture import LEFT_OUT, UNFOLDED, is_furniture
from knowledge.formats.sections import clean_line, raise_digits

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

INLINE = frozenset(
    ("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
     "ins", "kbd", "label", "mark", "output", "q", "ruby", "rb", "rt", "rp", "s", "samp", "small", "span", "strike",
     "strong", "sub", "sup", "time", "tt", "u", "var", "wbr")
)  # fmt: skip
_STRUCK: Final = frozenset(("del", "s", "strike"))
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|text-decoration(?:-line)?\s*:[^;]{0,100}\bline-through|visibility\s*:\s*hidden|(?<![\w-])(?:left|top|right|text-indent)\s*:\s*-\d{4,}",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"\[?(?:\d{1,3}|[a-z*†‡])\]?")
_WHOLE = re.compile(r"-?\d{1,6}")
# Only around bare text: an element that holds others may set it to close the gaps between them.
_NO_SIZE = re.compile(r"font-size\s*:\s*0(?![.\d])", re.IGNORECASE)


def is_hidden(node: LexborNode) -> bool:
    """Whether a reader does not see it, or sees that it does not hold any more."""
    if node.tag in _STRUCK:
        return True
    attributes = node.attributes
    if not attributes:
        return False
    if LEFT_OUT in attributes or UNFOLDED in attributes:
        return LEFT_OUT in attributes
    style = attributes.get("style") or ""
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or _HIDDEN_STYLE.search(style) is not None
        or (
            _NO_SIZE.search(style) is not None
            and not any(child.is_element_node for child in children_of(node))
        )
    )


def children_of(node: LexborNode) -> Iterator[LexborNode]:
    child = node.child
    while child is not None:
        yield child
        child = child.next


def read_line(root: LexborNode) -> str:
    """All text below a node on one line; blocks and line breaks are spaces, inline elements are not."""
    words: list[str] = []
    stack: list[LexborNode | None] = [root]
    while stack:
        node = stack.pop()
        if node is None:
            words.append(" ")
        elif node.is_text_node:
            words.append(node.text_content or "")
        elif node.is_element_node and not is_hidden(node):
            if node.tag == "span" and is_furniture(node):  # "[edit]" within a heading
                continue
            if node.tag == "sup" and (raised := read_raised(node)) is not None:
                words.append(raised)
                continue
            if node.tag not in INLINE:
                words.append(" ")
                stack.append(None)
            stack.extend(reversed(list(children_of(node))))
    return clean_line("".join(words))


def read_raised(node: LexborNode) -> str | None:
    """An exponent, or nothing for the mark of a reference; None for other raised text."""
    text = clean_line(node.text())
    if node.css_first("a") is not None and _REFERENCE.fullmatch(text):
        return ""
    return raise_digits(text) or None


def number_of(node: LexborNode, name: str, otherwise: int) -> int:
    told = ((node.attributes or {}).get(name) or "").strip()
    return int(told) if _WHOLE.fullmatch(told) else otherwise

"""The margins of a page that marks no main part: its banner, its foot, its side columns, and what else it recommends.

Menus and lists of links in them are no text; what they tell besides, such as an address, is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from knowledge.formats.pages.furniture import leave_out
from knowledge.formats.sections import clean_line

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_SELECTOR: Final = (
    "header, footer, aside, [role=banner], [role=contentinfo], [role=complementary], div[id], div[class], "
    "section[id], section[class], ol[id], ol[class], ul[id], ul[class]"
)
_TAGS: Final = frozenset(("header", "footer", "aside"))
_ROLES: Final = frozenset(("banner", "contentinfo", "complementary"))
_MARGINS = re.compile(
    r"(?:^|\s)(?:(?:site|page|main|global|top|left|right)?[_-]?(?:footer|header|masthead|topbar|sidebar)"
    r"|widget[_-]area|foot|menu|(?:main|top|site|footer)[_-]?(?:menu|nav|navigation)|navbar\S*)(?=$|\s)",
    re.IGNORECASE,
)
_BESIDES = re.compile(
    r"(?:^|\s)(?:(?:related|recommended)[_-](?:posts?|products?|articles?|content|links|items)|related|recommendations"
    r"|recent[_-]posts|newsletter(?:[_-](?:sign-?up|form|box|teaser|widget|banner))?|subscribe(?:[_-](?:form|box))?"
    r"|you[_-]may[_-]also[_-]like|upsells?|cross-?sells?|next-prev|(?:post|posts)-navigation"
    r"|(?:share|sharing|social)[_-](?:links?|icons?|buttons?|bar|media|list))(?=$|\s)",
    re.IGNORECASE,
)
_BODY: Final = "body, main, article, h1"
_OWNERS = re.compile(
    r"(?:©|\(c\)|copyright\b|powered by\b|all rights reserved|alle rechte vorbehalten|tous droits réservés"
    r"|todos los derechos reservados|tutti i diritti riservati)",
    re.IGNORECASE,
)
_LONGEST_OWNERS: Final = 200
_BARE: Final = 40
# Nodes within nodes are looked through once for each.
_MOST_CHARACTERS: Final = 3_000_000
_MOST: Final = 300


def clear_margins(tree: LexborHTMLParser) -> None:
    """Mark what is in the margins of a page and says nothing."""
    if tree.body is None:
        return
    whole = len(tree.body.text())
    left, looked = _MOST_CHARACTERS, 0
    for node in tree.css(_SELECTOR):
        named = _name(node)
        is_margin = node.tag in _TAGS or (node.attributes.get("role") or "") in _ROLES
        is_margin = is_margin or _MARGINS.search(named) is not None
        is_besides = not is_margin and _BESIDES.search(named) is not None
        if not (is_margin or is_besides):
            continue
        left, looked = left - (size := len(node.text())), looked + 1
        if left < 0 or looked > _MOST:
            return
        if 2 * size <= whole and node.css_first(_BODY) is None:
            _clear(node, is_besides)


def _name(node: LexborNode) -> str:
    return f"{node.attributes.get('id') or ''} {node.attributes.get('class') or ''}"


def _clear(node: LexborNode, is_besides: bool) -> None:
    told = len(clean_line(node.text()))
    linked = sum(len(clean_line(link.text())) for link in node.css("a"))
    is_bare_banner = told - linked < _BARE and node.css_first("nav, a") is not None
    if is_besides or 2 * linked >= told or (is_bare_banner and node.css_first("h2, h3, p") is None):
        leave_out(node)
        return
    for part in node.css("ul, ol, p, div, small, span"):
        words = clean_line(part.text())
        # A node is among what its own selector finds.
        is_leaf = all(each.mem_id == part.mem_id for each in part.css("p, div, ul, ol")[:2])
        if is_leaf and len(words) <= _LONGEST_OWNERS:
            links = part.css("a")
            is_menu = part.tag in ("ul", "ol") and len(links) > 1
            if _OWNERS.match(words) or (
                is_menu and sum(len(clean_line(a.text())) for a in links) >= 0.9 * len(words)
            ):
                leave_out(part)

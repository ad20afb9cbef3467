"""What a web page says to those who follow links: its links, its canonical address, whether it may be kept. Pure.

Runs in the reading child only: a page is written by strangers, and read by a library in C.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from knowledge.formats.pages.webpage import decode_html
from knowledge.formats.sections import clean_line
from knowledge.sites.pages.links import may_hold_text, unify

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

MOST_LINKS: Final = 2000


@dataclass(frozen=True)
class Marks:
    links: tuple[str, ...] = ()
    canonical: str = ""
    may_be_kept: bool = True
    has_script: bool = False
    names: tuple[str, ...] = ()
    """What it calls itself: its title and its first heading."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Marks:
        return cls(**{**said, "links": tuple(said["links"]), "names": tuple(said["names"])})


def read_marks(data: bytes, url: str) -> Marks:
    """Read a web page that was found at `url`."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(decode_html(data)[0].replace("\0", ""))
    base = _attribute(tree, "base[href]", "href")
    here = unify(base, url) or url if base else url
    orders = " ".join(
        (node.attributes.get("content") or "").lower()
        for node in tree.css("meta[name]")
        if (node.attributes.get("name") or "").lower() in ("robots", "minirag")
    )
    canonical = _attribute(tree, "link[rel=canonical]", "href")
    follows = "nofollow" not in orders and "none" not in orders.replace(",", " ").split()
    names = [tree.css_first("title"), tree.css_first("h1")]
    return Marks(
        links=_find_links(tree, here) if follows else (),
        canonical=unify(canonical, here) if canonical else "",
        may_be_kept="noindex" not in orders and "none" not in orders.replace(",", " ").split(),
        has_script=tree.css_first("script") is not None,
        names=tuple(clean_line(node.text())[:300] for node in names if node is not None),
    )


def _attribute(tree: LexborHTMLParser, selector: str, name: str) -> str:
    node = tree.css_first(selector)
    return (node.attributes.get(name) or "").strip() if node is not None else ""


def _find_links(tree: LexborHTMLParser, base: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for node in tree.css("a[href], area[href]"):
        attributes = node.attributes
        if "nofollow" in (attributes.get("rel") or "").lower():
            continue
        url = unify(attributes.get("href") or "", base)
        if url and may_hold_text(url):
            found[url] = None
        if len(found) >= MOST_LINKS:
            break
    return tuple(found)

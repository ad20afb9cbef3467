"""Addresses as a site's pages write them, made one; and what lists of addresses say: sitemaps and feeds. Pure.

A list is scanned for its addresses and not parsed: nothing in it is expanded, so no XML bomb goes off, and a list that
is broken in the middle gives what it has.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx

from minirag.lib.http_out.addresses import OutboundError
from minirag.lib.http_out.body import decoder_for

LONGEST: Final = 2048
MOST_LISTED: Final = 50_000
"""One more is kept of a list that has more, which tells that there are."""
LARGEST_LIST: Final = 50 * 2**20
_TRACKING: Final = re.compile(r"utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|_ga|yclid|igshid", re.I)
_PLAIN: Final = re.compile(
    r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+/?"
)
"""What is written as we write it already, as most are that a sitemap names."""
_NO_TEXT: Final = re.compile(
    r"\.(?:png|jpe?g|gif|webp|svg|ico|bmp|tiff?|avif|css|m?js|json|woff2?|ttf|eot|otf|mp[34]|m4[av]|webm|ogg|wav|mov"
    r"|avi|zip|gz|tgz|bz2|xz|7z|rar|exe|dmg|msi|apk|iso|wasm|map)$",
    re.I,
)
_BLANK: Final = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
# Possessive, all of it: with blanks that more than one part may take, a hostile list would hang the worker.
_LOC: Final = re.compile(
    rb"<(?:\w+:)?loc\b[^<>]{0,200}>\s*+(?:<!\[CDATA\[\s*+)?+([^<>\]]{1,4000}+)(?:\]\]>\s*+)?+<",
    re.I,
)
_ITEM: Final = re.compile(rb"<(?:\w+:)?(item|entry)\b", re.I)
_RSS_LINK: Final = re.compile(
    rb"<link\b[^<>]{0,200}>\s*+(?:<!\[CDATA\[\s*+)?+([^<>\]]{1,4000}+)(?:\]\]>\s*+)?+</link", re.I
)
_GUID: Final = re.compile(
    rb"<guid\b([^<>]{0,200})>\s*+(?:<!\[CDATA\[\s*+)?+(https?://[^<>\]\s]{1,4000}+)(?:\s*+\]\]>)?+\s*+</guid",
    re.I,
)
_NO_ADDRESS: Final = re.compile(rb"""\bispermalink\s*=\s*["']\s*false""", re.I)
_BASE: Final = re.compile(rb"""<[^<>]{0,2000}\bxml:base\s*=\s*["']([^"'<>]{1,4000})["']""", re.I)
_ATOM_LINK: Final = re.compile(rb"<(?:\w+:)?link\b([^<>]{1,5000})>", re.I)
_HREF: Final = re.compile(rb"""\bhref\s*=\s*["']([^"'<>]{1,4000})["']""", re.I)
_REL: Final = re.compile(rb"""\brel\s*=\s*["']([^"'<>]{1,100})["']""", re.I)
_KINDS: Final = (
    (re.compile(rb"<(?:\w+:)?sitemapindex\b", re.I), "index"),
    (re.compile(rb"<(?:\w+:)?urlset\b", re.I), "sitemap"),
    (re.compile(rb"<(?:rss|rdf:rdf)\b", re.I), "feed"),
    (re.compile(rb"<(?:\w+:)?feed\b[^<>]{0,500}2005/atom", re.I), "feed"),
)


@dataclass(frozen=True)
class Listing:
    """What a list says: addresses of pages, or of further lists (`index`)."""

    kind: str
    addresses: tuple[str, ...]


def unify(address: str, base: str = "") -> str:
    """The one way in which we write an address; empty for what is none that could be fetched.

    Without its fragment, the port that it has anyway, and what only says where a reader came from.
    """
    if _PLAIN.fullmatch(address) and len(address) <= LONGEST:
        return address
    text = _BLANK.sub("", address).strip() if len(address) <= LONGEST * 2 else ""
    try:
        return _unify_whole(urljoin(base, text) if base else text) if text else ""
    except ValueError:
        return ""


@lru_cache(maxsize=20_000)  # a site's pages name the same addresses over and over
def _unify_whole(address: str) -> str:
    try:
        url = httpx.URL(address)
        if url.scheme not in ("http", "https") or not url.host or url.userinfo:
            return ""
        query = _clean_query(url.query.decode("ascii", "replace"))
        # Written twice: httpx quotes what came in by its parts as what came in whole, and only then it is one form.
        url = httpx.URL(str(url.copy_with(fragment=None, query=query.encode() or None)))
    except (httpx.InvalidURL, ValueError, TypeError):
        return ""
    found = (
        str(url)
        if urlsplit(str(url)).path
        else str(url.copy_with(raw_path=b"/" + url.raw_path.lstrip(b"/")))
    )
    return found if len(found) <= LONGEST and found.isascii() else ""


def may_hold_text(url: str) -> bool:
    """Whether it is worth fetching, by its name."""
    return not _NO_TEXT.search(urlsplit(url).path)


def read_listing(body: bytes) -> Listing | None:
    """What a body says if it is a sitemap, an index of them, or a feed, also packed; None for anything else.

    Raises OutboundError for one that is broken, or too large when unpacked.
    """
    if body.startswith(b"\x1f\x8b"):
        decoder = decoder_for("gzip")
        assert decoder is not None  # noqa: S101
        body = decoder.decode(body, LARGEST_LIST + 1)
        if len(body) > LARGEST_LIST:
            raise OutboundError("too_large", "Unpacked, this list is larger than 50 MB.", False)
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        body = body.decode("utf-16", "replace").encode()
    head = body[:2000]
    if b"<html" in head.lower():
        return None
    kind = next((name for pattern, name in _KINDS if pattern.search(head)), None)
    if kind is None:
        return _read_plain(body)
    found = _feed_links(body) if kind == "feed" else (m[1] for m in _LOC.finditer(body))
    return Listing(kind, tuple(_first(_decoded(found))))


def _read_plain(body: bytes) -> Listing | None:
    """A sitemap may be a list of addresses, one a line, and nothing else."""
    lines = body[: 64 * 1024].split(b"\n")[:20]
    said = [line.strip() for line in lines if line.strip()]
    if len(said) < 2 or not all(line.startswith((b"http://", b"https://")) for line in said):
        return None
    return Listing("sitemap", tuple(_first(_decoded(iter(body.split(b"\n"))))))


def _feed_links(body: bytes) -> Iterator[bytes]:
    starts = [(m.start(), m[1].lower()) for m in _ITEM.finditer(body)][:MOST_LISTED]
    ends = [start for start, _ in starts[1:]] + [len(body)]
    said = _BASE.search(body, 0, starts[0][0]) if starts else None
    base = said[1] if said else b""
    for (start, name), end in zip(starts, ends, strict=True):
        part = body[start : min(end, start + 200_000)]
        found = (_item_link(part) if name == b"item" else b"") or _entry_link(part)
        if found:
            yield _join(_join(base, own[1]) if (own := _BASE.match(part)) else base, found)


def _item_link(part: bytes) -> bytes:
    """Of an RSS item: its link, or else the id that is one, as it is unless it says otherwise."""
    if found := _RSS_LINK.search(part):
        return found[1]
    guid = _GUID.search(part)
    return guid[2] if guid and not _NO_ADDRESS.search(guid[1]) else b""


def _entry_link(part: bytes) -> bytes:
    for link in _ATOM_LINK.finditer(part):
        rel, href = _REL.search(link[1]), _HREF.search(link[1])
        if href and (rel is None or rel[1].lower() == b"alternate"):
            return href[1]
    return b""


def _join(base: bytes, address: bytes) -> bytes:
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return address


def _decoded(found: Iterator[bytes]) -> Iterator[str]:
    for address in found:
        yield html.unescape(address.decode("utf-8", "replace").strip())


def _first(found: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for address in found:
        if address and address not in seen:
            seen.add(address)
            yield address
        if len(seen) > MOST_LISTED:
            return


def _clean_query(query: str) -> str:
    if not _TRACKING.search(query):
        return query
    kept = [
        pair
        for pair in parse_qsl(query, keep_blank_values=True)
        if not _TRACKING.fullmatch(pair[0])
    ]
    return urlencode(kept)

"""How far a site goes: what a source's config says of it, checked, and which addresses belong to it. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import urlsplit

from knowledge.sites.pages.links import unify
from minirag.lib.errors import BadInput

MOST_PATTERNS: Final = 50
LONGEST_PATTERN: Final = 300
MOST_PAGES: Final = 5000
MEGABYTE: Final = 2**20
WHOLE_NUMBERS: Final = {
    "max_pages": (1, MOST_PAGES, 500),
    "max_depth": (0, 50, 10),
    "max_megabytes": (1, 2000, 200),
    "gone_after": (1, 10, 2),
}
"""The least and the most that each may be, and what it is where nothing is said."""
SITE_KEYS: Final = frozenset(
    {
        "url",
        "include",
        "exclude",
        "languages",
        "clean",
        "max_loss",
        "ignore_sitemaps",
        "preset",
        *WHOLE_NUMBERS,
    }
)


@dataclass(frozen=True)
class Bounds:
    """`hosts` are hosts with their ports, as they stand in an address; `origin` is where the start was in the end."""

    start: str
    origin: str
    hosts: frozenset[str]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    languages: frozenset[str] = field(default_factory=frozenset)
    max_pages: int = 500
    max_depth: int = 10
    max_bytes: int = 200 * MEGABYTE
    gone_after: int = 2
    max_loss: float = 0.3
    reads_sitemaps: bool = True

    def settle(self, url: str) -> str:
        """The one address of a page that is found in two ways: http and https of a host are one site, and so are a
        host and its `www.` where the start led from one to the other.
        """
        if url.startswith(f"{self.origin}/"):
            return url
        parts, host = urlsplit(url), urlsplit(self.origin).netloc
        is_twin = parts.netloc in self.hosts and bare_host(parts.netloc) == bare_host(host)
        return url.replace(f"{parts.scheme}://{parts.netloc}", self.origin, 1) if is_twin else url

    def find_fault(self, url: str) -> str:
        """Say why an address is none of the site's; empty where it is one."""
        parts = urlsplit(url)
        if parts.netloc not in self.hosts:
            return "It is on another host."
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if any(fnmatchcase(path, pattern) for pattern in self.exclude):
            return "Its path is excluded."
        if self.include and not any(fnmatchcase(path, pattern) for pattern in self.include):
            return "Its path is not among those that are included."
        return ""


def bare_host(netloc: str) -> str:
    return netloc.removeprefix("www.")


def origin_of(url: str) -> str:
    """Scheme and host of an address."""
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))


def read_bounds(config: dict[str, Any], found: str = "") -> Bounds:
    """The bounds of a checked config; `found`: the origin (or host) at which its start page was in the end."""
    start = unify(str(config["url"]))
    origin = found if "://" in found else origin_of(start)
    hosts = (urlsplit(start).netloc, urlsplit(origin).netloc, "" if "://" in found else found)
    numbers = {name: config.get(name, row[2]) for name, row in WHOLE_NUMBERS.items()}
    return Bounds(
        start=start, origin=origin, hosts=frozenset(filter(None, hosts)),
        include=tuple(config.get("include", ())), exclude=tuple(config.get("exclude", ())),
        languages=frozenset(config.get("languages", ())),
        max_pages=numbers["max_pages"], max_depth=numbers["max_depth"],
        max_bytes=numbers["max_megabytes"] * MEGABYTE, gone_after=numbers["gone_after"],
        max_loss=float(config.get("max_loss", 0.3)),
        reads_sitemaps=not config.get("ignore_sitemaps") and numbers["max_depth"] > 0,
    )  # fmt: skip


def fingerprint_config(version: str, config: dict[str, Any], keys: frozenset[str]) -> str:
    """64 characters that change when the same pages may give other knowledge."""
    counts = {name: value for name, value in config.items() if name in keys}
    said = json.dumps([version, counts], sort_keys=True)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def check_bounds(config: dict[str, Any]) -> None:
    """Vet all of a site's config but its address. Raises BadInput with one sentence."""
    for name, (least, most, _) in WHOLE_NUMBERS.items():
        value = config.get(name, least)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _invalid(f"config.{name} must be a whole number from {least} to {most}.")
    loss = config.get("max_loss", 0)
    if not isinstance(loss, int | float) or isinstance(loss, bool) or not 0 <= loss <= 1:
        raise _invalid("config.max_loss must be a number from 0 to 1.")
    if not isinstance(config.get("ignore_sitemaps", False), bool):
        raise _invalid("config.ignore_sitemaps must be true or false.")
    for name in ("include", "exclude"):
        patterns = config.get(name, [])
        if not _is_list_of_texts(patterns, MOST_PATTERNS, LONGEST_PATTERN) or not all(
            pattern.startswith(("/", "*")) for pattern in patterns
        ):
            raise _invalid(
                f"config.{name} must be a list of at most {MOST_PATTERNS} paths such as /docs/*, each of at most "
                f"{LONGEST_PATTERN} characters."
            )
    languages = config.get("languages", [])
    if not _is_list_of_texts(languages, 50, 8) or not all(
        code.isascii() and code.isalpha() and code.islower() for code in languages
    ):
        raise _invalid("config.languages must be a list of codes such as de.")


def _is_list_of_texts(value: Any, most: int, longest: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= most
        and all(isinstance(item, str) and 0 < len(item) <= longest for item in value)
    )


def _invalid(reason: str) -> BadInput:
    return BadInput(reason, code="config_invalid")

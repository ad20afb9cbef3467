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
SITE_KEYS: Final = frozenset({"url", "include", "exclude", "languages", "max_loss", *WHOLE_NUMBERS})


@dataclass(frozen=True)
class Bounds:
    """`hosts` are hosts with their ports, as they stand in an address."""

    start: str
    hosts: frozenset[str]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    languages: frozenset[str] = field(default_factory=frozenset)
    max_pages: int = 500
    max_depth: int = 10
    max_bytes: int = 200 * MEGABYTE
    gone_after: int = 2
    max_loss: float = 0.3

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


def read_bounds(config: dict[str, Any], host: str = "") -> Bounds:
    """The bounds of a checked config; `host`: where its start page was found in the end."""
    start = unify(str(config["url"]))
    numbers = {name: config.get(name, row[2]) for name, row in WHOLE_NUMBERS.items()}
    return Bounds(
        start=start,
        hosts=frozenset(filter(None, (urlsplit(start).netloc, host))),
        include=tuple(config.get("include", ())), exclude=tuple(config.get("exclude", ())),
        languages=frozenset(config.get("languages", ())),
        max_pages=numbers["max_pages"], max_depth=numbers["max_depth"],
        max_bytes=numbers["max_megabytes"] * MEGABYTE, gone_after=numbers["gone_after"],
        max_loss=float(config.get("max_loss", 0.3)),
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

"""How much a connector takes: what a source's config says of it, checked, and which files are wanted. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote, urlsplit

from knowledge.sites.bounds import MEGABYTE, WHOLE_NUMBERS, check_bounds
from minirag.lib.errors import BadInput

MOST_FILES: Final = 5000
LONGEST_KEY: Final = 1024
DEEPEST: Final = 40
COMMON_KEYS: Final = frozenset({
    "folder", "include", "exclude", "languages", "max_files", "max_megabytes", "gone_after", "max_loss", "link_base",
    "clean",
})  # fmt: skip
REPLACED: Final = "\ufffd"
_JOINERS: Final = "\u200c\u200d"
_OF_SYSTEMS: Final = (".", "~$", "__MACOSX", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Limits:
    """`folder` is empty or ends in a slash."""

    folder: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    languages: frozenset[str]
    max_files: int
    max_bytes: int
    gone_after: int
    max_loss: float
    link_base: str

    def wants(self, key: str) -> bool:
        """Whether a file is one of those that the source is of: not a system's own, and as the patterns say."""
        if not key.startswith(self.folder) or self.is_of_system(key):
            return False
        path = f"/{key}"
        if any(fnmatchcase(path, pattern) for pattern in self.exclude):
            return False
        return not self.include or any(fnmatchcase(path, pattern) for pattern in self.include)

    def is_of_system(self, key: str) -> bool:
        """Whether a file or folder is hidden, or what a system or an editor keeps for itself."""
        return any(
            part.startswith(_OF_SYSTEMS) for part in key.removeprefix(self.folder).split("/")
        )

    def find_link(self, key: str) -> str:
        return f"{self.link_base}{quote(key.removeprefix(self.folder))}" if self.link_base else ""


def read_limits(config: dict[str, Any]) -> Limits:
    """The limits of a checked config."""
    link_base = str(config.get("link_base") or "")
    return Limits(
        folder=clean_folder(str(config.get("folder") or "")),
        include=tuple(config.get("include", ())), exclude=tuple(config.get("exclude", ())),
        languages=frozenset(config.get("languages", ())),
        max_files=config.get("max_files", 1000),
        max_bytes=config.get("max_megabytes", WHOLE_NUMBERS["max_megabytes"][2]) * MEGABYTE,
        gone_after=config.get("gone_after", WHOLE_NUMBERS["gone_after"][2]),
        max_loss=float(config.get("max_loss", 0.3)),
        link_base=link_base if not link_base or link_base.endswith(("/", "=")) else f"{link_base}/",
    )  # fmt: skip


def check_limits(config: dict[str, Any]) -> None:
    """Vet what every connector's config may say. Raises BadInput with one sentence."""
    check_bounds(config)
    most = config.get("max_files", 1)
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MOST_FILES:
        raise invalid(f"config.max_files must be a whole number from 1 to {MOST_FILES}.")
    folder = config.get("folder", "")
    if not isinstance(folder, str) or len(folder) > LONGEST_KEY or not is_plain(folder):
        raise invalid("config.folder must be a path such as manuals/2026.")
    if ".." in PurePosixPath(folder).parts:
        raise invalid("config.folder must not lead upwards: it is a path such as manuals/2026.")
    base = config.get("link_base", "")
    if not isinstance(base, str) or len(base) > LONGEST_KEY or not is_plain(base):
        raise invalid("config.link_base must be an address such as https://files.example.com/.")
    if base and (urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).netloc):
        raise invalid("config.link_base must begin with https:// or http://.")


def check_text(config: dict[str, Any], name: str, longest: int, *, needed: str = "") -> str:
    """A text of a config; `needed` says what it is for where it must be there. Raises BadInput."""
    value = config.get(name)
    if value is None or value == "":
        if needed:
            raise invalid(f"config.{name} is required: {needed}.")
        return ""
    if not isinstance(value, str) or len(value) > longest or not is_plain(value):
        raise invalid(f"config.{name} must be a text of at most {longest} characters.")
    return value


def is_plain(text: str) -> bool:
    """Whether a text is in one line, without signs that are not seen."""
    return not any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in text)


def clean_key(key: str) -> str:
    """A file's path as it can be kept and shown, with a mark for what cannot."""
    shown = "".join(
        letter if letter.isprintable() or letter in _JOINERS else REPLACED for letter in key
    )
    return shown if len(shown) <= LONGEST_KEY else shown[: LONGEST_KEY - 1] + REPLACED


def clean_folder(folder: str) -> str:
    """A path as it begins the keys in it: `a/b/`, or empty."""
    parts = [part for part in folder.split("/") if part not in ("", ".")]
    return "/".join(parts) + "/" if parts else ""


def invalid(reason: str) -> BadInput:
    return BadInput(reason, code="config_invalid")

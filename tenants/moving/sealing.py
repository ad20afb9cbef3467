"""Secrets on their way: opened with one installation's keys, sealed with another's, for a place of another name."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from minirag.lib.security.crypto import DecryptionFailed, move

_SEALED: Final = re.compile(rb"v1:gAAAA[A-Za-z0-9_\-]+={0,2}")
_AROUND: Final = 1 + 8 + 16 + 32
"""The bytes of a Fernet token around its blocks: version, time, first block and signature."""
_MARK: Final = b"v1:gAAAA"
_ID: Final = re.compile(
    rb"(?<![0-9a-f-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f-])"
)


@dataclass
class Resealing:
    """Changes the secrets of a row: to another key, or, without one, to nothing. `missed` counts what did not open."""

    opened_with: Sequence[str]
    sealed_with: Sequence[str] | None
    rename: Callable[[str], str] = field(default=lambda context: context)
    missed: int = 0

    def apply(self, line: bytes) -> bytes:
        return _SEALED.sub(self._replace, line) if _MARK in line else line

    def _replace(self, found: re.Match[bytes]) -> bytes:
        if not _is_sealed(found[0]):
            return found[0]
        if self.sealed_with is None:
            return b""
        try:
            return move(
                found[0].decode("ascii"), self.rename, opened_with=self.opened_with,
                sealed_with=self.sealed_with,
            ).encode("ascii")  # fmt: skip
        except DecryptionFailed:
            self.missed += 1
            return b""


def _is_sealed(text: bytes) -> bool:
    """Whether a text has the form of a secret, and does not only begin like one, as in somebody's notes."""
    try:
        size = len(base64.b64decode(text.removeprefix(b"v1:"), altchars=b"-_", validate=True))
    except ValueError:
        return False
    return size > _AROUND and (size - _AROUND) % 16 == 0


@dataclass(frozen=True)
class NewIds:
    """Ids that are taken where a tenant goes to, and what stands for them there: wherever a row names one."""

    ids: dict[bytes, bytes]

    def apply(self, line: bytes) -> bytes:
        return _ID.sub(self._replace, line) if self.ids else line

    def _replace(self, found: re.Match[bytes]) -> bytes:
        return self.ids.get(found[0], found[0])

    def rename(self, text: str) -> str:
        return self.apply(text.encode()).decode()

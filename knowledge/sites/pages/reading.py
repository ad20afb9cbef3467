"""Reads pages one after the other in a process with limits on memory and time: `PageReader`."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Final

from django.utils.translation import gettext

from knowledge.formats.cleaning import Rules
from knowledge.formats.isolated.asking import PAGES, borrow_reader
from knowledge.formats.isolated.packing import from_json
from knowledge.formats.parsing import ParsedDocument, ParseError
from knowledge.sites.pages.marks import Marks

SECONDS: Final = 60
MEMORY_MB: Final = 1024
_LEAST: Final = 0.5
_LEAST_WAIT: Final = 0.001
LARGEST_ANSWER: Final = 128 * 2**20


@dataclass(frozen=True)
class PageRead:
    document: ParsedDocument
    marks: Marks


class PageReader:
    """A context: while it is open, one reader of the nursery's reads page after page; one that dies is replaced.

    A page takes `seconds` at most, and none goes on after `ends_at`, by `time.monotonic`.
    """

    def __init__(
        self, seconds: float = SECONDS, rules: Rules | None = None, *, ends_at: float | None = None
    ) -> None:
        self._seconds, self._ends_at, self._rules = seconds, ends_at, asdict(rules or Rules())
        self._reader: socket.socket | None = None

    @property
    def seconds(self) -> float:
        if self._ends_at is None:
            return self._seconds
        return min(self._seconds, max(_LEAST, self._ends_at - time.monotonic()))

    def __enter__(self) -> PageReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def read(self, data: bytes, *, kind: str, url: str) -> PageRead:
        """Read what an address answered with, as `kind` (a key of `FORMATS`). Raises ParseError."""
        is_well = False
        try:
            message = self._ask(data, kind, url)
            is_well = "error" not in message
        finally:
            if not is_well:
                self._stop()  # also on the soft time limit: what it would still answer is not the next page's
        if "error" in message:
            raise ParseError(message["error"]["reason"], code=message["error"]["code"])
        return PageRead(from_json(message["document"]), Marks.from_json(message["marks"]))

    def _ask(self, data: bytes, kind: str, url: str) -> dict[str, Any]:
        limits = {"memory_mb": MEMORY_MB, "cpu_seconds": int(self.seconds) + 1}
        asked = {"kind": kind, "name": url, "address": url, "rules": self._rules, "size": len(data)}
        head = json.dumps({**asked, **limits}).encode() + b"\n"
        ends_at = time.monotonic() + self.seconds
        try:
            if self._reader is None:
                self._reader = borrow_reader(PAGES, ends_at)
            answer = _exchange(self._reader, head + data, ends_at)
        except TimeoutError:
            raise ParseError(gettext("Reading this page took too long."), code="timeout") from None
        try:
            message: dict[str, Any] = json.loads(answer)
        except ValueError:
            raise ParseError(
                gettext("This page could not be read: the reader crashed on it."), code="crashed"
            ) from None
        return message

    def _stop(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None


def _exchange(reader: socket.socket, asked: bytes, ends_at: float) -> bytes:
    """Send it and read up to the line's end; what there is where the reader ends. Raises TimeoutError."""
    found = bytearray()
    try:
        reader.settimeout(max(_LEAST_WAIT, ends_at - time.monotonic()))
        reader.sendall(asked)
        while not found.endswith(b"\n") and len(found) <= LARGEST_ANSWER:
            reader.settimeout(max(_LEAST_WAIT, ends_at - time.monotonic()))
            piece = reader.recv(1 << 20)
            if not piece:
                break
            found += piece
    except ConnectionError:
        found.clear()
    return bytes(found)

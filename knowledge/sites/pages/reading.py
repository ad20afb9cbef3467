"""Reads pages in a child process with limits on memory and time: `PageReader`."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from django.utils.translation import gettext

from knowledge.formats.cleaning import Rules
from knowledge.formats.isolated.packing import from_json
from knowledge.formats.parsing import ParsedDocument, ParseError
from knowledge.sites.pages.marks import Marks

_PROJECT: Final = Path(__file__).resolve().parents[3]
SECONDS: Final = 60
MEMORY_MB: Final = 1024
_LEAST: Final = 0.5
LARGEST_ANSWER: Final = 128 * 2**20


@dataclass(frozen=True)
class PageRead:
    document: ParsedDocument
    marks: Marks


class PageReader:
    """A context: while it is open, a child reads one page after the other; one that dies is replaced.

    A page takes `seconds` at most, and none goes on after `ends_at`, by `time.monotonic`.
    """

    def __init__(
        self, seconds: float = SECONDS, rules: Rules | None = None, *, ends_at: float | None = None
    ) -> None:
        self._seconds, self._ends_at, self._rules = seconds, ends_at, asdict(rules or Rules())
        self._child: subprocess.Popen[bytes] | None = None

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
        child = self._start()
        limits = {"memory_mb": MEMORY_MB, "cpu_seconds": int(self.seconds) + 1}
        head = {"kind": kind, "url": url, "size": len(data), "rules": self._rules, **limits}
        assert child.stdin is not None  # noqa: S101
        assert child.stdout is not None  # noqa: S101
        try:
            child.stdin.write(json.dumps(head).encode() + b"\n" + data)
            child.stdin.flush()
        except BrokenPipeError:
            raise _crashed() from None
        answer = _read_line(child.stdout.fileno(), time.monotonic() + self.seconds)
        try:
            message: dict[str, Any] = json.loads(answer)
        except ValueError:
            raise _crashed() from None
        return message

    def _start(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            # No environment to speak of: it reads hostile pages and has no business with our secrets.
            self._child = subprocess.Popen(
                [sys.executable, "-m", "knowledge.sites.pages.reading_child"], cwd=_PROJECT,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        return self._child

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        child.wait()


def _read_line(pipe: int, ends_at: float) -> bytes:
    """Read up to the line's end; what there is when the child ends. Raises ParseError when it takes too long."""
    found = bytearray()
    with selectors.DefaultSelector() as waiting:
        waiting.register(pipe, selectors.EVENT_READ)
        while not found.endswith(b"\n"):
            if not waiting.select(max(0.0, ends_at - time.monotonic())):
                raise ParseError(gettext("Reading this page took too long."), code="timeout")
            piece = os.read(pipe, 1 << 20)
            found += piece
            if not piece or len(found) > LARGEST_ANSWER:
                break
    return bytes(found)


def _crashed() -> ParseError:
    return ParseError(
        gettext("This page could not be read: the reader crashed on it."), code="crashed"
    )

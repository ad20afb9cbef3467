"""PostgreSQL's own programs, run so that what they say of an error reaches whoever waits for them."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from minirag.operations.backing_up.shelves import BackupFailed
from tenants.backend.dumping import find_program, with_login


def require_program(name: str) -> str:
    """Raises BackupFailed."""
    program = find_program(name)
    if program is None:
        raise BackupFailed(f"There is no {name} here: install PostgreSQL's client programs.")
    return program


def run(command: list[str]) -> None:
    """Raises BackupFailed."""
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    _require_success(command, done.returncode, done.stderr)


@contextmanager
def reading_from(command: list[str]) -> Iterator[Output]:
    """What a program writes, while it does. Reading its end raises BackupFailed where it has failed."""
    with _begun(command, stdout=subprocess.PIPE) as (process, said):
        yield Output(command, process, said)


def feed(command: list[str], pieces: Iterable[bytes]) -> None:
    """Give a program what it reads, piece by piece. Raises BackupFailed."""
    with _begun(command, stdin=subprocess.PIPE) as (process, said):
        target = cast(BinaryIO, process.stdin)
        with suppress(BrokenPipeError):  # it ended early, and says why
            for piece in pieces:
                target.write(piece)
        with suppress(BrokenPipeError):
            target.close()
        _require_success(command, process.wait(), _said(said))


class Output:
    """A file to read from, as boto3 takes it."""

    def __init__(
        self, command: list[str], process: subprocess.Popen[bytes], said: BinaryIO
    ) -> None:
        self._command, self._process, self._said_in = command, process, said

    def read(self, size: int = -1) -> bytes:
        piece = cast(BinaryIO, self._process.stdout).read(size)
        if not piece:
            _require_success(self._command, self._process.wait(), _said(self._said_in))
        return piece


@contextmanager
def _begun(command: list[str], **pipes: Any) -> Iterator[tuple[subprocess.Popen[bytes], BinaryIO]]:
    """A program that is gone when the context ends, however it does."""
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, env=_environment(), stderr=said, **pipes) as process,
    ):
        try:
            yield process, said
        finally:
            if process.poll() is None:
                process.kill()


def _environment() -> dict[str, str]:
    return {**with_login(), "LC_ALL": "C"}


def _said(said: BinaryIO) -> str:
    said.seek(0)
    return said.read(2**20).decode(errors="replace")


def _require_success(command: list[str], code: int, said: str) -> None:
    if code:
        raise BackupFailed(f"{Path(command[0]).name} failed: {_pick_reason(said)[:300]}")


def _pick_reason(said: str) -> str:
    """The line that names the error: those below it repeat the row that could not be read."""
    lines = said.strip().splitlines() or ["it said nothing"]
    return next((line for line in lines if ": error: " in line), lines[-1])

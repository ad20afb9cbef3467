"""Has a child process with limits on memory and time read a file, whose answer is one JSON object."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

from knowledge.formats.sections import ParseError

MEMORY_MB: Final = 1024
SECONDS: Final = 60.0
"""Of computing, and of waiting where somebody waits."""
PATIENT_SECONDS: Final = 180.0
"""Of waiting where nobody does: on a busy machine a file's minute of computing takes longer."""
DOCUMENT: Final = b"d"
FIGURES: Final = b"f"
PAGES: Final = b"p"
"""What to ask for: the keys of `isolated.nursery.WORKS`, which has no place in our process."""
GREETED_WITHIN: Final = [30.0, 120.0]
"""Seconds until a reader says that it is there, of a nursery and of the one that replaces it: a start takes less than
one, on a busy machine many."""
_PROJECT: Final = Path(__file__).resolve().parents[3]
_STATUS_BYTES: Final = 5
"""A zero, which stands in no answer, and a number."""
_PIECE: Final = 1 << 18


def ask_child(
    kind: bytes, head: dict[str, Any], data: bytes, *, seconds: float = SECONDS, memory_mb: int = MEMORY_MB
) -> dict[str, Any]:  # fmt: skip
    """What a child answers to a file that is asked for its DOCUMENT or FIGURES. Raises ParseError.

    Blocks the calling thread: call it from a worker thread or a Celery task, never from the event loop.
    """
    limits = {"memory_mb": memory_mb, "cpu_seconds": int(min(seconds, SECONDS)) + 1}
    line = json.dumps({**head, **limits}).encode() + b"\n"
    deadline = time.monotonic() + seconds
    try:
        answer, status = _communicate(kind, line, data, deadline)
    except TimeoutError:
        reason = f"Reading this file took longer than {max(1, round(seconds))} seconds."
        raise ParseError(reason, code="timeout") from None
    if status == -signal.SIGXCPU:
        raise ParseError("Reading this file took too much computing time.", code="timeout")
    try:
        message: dict[str, Any] = json.loads(answer)
    except ValueError:
        raise _crashed() from None
    if "error" in message:
        raise ParseError(message["error"]["reason"], code=message["error"]["code"])
    return message


def _crashed() -> ParseError:
    return ParseError("This file could not be read: the reader crashed on it.", code="crashed")


def borrow_reader(kind: bytes, ends_at: float) -> socket.socket:
    """A socket with a reader at its other end that has said it is there. Closing it kills the reader.

    Raises TimeoutError at `ends_at`, by `time.monotonic`; ParseError where two nurseries in a row have none to give.
    """
    for seconds in GREETED_WITHIN:
        reader, nursery = NURSERY.borrow(kind)
        with ExitStack() as held:
            held.enter_context(reader)
            asked_at = time.monotonic()
            found = _greet(reader, min(seconds, ends_at - asked_at))
            if found is None and time.monotonic() >= ends_at:
                NURSERY.wait_in_vain(nursery, asked_at)
                raise TimeoutError
            if found:
                NURSERY.note_heard()
                held.pop_all()
                return reader
        if found is None:
            NURSERY.end(nursery)
    raise _crashed()


def _greet(reader: socket.socket, seconds: float) -> bool | None:
    """Whether a reader is there; None where nobody says so in time: its nursery hangs."""
    reader.settimeout(max(seconds, 0.001))
    try:
        return bool(reader.recv(1))
    except TimeoutError:
        return None
    except ConnectionError:
        return False


def _communicate(
    kind: bytes, line: bytes, data: bytes, deadline: float
) -> tuple[bytearray, int | None]:
    """The answer of a reader, and how it ended: None where the nursery has died meanwhile, twice in a row."""
    for _ in range(2):
        # Closed also where the caller is interrupted (Celery's soft time limit): no reader outlives its request.
        with borrow_reader(kind, deadline) as reader:
            answer = _exchange(reader, [memoryview(line), memoryview(data)], deadline)
        if answer[-_STATUS_BYTES:].startswith(b"\0"):
            status = int.from_bytes(answer[1 - _STATUS_BYTES :], "big", signed=True)
            del answer[-_STATUS_BYTES:]
            return answer, status
    return bytearray(), None


def _exchange(reader: socket.socket, parts: list[memoryview], deadline: float) -> bytearray:
    """Send all and read to the end, at once: a reader may end before it has read all. Raises TimeoutError."""
    reader.setblocking(False)
    answer, events = bytearray(), select.POLLIN | select.POLLOUT
    poll = select.poll()
    poll.register(reader, events)
    while True:
        now = time.monotonic()
        if now >= deadline:
            raise TimeoutError
        for _, found in poll.poll((deadline - now) * 1000):
            if parts and found & (select.POLLOUT | select.POLLERR | select.POLLHUP):
                parts = _send(reader, parts)
                if not parts:
                    poll.modify(reader, select.POLLIN)
                    with suppress(OSError):
                        reader.shutdown(socket.SHUT_WR)
            if found & (select.POLLIN | select.POLLERR | select.POLLHUP):
                try:
                    piece = reader.recv(_PIECE)
                except BlockingIOError:
                    continue
                except ConnectionError:
                    piece = b""
                if not piece:
                    return answer
                answer += piece


def _send(reader: socket.socket, parts: list[memoryview]) -> list[memoryview]:
    """What is left to be sent; nothing where nobody reads on."""
    try:
        sent = reader.send(parts[0][:_PIECE])
    except BlockingIOError:
        return parts
    except OSError:
        return []
    rest = parts[0][sent:]
    return [rest, *parts[1:]] if rest else parts[1:]


class _Nursery:
    """This process's own `isolated.nursery`, started when it is first needed and ended by our end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.in_vain = 0.0
        """Seconds in which somebody waited for a reader since one was last heard of; several at once count once."""
        self._counted_until = 0.0

    def borrow(self, kind: bytes) -> tuple[socket.socket, subprocess.Popen[bytes] | None]:
        """A socket with a reader at its other end, and the nursery that was asked for it."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            for _ in range(2):
                control = self._control or self._start()
                with suppress(OSError):
                    socket.send_fds(control, [kind], [theirs.fileno()])
                    break
                self.forget()  # it has died, and the next one is asked
            return ours, self.process

    def _start(self) -> socket.socket:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        ours, theirs = socket.socketpair()
        # It gets no environment to speak of: its readers read hostile files and have no business with our secrets.
        environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "knowledge.formats.isolated.nursery", str(theirs.fileno())],
                cwd=_PROJECT, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                process_group=0,  # which no keyboard reaches: a Ctrl-C is ours to answer
            )  # fmt: skip
        self._control = ours
        self.note_heard()  # as one that may still be
        return ours

    def end(self, process: subprocess.Popen[bytes] | None) -> None:
        """Have the one that hangs replaced, unless somebody else has done so."""
        with self._lock:
            if process is self.process:
                self.forget()

    def note_heard(self) -> None:
        """A reader has greeted: what was waited until now was not in vain."""
        self.in_vain, self._counted_until = 0.0, time.monotonic()

    def wait_in_vain(self, process: subprocess.Popen[bytes] | None, asked_at: float) -> None:
        """Somebody had no time to wait longer: have it replaced once they all have waited long enough."""
        with self._lock:
            now = time.monotonic()
            self.in_vain += now - max(asked_at, self._counted_until)
            self._counted_until = now
            is_long = self.in_vain >= GREETED_WITHIN[0]
        if is_long:
            self.end(process)

    def forget(self) -> None:
        """Have a new one started next time."""
        if self._control is not None:
            self._control.close()
        self._control = None

    def forget_parents(self) -> None:
        """In a forked child: the parent's nursery is not ours to ask, and its lock may be held for ever."""
        self.forget()
        self.__init__()  # type: ignore[misc]


NURSERY: Final = _Nursery()
os.register_at_fork(after_in_child=NURSERY.forget_parents)

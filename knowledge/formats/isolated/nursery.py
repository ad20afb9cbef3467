"""A process that has loaded what readers need, and forks one for each file.

A fork takes milliseconds, a start a quarter of a second. It reads no file itself, so nothing of one reaches the next
(but of a site's pages, which one reader reads).
Whoever asks sends a socket over the control socket; the reader that is forked takes its request from there and answers
there, and when it has ended its status follows (`STATUS`). When the asker closes its end the reader is killed; when the
control socket closes, all of them.
"""

from __future__ import annotations

import array
import ctypes
import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, NoReturn

from knowledge.formats import parsing_child
from knowledge.formats.isolated import measuring_child
from knowledge.formats.isolated.serving import serve
from knowledge.formats.parsing import parse
from knowledge.formats.registry import FORMATS, MARKDOWN, WEB_PAGE
from knowledge.sites.pages import reading_child

STATUS: Final = struct.Struct("!xi")
"""How a reader ended, as `subprocess` puts it: its exit code, or the signal that killed it below zero.

A zero stands before it, as in no answer: an answer without one is of a reader whose nursery has died.
"""
GREETING: Final = b" "
"""What a reader says first, which is nothing before an answer: who does not hear it in time asks another nursery."""
WORKS: Final[dict[bytes, Callable[[], None]]] = {
    b"d": partial(serve, parsing_child.work),
    b"f": partial(serve, measuring_child.work),
    b"p": reading_child.serve_pages,
}
"""What a reader can be asked for, each by one byte: a document, figures of one, or page after page."""
_MOST_OPEN: Final = 1 << 16
_PR_SET_PDEATHSIG: Final = 1
_FD_SIZE: Final = array.array("i").itemsize


class Nursery:
    """The readers that are at work, each with the socket of who asked."""

    def __init__(self, control: socket.socket, ended: socket.socket) -> None:
        self._control, self._ended = control, ended
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._poll.register(ended, select.POLLIN)
        self._askers: dict[int, socket.socket] = {}  # by their readers' process id

    def run(self) -> None:
        """Fork until nobody can ask any more."""
        while True:
            for fd, _ in self._poll.poll():
                if fd == self._ended.fileno():
                    self._ended.recv(4096)
                    self._bury()
                elif fd != self._control.fileno():
                    self._kill(fd)
                elif not self._take():
                    for asker in self._askers.values():
                        self._kill(asker.fileno())
                    return

    def _take(self) -> bool:
        """Have a reader forked for who asks; returns whether anybody was there."""
        kind, ancillary, _, _ = self._control.recvmsg(1, socket.CMSG_SPACE(_FD_SIZE))
        if not kind:
            return False
        fds = array.array("i")
        for _, _, data in ancillary:
            fds.frombytes(data[: len(data) - len(data) % _FD_SIZE])
        asker = socket.socket(fileno=fds[0])
        try:
            reader = os.fork()
        except (
            OSError
        ):  # no memory or no process is left: it asks again, and the readers at work go on
            asker.close()
            return True
        if not reader:
            _read(WORKS[kind], asker.fileno())
        self._askers[reader] = asker
        self._poll.register(asker, 0)  # tells only that the other end was closed
        return True

    def _kill(self, fd: int) -> None:
        for reader, asker in self._askers.items():
            if asker.fileno() == fd:
                os.kill(reader, signal.SIGKILL)  # not buried yet, so the id is still its own
                with suppress(KeyError):  # killed before
                    self._poll.unregister(fd)

    def _bury(self) -> None:
        while self._askers:
            reader, status = os.waitpid(-1, os.WNOHANG)
            if not reader:
                return
            with self._askers.pop(reader) as asker:
                told = STATUS.pack(os.waitstatus_to_exitcode(status))
                try:
                    self._poll.unregister(asker)
                    asker.sendall(told)
                except (KeyError, OSError):
                    continue  # nobody listens any more


def _read(work: Callable[[], None], fd: int) -> NoReturn:
    """Be a reader: what it has open is the one file, so that it can neither see other files nor hold them open."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        os.dup2(fd, 0)
        os.dup2(fd, 1)
        os.closerange(3, _MOST_OPEN)
        os.write(1, GREETING)
        work()
        status = 0
    finally:
        os._exit(status)


def _warm_up() -> None:
    """What most readers would have to load, each by itself."""
    for library in {library for row in FORMATS.values() for library in row.libraries}:
        importlib.import_module(library)
    for kind, text in (
        (MARKDOWN, b"# A\n\nSome words.\n"),
        (WEB_PAGE, b"<h1>A</h1><p>Some words."),
    ):
        parse(text, kind=kind, name="")
    gc.freeze()  # so that no reader's collection copies these pages


def _go_on_when_the_asker_ends() -> None:
    """Have the kernel wake us then, if somebody has stopped us: so that we see the closed socket, and end.

    Nothing happens to one that runs, so it does no harm that the kernel watches the thread that started us.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGCONT), 0, 0, 0)


def main() -> None:
    _go_on_when_the_asker_ends()
    _warm_up()
    ended, wakes = socket.socketpair()
    wakes.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler nothing is woken
    Nursery(socket.socket(fileno=int(sys.argv[1])), ended).run()


if __name__ == "__main__":
    main()

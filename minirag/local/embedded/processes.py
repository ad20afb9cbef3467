"""Children that die with their parent, orphans of an earlier run, and free ports. Linux."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from minirag.local.embedded.errors import TryAgain

LOOPBACK = "127.0.0.1"
_RETRY_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1
# Loaded at import: nothing may be imported or allocated freely between fork and exec.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends `death_signal` to the child when its parent ends, even by kill -9.

    It must run after the child changed its user, because that clears the setting; `subprocess` keeps this
    order. The kernel watches the *thread* that started the child, so only the main thread starts children.
    """
    parent = os.getpid()

    def arm() -> None:
        if _LIBC is None:
            return
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the setting took effect
            os._exit(1)

    return arm


def find_free_port() -> int:
    """A TCP port on the loopback that nobody listens on now; somebody else may take it before it is used."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def start_on_a_port(wanted: int | None, start: Callable[[int], None]) -> int:
    """Start a server on the wanted port, or on a free one; again for a moment while `start` raises TryAgain.

    Returns the port. Raises StartError.
    """
    deadline = time.monotonic() + _RETRY_SECONDS
    while True:
        port = wanted or find_free_port()
        try:
            start(port)
            return port
        except TryAgain:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def read_start_time(pid: int) -> str | None:
    """The kernel's start time of a live process, which with its id names it for good; None: it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def is_running_in(pid: int, directory: Path, program: str) -> bool:
    """Whether process `pid` runs `program` with `directory` as its working directory."""
    try:
        there = os.path.samefile(f"/proc/{pid}/cwd", directory)
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return False
    return there and program in os.path.basename(os.fsdecode(command))


def wait_until_gone(pid: int, timeout_seconds: float) -> bool:
    """Whether process `pid`, which need not be our child, ended in time."""
    deadline = time.monotonic() + timeout_seconds
    while read_start_time(pid) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def end_orphan(pid: int, gentle: signal.Signals, *, grace_seconds: float = 10) -> None:
    """Ends a process that an earlier run left behind: `gentle` first, SIGKILL after the grace."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, gentle)
        if not wait_until_gone(pid, grace_seconds):
            os.kill(pid, signal.SIGKILL)
            wait_until_gone(pid, 5)


def stop_child(child: subprocess.Popen[bytes], gentle: signal.Signals, grace_seconds: float) -> int:
    """Stops our child, and kills its whole session when it does not end in time. Returns its exit code."""
    if child.poll() is None:
        child.send_signal(gentle)
        try:
            child.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return int(child.returncode)


def read_tail(path: Path, offset: int = 0, limit: int = 4000) -> str:
    """The end of a log file, at most `limit` bytes and nothing before `offset`."""
    try:
        with path.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(offset, end - limit))
            return log.read().decode(errors="replace").strip()
    except OSError:
        return ""

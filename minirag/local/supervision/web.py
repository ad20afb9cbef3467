"""The web processes: several on one listening socket, started again one by one, replaced without losing anybody.

The socket is opened here and inherited. So connections that come while a process dies, starts or is replaced wait in
the socket's own queue for another one; with a socket for each process (SO_REUSEPORT) those in the queue of the dead one
would be lost. Which of them takes a connection is decided by who is free: see `minirag.serving.shared_port`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final

from minirag.lib.starting.readiness import WARM_FIRST
from minirag.local.embedded import StartError
from minirag.local.supervision.console import Console
from minirag.local.supervision.programs import Program

AUTO: Final = "auto"
PROCESS_BYTES: Final = 768 * 2**20
"""What is set aside for a web process; with embedder and LiteLLM it takes about half (docs/sizing.md)."""
OTHERS_BYTES: Final = 2**30
"""What is left for workers, PostgreSQL and Valkey."""
MOST: Final = 16
_READY_SECONDS: Final = 120.0
WEB_MARGIN_SECONDS: Final = 7.0  # over its own grace: for threads to end
WEB_ENVIRONMENT: Final = {"DATABASE_POOL_SIZE": "16"}
"""What web processes get where nobody says otherwise."""

MakeWeb = Callable[[str], Program]
"""Makes the program of one web process, given its name."""


def daphne_command(descriptor: int) -> list[str]:
    """The arguments of a Python that serves on an inherited socket."""
    server = ["-m", "daphne", "--fd", str(descriptor), "--verbosity", "0", "--no-server-name"]
    return [*server, "minirag.asgi:application"]


def count_web_processes(wanted: str) -> int:
    """How many `wanted` ("auto" or a number) are. Raises StartError for what is neither."""
    if wanted == AUTO:
        room = (read_memory_bytes() - OTHERS_BYTES) // PROCESS_BYTES
        return max(1, min(count_cores(), room, MOST))
    if not wanted.isdecimal() or not 0 < int(wanted) <= 64:
        raise StartError(f"WEB_PROCESSES is `{AUTO}` or a number from 1 to 64, not {wanted!r}.")
    return int(wanted)


def count_cores(group: Path = Path("/sys/fs/cgroup")) -> int:
    """The cores that this process may use, a container's quota included."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    quota, _, period = _read(group / "cpu.max").partition(" ")
    if quota.isdecimal() and period.strip().isdecimal():
        cores = min(cores, -(-int(quota) // int(period)))
    return max(1, cores)


def read_memory_bytes(group: Path = Path("/sys/fs/cgroup")) -> int:
    """The machine's memory, or what a container may have of it."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _read(group / "memory.max").strip()
    return min(total, int(limit)) if limit.isdecimal() else total


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


class WebProcesses:
    """All of them; `look_after` and `roll` are to be called from the main thread.

    One that was told to leave has `leave_seconds` and its grace for that: it may hang, and be replaced because it does.
    """

    def __init__(self, make: MakeWeb, count: int, console: Console, leave_seconds: float) -> None:
        names = ["web"] if count == 1 else [f"web-{number}" for number in range(1, count + 1)]
        self._make, self._console, self._leave_seconds = make, console, leave_seconds
        self._serving = [make(name) for name in names]
        self._passing: list[Program] = []  # one that comes, one that leaves

    @property
    def programs(self) -> list[Program]:
        """Every one that may be running, those that come and leave included."""
        return [*self._serving, *self._passing]

    def start(self) -> None:
        for program in self._serving:
            program.start()
            if len(self._serving) > 1:  # when it is started again, others serve
                _have_it_warm_first(program)

    def are_serving(self) -> bool:
        return all(program.progress.is_serving for program in self._serving)

    def require_alive(self) -> None:
        """Raises StartError where one has ended: before they have ever served, trying again would not help."""
        for program in self._serving:
            if program.child is not None and not program.is_running():
                raise StartError(
                    f"{program.name} ended before it served (exit code {program.child.returncode})."
                )

    def look_after(self) -> None:
        """Starts again what has ended by itself."""
        for program in self._serving:
            program.look_after()

    def roll(self) -> Generator[None, None, bool]:
        """Replaces one after the other: go on with this until it ends. Returns whether all were replaced.

        A new one serves, and has loaded what it needs, before its predecessor is told to leave; the next begins when
        that one has ended. Where a new one does not come up, the old ones stay.
        """
        for place, old in enumerate(self._serving):
            new = self._make(old.name)
            _have_it_warm_first(new)
            self._passing = [new]
            new.start()
            deadline = time.monotonic() + _READY_SECONDS
            while not (new.progress.is_serving and new.progress.is_warm):
                if not new.is_running() or time.monotonic() > deadline:
                    new.stop()
                    new.progress.end()
                    self._passing.clear()
                    self._console.say(
                        f"{new.name}: the new process does not serve, so the old ones stay"
                    )
                    return False
                yield
            self._serving[place], self._passing = new, [old]
            old.ask_to_leave()
            deadline = time.monotonic() + self._leave_seconds + old.grace_seconds
            while old.is_running():
                if time.monotonic() > deadline:
                    old.hurry()
                yield
            old.progress.end()
            self._passing.clear()
            self._console.say(f"{new.name} is replaced")
        return True


def _have_it_warm_first(program: Program) -> None:
    program.environment = program.environment | {WARM_FIRST: "1"}

"""CPU seconds of processes, read from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


def read_stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on (proc(5) counts it as the third); empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def list_descendants(root: int) -> list[int]:
    """`root` and everything below it."""
    parents = {int(path.name): int(stat[1]) for path in Path("/proc").iterdir()
               if path.name.isdigit() and (stat := read_stat(int(path.name)))}  # fmt: skip
    family, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        family |= more
        grown = bool(more)
    return sorted(family)


def list_commands(root: int) -> list[tuple[int, str]]:
    """Each process below `root`, with its command line; a parent before its children."""
    found = []
    for pid in list_descendants(root):
        with suppress(FileNotFoundError, ProcessLookupError):
            command = (
                Path(f"/proc/{pid}/cmdline")
                .read_bytes()
                .replace(b"\0", b" ")
                .decode(errors="replace")
            )
            found.append((pid, command))
    return found


def find_processes(root: int, *words: str) -> list[int]:
    """The pids below `root` whose command line has all of `words`. Raises LookupError where there is none."""
    found = [pid for pid, command in list_commands(root) if all(word in command for word in words)]
    if not found:
        raise LookupError(f"no process with {words} below {root}")
    return found


def find_process(root: int, *words: str) -> int:
    """The first of them."""
    return find_processes(root, *words)[0]


def read_start(pid: int) -> str:
    """When a process was started, by which a number is told from its next owner's; "" once it is gone."""
    stat = read_stat(pid)
    return stat[19] if stat and stat[0] != "Z" else ""


def find_by_command(commands: Sequence[str]) -> list[int]:
    """The pids, of the whole machine, whose command line has one of `commands` in it."""
    found = [(pid, line) for pid, line in list_commands(0) if commands]
    return [pid for pid, line in found if any(command in line for command in commands)]


def is_server(pid: int) -> bool:
    """Whether it is a process of PostgreSQL or of the Redis-compatible server."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return name.startswith(("postgres", "valkey", "redis"))


def read_cpu_seconds(pids: list[int]) -> float:
    """User and system time of `pids`, with that of their children that ended and were waited for."""
    return (
        sum(sum(map(int, stat[11:15])) for pid in pids if (stat := read_stat(pid))) * TICK_SECONDS
    )


def read_memory_bytes(pid: int) -> int:
    """The resident size of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure_core_share(seconds: float = 0.5) -> float:
    """How much of a core one busy thread gets now: 1 on a quiet machine, and wall times are worth that much less."""
    started, cpu = time.monotonic(), time.process_time()
    while time.monotonic() - started < seconds:
        sum(range(1000))
    return (time.process_time() - cpu) / (time.monotonic() - started)

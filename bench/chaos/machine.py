"""What a machine does besides killing: its clock jumps by a day, and its disk is full."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from minirag.local.embedded.processes import die_with_parent

DAY_SECONDS, CLOCK_SECONDS = 86_400, 1.5
_SHARED = Path("/dev/shm")
_LIBRARIES = ("*/faketime/libfaketimeMT.so.1", "faketime/libfaketimeMT.so.1")


class Clock:
    """The clock of all processes that are started in its `environment`, by libfaketime; the monotonic one stays."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "clock"
        self.is_away = False
        self.environment: dict[str, str] = {}
        self._keeper: subprocess.Popen[str] | None = None
        self._shared: list[Path] = []

    def __enter__(self) -> Clock:
        library = find_library()
        assert library is not None
        self.set(0)
        self.environment = {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self._file), "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
            "PYTHONPATH": str(Path(__file__).parent / "under_faketime"),
        }  # fmt: skip
        # What the processes share belongs to the first of them, and PostgreSQL runs as another user where we are root.
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", "echo $FAKETIME_SHARED; exec sleep 1000000"], env={**os.environ, **self.environment},
            stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent(signal.SIGKILL),
        )  # fmt: skip
        assert self._keeper.stdout is not None
        self.environment["FAKETIME_SHARED"] = shared = self._keeper.stdout.readline().strip()
        semaphore, memory = (name.lstrip("/") for name in shared.split())
        self._shared = [_SHARED / f"sem.{semaphore}", _SHARED / memory]
        for file in self._shared:
            file.chmod(0o666)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._keeper is not None:
            self._keeper.kill()
            self._keeper.wait()
            for file in self._shared:
                file.unlink(missing_ok=True)

    def set(self, seconds: int) -> None:
        """So far ahead of the right time, or behind it. All processes have it within a second."""
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{seconds:+d}\n")
        draft.chmod(0o644)
        draft.replace(self._file)
        self.is_away = bool(seconds)


def find_library() -> Path | None:
    """Debian's package faketime has it."""
    found = (
        path
        for root in ("/usr/lib", "/usr/local/lib")
        for name in _LIBRARIES
        for path in Path(root).glob(name)
    )
    return next(found, None)


class Disk:
    """A file system in memory, with room for so much; it takes root to mount one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._stuffing = directory / "stuffing"

    @contextlib.contextmanager
    def mounted(self, megabytes: int) -> Iterator[None]:
        options = f"size={megabytes}m,mode=711"
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.directory)], check=True
        )
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(self.directory)], check=False)

    def fill(self) -> None:
        """Leave no room, not even for a page that the servers had given back meanwhile."""
        with contextlib.suppress(OSError), self._stuffing.open("ab", buffering=0) as file:
            for piece in (bytes(1 << 20), bytes(1 << 12)):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(piece)

    def free(self) -> None:
        self._stuffing.unlink(missing_ok=True)


def can_mount() -> bool:
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("mount") is not None

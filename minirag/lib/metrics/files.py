"""Numbers of several processes: each counts into a file in `DATA_DIR/metrics`, and who is asked adds them up.

Only where METRICS_TOKEN is set; without it nobody may read them.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import struct
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from django.conf import settings
from prometheus_client import CollectorRegistry, values
from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER: Final[Path] = settings.DATA_DIR / "metrics"
_KEPT_SECONDS: Final = 7 * 24 * 3600.0
_SILENT_SECONDS: Final = 600.0
_TOUCH_SECONDS: Final = 60.0
_touched: Final = [0.0]  # when this process did it last
_HOST: Final = socket.gethostname().replace("_", "-")  # the library cuts its files' names at "_"
_BROKEN: Final = (OSError, ValueError, TypeError, RuntimeError, struct.error)
"""What the library raises over a file that is not one of its own, or not whole."""

logger = logging.getLogger(__name__)


def count_in_files() -> bool:
    """Have everything that is counted from now on go into files, where somebody may read it; returns whether.

    A management command is over before anybody asks, and would leave its files behind. Where nothing can be written
    this process counts for itself: to be watched is no reason not to start.
    """
    if not settings.METRICS_TOKEN or Path(sys.argv[0]).name == "manage.py":
        return False
    try:
        _begin_files(_name_process())
        trial = FOLDER / f"trial_{_name_process()}.tmp"
        trial.write_bytes(bytes(8))
        trial.unlink()
    except OSError as error:
        logger.error("Metrics are of one process only: %s cannot be written (%s)", FOLDER, error.strerror)  # fmt: skip
        return False
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(FOLDER)
    begun = [_name_process()]

    def identify() -> str:
        if (name := _name_process()) != begun[0]:  # it has forked
            begun[0] = name
            with suppress(OSError):
                _begin_files(name)
        return name

    values.ValueClass = values.MultiProcessValue(identify)
    return True


def touch_gauges() -> None:
    """Show other machines that this process is there. To be called often: with each request, and so with each probe.

    What is written to a mapped file shows in its time late, or never where a number stays as it is.
    """
    if (now := time.monotonic()) - _touched[0] < _TOUCH_SECONDS:
        return
    _touched[0] = now
    for file in FOLDER.glob(f"gauge_*_{_name_process()}.db"):
        with suppress(OSError):
            os.utime(file)


def add_up() -> CollectorRegistry:
    """What is in all files."""
    _forget_dead(FOLDER.glob("*.db"), time.time())
    together = CollectorRegistry()
    together.register(_Files())
    return together


class _Files:
    """Like the library's own collector, which fails altogether over one damaged file."""

    def collect(self) -> Iterable[Metric]:
        now = time.time()
        files = [str(file) for file in FOLDER.glob("*.db") if not _is_of_the_gone(file, now)]
        try:
            return self._merge(files)
        except _BROKEN:
            return self._merge([file for file in files if _is_whole(file)])

    @staticmethod
    def _merge(files: list[str]) -> Iterable[Metric]:
        return list(MultiProcessCollector.merge(files, accumulate=True))


def _is_whole(file: str | Path) -> bool:
    try:
        size = Path(file).stat().st_size
        with Path(file).open("rb") as opened:
            (used,) = struct.unpack("i", opened.read(4))
        for key, *_ in MmapedDict.read_all_values_from_file(str(file)):
            json.loads(key)
    except _BROKEN:
        return False
    return bool(0 <= used <= size)


def _name_process() -> str:
    """Containers share the folder, and in each of them the process is number 1."""
    return f"{_HOST}-{os.getpid()}"


def _begin_files(name: str) -> None:
    """Make place for a process's files. One of its name has died: its counts go on, its open sockets are gone."""
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in FOLDER.glob(f"*_{name}.db"):
        if file.name.startswith("gauge_") or not _is_whole(file):
            file.unlink(missing_ok=True)


def _forget_dead(files: Iterable[Path], now: float) -> None:
    """Remove what no process writes to any more: open sockets of one that has died, and whatever is a week old.

    Until then what a dead process has counted stays counted: a rate must not fall because a worker was replaced. One
    that lives keeps its files, however long nothing has happened: it would go on counting into one that nobody sees.
    """
    for file in files:
        lives = _lives(file.stem.split("_")[-1])
        with suppress(OSError):  # another process has removed it
            is_old = now - file.stat().st_mtime > _KEPT_SECONDS and not lives
            if is_old or (file.name.startswith("gauge_") and lives is False):
                file.unlink()


def _is_of_the_gone(file: Path, now: float) -> bool:
    """Whether the open sockets are of a machine that says nothing any more; whether it has died, nobody can ask."""
    if not file.name.startswith("gauge_") or _lives(file.stem.split("_")[-1]) is not None:
        return False
    try:
        return now - file.stat().st_mtime > _SILENT_SECONDS
    except OSError:
        return True


def _lives(process: str) -> bool | None:
    """Whether a process of this host is there; None of another host, since that is not known."""
    host, _, pid = process.rpartition("-")
    if host != _HOST or not pid.isdecimal():
        return None
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True

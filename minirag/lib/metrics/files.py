"""Numbers of several processes: each counts into a file in `DATA_DIR/metrics`, and who is asked adds them up.

Only where METRICS_TOKEN is set; without it nobody may read them.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from django.conf import settings
from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER: Final[Path] = settings.DATA_DIR / "metrics"
_KEPT_SECONDS: Final = 7 * 24 * 3600.0
_HOST: Final = socket.gethostname().replace("_", "-")  # the library cuts its files' names at "_"


def count_in_files() -> bool:
    """Have everything that is counted from now on go into files, where somebody may read it; returns whether.

    A management command is over before anybody asks, and would leave its files behind.
    """
    if not settings.METRICS_TOKEN or Path(sys.argv[0]).name == "manage.py":
        return False
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(FOLDER)
    # Containers share the folder, and in each of them the process is number 1.
    values.ValueClass = values.MultiProcessValue(lambda: f"{_HOST}-{os.getpid()}")
    return True


def add_up() -> CollectorRegistry:
    """What is in all files."""
    _forget_dead(FOLDER.glob("*.db"), time.time())
    together = CollectorRegistry()
    MultiProcessCollector(together, str(FOLDER))
    return together


def _forget_dead(files: Iterable[Path], now: float) -> None:
    """Remove what no process writes to any more: open sockets of one that has died, and whatever is a week old.

    Until then what a dead process has counted stays counted: a rate must not fall because a worker was replaced.
    """
    for file in files:
        with suppress(OSError):  # another process has removed it
            is_old = now - file.stat().st_mtime > _KEPT_SECONDS
            if is_old or (file.name.startswith("gauge_") and _is_dead(file.stem.split("_")[-1])):
                file.unlink()


def _is_dead(process: str) -> bool:
    """Whether a process of this host is gone; of another host that is not known."""
    host, _, pid = process.rpartition("-")
    return host == _HOST and not Path("/proc", pid).exists()

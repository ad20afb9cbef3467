"""What the person at the terminal reads: one line at a time, each with the name of who said it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TextIO

_COLOURS = {"up": "1", "web": "36", "worker": "33", "beat": "35", "migrate": "32", "demo": "32"}
_WIDTH = 8


class Console:
    """Thread-safe. A terminal that goes away silences it and stops nobody: the log files hold the same lines."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()
        self._colourful = self._stream.isatty() and not os.environ.get("NO_COLOR")

    def say(self, line: str, name: str = "up") -> None:
        """Prints a line with its speaker in front."""
        prefix = f"{name:<{_WIDTH}}|"
        if self._colourful:
            prefix = f"\x1b[{_COLOURS.get(name.partition('-')[0], '0')}m{prefix}\x1b[0m"
        self.print(f"{prefix} {line}")

    def print(self, text: str) -> None:
        """Prints text as it is."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._stream.write(text + "\n")
            self._stream.flush()

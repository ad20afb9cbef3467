"""Whether this process still takes new work. It says no from the moment it is asked to stop until it has ended.

One that leaves (see `minirag.serving.shared_port`) takes what reaches it, and sends sockets elsewhere. While it starts,
a process tells whoever started it how far it is, where that one asked to be told.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Final

from minirag.lib.errors import ProductError

_stopping, _leaving = threading.Event(), threading.Event()
COME_BACK_SECONDS = 2

TELL_THROUGH: Final = "MINIRAG_TELL_THROUGH"
"""The environment variable with the descriptor to tell through how far this process is: a byte for each step."""
WARM_FIRST: Final = "MINIRAG_WARM_FIRST"
"""The environment variable that is set where others serve: loading the models beside its first answers slows them."""
SERVING, WARM = b"s", b"w"


class ServerStopping(ProductError):
    """This process ends, for a deploy say; another one, or its successor, goes on."""

    status, code, retryable = 503, "server_stopping", True
    retry_after_seconds = COME_BACK_SECONDS

    def __init__(self) -> None:
        super().__init__("The server is being restarted. Please try again in a moment.")


def stop_taking_work() -> None:
    _stopping.set()


def is_stopping() -> bool:
    return _stopping.is_set()


def begin_to_leave() -> None:
    _leaving.set()


def is_leaving() -> bool:
    """Whether others have taken over, or should: this process stops, or leaves when it has served whom it serves."""
    return _leaving.is_set() or _stopping.is_set()


def require_taking_work() -> None:
    """Raise ServerStopping once this process was asked to stop."""
    if _stopping.is_set():
        raise ServerStopping


def announce(step: bytes) -> None:
    """Tell whoever started this process that `step` is reached."""
    descriptor = os.environ.get(TELL_THROUGH, "")
    if descriptor.isdecimal():
        with suppress(OSError):  # it has gone, or had closed the pipe
            os.write(int(descriptor), step)

"""Whether this process still takes new work. It says no from the moment it is asked to stop until it has ended."""

from __future__ import annotations

import threading

from minirag.lib.errors import ProductError

_stopping = threading.Event()
COME_BACK_SECONDS = 2


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


def require_taking_work() -> None:
    """Raise ServerStopping once this process was asked to stop."""
    if _stopping.is_set():
        raise ServerStopping

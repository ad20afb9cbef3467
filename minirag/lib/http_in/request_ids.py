"""The id of a request: the client's own or a made one, in every answer, error, log line, message and task."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

_SANE = re.compile(r"[!-~]{1,64}")


def choose_request_id(sent: str) -> str:
    """Take the client's id when it is 1 to 64 printable ASCII characters without blanks, else make one."""
    return sent if _SANE.fullmatch(sent) else uuid.uuid4().hex


def current_request_id() -> str:
    """The id that log lines carry here, or nothing outside of a request."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


@contextmanager
def request_id_bound(request_id: str) -> Iterator[None]:
    """Have log lines, and the tasks that are sent, carry this id; none is bound for an empty one."""
    with structlog.contextvars.bound_contextvars(
        **({"request_id": request_id} if request_id else {})
    ):
        yield

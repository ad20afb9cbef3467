"""`send_soon`: the one way a row's work gets its message in the queue.

The queue in Redis may lose messages; the rows do not. A row says itself that it waits, so a message that comes twice
finds nothing to do, and one that got lost is sent again by the sweeper (see `minirag.lib.jobs.job`).
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

import structlog
from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

from minirag.lib.tracing.spans import trace_headers

logger = structlog.get_logger(__name__)

MESSAGE_SECONDS = 50
"""How long a message is good: less than a row waits for the next one (`RESEND_AFTER`), so that a backlog has one of
each row in the queue and not one of every minute."""


def send_soon(task: Task, row_id: uuid.UUID, *, seconds: float = 0) -> None:
    """Have a worker run `task` for a row once the transaction has committed, or `seconds` later.

    Never fails because the queue is down: the sweeper tries again anyway.
    """
    transaction.on_commit(partial(send_now, task, row_id, seconds=seconds))


def send_now(task: Task, row_id: uuid.UUID, *, seconds: float = 0) -> None:
    """`send_soon` for callers that have nothing left to commit, such as workers and sweepers."""
    options = {"countdown": seconds} if seconds else {}
    publish(task, str(row_id), expires=seconds + MESSAGE_SECONDS, **options)


def publish(task: Task, *arguments: Any, **options: Any) -> bool:
    """Put a message in the queue; returns whether there is one. Without, what the rows say has to do."""
    try:
        # No retry: a request waits for this.
        task.apply_async(arguments, retry=False, headers=trace_headers(), **options)
    except (OperationalError, OSError) as error:
        logger.warning(
            "the queue is out of reach; left to the sweeper",
            task=task.name,
            error=type(error).__name__,
        )
        return False
    return True

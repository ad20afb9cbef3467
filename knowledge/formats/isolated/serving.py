"""What every reader of a file does: limits itself, reads one file from stdin, answers on stdout.

Never imports Django: it has no settings, database or secrets to lose.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from typing import Any

from knowledge.formats.sections import ParseError


def serve(work: Callable[[bytes, dict[str, Any]], dict[str, Any]]) -> None:
    """Answer with what `work` makes of the file and of the head of the request, or with the reason of its failure."""
    answers = os.fdopen(os.dup(1), "wb")
    # A library that prints must not spoil the answer.
    os.dup2(2, 1)
    request = json.loads(sys.stdin.buffer.readline())
    limit_memory(request["memory_mb"])
    cpu_seconds = request["cpu_seconds"]
    # The soft limit kills with SIGXCPU, the hard one a second later for certain.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    answers.write(json.dumps(answer(work, sys.stdin.buffer.read(), request)).encode())
    answers.close()


def limit_memory(memory_mb: int) -> None:
    """And let nothing be written to the disk: neither a file nor what is left of a crash. A socket is no file."""
    memory = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def answer(
    work: Callable[[bytes, dict[str, Any]], dict[str, Any]], data: bytes, request: dict[str, Any], *,
    what: str = "file",
) -> dict[str, Any]:  # fmt: skip
    """What `work` makes of it, or why it cannot; `what` says what was to be read, to a person."""
    try:
        return work(data, request)
    except ParseError as error:
        return {"error": {"code": error.code, "reason": error.reason}}
    except MemoryError:
        reason = f"Reading this {what} needs more memory than is allowed."
        return {"error": {"code": "too_large", "reason": reason}}
    except Exception:  # noqa: BLE001 - the edge: a library's surprise must become a reason, not a stack trace
        return {"error": {"code": "broken", "reason": f"This {what} is broken and cannot be read."}}

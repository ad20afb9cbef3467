"""What every child process that reads a file does: limits itself, reads one file from stdin, answers on stdout.

Never imports Django: it starts in about a tenth of a second, and has no settings, database or secrets to lose.
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
    _limit_resources(request["memory_mb"], request["cpu_seconds"])
    answers.write(json.dumps(_answer(work, request)).encode())
    answers.close()


def _limit_resources(memory_mb: int, cpu_seconds: int) -> None:
    memory = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # The soft limit kills with SIGXCPU, the hard one a second later for certain.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Pipes are not files: the answer still gets through, and nothing is ever written to the disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _answer(
    work: Callable[[bytes, dict[str, Any]], dict[str, Any]], request: dict[str, Any]
) -> dict[str, Any]:
    try:
        return work(sys.stdin.buffer.read(), request)
    except ParseError as error:
        return {"error": {"code": error.code, "reason": error.reason}}
    except MemoryError:
        reason = "Reading this file needs more memory than is allowed."
        return {"error": {"code": "too_large", "reason": reason}}
    except Exception:  # noqa: BLE001 - the edge: a library's surprise must become a reason, not a stack trace
        return {"error": {"code": "broken", "reason": "This file is broken and cannot be read."}}

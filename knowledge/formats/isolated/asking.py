"""Has a child process with limits on memory and time read a file, whose answer is one JSON object."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from knowledge.formats.sections import ParseError

MEMORY_MB: Final = 1024
SECONDS: Final = 60.0
"""Of computing, and of waiting where somebody waits."""
PATIENT_SECONDS: Final = 180.0
"""Of waiting where nobody does: on a busy machine a file's minute of computing takes longer."""
_PROJECT: Final = Path(__file__).resolve().parents[3]


def ask_child(
    module: str, head: dict[str, Any], data: bytes, *, seconds: float = SECONDS, memory_mb: int = MEMORY_MB
) -> dict[str, Any]:  # fmt: skip
    """What `module`, a child of `isolated.serving`, answers to a file. Raises ParseError.

    Blocks the calling thread: call it from a worker thread or a Celery task, never from the event loop.
    """
    limits = {"memory_mb": memory_mb, "cpu_seconds": int(min(seconds, SECONDS)) + 1}
    request = json.dumps({**head, **limits}).encode() + b"\n" + data
    answer, status = _communicate(module, request, seconds)
    if status == -signal.SIGXCPU:
        raise ParseError("Reading this file took too much computing time.", code="timeout")
    try:
        message: dict[str, Any] = json.loads(answer)
    except ValueError:
        raise ParseError(
            "This file could not be read: the reader crashed on it.", code="crashed"
        ) from None
    if "error" in message:
        raise ParseError(message["error"]["reason"], code=message["error"]["code"])
    return message


def _communicate(module: str, request: bytes, seconds: float) -> tuple[bytes, int]:
    # The child gets no environment to speak of: it reads hostile files and has no business with our secrets.
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=_PROJECT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as child:
        try:
            answer, _ = child.communicate(request, timeout=seconds)
        except subprocess.TimeoutExpired:
            reason = f"Reading this file took longer than {max(1, round(seconds))} seconds."
            raise ParseError(reason, code="timeout") from None
        finally:
            # Also when the caller itself is interrupted (Celery's soft time limit): no child outlives its request.
            child.kill()
    return answer, child.returncode

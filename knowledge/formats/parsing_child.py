"""The child process of `knowledge.formats.parsing.parse_isolated`: one file in on stdin, one JSON object out on stdout.

Never imports Django: it starts in about a tenth of a second, and has no settings, database or secrets to lose.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

from knowledge.formats.cleaning import Rules
from knowledge.formats.parsing import ParseError, parse


def _limit_resources(memory_mb: int, cpu_seconds: int) -> None:
    memory = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # The soft limit kills with SIGXCPU, the hard one a second later for certain.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Pipes are not files: the answer still gets through, and nothing is ever written to the disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _answer(data: bytes, kind: str, name: str, rules: Rules) -> dict[str, Any]:
    try:
        document = parse(data, kind=kind, name=name, rules=rules)
    except ParseError as error:
        return {"error": {"code": error.code, "reason": error.reason}}
    except MemoryError:
        reason = "Reading this file needs more memory than is allowed."
        return {"error": {"code": "too_large", "reason": reason}}
    except Exception:  # noqa: BLE001 - the edge: a library's surprise must become a reason, not a stack trace
        return {"error": {"code": "broken", "reason": "This file is broken and cannot be read."}}
    return {
        "title": document.title,
        "sections": [[list(s.heading), s.text, s.page, s.kind, s.place] for s in document.sections],
        "metadata": document.metadata,
        "language": document.language,
    }


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    # A library that prints must not spoil the answer.
    os.dup2(2, 1)
    request = json.loads(sys.stdin.buffer.readline())
    _limit_resources(request["memory_mb"], request["cpu_seconds"])
    rules = Rules.read({"clean": request["rules"]})
    answer = _answer(sys.stdin.buffer.read(), request["kind"], request["name"], rules)
    answers.write(json.dumps(answer).encode())
    answers.close()


if __name__ == "__main__":
    main()

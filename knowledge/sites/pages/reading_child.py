"""The child process of `knowledge.sites.pages.reading`: page by page in on stdin, an answer each out on stdout.

One process for many pages, since a start costs more than most pages do. What a page does to it harms the pages of the
same site at most. Never imports Django: it has no settings, database or secrets to lose.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

from knowledge.formats.cleaning import Rules
from knowledge.formats.isolated.packing import as_json
from knowledge.formats.parsing import ParseError, parse
from knowledge.formats.registry import WEB_PAGE
from knowledge.sites.pages.marks import Marks, read_marks


def _limit_memory(memory_mb: int) -> None:
    memory = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _limit_time(seconds: int) -> None:
    """From now on; beyond it the soft limit kills with SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    end = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (end, resource.RLIM_INFINITY))


def _answer(data: bytes, kind: str, url: str, rules: dict[str, Any]) -> dict[str, Any]:
    try:
        known = Rules.read({"clean": rules})
        document = parse(data, kind=kind, name=url, address=url, rules=known)
        marks = read_marks(data, url) if kind == WEB_PAGE else Marks()
    except ParseError as error:
        return {"error": {"code": error.code, "reason": error.reason}}
    except MemoryError:
        return {
            "error": {
                "code": "too_large",
                "reason": "Reading this page needs more memory than is allowed.",
            }
        }
    except Exception:  # noqa: BLE001 - the edge: a library's surprise must become a reason, not a stack trace
        return {"error": {"code": "broken", "reason": "This page is broken and cannot be read."}}
    return {"document": as_json(document), "marks": marks.as_json()}


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not spoil the answer
    questions = sys.stdin.buffer
    while line := questions.readline():
        request = json.loads(line)
        _limit_memory(request["memory_mb"])
        _limit_time(request["cpu_seconds"])
        answer = json.dumps(
            _answer(
                questions.read(request["size"]), request["kind"], request["url"], request["rules"]
            )
        )
        answers.write(answer.encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()

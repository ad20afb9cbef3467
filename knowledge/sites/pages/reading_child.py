"""What a reader of `isolated.nursery` does for `pages.reading`: page by page in on stdin, an answer each out on stdout.

One reader for many pages, since to be forked takes longer than most pages do. What a page does to it harms the pages of
the same site at most. Never imports Django: it has no settings, database or secrets to lose.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

from knowledge.formats import parsing_child
from knowledge.formats.isolated.serving import answer, limit_memory
from knowledge.formats.registry import WEB_PAGE
from knowledge.sites.pages.marks import Marks, read_marks


def serve_pages() -> None:
    """Answer each page until there is none any more: with its document and marks, or why it cannot be read."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not spoil the answer
    questions = sys.stdin.buffer
    while line := questions.readline():
        request = json.loads(line)
        limit_memory(request["memory_mb"])
        _limit_time(request["cpu_seconds"])
        said = answer(_work, questions.read(request["size"]), request, what="page")
        answers.write(json.dumps(said).encode() + b"\n")
        answers.flush()


def _work(data: bytes, request: dict[str, Any]) -> dict[str, Any]:
    read = parsing_child.work(data, request)
    is_web_page = request["kind"] == WEB_PAGE
    marks = read_marks(data, request["address"]) if is_web_page else Marks()
    return {**read, "marks": marks.as_json()}


def _limit_time(seconds: int) -> None:
    """From now on; beyond it the soft limit kills with SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    end = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (end, resource.RLIM_INFINITY))

"""The stages of one piece of work: how long each took, in its span, in the metrics and in its log line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from minirag.lib.metrics.counted import note_stage
from minirag.lib.tracing.spans import span

_times: ContextVar[dict[str, float] | None] = ContextVar("stage_times", default=None)


@contextmanager
def timing_stages() -> Iterator[dict[str, float]]:
    """Yields the milliseconds of each stage of the body, which fill up as it goes on."""
    times: dict[str, float] = {}
    token = _times.set(times)
    try:
        yield times
    finally:
        _times.reset(token)


@contextmanager
def stage(work: str, name: str) -> Iterator[None]:
    """One stage of `work`, an "ingestion" for example; what comes several times is added up."""
    started = time.perf_counter()
    try:
        with span(name):
            yield
    finally:
        seconds = time.perf_counter() - started
        note_stage(work, name, seconds)
        times = _times.get()
        if times is not None:
            times[name] = round(times.get(name, 0.0) + seconds * 1000, 1)

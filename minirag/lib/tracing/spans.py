"""Spans of what goes on here, sent to an OpenTelemetry collector by a thread of the library's own.

Where no collector is set (OTEL_EXPORTER_OTLP_ENDPOINT) no library is loaded and a span is nothing. What one says are
names, numbers and ids, those of `FACTS` and no others: never what people wrote, a secret, or the words of an error.
"""

from __future__ import annotations

import atexit
import os
import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from threading import Thread
from types import ModuleType, TracebackType
from typing import Any, Final

from django.conf import settings

FACTS: Final = {
    "bot_id": "minirag.bot_id",
    "method": "http.request.method",
    "model": "gen_ai.request.model",
    "outcome": "minirag.outcome",
    "request_id": "minirag.request_id",
    "route": "http.route",
    "source_id": "minirag.source_id",
    "source_type": "minirag.source_type",
    "status": "http.response.status_code",
    "tenant": "minirag.tenant",
    "turn_id": "minirag.turn_id",
}
"""What a span may say, and what that is called out there."""
Fact = str | int | float | None
_LONGEST: Final = 200
_PARENT: Final = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_LEAVING_SECONDS: Final = 2.0
"""So long a process that ends waits for a collector."""


def _is_wanted() -> bool:
    is_off = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower()
    return bool(settings.TRACES_ENDPOINT) and exporter == "otlp" and not is_off


IS_ON = _is_wanted()
_NOTHING: Final[AbstractContextManager[Any]] = nullcontext()


@dataclass(frozen=True)
class _Library:
    trace: ModuleType
    context: ModuleType
    propagator: Any
    provider: Any
    tracer: Any


@cache
def _library() -> _Library:
    """Loads the library; reads the standard variables, but for the name of the service, which has a default of ours."""
    from opentelemetry import context, trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    os.environ.setdefault("OTEL_SERVICE_NAME", "minirag")
    provider = TracerProvider(resource=Resource.create(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    atexit.register(send_rest)
    tracer = provider.get_tracer("minirag")
    return _Library(trace, context, TraceContextTextMapPropagator(), provider, tracer)


def prepare() -> None:
    """Load the library now, where a first request would wait for it."""
    if IS_ON:
        _library()


def send_rest() -> None:
    """Send what waits, for a process that ends; a collector that does not answer holds it up for a moment only."""
    if IS_ON and _library.cache_info().currsize:
        sending = Thread(target=_library().provider.force_flush, name="last-spans", daemon=True)
        sending.start()
        sending.join(_LEAVING_SECONDS)


def span(
    name: str, *, kind: str = "internal", carrier: Mapping[str, str] | None = None, **facts: Fact
) -> AbstractContextManager[Any]:
    """A span for as long as the body runs, below the one that is current or the one that `carrier`'s headers name.

    `kind` is internal, server, client, producer or consumer. Not around a `yield`: the body would leave it elsewhere.
    """
    return _Span(name, kind, carrier, facts) if IS_ON else _NOTHING


def note_span(name: str, seconds: float, **facts: Fact) -> None:
    """A span below the current one that is over now, and took so long."""
    if IS_ON:
        ended = time.time_ns()
        started = ended - int(seconds * 1e9)
        done = _library().tracer.start_span(name, start_time=started, attributes=_write(facts))
        done.end(end_time=ended)


def note(name: str = "", **facts: Fact) -> None:
    """Say more of the current span, or what it is called."""
    if IS_ON:
        current = _library().trace.get_current_span()
        current.set_attributes(_write(facts))
        if name:
            current.update_name(name)


def note_failure(code: str) -> None:
    """The current span's work has failed, by one of our codes."""
    if IS_ON:
        otel = _library()
        current = otel.trace.get_current_span()
        current.set_attribute("error.type", code)
        current.set_status(otel.trace.Status(otel.trace.StatusCode.ERROR))


def trace_headers() -> dict[str, str]:
    """The headers by which whoever is asked goes on with this trace; none where there is none."""
    headers: dict[str, str] = {}
    if IS_ON:
        _library().propagator.inject(headers)
    return headers


def current_trace_id() -> str:
    """The id of what goes on here, or nothing."""
    if not IS_ON:
        return ""
    context = _library().trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""


def read_trace_id(traceparent: str) -> str:
    """The id that a `traceparent` names, or nothing."""
    found = _PARENT.fullmatch(traceparent.strip())
    return found[1] if found and found[1].strip("0") else ""


class _Span:
    __slots__ = ("_otel", "_span", "_token")

    def __init__(
        self, name: str, kind: str, carrier: Mapping[str, str] | None, facts: Mapping[str, Fact]
    ) -> None:
        otel = self._otel = _library()
        above = otel.propagator.extract(carrier) if carrier else None
        self._span = otel.tracer.start_span(
            name, context=above, kind=otel.trace.SpanKind[kind.upper()], attributes=_write(facts)
        )

    def __enter__(self) -> None:
        self._token = self._otel.context.attach(self._otel.trace.set_span_in_context(self._span))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:  # fmt: skip
        self._otel.context.detach(self._token)
        if isinstance(error, Exception):
            self._span.set_attribute(
                "error.type", getattr(error, "code", "") or type(error).__name__
            )
            self._span.set_status(self._otel.trace.Status(self._otel.trace.StatusCode.ERROR))
        self._span.end()


def _write(facts: Mapping[str, Fact]) -> dict[str, str | int | float]:
    return {
        FACTS[name]: value[:_LONGEST] if isinstance(value, str) else value
        for name, value in facts.items()
        if value is not None and value != ""
    }

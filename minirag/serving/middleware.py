"""A request id and a trace in, out, and on every log line between; and who may call from another page."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from http import HTTPMethod
from typing import Any

import structlog
from corsheaders.middleware import CorsMiddleware
from django.http import HttpRequest, HttpResponseBase

from minirag.lib.http_in.doors import route_of
from minirag.lib.http_in.middleware import TwofoldMiddleware
from minirag.lib.http_in.request_ids import choose_request_id
from minirag.lib.metrics.counted import note_request
from minirag.lib.tracing.spans import current_trace_id, note, note_failure, read_trace_id, span
from tenants.context import PUBLIC_SCHEMA

logger = structlog.get_logger("minirag.request")
_METHODS = frozenset(HTTPMethod)
_QUIET_PATHS = ("/health", "/metrics", "/static/")
_TRACE_HEADERS = {"traceparent": "HTTP_TRACEPARENT", "tracestate": "HTTP_TRACESTATE"}


class RequestIdMiddleware(TwofoldMiddleware):
    """Take a sane `X-Request-ID` from the client or make one; bind it, return it, log the request's end."""

    def call(self, request: HttpRequest) -> HttpResponseBase:
        with _span_of(request):
            started = _begin(request)
            response: HttpResponseBase = self.get_response(request)
            return _end(request, response, started)

    async def call_async(self, request: HttpRequest) -> HttpResponseBase:
        with _span_of(request):
            started = _begin(request)
            return _end(request, await self.get_response(request), started)


def _span_of(request: HttpRequest) -> AbstractContextManager[Any]:
    """What is asked of us every few seconds is no story."""
    if request.path_info.startswith(_QUIET_PATHS):
        return nullcontext()
    return span("request", kind="server", carrier=_carrier_of(request))


def _carrier_of(request: HttpRequest) -> dict[str, str]:
    return {name: request.META[key] for name, key in _TRACE_HEADERS.items() if key in request.META}


def _begin(request: HttpRequest) -> float:
    request_id = choose_request_id(request.META.get("HTTP_X_REQUEST_ID", ""))
    request.request_id = request_id  # type: ignore[attr-defined]
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    sent = request.META.get("HTTP_TRACEPARENT", "")
    trace_id = current_trace_id() or (read_trace_id(sent) if sent else "")
    request.trace_id = trace_id  # type: ignore[attr-defined]
    if trace_id:
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
    return time.perf_counter()


def _end(request: HttpRequest, response: HttpResponseBase, started: float) -> HttpResponseBase:
    response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
    if request.trace_id:  # type: ignore[attr-defined]
        response["X-Trace-ID"] = request.trace_id  # type: ignore[attr-defined]
    seconds = time.perf_counter() - started
    method, route, status = _name_method(request), _name_route(request), response.status_code
    note_request(method, route, status, seconds)
    _tell_span(request, method, route, status)
    if not request.path_info.startswith(_QUIET_PATHS):
        logger.info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            milliseconds=round(seconds * 1000, 1),
            # This line is written outside of the tenant that the request ran in.
            schema=getattr(getattr(request, "tenant", None), "schema_name", PUBLIC_SCHEMA),
        )
    return response


def _tell_span(request: HttpRequest, method: str, route: str, status: int) -> None:
    tenant = getattr(getattr(request, "tenant", None), "slug", None)
    note(
        f"{method} {route}", method=method, route=route, status=status, tenant=tenant,
        request_id=request.request_id,  # type: ignore[attr-defined]
    )  # fmt: skip
    if status >= 500:
        note_failure(str(status))


def _name_method(request: HttpRequest) -> str:
    """What is no method of HTTP counts as one, whatever strangers make up."""
    return request.method if request.method in _METHODS else "other"


def _name_route(request: HttpRequest) -> str:
    match = route_of(request).match
    return match.route if match else "none"


class WidgetCorsMiddleware(CorsMiddleware):
    """CORS as ALLOWED_ORIGINS says, and open for the widget's routes.

    A widget is embedded in its bot's own pages, which the operator's list does not know. There the bot's
    `allowed_origins` decide, and their refusal must be readable by the page. No credentials are allowed with either.
    """

    def check_signal(self, request: HttpRequest) -> bool:
        """The base class's question for exceptions to its list, which it otherwise asks of signal receivers."""
        return route_of(request).door.any_origin

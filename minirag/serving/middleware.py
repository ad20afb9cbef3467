"""A request id in, out, and on every log line between; and who may call from another page."""

from __future__ import annotations

import time
from http import HTTPMethod

import structlog
from corsheaders.middleware import CorsMiddleware
from django.http import HttpRequest, HttpResponseBase

from minirag.lib.http_in.doors import route_of
from minirag.lib.http_in.middleware import TwofoldMiddleware
from minirag.lib.http_in.request_ids import choose_request_id
from minirag.lib.metrics.counted import note_request
from tenants.context import PUBLIC_SCHEMA

logger = structlog.get_logger("minirag.request")
_METHODS = frozenset(HTTPMethod)
_QUIET_PATHS = ("/health", "/static/")


class RequestIdMiddleware(TwofoldMiddleware):
    """Take a sane `X-Request-ID` from the client or make one; bind it, return it, log the request's end."""

    def call(self, request: HttpRequest) -> HttpResponseBase:
        started = _begin(request)
        response: HttpResponseBase = self.get_response(request)
        return _end(request, response, started)

    async def call_async(self, request: HttpRequest) -> HttpResponseBase:
        started = _begin(request)
        return _end(request, await self.get_response(request), started)


def _begin(request: HttpRequest) -> float:
    request_id = choose_request_id(request.META.get("HTTP_X_REQUEST_ID", ""))
    request.request_id = request_id  # type: ignore[attr-defined]
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return time.perf_counter()


def _end(request: HttpRequest, response: HttpResponseBase, started: float) -> HttpResponseBase:
    response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
    seconds = time.perf_counter() - started
    note_request(_name_method(request), _name_route(request), response.status_code, seconds)
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

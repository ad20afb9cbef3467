"""The wire of `/v1`: strict JSON in, exact errors out.

Views built on DRF derive from `ApiView`; one that waits for a model is a coroutine function under `on_loop`, which
answers the same. How requests are read is in `minirag.lib.http_in.reading`, whose names are found here as well.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from functools import partial, wraps
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language, get_language_from_request, gettext, override
from django.views.decorators.csrf import csrf_exempt
from django.views.defaults import page_not_found
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from minirag.lib.database import DATABASE, find_outage, run_in_pool
from minirag.lib.errors import DatabaseUnavailable, NotAuthenticated, ProductError, TooManyRequests
from minirag.lib.http_in.doors import API_DOOR, Door, door
from minirag.lib.http_in.error_bodies import error_body
from minirag.lib.http_in.ignored import tell_ignored
from minirag.lib.http_in.reading import (
    Body,
    BodyTooLarge,
    InvalidFields,
    check_form_text,
    client_address,
    django_request,
    parse_uuid,
    read_body,
    read_body_async,
    read_query,
    validate_fields,
)
from minirag.lib.security.limits import LimitState, limit_headers

__all__ = [
    "ApiView",
    "Body",
    "BodyTooLarge",
    "InvalidFields",
    "MethodNotAllowed",
    "check_form_text",
    "client_address",
    "error_response",
    "method_not_allowed",
    "naive_utc",
    "no_content",
    "on_loop",
    "parse_uuid",
    "read_body",
    "read_body_async",
    "read_query",
    "render_error",
    "validate_fields",
]

AsyncView = Callable[..., Coroutine[Any, Any, HttpResponseBase]]

logger = logging.getLogger(__name__)


class MethodNotAllowed(ProductError):
    """The route is there and has other methods: those in `allowed`."""

    status, code = 405, "method_not_allowed"

    def __init__(self, allowed: list[str]) -> None:
        super().__init__("Method Not Allowed")
        self.allowed = allowed


# --- Writing a response -------------------------------------------------------------------------------------------
def naive_utc(moment: datetime | None) -> str | None:
    """Format a time as the contract does: UTC without a zone, the fraction omitted when it is 0."""
    if moment is None:
        return None
    moment = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return moment.isoformat().removesuffix("+00:00")


def no_content() -> HttpResponse:
    return HttpResponse(status=204, content_type="application/json")


def error_response(error: Exception, request: HttpRequest | Request) -> JsonResponse:
    """Translate any exception into the contract's JSON; one that nobody foresaw is logged and becomes a plain 500."""
    raw = django_request(request)
    status, payload, headers = explain_error(error, _request_id_of(raw), raw.path_info)
    compact = {"separators": (",", ":"), "ensure_ascii": False}
    return JsonResponse(payload, status=status, headers=headers, json_dumps_params=compact)


def render_error(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's EXCEPTION_HANDLER: `error_response` for DRF views."""
    raw = django_request(context["request"])
    status, payload, headers = explain_error(error, _request_id_of(raw), raw.path_info)
    return Response(payload, status=status, headers=headers)


def explain_error(
    error: Exception, request_id: str, path: str
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return status, body and headers of an error, for whatever writes them; `path` is below a tenant's prefix."""
    known = known_error(error)
    headers: dict[str, str] = {}
    if isinstance(known, NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if known.retry_after_seconds is not None:
        headers["Retry-After"] = str(known.retry_after_seconds)
        if isinstance(known, TooManyRequests) and known.limit is not None:
            headers |= limit_headers(LimitState(known.limit, 0, known.retry_after_seconds))
    if isinstance(known, MethodNotAllowed):
        headers["Allow"] = ", ".join(known.allowed)
    if known.status >= 500 and not known.retryable:
        logger.error("request failed: %s", type(error).__name__, exc_info=error)
    return known.status, error_body(known, request_id, path=path), headers


def known_error(error: Exception) -> ProductError:
    """Return what an exception means to a caller; one that nobody foresaw is a plain 500."""
    return error if isinstance(error, ProductError) else _translate_error(error)


def _request_id_of(request: HttpRequest) -> str:
    return str(getattr(request, "request_id", ""))


_KNOWN: list[tuple[tuple[type[Exception], ...], int, str, str]] = [
    ((Http404, exceptions.NotFound), 404, "not_found", "Not Found"),
    (
        (exceptions.NotAuthenticated, exceptions.AuthenticationFailed),
        401,
        "not_authenticated",
        "Not authenticated",
    ),
    ((PermissionDenied, exceptions.PermissionDenied), 403, "forbidden", "You may not do this."),
    ((RequestDataTooBig,), 413, "body_too_large", "The request body is too large."),
    (
        (SuspiciousOperation, MultiPartParserError, UnreadablePostError),
        400,
        "bad_request",
        "Bad Request",
    ),
]


def _translate_error(error: Exception) -> ProductError:
    if outage := find_outage(error):
        return outage
    for kinds, status, code, detail in _KNOWN:
        if isinstance(error, kinds):
            known = (NotAuthenticated if status == 401 else ProductError)(detail, code=code)
            known.status = status
            return known
    if isinstance(error, exceptions.APIException):
        known = ProductError(str(error.detail), code=str(error.default_code))
        known.status = error.status_code
        return known
    return ProductError("Internal Server Error")


# --- Views --------------------------------------------------------------------------------------------------------
class AlwaysJSON(BaseContentNegotiation):
    """Answer in JSON whatever the client says it accepts, and leave `?format=` to the views."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> Any:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class ApiView(APIView):
    """A resource under `/v1`: one method per HTTP method; what it raises becomes the contract's error."""

    content_negotiation_class = AlwaysJSON
    thread_pool: ClassVar[str] = (
        DATABASE  # a view that may take long names another pool of minirag.lib.database
    )
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    door: ClassVar[Door] = API_DOOR  # what the edge has to know before it calls the view

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return a coroutine function that runs the view on a database thread, and renders there as well.

        Who is on such a thread already calls its `respond`; a view with threads of its own has none.
        """
        view = super().as_view(**initkwargs)

        def respond(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response: HttpResponse = view(request, *args, **kwargs)
            if isinstance(response, Response):
                response.render()
                # A plain response: Django would hop to another thread to find out that there is nothing to render.
                response = HttpResponse(
                    response.content, status=response.status_code, headers=response.headers
                )
            tell_ignored(request, response)
            return response

        @wraps(view)
        async def serve(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            return await run_in_pool(cls.thread_pool, respond, request, *args, **kwargs)

        serve.csrf_exempt = True  # type: ignore[attr-defined]
        serve.door = cls.door  # type: ignore[attr-defined]
        serve.view_class = cls  # type: ignore[attr-defined]
        if cls.thread_pool == DATABASE:
            serve.respond = respond  # type: ignore[attr-defined]
        return serve

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before authentication, so that a wrong method is 405 for everybody.
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(self.allowed_methods)
        super().initial(request, *args, **kwargs)


def answer_not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Django's `handler404`."""
    return error_response(Http404(), request)


def answer_absence(request: HttpRequest) -> HttpResponse:
    """Answer 404, to a program in JSON and to a person with a page."""
    return _answer_either(request, Http404(), partial(page_not_found, request, Http404()))


def answer_unserved(request: HttpRequest, error: ProductError) -> HttpResponse:
    """Answer a host that is nobody's, to a program in JSON and to a person with a page."""
    page = partial(render, request, "host_unknown.html", status=error.status)
    return _answer_either(request, error, page)


def _answer_either(
    request: HttpRequest, error: Exception, render_page: Callable[[], HttpResponse]
) -> HttpResponse:
    if wants_json(request):
        return error_response(error, request)
    with override(get_language_from_request(request)):
        page = render_page()
    patch_vary_headers(page, ("Accept", "Accept-Language", "Cookie"))
    return page


def method_not_allowed(request: HttpRequest, allowed: list[str]) -> JsonResponse:
    """Answer 405 from a plain Django view."""
    return error_response(MethodNotAllowed(allowed), request)


def on_loop(method: str, entry: Door) -> Callable[[AsyncView], AsyncView]:
    """Make a view of a coroutine function that answers `method` on the event loop, where a model is waited for.

    As in an ApiView, what it raises becomes the contract's error.
    """

    def make(answer: AsyncView) -> AsyncView:
        @wraps(answer)
        async def serve(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method != method:
                return method_not_allowed(request, [method])
            try:
                return await answer(request, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 - the edge: error_response logs what nobody foresaw
                return error_response(error, request)

        return door(entry)(csrf_exempt(serve))

    return make


def answer_bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Django's `handler400`."""
    return error_response(
        exception if isinstance(exception, Exception) else SuspiciousOperation(), request
    )


def answer_server_error(request: HttpRequest) -> JsonResponse:
    """Django's `handler500`; Django has logged the exception."""
    payload = error_body(
        ProductError("Internal Server Error"), _request_id_of(request), path=request.path_info
    )
    return JsonResponse(payload, status=500)


_OUTAGE_PAGE = """<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p></body>
</html>
"""


def wants_json(request: HttpRequest) -> bool:
    """Whether an error is for a program: under the API always, elsewhere unless a page was asked for."""
    return request.path_info.startswith("/v1/") or not wants_page(request)


def wants_page(request: HttpRequest) -> bool:
    return "text/html" in request.headers.get("Accept", "")


def answer_outage(request: HttpRequest) -> HttpResponse:
    """Answer 503 with Retry-After, to a program in JSON and to a person in words."""
    outage = DatabaseUnavailable()
    if wants_json(request):
        return error_response(outage, request)
    page = _OUTAGE_PAGE.format(
        language=get_language() or "en", title=gettext("Not available at the moment"),
        text=gettext("Please try again in a few seconds."),
    )  # fmt: skip
    return HttpResponse(
        page, status=outage.status, headers={"Retry-After": str(outage.retry_after_seconds)}
    )


class OpenView(ApiView):
    """A resource that nobody authenticates for: who calls is told by nothing, or by the body alone."""

    authentication_classes = ()
    permission_classes = ()

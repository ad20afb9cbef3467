"""The wire of `/v1`: strict JSON in, exact errors out.

Bodies and queries are pydantic models, because the wire contract's validation errors are pydantic's own, word for
word. Views built on DRF derive from `ApiView`; a plain Django view, async or not, uses `read_body` and
`error_response` and answers the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from minirag.lib.database import DATABASE, run_in_pool
from minirag.lib.errors import NotAuthenticated, ProductError, TooManyRequests
from minirag.lib.strict_json import InvalidJSON, UnstorableText, check_text, parse_json

logger = logging.getLogger(__name__)

_SECRET_FIELDS = frozenset({"password", "owner_password", "api_token", "api_key", "credentials", "secret"})
_HIDDEN = "**********"
_ECHO_LENGTH = 500
_UUID = TypeAdapter(UUID)


class Body(BaseModel):
    """Base of request bodies and queries: unknown fields are ignored, `model_fields_set` tells what was sent."""

    model_config = ConfigDict(extra="ignore")


B = TypeVar("B", bound=BaseModel)


class InvalidFields(ProductError):
    """422 whose `detail` is a list of `{type, loc, msg, input, ctx?}`, one per field at fault."""

    status, code = 422, "validation_error"

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("The request has invalid fields.")
        self.errors = [_clean_error(error) for error in errors]

    @classmethod
    def of(cls, kind: str, loc: tuple[str | int, ...], message: str, value: Any = None, **ctx: Any) -> InvalidFields:
        """Build the error of one field; `loc` begins with `body`, `path` or `query`."""
        error: dict[str, Any] = {"type": kind, "loc": loc, "msg": message, "input": value}
        return cls([error | ({"ctx": ctx} if ctx else {})])


class MethodNotAllowed(ProductError):
    """The route is there and has other methods: those in `allowed`."""

    status, code = 405, "method_not_allowed"

    def __init__(self, allowed: list[str]) -> None:
        super().__init__("Method Not Allowed")
        self.allowed = allowed


class BodyTooLarge(ProductError):
    """More bytes than the installation takes."""

    status, code = 413, "body_too_large"

    def __init__(self) -> None:
        super().__init__(f"The request body is larger than {settings.MAX_BODY_BYTES // 2**20} MB.")


# --- Reading a request --------------------------------------------------------------------------------------------
def read_body(model: type[B], request: HttpRequest | Request) -> B:
    """Validate the JSON body of a Django or DRF request.

    Raises InvalidFields (422 list), BodyTooLarge (413).
    """
    raw = _django_request(request)
    body = _read_bytes(raw)
    if not body:
        raise InvalidFields.of("missing", ("body",), "Field required")
    if not _is_json(raw.content_type or ""):
        raise _not_an_object(None)  # the text itself is not echoed: it may hold a password
    try:
        value = parse_json(body)
    except InvalidJSON as error:
        raise InvalidFields.of(
            "json_invalid", ("body", error.offset), "JSON decode error", {}, error=error.reason
        ) from None
    except UnstorableText as error:
        raise InvalidFields.of("string_unicode", ("body", *error.loc), error.reason) from None
    if value is None:
        raise InvalidFields.of("missing", ("body",), "Field required")
    if not isinstance(value, dict):
        raise _not_an_object(None if isinstance(value, str) else value)
    return validate_fields(model, value, where="body")


def check_form_text(fields: dict[str, str], *, where: str = "body") -> None:
    """Raise InvalidFields when a form field or query parameter has text that cannot be stored."""
    for name, text in fields.items():
        try:
            check_text(text, (name,))
        except UnstorableText as error:
            raise InvalidFields.of("string_unicode", (where, *error.loc), error.reason) from None


def read_query(model: type[B], request: HttpRequest | Request) -> B:
    """Validate the query string; of a repeated parameter the last counts. Raises InvalidFields."""
    fields = _django_request(request).GET.dict()
    check_form_text(fields, where="query")
    return validate_fields(model, fields, where="query")


def validate_fields(model: type[B], fields: dict[str, Any], *, where: str) -> B:
    """Validate fields that were read already; `where` begins each error's `loc`. Raises InvalidFields."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise InvalidFields([{**item, "loc": (where, *item["loc"])} for item in found]) from None


def parse_uuid(text: str, name: str, *, where: str = "path") -> UUID:
    """Parse an id of the path; raises InvalidFields with `loc` [where, name]."""
    try:
        return _UUID.validate_python(text)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise InvalidFields([{**item, "loc": (where, name)} for item in found]) from None


def client_address(request: HttpRequest | Request) -> str:
    """Return the caller's IP; with TRUST_PROXY_HEADERS the one that our own proxy appended last."""
    meta = _django_request(request).META
    forwarded = meta.get("HTTP_X_FORWARDED_FOR", "") if settings.TRUST_PROXY_HEADERS else ""
    return forwarded.rpartition(",")[2].strip() or meta.get("REMOTE_ADDR", "")


def _django_request(request: HttpRequest | Request) -> HttpRequest:
    return request._request if isinstance(request, Request) else request


def _read_bytes(request: HttpRequest) -> bytes:
    try:
        # A chunked body has no length to check before it is read.
        body = request.body if request.META.get("CONTENT_LENGTH") else request.read(settings.MAX_BODY_BYTES + 1)
    except RequestDataTooBig:
        raise BodyTooLarge from None
    if len(body) > settings.MAX_BODY_BYTES:
        raise BodyTooLarge
    return body


def _is_json(content_type: str) -> bool:
    return content_type == "application/json" or (
        content_type.startswith("application/") and content_type.endswith("+json")
    )


def _not_an_object(value: Any) -> InvalidFields:
    message = "Input should be a valid dictionary or object to extract fields from"
    return InvalidFields.of("model_attributes_type", ("body",), message, value)


def _clean_error(error: dict[str, Any]) -> dict[str, Any]:
    """Make an error fit for the wire: no secret, nothing endless, JSON throughout."""
    secret = any(part in _SECRET_FIELDS for part in error["loc"])
    cleaned = {
        "type": error["type"],
        "loc": list(error["loc"]),
        "msg": error["msg"],
        "input": _HIDDEN if secret and error["type"] != "missing" else _clean_input(error.get("input")),
    }
    if error.get("ctx"):
        cleaned["ctx"] = {key: _clean_context(value) for key, value in error["ctx"].items()}
    return cleaned


def _clean_input(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _HIDDEN if key in _SECRET_FIELDS else _clean_input(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean_input(item) for item in value[:20]]
    if isinstance(value, str):
        return value if len(value) <= _ECHO_LENGTH else value[:_ECHO_LENGTH] + "…"
    return value if isinstance(value, int | float | None) else str(value)


def _clean_context(value: Any) -> Any:
    return value if isinstance(value, int | float | str | None) else str(value)


# --- Writing a response -------------------------------------------------------------------------------------------
def naive_utc(moment: datetime | None) -> str | None:
    """Format a time as the contract does: UTC without a zone, the fraction omitted when it is 0."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None).isoformat()


def no_content() -> HttpResponse:
    return HttpResponse(status=204, content_type="application/json")


def error_response(error: Exception, request: HttpRequest | Request) -> JsonResponse:
    """Translate any exception into the contract's JSON; one that nobody foresaw is logged and becomes a plain 500."""
    status, payload, headers = _explain_error(error, _django_request(request))
    compact = {"separators": (",", ":"), "ensure_ascii": False}
    return JsonResponse(payload, status=status, headers=headers, json_dumps_params=compact)


def render_error(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's EXCEPTION_HANDLER: `error_response` for DRF views."""
    status, payload, headers = _explain_error(error, _django_request(context["request"]))
    return Response(payload, status=status, headers=headers)


def _explain_error(error: Exception, request: HttpRequest) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return status, body and headers."""
    known = error if isinstance(error, ProductError) else _translate_error(error)
    headers: dict[str, str] = {}
    if isinstance(known, NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(known, TooManyRequests):
        headers["Retry-After"] = str(known.retry_after_seconds)
    if isinstance(known, MethodNotAllowed):
        headers["Allow"] = ", ".join(known.allowed)
    if known.status >= 500 and not (isinstance(error, ProductError) and known.retryable):
        logger.error("request failed: %s", type(error).__name__, exc_info=error)
    payload = {
        "detail": known.errors if isinstance(known, InvalidFields) else known.detail,
        "code": known.code,
        "request_id": getattr(request, "request_id", ""),
        "retryable": known.retryable,
    }
    return known.status, payload, headers


_KNOWN: list[tuple[tuple[type[Exception], ...], int, str, str]] = [
    ((Http404, exceptions.NotFound), 404, "not_found", "Not Found"),
    ((exceptions.NotAuthenticated, exceptions.AuthenticationFailed), 401, "not_authenticated", "Not authenticated"),
    ((PermissionDenied, exceptions.PermissionDenied), 403, "forbidden", "You may not do this."),
    ((RequestDataTooBig,), 413, "body_too_large", "The request body is too large."),
    ((SuspiciousOperation, MultiPartParserError, UnreadablePostError), 400, "bad_request", "Bad Request"),
    ((OperationalError, InterfaceError), 503, "database_unavailable", "The service is not available at the moment."),
]


def _translate_error(error: Exception) -> ProductError:
    for kinds, status, code, detail in _KNOWN:
        if isinstance(error, kinds):
            known = (NotAuthenticated if status == 401 else ProductError)(detail, code=code, retryable=status == 503)
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

    def select_renderer(self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None) -> Any:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class ApiView(APIView):
    """A resource under `/v1`: one method per HTTP method; what it raises becomes the contract's error."""

    content_negotiation_class = AlwaysJSON
    thread_pool: ClassVar[str] = DATABASE  # a view that may take long names another pool of minirag.lib.database
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return a coroutine function that runs the view on a database thread, and renders there as well."""
        view = super().as_view(**initkwargs)

        def respond(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response = view(request, *args, **kwargs)
            if not isinstance(response, Response):
                return response
            response.render()
            # A plain response: Django would hop to another thread to find out that there is nothing to render.
            return HttpResponse(response.content, status=response.status_code, headers=response.headers)

        @wraps(view)
        async def serve(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            return await run_in_pool(cls.thread_pool, respond, request, *args, **kwargs)

        serve.csrf_exempt = True  # type: ignore[attr-defined]
        return serve

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before authentication, so that a wrong method is 405 for everybody.
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(self.allowed_methods)
        super().initial(request, *args, **kwargs)


def answer_not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Django's `handler404`."""
    return error_response(Http404(), request)


def method_not_allowed(request: HttpRequest, allowed: list[str]) -> JsonResponse:
    """Answer 405 from a plain Django view."""
    return error_response(MethodNotAllowed(allowed), request)


def answer_bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Django's `handler400`."""
    return error_response(exception if isinstance(exception, Exception) else SuspiciousOperation(), request)


def answer_server_error(request: HttpRequest) -> JsonResponse:
    """Django's `handler500`; Django has logged the exception."""
    payload = {
        "detail": "Internal Server Error", "code": "internal", "request_id": getattr(request, "request_id", ""),
        "retryable": False,
    }
    return JsonResponse(payload, status=500)

"""What a request to `/v1` says: strict JSON bodies, queries and ids, read into pydantic models.

The wire contract's validation errors are pydantic's own, word for word, so bodies and queries are pydantic models.
`minirag.lib.http_in.rest` re-exports what views need.
"""

from __future__ import annotations

import asyncio
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from rest_framework.request import Request

from minirag.lib.errors import ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.doors import SHORT_BODY_BYTES
from minirag.lib.http_in.ignored import find_unknown, note_ignored
from minirag.lib.strict_json import InvalidJSON, UnstorableText, check_text, parse_json

_SECRET_FIELDS = frozenset(
    {"password", "owner_password", "api_token", "api_key", "credentials", "secret"}
)
_HIDDEN = "**********"
_ECHO_LENGTH = 500
_SPOTTED_BYTES = 65_536
_UUID = TypeAdapter(UUID)


class Body(BaseModel):
    """Base of request bodies and queries: unknown fields are ignored, and the answer says so (`http_in.ignored`).

    `model_fields_set` tells what was sent.
    """

    model_config = ConfigDict(extra="ignore", defer_build=True)


B = TypeVar("B", bound=BaseModel)


class InvalidFields(ProductError):
    """422 whose `detail` is a list of `{type, loc, msg, input, ctx?}`, one per field at fault."""

    status, code = 422, "validation_error"

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("The request has invalid fields.")
        self.errors = [_clean_error(error) for error in errors]

    @classmethod
    def of(
        cls, kind: str, loc: tuple[str | int, ...], message: str, value: Any = None, **ctx: Any
    ) -> InvalidFields:
        """Build the error of one field; `loc` begins with `body`, `path` or `query`."""
        error: dict[str, Any] = {"type": kind, "loc": loc, "msg": message, "input": value}
        return cls([error | ({"ctx": ctx} if ctx else {})])


class BodyTooLarge(ProductError):
    """More bytes than may come that way: `allowed`, or what the installation takes at all."""

    status, code = 413, "body_too_large"

    def __init__(self, allowed: int | None = None) -> None:
        most = settings.MAX_BODY_BYTES if allowed is None else allowed
        size = f"{most / 2**20:g} MB" if most >= 2**20 else f"{most / 2**10:g} KB"
        super().__init__(f"The request body is larger than {size}.")


def read_body(model: type[B], request: HttpRequest | Request) -> B:
    """Validate the JSON body of a Django or DRF request.

    Raises InvalidFields (422 list), BodyTooLarge (413).
    """
    raw = django_request(request)
    body = read_bytes(raw)
    if not body:
        raise InvalidFields.of("missing", ("body",), "Field required")
    if not _is_json(raw.content_type or ""):
        # The text itself is not echoed: it may hold a password.
        raise _not_an_object(None, error="The Content-Type has to be application/json")
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
    found = validate_fields(model, value, where="body")
    own: frozenset[str] = getattr(model, "unread", frozenset())
    note_ignored(raw, find_unknown(found, value), own=own)
    return found


def spot_body(request: HttpRequest) -> list[str]:
    """Name the fields of a JSON object that came to a route which reads none; whatever else came counts for nothing."""
    size = request.META.get("CONTENT_LENGTH") or "0"
    if request.method in ("GET", "HEAD") or not _is_json(request.content_type or ""):
        return []
    if not (size.isdigit() and 0 < int(size) <= _SPOTTED_BYTES):
        return []
    try:
        value = parse_json(request.body)
    except (InvalidJSON, UnstorableText):
        return []
    return list(value) if isinstance(value, dict) else []


async def read_body_async(model: type[B], request: HttpRequest) -> B:
    """`read_body` on the event loop; a long one, which would hold everybody up, is read in a thread."""
    if int(request.META.get("CONTENT_LENGTH") or 0) <= SHORT_BODY_BYTES:
        return read_body(model, request)
    return await asyncio.to_thread(read_body, model, request)


def check_form_text(fields: dict[str, str], *, where: str = "body") -> None:
    """Raise InvalidFields when a form field or query parameter has text that cannot be stored."""
    for name, text in fields.items():
        try:
            check_text(text, (name,))
        except UnstorableText as error:
            raise InvalidFields.of("string_unicode", (where, *error.loc), error.reason) from None


def read_query(model: type[B], request: HttpRequest | Request) -> B:
    """Validate the query string; of a repeated parameter the last counts. Raises InvalidFields."""
    fields = django_request(request).GET.dict()
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
    """Return the caller's IP, as `Arrival` explains it."""
    return Arrival.of_request(request).address


def network_of(address: str) -> str:
    """Return whom an address is counted as: an IPv4 one itself, an IPv6 one its /64, since who has one has all.

    An IPv4 address that a socket of both kinds writes as `::ffff:192.0.2.1` is that IPv4 address.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))


def django_request(request: HttpRequest | Request) -> HttpRequest:
    return request._request if isinstance(request, Request) else request


def read_bytes(request: HttpRequest) -> bytes:
    """Return the whole body. Raises BodyTooLarge (413)."""
    try:
        # A chunked body has no length to check before it is read.
        body = (
            request.body
            if request.META.get("CONTENT_LENGTH")
            else request.read(settings.MAX_BODY_BYTES + 1)
        )
    except RequestDataTooBig:
        raise BodyTooLarge from None
    if len(body) > settings.MAX_BODY_BYTES:
        raise BodyTooLarge
    return body


def _is_json(content_type: str) -> bool:
    return content_type == "application/json" or (
        content_type.startswith("application/") and content_type.endswith("+json")
    )


def _not_an_object(value: Any, **ctx: str) -> InvalidFields:
    message = "Input should be a valid dictionary or object to extract fields from"
    return InvalidFields.of("model_attributes_type", ("body",), message, value, **ctx)


def _clean_error(error: dict[str, Any]) -> dict[str, Any]:
    """Make an error fit for the wire: no secret, nothing endless, JSON throughout."""
    secret = any(part in _SECRET_FIELDS for part in error["loc"])
    cleaned = {
        "type": error["type"],
        "loc": list(error["loc"]),
        "msg": error["msg"],
        "input": _HIDDEN
        if secret and error["type"] != "missing"
        else _clean_input(error.get("input")),
    }
    if error.get("ctx"):
        cleaned["ctx"] = {key: _clean_context(value) for key, value in error["ctx"].items()}
    return cleaned


def _clean_input(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _HIDDEN if key in _SECRET_FIELDS else _clean_input(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_clean_input(item) for item in value[:20]]
    if isinstance(value, str):
        return value if len(value) <= _ECHO_LENGTH else value[:_ECHO_LENGTH] + "…"
    return value if isinstance(value, int | float | None) else str(value)


def _clean_context(value: Any) -> Any:
    return value if isinstance(value, int | float | str | None) else str(value)

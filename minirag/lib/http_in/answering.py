"""Between a described route and its method: read what was asked for it, and write what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from pydantic import BaseModel, TypeAdapter
from rest_framework.request import Request

from minirag.lib.http_in.ignored import note_ignored
from minirag.lib.http_in.pagination import Page, next_page_headers
from minirag.lib.http_in.reading import django_request, parse_uuid, read_body, read_query, spot_body
from minirag.lib.saving.tags import make_tag

_JSON = "application/json"


@dataclass(frozen=True)
class Returned:
    """What a method returns to say more than the value: another of the described statuses, or headers."""

    value: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def read_asked(
    request: Request,
    path: Mapping[str, str],
    wanted: Mapping[str, Any],
    *,
    query: type[BaseModel] | None,
    body: type[BaseModel] | None,
    has_form: bool,
) -> dict[str, Any]:
    """Return the arguments of a method: ids that it wants as UUIDs, and `query` and `body` where it has them.

    Raises InvalidFields and BodyTooLarge.
    """
    raw = django_request(request)
    asked: dict[str, Any] = {
        name: parse_uuid(text, name) if wanted.get(name) in (UUID, "UUID") else text
        for name, text in path.items()
    }
    note_ignored(raw, (name for name in raw.GET if query is None or name not in query.model_fields))
    if query is not None and "query" in wanted:
        asked["query"] = read_query(query, raw)
    if body is not None and "body" in wanted:
        asked["body"] = read_body(body, raw)
    if body is None and not has_form:
        note_ignored(raw, spot_body(raw))
    return asked


def write_answer(
    request: Request, value: Any, answers: Mapping[int, Any], view: Any = None
) -> HttpResponseBase:
    """Write what a method of a view returned as the answer that is described for it, with its tag."""
    if isinstance(value, HttpResponseBase):
        return value
    returned = value if isinstance(value, Returned) else Returned(value)
    status = returned.status or next(iter(answers))
    kind = answers[status]
    if kind is None:
        return HttpResponse(status=status, content_type=_JSON, headers=dict(returned.headers))
    headers, rows = dict(returned.headers), returned.value
    if isinstance(rows, Page) and getattr(kind, "__origin__", None) is list:
        headers |= next_page_headers(django_request(request), rows)
        rows = rows.items
    shown = _adapter(kind).validate_python(rows)
    if tag := make_tag(view, shown):
        headers["ETag"] = tag
    return HttpResponse(_write(kind, shown), status=status, content_type=_JSON, headers=headers)


def tag_answer(value: Any, answers: Mapping[int, Any], view: Any) -> str:
    """The tag that `write_answer` would give this answer."""
    returned = value if isinstance(value, Returned) else Returned(value)
    kind = answers[returned.status or next(iter(answers))]
    return make_tag(view, _adapter(kind).validate_python(returned.value))


def to_json(kind: Any, value: Any) -> bytes:
    """Write a value of a described type as JSON, from rows where the type is of nouns."""
    adapter = _adapter(kind)
    text: bytes = adapter.dump_json(adapter.validate_python(value))
    return text


def render(kind: Any, value: Any) -> bytes:
    """`to_json` for the body of an answer."""
    return _write(kind, _adapter(kind).validate_python(value))


def _write(kind: Any, shown: Any) -> bytes:
    text: bytes = _adapter(kind).dump_json(shown)
    # As DRF writes them: they end a line in JavaScript.
    return text.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)

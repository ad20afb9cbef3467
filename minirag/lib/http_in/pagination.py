"""Pages of a list by keyset: stable while rows are added or deleted, and as fast on page 1,000 as on the first.

Two kinds of list use this module, and `paginate` serves both:

- A plain list of the wire contract stays a plain list: its answer is `list[…]`, its query derives from
  `PlainPageQuery`, and the next page is in the headers `Link: <…>; rel="next"` and `X-Next-Cursor`. Without `limit` it
  is the whole list, as it always was.
- A route of our own answers `{"items": […], "next_cursor": null | "…"}`, a `PagedSchema`, and its query derives from
  `PageQuery`. Where it offers a `total`, the page is `counted`.

    def get(self, request: Request, query: DocumentQuery) -> Page[Document]:
        return paginate(Document.objects.filter(source=source), query, order=("-created_at", "-id"))

A cursor is opaque to clients: the last row's ordering key as versioned JSON, in base64url, with a keyed digest over it,
the model and the order. One that was made up, cut short or taken from another list is refused with `invalid_cursor`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac
from pydantic import Field
from rest_framework.request import Request

from minirag.lib.errors import ProductError
from minirag.lib.http_in.nouns import Noun
from minirag.lib.http_in.reading import Body, django_request
from minirag.lib.rows import fetch_shaped

M = TypeVar("M", bound=Model)
N = TypeVar("N")
NEWEST_FIRST = ("-created_at", "-id")
OLDEST_FIRST = ("created_at", "id")
MAX_LIMIT = 100
_VERSION = 1
_DIGEST_LENGTH = 16
# The pattern is only told: what does not fit it is refused with `invalid_cursor`, like every other odd cursor.
Cursor = Annotated[str, Field(max_length=2000, json_schema_extra={"pattern": "^[A-Za-z0-9_-]*$"})]


class InvalidCursor(ProductError):
    """The cursor did not come from this list."""

    status, code = 422, "invalid_cursor"

    def __init__(self) -> None:
        super().__init__("The cursor is not valid for this list. Start again without it.")


class PageQuery(Body):
    """Query of a list of our own: a limit out of range is 422."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 50
    cursor: Cursor | None = None


class PlainPageQuery(Body):
    """Query of a plain list: no limit is the whole list, 0 is none of it, a negative one 422, a huge one the most."""

    limit: Annotated[int, Field(ge=0)] | None = None
    cursor: Cursor | None = None


@dataclass(frozen=True)
class Page(Generic[M]):
    """Rows in order, and the cursor of the page after them or None at the end."""

    items: list[M]
    next_cursor: str | None
    total: int | None = None  # where the list offers one

    def of(self, show: Callable[[M], Any]) -> Page[Any]:
        """This page, of what `show` makes of its rows."""
        return replace(self, items=[show(row) for row in self.items])

    def counted(self, total: int) -> Page[M]:
        """This page, with the number of all rows."""
        return replace(self, total=total)


class PagedSchema(Noun, Generic[N]):
    """The envelope of a list of our own: derive from it with what it lists, and `total: int` where it has one."""

    items: list[N]
    next_cursor: str | None


def paginate(
    queryset: QuerySet[M],
    query: Any,
    *,
    order: Sequence[str] = NEWEST_FIRST,
    max_limit: int = MAX_LIMIT,
    offset: int = 0,
) -> Page[M]:
    """Return the page that `query.limit` and `query.cursor` ask for; a larger limit counts as `max_limit`.

    `order` names columns or annotations that are never null, the last of them unique. Rows may be model instances or
    `.values()` dicts. `offset` counts from the start of the list and is without effect after a cursor.
    Raises InvalidCursor.
    """
    rows = queryset.order_by(*order)
    if query.cursor:
        rows, offset = rows.filter(_after(rows, order, _open_cursor(rows, order, query.cursor))), 0
    if query.limit is None:
        return Page(fetch_shaped(rows[offset:]), None)
    limit = min(query.limit, max_limit)
    if limit == 0:
        return Page([], None)
    found = fetch_shaped(rows[offset : offset + limit + 1])
    has_more = len(found) > limit
    found = found[:limit]
    return Page(found, _seal_cursor(rows, order, found[-1]) if has_more else None)


def render_page(page: Page[Any], items: list[Any], **extra: Any) -> dict[str, Any]:
    """The envelope of a list of our own; `extra` may be `total`."""
    return {"items": items, "next_cursor": page.next_cursor, **extra}


def next_page_headers(request: HttpRequest | Request, page: Page[Any]) -> dict[str, str]:
    """The way to the next page of a plain list, if there is one."""
    if page.next_cursor is None:
        return {}
    raw = django_request(request)
    query = {name: value for name, value in raw.GET.items() if name not in ("cursor", "offset")}
    url = raw.build_absolute_uri(f"{raw.path}?{urlencode({**query, 'cursor': page.next_cursor})}")
    return {"Link": f'<{url}>; rel="next"', "X-Next-Cursor": page.next_cursor}


def _after(rows: QuerySet[M], order: Sequence[str], key: list[Any]) -> Q:
    """The rows behind `key`: later in the first column, or equal there and later in the second, and so on."""
    condition, equal = Q(), Q()
    for name, value in zip(order, key, strict=True):
        column = name.removeprefix("-")
        later = "lt" if name.startswith("-") else "gt"
        condition |= equal & Q(**{f"{column}__{later}": value})
        equal &= Q(**{column: value})
    # Says the same of the first column again, in a form that an index can seek to.
    first, direction = order[0].removeprefix("-"), "lte" if order[0].startswith("-") else "gte"
    return Q(**{f"{first}__{direction}": key[0]}) & condition


def _seal_cursor(rows: QuerySet[M], order: Sequence[str], last: Any) -> str:
    names = [name.removeprefix("-") for name in order]
    values = [last[name] if isinstance(last, dict) else getattr(last, name) for name in names]
    payload = json.dumps(
        {"v": _VERSION, "k": [_encode(value) for value in values]}, separators=(",", ":")
    )
    sealed = f"{_digest(rows, order, payload)}{payload}".encode()
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def _open_cursor(rows: QuerySet[M], order: Sequence[str], cursor: str) -> list[Any]:
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):  # UnicodeError is a ValueError
        raise InvalidCursor from None
    digest, payload = text[:_DIGEST_LENGTH], text[_DIGEST_LENGTH:]
    if not constant_time_compare(digest, _digest(rows, order, payload)):
        raise InvalidCursor
    facts = json.loads(payload)  # ours, or the digest would not fit
    if facts["v"] != _VERSION:
        raise InvalidCursor
    fields = [_field(rows, name.removeprefix("-")) for name in order]
    return [field.to_python(value) for field, value in zip(fields, facts["k"], strict=True)]


def _field(rows: QuerySet[M], name: str) -> Any:
    annotation = rows.query.annotations.get(name)
    return annotation.output_field if annotation is not None else rows.model._meta.get_field(name)


def _encode(value: Any) -> Any:
    if value is None:
        raise TypeError("a list is paged by columns that are never null")
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Decimal) else value


def _digest(rows: QuerySet[M], order: Sequence[str], payload: str) -> str:
    text = f"{rows.model._meta.label} {' '.join(order)} {payload}"
    return salted_hmac("minirag.lib.http_in.pagination", text, algorithm="sha256").hexdigest()[
        :_DIGEST_LENGTH
    ]

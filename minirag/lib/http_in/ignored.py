"""Naming what was sent and has no effect, instead of dropping it silently.

The wire contract has unknown fields ignored. An answer that did so names them in the header `X-Ignored-Fields`; and in
its `ignored` list, where it is an object and the route a writing one. Neither is there when nothing was ignored. Fields
that the noun has and that are not set here (`id`, `created_at`) are named in the header only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from pydantic import BaseModel

HEADER = "X-Ignored-Fields"
_MOST, _LONGEST = 50, 64


def find_unknown(read: BaseModel, sent: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Name what a model has no field for, `children.0.visibility` where it is nested."""
    for name, value in sent.items():
        if name in type(read).model_fields:
            yield from _look_into(getattr(read, name), value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def note_ignored(
    request: HttpRequest, names: Iterable[str], *, own: frozenset[str] = frozenset()
) -> None:
    """Remember for the answer what is ignored of a request; `own` are the noun's fields that are not set here."""
    request.ignored_own = getattr(request, "ignored_own", frozenset()) | own  # type: ignore[attr-defined]
    new = (name[:_LONGEST] for name in names)
    noted = list(dict.fromkeys([*ignored_of(request), *new]))[:_MOST]
    request.ignored_fields = noted  # type: ignore[attr-defined]


def ignored_of(request: HttpRequest) -> list[str]:
    return getattr(request, "ignored_fields", [])


def name_ignored(request: HttpRequest, response: HttpResponseBase) -> list[str]:
    """Say in the header of a good answer what was ignored, if anything was; returns what was said."""
    names = ignored_of(request) if response.status_code < 400 else []
    if names:
        response[HEADER] = ", ".join(quote(name, safe="[]") for name in names)
    return names


def tell_ignored(request: HttpRequest, response: HttpResponseBase) -> None:
    """Say in a good answer, and in its header, what was ignored, if anything was.

    A client that sends back what it was shown gets the same again: a noun's own fields are named in the header only.
    """
    own: frozenset[str] = getattr(request, "ignored_own", frozenset())
    names = [name for name in name_ignored(request, response) if name not in own]
    if not names:
        return
    content: bytes = getattr(response, "content", b"")
    is_object = content[:1] == b"{" and not getattr(response, "streaming", False)
    if request.method not in ("GET", "HEAD") and is_object:
        said = json.dumps(names, separators=(",", ":"), ensure_ascii=False).encode()
        comma = b"" if content == b"{}" else b","
        response.content = content[:-1] + comma + b'"ignored":' + said + b"}"  # type: ignore[attr-defined]


def _look_into(found: Any, sent: Any, prefix: str) -> Iterator[str]:
    if isinstance(found, BaseModel) and isinstance(sent, Mapping):
        yield from find_unknown(found, sent, prefix)
    elif isinstance(found, list) and isinstance(sent, list):
        for place, (one, other) in enumerate(zip(found, sent, strict=False)):
            yield from _look_into(one, other, f"{prefix}{place}.")

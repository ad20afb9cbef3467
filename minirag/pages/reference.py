"""`/v1/openapi.json`: the API's own description, made from what the views declare; `/v1/docs` shows it, and
`/v1/postman.json` says it in Postman's words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.request import Request

from minirag import __version__
from minirag.lib.http_in.doors import Door, Proof
from minirag.lib.http_in.openapi import Media, describe
from minirag.lib.http_in.rest import OpenView
from minirag.lib.openapi.document import build_document
from minirag.lib.openapi.postman import build_collection

_TITLE = "MiniRAG"
_DESCRIPTION = """Bots that answer from your own documents, and say so when they cannot.

Everything but sign-up, log-in and health needs `Authorization: Bearer <token>`. An error is
`{detail, code, request_id, retryable}`; decide by `code`. Lists take `limit` and `cursor`."""
_SHARED_FOR_SECONDS = 300
# Swagger UI draws its icons from data: URLs, and sets styles on elements while it runs.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class OpenApiDocument(OpenView):
    door = Door(Proof.BEARER)

    @describe("Describe the API", answers={200: dict[str, Any], 304: None})
    def get(self, request: Request) -> HttpResponse:
        return _answer(request, *_write_document(_server_of(request._request)))


class PostmanCollection(OpenView):
    """Made when it is asked for, so that it is always of this version, and for the address that was asked."""

    door = Door(Proof.BEARER)

    @describe(
        "Describe the API for Postman",
        answers={200: dict[str, Any], 304: None},
        description="A collection of format 2.1: import it by this address.",
    )
    def get(self, request: Request) -> HttpResponse:
        return _answer(request, *_write_collection(_server_of(request._request)))


def _answer(request: Request, body: bytes, etag: str) -> HttpResponse:
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={_SHARED_FOR_SECONDS}"}
    if etag in [
        each.strip().removeprefix("W/")
        for each in request.headers.get("If-None-Match", "").split(",")
    ]:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(body, content_type="application/json", headers=headers)


class ReferencePage(OpenView):
    """Swagger UI from our own files. Its policy lets it load nothing else and call nobody else."""

    door = Door(Proof.BEARER)

    @describe(
        "Show the API's reference",
        answers={200: Media("text/html")},
        description="This page, in a browser.",
    )
    def get(self, request: Request) -> HttpResponse:
        context = {"document_url": reverse("openapi-document")}
        headers = {
            "Content-Security-Policy": _PAGE_POLICY,
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
        }
        page = render_to_string("api/reference.html", context)
        return HttpResponse(page, content_type="text/html; charset=utf-8", headers=headers)


@cache
def api_document() -> dict[str, Any]:
    """The document of this process, without `servers`."""
    routes = [
        route
        for route in _walk(get_resolver(settings.ROOT_URLCONF).url_patterns)
        if _is_api(route[0])
    ]
    return build_document(
        routes, info={"title": _TITLE, "version": __version__, "description": _DESCRIPTION}
    )


def _is_api(path: str) -> bool:
    return path.startswith("/v1/") or path == "/health"


def _walk(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        else:
            yield path, pattern.callback


def _server_of(request: HttpRequest) -> str:
    """The URL that the paths begin behind: with `/t/<slug>` where the document was asked for there."""
    return request.build_absolute_uri(
        request.META.get("SCRIPT_NAME", "").rstrip("/") or "/"
    ).rstrip("/")


@lru_cache(maxsize=64)
def _write_document(server: str) -> tuple[bytes, str]:
    return _write({**api_document(), "servers": [{"url": server}]})


@lru_cache(maxsize=64)
def _write_collection(server: str) -> tuple[bytes, str]:
    return _write(build_collection(api_document(), server))


def _write(described: dict[str, Any]) -> tuple[bytes, str]:
    body = json.dumps(described, separators=(",", ":")).encode()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'

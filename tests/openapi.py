"""Checks every answer of the API that a test's client sees against what its route declares.

`watch_clients` is called once, by the conftest. An answer with a status, a content type or a key that is not described
fails the test which provoked it. Routes that are not described at all are left to tests/test_openapi.py.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import jsonschema
from django.test.client import AsyncClient, Client
from django.urls import Resolver404, resolve

from minirag.pages.reference import api_document

# A test may provoke it on purpose; that nobody else can is for tests/test_api_never_500.py and schemathesis.
UNDOCUMENTED = {405, 500}


def watch_clients() -> None:
    """Have Django's test clients check what they get."""
    ask, ask_async = Client.request, AsyncClient.request

    def request(self: Client, **facts: Any) -> Any:
        response = ask(self, **facts)
        check_response(response, facts["REQUEST_METHOD"], facts["PATH_INFO"])
        return response

    async def request_async(self: AsyncClient, **scope: Any) -> Any:
        response = await ask_async(self, **scope)
        check_response(response, scope["method"], scope["path"])
        return response

    Client.request, AsyncClient.request = request, request_async


def check_response(response: Any, method: str, path: str) -> None:
    """Raise AssertionError when a described operation answers what it does not describe."""
    operation = find_operation(method, path)
    if operation is None or response.status_code in UNDOCUMENTED or is_no_route(response):
        return
    where = f"{method} {operation} answers {response.status_code}"
    described = document()["paths"][operation][method.lower()]["responses"].get(
        str(response.status_code)
    )
    assert described is not None, f"{where}, which is not described: {response.content[:300]!r}"
    described = dereference(described)
    assert "content" in described or response.streaming or not response.content, (
        f"{where} with a body"
    )
    if response.status_code == 204 or "content" not in described:
        return
    content_type = response.headers.get("Content-Type", "").partition(";")[0]
    assert content_type in described["content"], (
        f"{where} as {content_type}, described: {list(described['content'])}"
    )
    if content_type == "application/json" and not response.streaming:
        check_json(
            json.loads(response.content),
            operation,
            method.lower(),
            str(response.status_code),
            where,
        )


def is_no_route(response: Any) -> bool:
    """Whether the path is served nowhere in this tenant, or the tenant of the path does not exist."""
    return response.status_code == 404 and b'"Not Found"' in response.content


def check_json(value: Any, operation: str, method: str, status: str, where: str) -> None:
    error = next(iter(validator(operation, method, status).iter_errors(value)), None)
    assert error is None, f"{where}: at {list(error.absolute_path)}: {error.message[:500]}"


def find_operation(method: str, path: str) -> str | None:
    """The path of the document that a request's path belongs to, or None where nothing is described for it."""
    try:
        route = resolve(path.encode("latin-1", "replace").decode("utf-8", "replace")).route
    except Resolver404:
        return None
    template = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)
    return template if method.lower() in document()["paths"].get(template, {}) else None


@cache
def document() -> dict[str, Any]:
    return api_document()


def dereference(part: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference within the document."""
    while "$ref" in part:
        found: Any = document()
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


@cache
def validator(operation: str, method: str, status: str) -> jsonschema.Draft202012Validator:
    described = dereference(document()["paths"][operation][method]["responses"][status])
    schema = {
        **described["content"]["application/json"]["schema"],
        "components": document()["components"],
    }
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())

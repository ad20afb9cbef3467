"""Django's ASGI handler twice: whole for pages, lean for `/v1`.

A page goes through the middleware of settings.MIDDLEWARE. Most of it is about cookies, forms and files, of which the
API knows none, and each costs two thread hops per request; WhiteNoise, which is synchronous, costs an event loop.
Measured: 6.4 ms of CPU for a read of `/v1/tenants/me` through all of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponseBase, JsonResponse

from minirag.backpressure import pace_sending
from minirag.lib.http_in.request_ids import choose_request_id

API_PATHS = ("/v1/", "/health")
UPLOAD_PATH = "/v1/sources/upload"


class ApiHandler(ASGIHandler):
    """The handler of the API: the middleware of settings.API_MIDDLEWARE, and no thread of its own per request.

    Views reach the database through `run_sync`; what is left for Django's own thread hops (its signals, closing the
    response) takes microseconds, so one thread serves all requests.
    """

    def __init__(self) -> None:
        super().__init__()
        self._chores = ThreadPoolExecutor(1, thread_name_prefix="api-chores")

    def load_middleware(self, is_async: bool = False) -> None:
        whole, settings.MIDDLEWARE = settings.MIDDLEWARE, settings.API_MIDDLEWARE
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = whole

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        async with ThreadSensitiveContext(executor=self._chores):
            await self.handle(scope, receive, send)

    def create_request(self, scope: Mapping[str, Any], body_file: Any) -> Any:
        """Django's own, but what cannot be made a request is refused in the contract's shape."""
        request, refusal = super().create_request(scope, body_file)
        if refusal is None:
            return request, None
        request_id = choose_request_id(
            dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        )
        payload = {
            "detail": "Bad Request",
            "code": "bad_request",
            "request_id": request_id,
            "retryable": False,
        }
        return None, JsonResponse(
            payload, status=refusal.status_code, headers={"X-Request-ID": request_id}
        )

    async def run_get_response(self, request: Any) -> HttpResponseBase:
        response = await super().run_get_response(request)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response


class BodyLimit:
    """Counts what a request sends, since Django keeps a whole body before any view or log-in has a say."""

    def __init__(self, limit: int, sent_id: bytes, receive: Any, send: Any) -> None:
        self.limit, self._receive, self._send = limit, receive, send
        self._sent_id = sent_id
        self._seen = 0

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen <= self.limit:
            return message
        await self.refuse()
        return {"type": "http.disconnect"}

    async def refuse(self) -> None:
        """Answer 413 in the contract's shape."""
        request_id = choose_request_id(self._sent_id.decode("latin-1"))
        body = json.dumps({
            "detail": "The request body is too large.", "code": "body_too_large", "request_id": request_id,
            "retryable": False,
        }).encode()  # fmt: skip
        headers = [
            (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()),
            (b"x-request-id", request_id.encode()),
        ]  # fmt: skip
        await self._send({"type": "http.response.start", "status": 413, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


class HttpApp:
    """Bounds a request's body and sends it to the lean handler or the whole one, by its path below `root_path`."""

    def __init__(self, pages: Any, api: Any) -> None:
        self.pages, self.api = pages, api

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        headers = dict(scope["headers"])
        # A file is refused by its view, in the contract's words, unless it is absurd.
        limit = settings.MAX_BODY_BYTES + (
            5 * settings.MAX_UPLOAD_BYTES if path == UPLOAD_PATH else 0
        )
        body = BodyLimit(limit, headers.get(b"x-request-id", b""), receive, send)
        if (length := headers.get(b"content-length", b"")).isdigit() and int(length) > limit:
            await body.refuse()
            return
        # Over plain HTTP an installation that wants HTTPS redirects, which is the whole handler's business.
        lean = path.startswith(API_PATHS) and not (
            settings.SECURE_SSL_REDIRECT and not is_secure(scope, headers)
        )
        await (self.api if lean else self.pages)(scope, body.receive, pace_sending(send))


def is_secure(scope: dict[str, Any], headers: dict[bytes, bytes]) -> bool:
    """Whether the client came over HTTPS, by our own server's account or that of a trusted proxy."""
    forwarded = settings.TRUST_PROXY_HEADERS and headers.get(b"x-forwarded-proto") == b"https"
    return bool(forwarded) or scope.get("scheme") in ("https", "wss")

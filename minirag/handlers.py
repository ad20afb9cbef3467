"""Django's ASGI handler twice: whole for pages, lean for `/v1`.

A page goes through the middleware of settings.MIDDLEWARE. Most of it is about cookies, forms and files, of which the
API knows none, and each costs two thread hops per request; WhiteNoise, which is synchronous, costs an event loop.
Measured: 6.4 ms of CPU for a read of `/v1/tenants/me` through all of it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponseBase

API_PATHS = ("/v1/", "/health")


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

    async def run_get_response(self, request: Any) -> HttpResponseBase:
        response = await super().run_get_response(request)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response


class HttpApp:
    """Sends a request to the lean handler or the whole one, by its path below `root_path`."""

    def __init__(self, pages: Any, api: Any) -> None:
        self.pages, self.api = pages, api

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        # Over plain HTTP an installation that wants HTTPS redirects, which is the whole handler's business.
        lean = path.startswith(API_PATHS) and not settings.SECURE_SSL_REDIRECT
        await (self.api if lean else self.pages)(scope, receive, send)

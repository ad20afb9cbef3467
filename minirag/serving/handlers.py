"""Django's ASGI handler twice: whole for pages, lean for `/v1`.

A page goes through the middleware of settings.MIDDLEWARE. Most of it is about cookies, forms and files, of which the
API knows none, and each costs two thread hops per request; WhiteNoise, which is synchronous, costs an event loop.
Measured: 6.4 ms of CPU for a read of `/v1/tenants/me` through all of it.

A view of the API that only asks the database is answered in one hop: who calls, how often they may, the view and its
answer on one thread and over one connection. With a hop for each, and Django's two for its signals, half of a read's
CPU went into passing it on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, closing
from os import SEEK_END
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core.exceptions import RequestAborted, SuspiciousOperation
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import ResolverMatch, set_script_prefix, set_urlconf

from minirag.lib.database import run_sync
from minirag.lib.errors import ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.doors import SHORT_BODY_BYTES, Route, find_route, route_of
from minirag.lib.http_in.reading import BodyTooLarge
from minirag.lib.http_in.request_ids import choose_request_id
from minirag.lib.http_in.rest import explain_error
from minirag.lib.sse import FedResponse, Feed
from minirag.serving.admission import LogInFirst, Uploads
from minirag.serving.backpressure import (
    PacedSend,
    connection_of,
    pace_receiving,
    pace_sending,
)
from minirag.serving.bodies import IncomingBody, send_error, send_redirect, spool_body

API_PATHS = ("/v1/", "/health")


class RoutedHandler(BaseHandler):
    """Routes are resolved once: at the edge."""

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Take what the edge resolved, where the tenant's routes did not take its place since."""
        route, urlconf = route_of(request), getattr(request, "urlconf", settings.ROOT_URLCONF)
        if route.match is None or route.urlconf != urlconf:
            return super().resolve_request(request)
        set_urlconf(urlconf)
        request.resolver_match = route.match
        return route.match


class PageHandler(RoutedHandler, ASGIHandler):
    """Django's handler, with bodies that are written to disk off the event loop."""

    async def read_body(self, receive: Any) -> Any:
        return await spool_body(receive)

    def create_request(self, scope: Mapping[str, Any], body_file: Any) -> Any:
        """Django's own, but what cannot be made a request is refused in the contract's shape."""
        request, _ = super().create_request(scope, body_file)
        if request is not None:
            # Without a length Django takes a form for an empty one; what came in chunks is complete here.
            request.META.setdefault("CONTENT_LENGTH", str(body_file.seek(0, SEEK_END)))
            body_file.seek(0)
            return request, None
        arrival = Arrival.of_scope(scope)
        request_id = choose_request_id(arrival.headers.get("x-request-id", ""))
        status, payload, _ = explain_error(SuspiciousOperation(), request_id, arrival.path)
        return None, JsonResponse(payload, status=status, headers={"X-Request-ID": request_id})


class LeanMiddleware(BaseHandler):
    """The middleware of settings.API_MIDDLEWARE."""

    def load_middleware(self, is_async: bool = False) -> None:
        whole, settings.MIDDLEWARE = settings.MIDDLEWARE, settings.API_MIDDLEWARE
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = whole


class ThreadHandler(LeanMiddleware, RoutedHandler):
    """The API on the thread that it is called on, for views that have a synchronous form (`ApiView.as_view`)."""

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware()

    def answer(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and close what is not a stream, whose body is read first."""
        response: HttpResponseBase = self.get_response(request)
        if not response.streaming:
            response.close()
        return response

    def _get_response(self, request: HttpRequest) -> HttpResponseBase:
        match = self.resolve_request(request)
        respond = synchronous_form(request, match)
        if respond is None:  # of the tenant's routes on its own host
            return super()._get_response(request)  # type: ignore[misc]
        answered: HttpResponseBase = respond(request, *match.args, **match.kwargs)
        return answered


def synchronous_form(
    request: HttpRequest, match: ResolverMatch | None
) -> Callable[..., HttpResponseBase] | None:
    """The view as a plain function, where it may be called on any database thread; a question is asked on the loop."""
    if match is None or (request.method == "POST" and route_of(request).door.asks):
        return None
    return getattr(match.func, "respond", None)


class ApiHandler(LeanMiddleware, PageHandler):
    """The handler of the API: no thread of its own per request, and no signal that one begins.

    What listens to that looks after the thread's connections: the event loop has none, and `run_sync`, by which views
    reach the database, gives back its own. What is left for Django's own thread hops takes microseconds, so one thread
    serves all requests.
    """

    def __init__(self) -> None:
        super().__init__()
        self._chores = ThreadPoolExecutor(1, thread_name_prefix="api-chores")
        self._on_thread = ThreadHandler()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        async with ThreadSensitiveContext(executor=self._chores):
            await self.handle(scope, receive, send)

    async def handle(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        try:
            body_file = await self.read_body(receive)
        except RequestAborted:
            return
        set_script_prefix(get_script_prefix(scope))
        with closing(body_file):
            request, refused = self.create_request(scope, body_file)
            if request is None:
                await self.send_response(refused, send)
            elif synchronous_form(request, route_of(request).match) is not None:
                response = await run_sync(self._on_thread.answer, request)
                if response.streaming:
                    await self._process(_as_it_is(response), receive, send)
                else:
                    await self.send_response(response, send)
            else:
                await self._process(self.run_get_response(request), receive, send)

    async def _process(
        self, answering: Coroutine[Any, Any, HttpResponseBase], receive: Any, send: Any
    ) -> None:
        """Await the answer and send it, until the client goes away, which cancels either."""
        answered: list[HttpResponseBase] = []

        async def answer() -> None:
            answered.append(await answering)
            await self.send_response(answered[0], send)

        work = asyncio.create_task(answer())
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (leaving, work):
                task.cancel()
            await asyncio.wait({work, leaving})
            for response in answered:
                response.close()
        if not leaving.cancelled():
            leaving.exception()  # looked at: that the client has gone is no error
        if not work.cancelled():
            work.result()

    async def send_response(self, response: HttpResponseBase, send: Any) -> None:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        feed = response.feed if isinstance(response, FedResponse) else None
        if feed is not None and not response.cookies and isinstance(send, PacedSend):
            await _send_fed(response, feed, send)
        else:
            await super().send_response(response, send)


async def _send_fed(response: HttpResponseBase, feed: Feed, send: PacedSend) -> None:
    """As Django sends a stream, but that the pieces of its body go their own way."""
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send.push(feed)
    await send({"type": "http.response.body"})


async def _as_it_is(response: HttpResponseBase) -> HttpResponseBase:
    return response


class HttpApp:
    """Bounds a request's body and sends it to the lean handler or the whole one, by its path below the tenant's.

    A body that is longer than anybody may send is shown to `admit` first, which raises where its sender may not.
    """

    def __init__(
        self,
        pages: Any,
        api: Any,
        admit: Callable[[dict[str, Any], Arrival, Route], Awaitable[str]] | None = None,
    ) -> None:
        self.pages, self.api = pages, api
        self._admit, self._uploads = admit, Uploads()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        arrival, connection = Arrival.of_scope(scope), connection_of(send)
        send = pace_sending(send, connection)
        body = IncomingBody(
            pace_receiving(receive, connection), send, lambda: _route(scope, arrival).door.body_limit(), arrival,
        )  # fmt: skip
        # Over plain HTTP an installation that wants HTTPS redirects, which is the whole handler's business.
        is_plain = settings.SECURE_SSL_REDIRECT and arrival.scheme != "https"
        lean = arrival.path.startswith(API_PATHS) and not is_plain
        async with AsyncExitStack() as stack:
            try:
                if await self._is_long(scope, arrival, body) and self._admit is not None:
                    who = await self._admit(scope, arrival, _route(scope, arrival))
                    body.call_at_end(stack.enter_context(self._uploads.counted(who)))
            except LogInFirst as error:
                await send_redirect(send, error.location)
                return
            except ProductError as error:
                await send_error(send, error, arrival)
                return
            await (self.api if lean else self.pages)(scope, body.receive, send)

    async def _is_long(self, scope: dict[str, Any], arrival: Arrival, body: IncomingBody) -> bool:
        """Raises BodyTooLarge for a body that says it is longer than the view takes."""
        if arrival.body_length is None:
            return await body.look_ahead(SHORT_BODY_BYTES)
        if not arrival.body_length:
            return False
        if arrival.body_length > (allowed := _route(scope, arrival).door.body_limit()):
            raise BodyTooLarge(allowed)
        return arrival.body_length > SHORT_BODY_BYTES


def _route(scope: dict[str, Any], arrival: Arrival) -> Route:
    """Resolve the path once; `route_of` finds it there."""
    if "minirag.route" not in scope:
        scope["minirag.route"] = find_route(arrival.path, in_tenant=arrival.slug is not None)
    route: Route = scope["minirag.route"]
    return route

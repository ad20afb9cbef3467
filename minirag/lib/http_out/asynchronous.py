"""httpx on an event loop, over aiohttp's connections: reading a streamed token costs a third of what httpcore takes.

What `transport` says of guarding holds here as well: a name is looked up once a connection, all its addresses are
vetted, and those are connected to. Redirects, cookies, proxies and credentials of the environment are left alone.
aiohttp is a fifteenth of a process's start, so it comes with the first connection, or with `load`.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, cast

import httpx

from minirag.lib.http_out.addresses import vet_addresses, vet_url
from minirag.lib.http_out.network import Resolver, resolve_soon, tls_context
from minirag.lib.http_out.transport import ONE_CALL, PoolLimits

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.abc import AbstractResolver, ResolveResult
    from yarl import URL

MAX_HEADER_BYTES = 64 * 1024
_vet = lru_cache(maxsize=256)(vet_url)  # the same few servers are asked again and again


def load() -> None:
    """Import what the first connection would."""
    _connector_class()
    _list_errors()


@cache
def _list_errors() -> tuple[tuple[type[Exception], type[httpx.TransportError]], ...]:
    """The first that fits; httpx's own names, as its users know them."""
    import aiohttp
    from aiohttp.http_exceptions import HttpProcessingError

    return (
        (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
        (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
        (aiohttp.ClientConnectorError, httpx.ConnectError),
        (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
        (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
        (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
        (HttpProcessingError, httpx.RemoteProtocolError),
        (aiohttp.ClientConnectionError, httpx.ReadError),
        (ValueError, httpx.LocalProtocolError),  # a URL or a header that cannot be written
        (aiohttp.ClientError, httpx.TransportError),
    )


class AsyncTransport(httpx.AsyncBaseTransport):
    """For one event loop. The caller bounds the whole of a call by asyncio.timeout, which no slow drip outlives.

    Idle connections are kept up to `limits.max_connections`. This one goes wherever it is sent.
    """

    _allowed_hosts: frozenset[str] | None = None

    def __init__(self, limits: PoolLimits = ONE_CALL, *, resolver: Resolver) -> None:
        self._limits, self._resolver = limits, resolver
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        import aiohttp

        if self._session is None:
            self._session = self._open_session()
        timeout = request.extensions.get("timeout", {})
        with _as_httpx_errors():
            response = await self._session.request(
                request.method,
                _same_url(request.url),
                headers=[
                    (name.decode("ascii"), value.decode("latin-1"))
                    for name, value in request.headers.raw
                    if name.lower() != b"transfer-encoding"  # the body goes in one piece, whose length aiohttp says
                ],
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    sock_connect=timeout.get("connect"), sock_read=timeout.get("read")
                ),
            )  # fmt: skip
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=_Body(response, request.extensions.get("frame", _no_frame)),
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        import aiohttp

        connector = _connector_class()(
            limit=self._limits.max_connections,
            keepalive_timeout=self._limits.keepalive_expiry,
            resolver=cast("AbstractResolver", _Lookup(self._resolver, self._allowed_hosts)),
            use_dns_cache=False,
            ssl=tls_context(),
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            auto_decompress=False,
            trust_env=False,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
        )


class GuardedAsyncTransport(AsyncTransport):
    """Goes to vetted addresses only (see transport.GuardedTransport)."""

    def __init__(
        self, limits: PoolLimits = ONE_CALL, *, allowed_hosts: frozenset[str], resolver: Resolver
    ) -> None:
        super().__init__(limits, resolver=resolver)
        self._allowed_hosts: frozenset[str] = allowed_hosts

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _vet(str(request.url), self._allowed_hosts)
        return await super().handle_async_request(request)


Frame = Callable[[], float]
"""The extension `frame` of a request: how many seconds what has come of its answer may wait for what follows.

Words that come faster than that are taken together, and nobody is woken for each. An end never waits.
"""


def _no_frame() -> float:
    return 0.0


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse, frame: Frame) -> None:
        self._response, self._content = response, response.content
        self._frame = frame
        self._loop = asyncio.get_running_loop()
        self._resting: asyncio.Future[None] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._content.on_eof(self._wake)
        due, pays = 0.0, False
        with _as_httpx_errors():
            while piece := await self._take():
                if not pays and await self._rest_until(due):
                    piece, pays = piece + self._take_nowait(), True
                taken = self._loop.time()
                yield piece
                due = taken + self._frame()
                # Being woken at the frame's end and again by what comes later would cost more than joining saves.
                if pays:
                    before = self._content.total_bytes
                    await self._rest_until(due)
                    pays = self._content.total_bytes > before

    async def _take(self) -> bytes:
        """What is there, or comes next; a broken connection is told behind what came before."""
        return self._take_nowait() or await self._content.readany()

    def _take_nowait(self) -> bytes:
        # Its public sister raises at once, and what it has is lost.
        return b"" if self._content.at_eof() else self._content._read_nowait(-1)

    async def _rest_until(self, due: float) -> bool:
        """Let more come until then, or to the body's end; False where that is over already."""
        if self._loop.time() >= due or self._content.is_eof():
            return False
        self._resting = self._loop.create_future()
        timer = self._loop.call_at(due, self._wake)
        try:
            await self._resting
        finally:
            timer.cancel()
            self._resting = None
        return True

    def _wake(self) -> None:
        if self._resting is not None and not self._resting.done():
            self._resting.set_result(None)

    async def aclose(self) -> None:
        """Close the connection, unless the body has come to its end: then it is with the idle ones by now."""
        self._response.close()


@cache
def _connector_class() -> type[aiohttp.TCPConnector]:
    import aiohttp

    class Connector(aiohttp.TCPConnector):
        """Uses no idle connection again that has something to say: it was closed, or answers what nobody asked."""

        async def _get(self, key: Any, traces: Any) -> Any:
            while (connection := await super()._get(key, traces)) is not None:
                if not _has_news(connection):
                    return connection
                connection.close()
            return None

    return Connector


class _Lookup:
    """What aiohttp calls a resolver: gives the addresses of a name, all of them vetted where there are `allowed_hosts`,
    be they none.
    """

    def __init__(self, resolver: Resolver, allowed_hosts: frozenset[str] | None) -> None:
        self._resolver, self._allowed_hosts = resolver, allowed_hosts

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await resolve_soon(self._resolver, host, port)
        if self._allowed_hosts is not None:
            found = vet_addresses(host, port, found, self._allowed_hosts)
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in found
        ]

    async def close(self) -> None:
        return None


def _has_news(connection: Any) -> bool:
    """Whether bytes or an end have come, be it that the event loop has not looked at them yet."""
    poll = select.poll()
    poll.register(connection.transport.get_extra_info("socket").fileno(), select.POLLIN)
    return connection.protocol.should_close or bool(poll.poll(0))


def _same_url(url: httpx.URL) -> URL:
    """In its parts and as they are written, so that no second reading can disagree with the one that was vetted."""
    from yarl import URL

    path, _, query = url.raw_path.decode("ascii").partition("?")
    return URL.build(
        scheme=url.scheme,
        host=url.raw_host.decode("ascii"),
        port=url.port,
        path=path,
        query_string=query,
        encoded=True,
    )


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    try:
        yield
    except tuple(ours for ours, _ in _list_errors()) as error:
        theirs = next(theirs for ours, theirs in _list_errors() if isinstance(error, ours))
        raise theirs(str(error)) from error

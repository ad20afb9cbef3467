"""httpx over vetted connections: the one way out, for our own calls and for libraries that want an httpx client.

At every connection a name is looked up once, all its addresses are vetted, and a vetted one is connected to. Redirects
are not followed here, and proxies and credentials of the environment are ignored. What may not be reached raises
OutboundError; everything else raises httpx's own errors. `asynchronous` is the same for event loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from minirag.lib.http_out.addresses import vet_url
from minirag.lib.http_out.network import (
    Deadline,
    NoDeadline,
    Resolver,
    open_pool,
)


@dataclass(frozen=True)
class PoolLimits:
    """How many connections a client may have, how many of them idle, and for how many seconds."""

    max_connections: int
    max_keepalive_connections: int
    keepalive_expiry: float


ONE_CALL = PoolLimits(max_connections=4, max_keepalive_connections=1, keepalive_expiry=5.0)


class GuardedTransport(httpx.BaseTransport):
    """For threads, in a client with `trust_env=False`. A `deadline` is for one that serves a single call."""

    def __init__(
        self,
        limits: PoolLimits = ONE_CALL,
        *,
        allowed_hosts: frozenset[str],
        resolver: Resolver,
        deadline: Deadline | None = None,
    ) -> None:
        self._allowed_hosts = allowed_hosts
        self._pool = open_pool(allowed_hosts, resolver, deadline or NoDeadline(), **vars(limits))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        vet_url(str(request.url), self._allowed_hosts)
        with _as_httpx_errors():
            response = self._pool.handle_request(_to_core(request))
        return _to_httpx(response, _Stream(response.stream))

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx_errors():
            yield from self._inner

    def close(self) -> None:
        self._inner.close()


def _to_core(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        ),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


def _to_httpx(response: httpcore.Response, stream: _Stream) -> httpx.Response:
    return httpx.Response(
        response.status, headers=response.headers, stream=stream, extensions=response.extensions
    )


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    """httpx names its errors as httpcore does; callers know httpx's only."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        raise getattr(httpx, type(error).__name__, httpx.TransportError)(str(error)) from error

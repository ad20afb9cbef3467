"""The HTTP connections to model providers: pools kept per process (threads) and per event loop, bounded and closed.

An address that a tenant chose is reached through a guarded client only (`minirag.lib.http_out.transport`), never
through the open one, which follows the environment's proxies and is for addresses that the operator set. The two
kinds have pools of their own, so that a tenant's silent server cannot use up the connections of the platform's
provider."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
from django.conf import settings

from minirag.ai.providers.interpreting import interpret
from minirag.lib.http_out.asynchronous import AsyncTransport, GuardedAsyncTransport
from minirag.lib.http_out.network import resolve_host, tls_context
from minirag.lib.http_out.transport import GuardedTransport, PoolLimits
from minirag.lib.tracing.spans import trace_headers

_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
LIMITS = PoolLimits(max_connections=512, max_keepalive_connections=32, keepalive_expiry=15.0)


@dataclass(frozen=True)
class ClientKind:
    guarded: bool
    allowed_hosts: frozenset[str] = frozenset()
    interprets: bool = False


AsyncClients = dict[ClientKind, tuple[httpx.AsyncClient, AsyncGenerator[None, None]]]
_async_clients: dict[asyncio.AbstractEventLoop, AsyncClients] = {}
_clients: dict[ClientKind, httpx.Client] = {}
_opening = threading.Lock()


def _forget_clients() -> None:
    """A forked child must not write into its parent's connections."""
    global _opening
    _async_clients.clear()
    _clients.clear()
    _opening = threading.Lock()


os.register_at_fork(after_in_child=_forget_clients)


def find_client(*, guarded: bool) -> httpx.Client:
    """This process's client for threads."""
    kind = _kind_of(guarded)
    with _opening:
        if kind not in _clients:
            _clients[kind] = _open(kind)
            _clients[kind].event_hooks = {"request": [_continue_trace], "response": []}
        return _clients[kind]


async def find_async_client(*, guarded: bool, interprets: bool = False) -> httpx.AsyncClient:
    """The running loop's client. It is closed when the loop shuts down its asynchronous generators.

    One that `interprets` gives every chat completion in OpenAI's own words (see `interpreting`).
    """
    kind = replace(_kind_of(guarded), interprets=interprets)
    loop = asyncio.get_running_loop()
    clients = _async_clients.get(loop)
    if clients is None:
        for gone in [each for each in list(_async_clients) if each.is_closed()]:
            _async_clients.pop(gone, None)
        clients = _async_clients.setdefault(loop, {})
    if kind not in clients:
        client = _open_async(kind)
        client.event_hooks = {
            "request": [_continue_trace_soon], "response": [interpret] if kind.interprets else []
        }  # fmt: skip
        closer = _close_with_loop(client, loop)
        clients[kind] = client, closer
        await anext(closer)
    return clients[kind][0]


async def send(request: httpx.Request, *, guarded: bool) -> httpx.Response:
    """The head of an answer, whose body is to be read and closed, by the way of the running loop's client.

    Not by the client: what it adds (cookies, redirects, hooks) is not wanted, and took longer than the way itself.
    """
    client = await find_async_client(guarded=guarded)
    if not isinstance(client._transport, AsyncTransport) or request.url.userinfo:
        return await client.send(request, stream=True)
    _continue_trace(request)
    response = await client._transport.handle_async_request(request)
    response.request = request
    return response


async def _close_with_loop(
    client: httpx.AsyncClient, loop: asyncio.AbstractEventLoop
) -> AsyncGenerator[None, None]:
    """Started and left standing: every loop closes its generators before it ends, and this one closes the client."""
    try:
        yield
    finally:
        _async_clients.pop(loop, None)
        await client.aclose()


def _continue_trace(request: httpx.Request) -> None:
    """Let a provider's spans stand below ours."""
    request.headers.update(trace_headers())


async def _continue_trace_soon(request: httpx.Request) -> None:
    _continue_trace(request)


def _kind_of(guarded: bool) -> ClientKind:
    return (
        ClientKind(True, frozenset(settings.OUTBOUND_ALLOWED_HOSTS))
        if guarded
        else ClientKind(False)
    )


def _open(kind: ClientKind) -> httpx.Client:
    if kind.guarded:
        way = GuardedTransport(LIMITS, allowed_hosts=kind.allowed_hosts, resolver=_resolve)
        return httpx.Client(transport=way, trust_env=False, cookies=_keep_none())
    limits = httpx.Limits(**vars(LIMITS))
    return httpx.Client(verify=tls_context(), limits=limits, cookies=_keep_none())


def _open_async(kind: ClientKind) -> httpx.AsyncClient:
    if kind.guarded:
        way = GuardedAsyncTransport(LIMITS, allowed_hosts=kind.allowed_hosts, resolver=_resolve)
        return httpx.AsyncClient(transport=way, trust_env=False, cookies=_keep_none())
    if _PROXIES.intersection(name.lower() for name, value in os.environ.items() if value):
        limits = httpx.Limits(**vars(LIMITS))
        return httpx.AsyncClient(verify=tls_context(), limits=limits, cookies=_keep_none())
    return httpx.AsyncClient(
        transport=AsyncTransport(LIMITS, resolver=_resolve), cookies=_keep_none()
    )


def _keep_none() -> CookieJar:
    """A client serves all tenants: what a server knows one of them by may not go along with another's call."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def _resolve(host: str, port: int) -> list[str]:
    """Looked up by name at each call, so that a test can put another resolver in its place."""
    return resolve_host(host, port)

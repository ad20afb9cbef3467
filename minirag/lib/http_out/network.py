"""The network below `transport`: httpcore pools that connect to vetted addresses within one deadline."""

from __future__ import annotations

import asyncio
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

import certifi
import httpcore
import httpx

from minirag.lib.http_out.addresses import OutboundError, vet_addresses

Resolver = Callable[[str, int], list[str]]

# Threads of their own: a name that its owner makes hang must not hold up what else asyncio.to_thread has to do.
_RESOLVING = ThreadPoolExecutor(32, thread_name_prefix="resolve")


def resolve_host(host: str, port: int) -> list[str]:
    """Addresses of `host` as the system's resolver gives them, in its order. Raises OSError."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Deadline:
    """The moment at which a whole request must be over."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def cap(self, timeout: float | None = None) -> float:
        """The seconds that an operation may take now. Raises OutboundError once the time is up."""
        remaining = self._end - time.monotonic()
        if remaining <= 0:
            raise _too_slow()
        return remaining if timeout is None else min(timeout, remaining)


class NoDeadline(Deadline):
    """For a pool that outlives its requests: each operation has its own timeout, or this many seconds."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds

    def cap(self, timeout: float | None = None) -> float:
        return self._seconds if timeout is None else timeout


def open_pool(
    allowed_hosts: frozenset[str], resolver: Resolver, deadline: Deadline, **limits: Any
) -> httpcore.ConnectionPool:
    """A pool of vetted connections; `limits` are httpcore's (max_connections, keepalive_expiry, ...)."""
    backend = _GuardedBackend(allowed_hosts, resolver, deadline)
    return httpcore.ConnectionPool(ssl_context=tls_context(), network_backend=backend, **limits)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn what the network raises into OutboundError with a sentence for the person who set the URL."""
    try:
        yield
    except (httpx.TimeoutException, TimeoutError) as error:
        raise _too_slow() from error
    except httpx.ConnectError as error:
        reason = "No connection could be made to the server."
        if any(isinstance(each, ssl.SSLError) for each in _origins(error)):
            reason = "The server's TLS certificate could not be verified."
        raise OutboundError("connect_failed", reason, True) from error
    except httpx.NetworkError as error:
        raise OutboundError(
            "connect_failed", "The connection to the server broke off.", True
        ) from error
    except httpx.RemoteProtocolError as error:
        raise OutboundError(
            "bad_response", "The server's answer is not valid HTTP.", True
        ) from error
    except (httpx.ProtocolError, httpx.UnsupportedProtocol) as error:
        raise OutboundError(
            "url_invalid", "The request could not be put into HTTP.", False
        ) from error


def _origins(error: BaseException) -> Iterator[object]:
    """An error, what its layers below raised, and what they say of it."""
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            return
        yield seen
        yield from seen.args
        seen = seen.__cause__ or seen.__context__


class _GuardedBackend(httpcore.NetworkBackend):
    """Connects to vetted addresses only; the name httpcore holds still serves for TLS and the Host header."""

    def __init__(
        self, allowed_hosts: frozenset[str], resolver: Resolver, deadline: Deadline
    ) -> None:
        self._allowed_hosts, self._resolver, self._deadline = allowed_hosts, resolver, deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        found = _resolve_within(self._deadline.cap(timeout), self._resolver, host, port)
        addresses = vet_addresses(host, port, found, self._allowed_hosts)
        failure: Exception = httpcore.ConnectError()
        for position, address in enumerate(addresses):
            patience = self._deadline.cap(timeout) / (len(addresses) - position)
            try:
                return _DeadlineStream(
                    self._inner.connect_tcp(address, port, timeout=patience), self._deadline
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _DeadlineStream(httpcore.NetworkStream):
    """Caps each read and write by what is left of the whole request, so that a slow drip cannot go on for
    ever.
    """

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.cap(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.cap(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self._inner.start_tls(ssl_context, server_hostname, self._deadline.cap(timeout))
        return _DeadlineStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


async def resolve_soon(resolver: Resolver, host: str, port: int) -> list[str]:
    """Resolve off the event loop. Raises OutboundError."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_RESOLVING, _resolve, resolver, host, port)


def _resolve(resolver: Resolver, host: str, port: int) -> list[str]:
    try:
        return resolver(host, port)
    except (OSError, UnicodeError) as error:
        raise OutboundError(
            "dns_failed", f"The name {host} could not be resolved.", True
        ) from error


def _resolve_within(seconds: float, resolver: Resolver, host: str, port: int) -> list[str]:
    """Resolve in a thread, because the system's resolver takes no timeout and may hang for half a minute."""
    answers: queue.SimpleQueue[list[str] | OutboundError] = queue.SimpleQueue()

    def answer() -> None:
        try:
            answers.put(_resolve(resolver, host, port))
        except OutboundError as error:
            answers.put(error)

    threading.Thread(target=answer, daemon=True, name="resolve").start()
    try:
        result = answers.get(timeout=seconds)
    except queue.Empty:
        raise _too_slow() from None
    if isinstance(result, OutboundError):
        raise result
    return result


@cache
def tls_context() -> ssl.SSLContext:
    """The bundled certificate authorities and those the machine's operator installed."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context


def _too_slow() -> OutboundError:
    return OutboundError("timeout", "The server did not answer in time.", True)

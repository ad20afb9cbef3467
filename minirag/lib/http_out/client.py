"""Outbound HTTP that cannot be turned against the installation.

`fetch` and `post_json` (sync, for Celery) and `post_async` (for the event loop) resolve a
host once, vet every address it has, and connect to a vetted address, so that a name which changes its mind
between the check and the connection (DNS rebinding) gains nothing. All of that is the work of the transport, which
model providers are reached through as well (see `transport`). Redirects are followed by hand and each
hop is vetted again. One deadline covers look-up, connection, headers and body; the size cap counts decoded
bytes, so a compressed bomb stops early. Proxy and credential settings of the environment are ignored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import BinaryIO, cast

import httpx

from minirag.lib.http_out.addresses import OutboundError, vet_url
from minirag.lib.http_out.asynchronous import GuardedAsyncTransport
from minirag.lib.http_out.body import ACCEPT_ENCODING, BodyReader, parse_content_type
from minirag.lib.http_out.hops import Hops, read_header, require_success
from minirag.lib.http_out.network import Deadline, Resolver, resolve_host, translate_errors
from minirag.lib.http_out.transport import GuardedTransport

__all__ = [
    "Fetched",
    "OutboundError",
    "Posted",
    "check_url",
    "download",
    "fetch",
    "post_async",
    "post_json",
]

USER_AGENT = "MiniRAG/2.0"
EXCERPT_BYTES = 2048


@dataclass(frozen=True)
class Fetched:
    """One answer. `url` is the last hop's, `body` is decoded (not compressed), empty when `not_modified`."""

    url: str
    status: int
    content_type: str
    charset: str | None
    body: bytes
    etag: str | None
    last_modified: str | None
    not_modified: bool


@dataclass(frozen=True)
class Posted:
    """What an endpoint answered, whatever its status; header names are lower-case, the excerpt is at most 2
    KB.
    """

    status: int
    headers: dict[str, str]
    body_excerpt: str
    duration_seconds: float


def check_url(url: str, *, allowed_hosts: frozenset[str] = frozenset()) -> None:
    """Vet a URL when it is saved, without a look-up. Raises OutboundError; a name is vetted again at each
    use.
    """
    vet_url(url, allowed_hosts)


def fetch(
    url: str,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    max_bytes: int = 10 * 2**20,
    timeout_seconds: float = 30,
    allowed_hosts: frozenset[str] = frozenset(),
    user_agent: str = USER_AGENT,
    api_headers: Mapping[str, str] | None = None,
    method: str = "GET",
    content: bytes | None = None,
    may_follow: Callable[[str], bool] = lambda url: True,
    takes_first: bool = False,
    resolver: Resolver = resolve_host,
) -> Fetched:
    """GET a URL, following up to five redirects. Raises OutboundError; a status other than 2xx and 304
    raises too. With `api_headers`, which may hold a credential, the first answer is the answer, whatever its
    status: no redirect carries them elsewhere. `may_follow` says which redirects are followed at all. Another
    `method`, with its `content`, is for APIs. With `takes_first` the first `max_bytes` of a longer answer are it.
    """
    headers = _get_headers(user_agent, etag, last_modified) | dict(api_headers or {})
    hops = Hops(url, allowed_hosts, is_api=api_headers is not None, may_follow=may_follow)
    transport = GuardedTransport(
        allowed_hosts=allowed_hosts, resolver=resolver, deadline=Deadline(timeout_seconds)
    )
    with translate_errors(), transport:
        while True:
            request = _make_request(method, hops.url, headers, content)
            response = transport.handle_request(request)
            with closing(response):
                if hops.follow(response):
                    continue
                reader = _reader_for(response, max_bytes, takes_first=takes_first)
                for piece in cast(httpx.SyncByteStream, response.stream):
                    reader.feed(piece)
                    if reader.is_full:
                        break
                return _fetched(hops.url, response, reader)


def download(
    url: str,
    target: BinaryIO,
    *,
    max_bytes: int,
    timeout_seconds: float,
    allowed_hosts: frozenset[str] = frozenset(),
    secret_headers: Mapping[str, str] | None = None,
    resolver: Resolver = resolve_host,
) -> int:
    """GET a large file into `target`, following redirects as `fetch` does; returns how many bytes came. Raises
    OutboundError. `secret_headers` go to the URL's own server only: a redirect to another one does not carry them.
    """
    headers = _get_headers(USER_AGENT, None, None) | {"Accept-Encoding": "identity"}
    hops = Hops(url, allowed_hosts)
    transport = GuardedTransport(
        allowed_hosts=allowed_hosts, resolver=resolver, deadline=Deadline(timeout_seconds)
    )
    with translate_errors(), transport:
        while True:
            secret = dict(secret_headers or {}) if hops.is_home else {}
            response = transport.handle_request(_make_request("GET", hops.url, headers | secret))
            with closing(response):
                if hops.follow(response):
                    continue
                if read_header(response, "content-encoding") not in ("", "identity"):
                    raise OutboundError("bad_response", "The file came compressed.", False)
                size = 0
                for piece in cast(httpx.SyncByteStream, response.stream):
                    size += len(piece)
                    if size > max_bytes:
                        reason = f"The file is larger than {max_bytes} bytes."
                        raise OutboundError("too_large", reason, False)
                    target.write(piece)
                return size


def post_json(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout_seconds: float = 10,
    allowed_hosts: frozenset[str] = frozenset(),
    resolver: Resolver = resolve_host,
) -> Posted:
    """POST `body` and report the answer. Redirects are not followed; any status is an answer, no error."""
    started = time.monotonic()
    target = vet_url(url, allowed_hosts)
    request = _make_request("POST", target, _post_headers(headers), body)
    transport = GuardedTransport(
        allowed_hosts=allowed_hosts, resolver=resolver, deadline=Deadline(timeout_seconds)
    )
    with (
        translate_errors(),
        transport,
        closing(transport.handle_request(request)) as response,
    ):
        excerpt = _take(cast(httpx.SyncByteStream, response.stream), EXCERPT_BYTES)
        return Posted(
            status=response.status_code,
            headers={
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in response.headers.raw
            },
            body_excerpt=excerpt.decode("utf-8", "replace"),
            duration_seconds=time.monotonic() - started,
        )


async def post_async(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    max_bytes: int = 2**20,
    timeout_seconds: float = 10,
    allowed_hosts: frozenset[str] = frozenset(),
    any_status: bool = False,
    resolver: Resolver = resolve_host,
) -> Fetched:
    """POST to an API on the event loop and return its whole answer. Raises OutboundError unless the status
    is 2xx, or any with `any_status`.
    """
    target = vet_url(url, allowed_hosts)
    request = _make_request("POST", target, _post_headers(headers), body)
    transport = GuardedAsyncTransport(allowed_hosts=allowed_hosts, resolver=resolver)
    with translate_errors():
        async with _closing(transport), asyncio.timeout(timeout_seconds):
            response = await transport.handle_async_request(request)
            if not any_status:
                require_success(response.status_code)
            reader = _reader_for(response, max_bytes)
            # An abandoned stream is closed with its transport, all of it, also when nobody waits for it any longer.
            async for piece in cast(httpx.AsyncByteStream, response.stream):
                reader.feed(piece)
            return _fetched(target, response, reader)


@asynccontextmanager
async def _closing(transport: httpx.AsyncBaseTransport) -> AsyncIterator[None]:
    """Close a call's own transport to the end, whatever ended the call."""
    try:
        yield
    finally:
        await asyncio.shield(transport.aclose())


def _get_headers(user_agent: str, etag: str | None, last_modified: str | None) -> dict[str, str]:
    headers = {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": ACCEPT_ENCODING}
    if etag:
        headers["If-None-Match"] = etag
    if last_modified:
        headers["If-Modified-Since"] = last_modified
    return headers


def _post_headers(headers: Mapping[str, str]) -> dict[str, str]:
    # Names go out as they were given: receivers of MiniRAG 1.0 may know them byte for byte.
    defaults = {
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
    }
    given = {name.lower() for name in headers}
    return {name: value for name, value in defaults.items() if name.lower() not in given} | dict(
        headers
    )


def _make_request(
    method: str, url: httpx.URL, headers: Mapping[str, str], body: bytes | None = None
) -> httpx.Request:
    try:
        encoded = [
            (name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()
        ]
    except UnicodeEncodeError as error:
        raise OutboundError(
            "url_invalid", "A request header holds a character HTTP cannot carry.", False
        ) from error
    return httpx.Request(method, url, headers=encoded, content=body)


def _reader_for(
    response: httpx.Response, max_bytes: int, *, takes_first: bool = False
) -> BodyReader:
    return BodyReader(
        read_header(response, "content-encoding"),
        read_header(response, "content-length") or None,
        max_bytes,
        takes_first=takes_first,
    )


def _take(pieces: Iterable[bytes], size: int) -> bytes:
    taken = b""
    for piece in pieces:
        taken += piece
        if len(taken) >= size:
            break
    return taken[:size]


def _fetched(url: httpx.URL, response: httpx.Response, reader: BodyReader) -> Fetched:
    content_type, charset = parse_content_type(read_header(response, "content-type"))
    return Fetched(
        url=str(url),
        status=response.status_code,
        content_type=content_type,
        charset=charset,
        body=reader.body,
        etag=read_header(response, "etag") or None,
        last_modified=read_header(response, "last-modified") or None,
        not_modified=response.status_code == 304,
    )

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
from minirag.lib.http_out.body import (
    ACCEPT_ENCODING,
    BodyReader,
    parse_content_type,
    read_retry_after,
)
from minirag.lib.http_out.network import Deadline, Resolver, resolve_host, translate_errors
from minirag.lib.http_out.transport import GuardedAsyncTransport, GuardedTransport

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
MAX_REDIRECTS = 5
EXCERPT_BYTES = 2048
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_RETRYABLE_STATUSES = frozenset((408, 425, 429, 500, 502, 503, 504))


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
    may_follow: Callable[[str], bool] = lambda url: True,
    resolver: Resolver = resolve_host,
) -> Fetched:
    """GET a URL, following up to five redirects. Raises OutboundError; a status other than 2xx and 304
    raises too. With `api_headers`, which may hold a credential, the first answer is the answer, whatever its
    status: no redirect carries them elsewhere. `may_follow` says which redirects are followed at all.
    """
    headers = _get_headers(user_agent, etag, last_modified) | dict(api_headers or {})
    hops = _Hops(url, allowed_hosts, is_api=api_headers is not None, may_follow=may_follow)
    transport = GuardedTransport(
        allowed_hosts=allowed_hosts, resolver=resolver, deadline=Deadline(timeout_seconds)
    )
    with translate_errors(), transport:
        while True:
            response = transport.handle_request(_make_request("GET", hops.url, headers))
            with closing(response):
                if hops.follow(response):
                    continue
                reader = _reader_for(response, max_bytes)
                for piece in cast(httpx.SyncByteStream, response.stream):
                    reader.feed(piece)
                return _fetched(hops.url, response, reader)


def download(
    url: str,
    target: BinaryIO,
    *,
    max_bytes: int,
    timeout_seconds: float,
    allowed_hosts: frozenset[str] = frozenset(),
    resolver: Resolver = resolve_host,
) -> int:
    """GET a large file into `target`, following redirects as `fetch` does; returns how many bytes came. Raises
    OutboundError.
    """
    headers = _get_headers(USER_AGENT, None, None) | {"Accept-Encoding": "identity"}
    hops = _Hops(url, allowed_hosts)
    transport = GuardedTransport(
        allowed_hosts=allowed_hosts, resolver=resolver, deadline=Deadline(timeout_seconds)
    )
    with translate_errors(), transport:
        while True:
            response = transport.handle_request(_make_request("GET", hops.url, headers))
            with closing(response):
                if hops.follow(response):
                    continue
                if _header(response, "content-encoding") not in ("", "identity"):
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
    transport = GuardedAsyncTransport(
        allowed_hosts=allowed_hosts, resolver=resolver, deadline=Deadline(timeout_seconds)
    )
    with translate_errors():
        async with _closing(transport), asyncio.timeout(timeout_seconds):
            response = await transport.handle_async_request(request)
            if not any_status:
                _require_success(response.status_code)
            reader = _reader_for(response, max_bytes)
            # An abandoned stream is closed with its transport, all of it, also when nobody waits for it any longer.
            async for piece in cast(httpx.AsyncByteStream, response.stream):
                reader.feed(piece)
            return _fetched(target, response, reader)


@asynccontextmanager
async def _closing(transport: httpx.AsyncBaseTransport) -> AsyncIterator[None]:
    """Close a call's own transport to the end: httpcore shields its closing from anyio's cancellation only, so an
    asyncio timeout or a reader who went away would leave the socket open.
    """
    try:
        yield
    finally:
        await asyncio.shield(transport.aclose())


class _Hops:
    """The chain of redirects: vets each URL before it is requested, and ends loops and long chains."""

    def __init__(
        self, url: str, allowed_hosts: frozenset[str], *, is_api: bool = False,
        may_follow: Callable[[str], bool] = lambda url: True,
    ) -> None:  # fmt: skip
        self._allowed_hosts, self._is_api, self._may_follow = allowed_hosts, is_api, may_follow
        self.url = vet_url(url, allowed_hosts)
        self._seen = {str(self.url)}

    def follow(self, response: httpx.Response) -> bool:
        """Move to the redirect's target and say so, or raise for a status that carries no document."""
        if self._is_api:
            return False
        if response.status_code not in _REDIRECTS:
            _require_success(response.status_code, _header(response, "retry-after"))
            return False
        location = _header(response, "location")
        if not location:
            raise OutboundError("bad_response", "The server redirected to nowhere.", False)
        try:
            target = self.url.join(location)
        except (httpx.InvalidURL, ValueError) as error:
            raise OutboundError(
                "url_invalid", "The server redirected to an invalid URL.", False
            ) from error
        self.url = vet_url(str(target.copy_with(fragment=None)), self._allowed_hosts)
        if str(self.url) in self._seen:
            raise OutboundError("too_many_redirects", "The page redirects in a circle.", False)
        if not self._may_follow(str(self.url)):
            raise OutboundError(
                "redirected_away", f"It leads away, to {str(self.url)[:200]}", False
            )
        self._seen.add(str(self.url))
        if len(self._seen) > MAX_REDIRECTS + 1:
            raise OutboundError(
                "too_many_redirects", f"More than {MAX_REDIRECTS} redirects.", False
            )
        return True


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


def _header(response: httpx.Response, name: str) -> str:
    values = response.headers.get_list(name)
    return values[-1] if values else ""


def _require_success(status: int, retry_after: str = "") -> None:
    if 200 <= status < 300 or status == 304:
        return
    reason = f"The server answered with status {status}."
    raise OutboundError(
        "http_status", reason, status in _RETRYABLE_STATUSES, upstream_status=status,
        retry_after=read_retry_after(retry_after),
    )  # fmt: skip


def _reader_for(response: httpx.Response, max_bytes: int) -> BodyReader:
    return BodyReader(
        _header(response, "content-encoding"),
        _header(response, "content-length") or None,
        max_bytes,
    )


def _take(pieces: Iterable[bytes], size: int) -> bytes:
    taken = b""
    for piece in pieces:
        taken += piece
        if len(taken) >= size:
            break
    return taken[:size]


def _fetched(url: httpx.URL, response: httpx.Response, reader: BodyReader) -> Fetched:
    content_type, charset = parse_content_type(_header(response, "content-type"))
    return Fetched(
        url=str(url),
        status=response.status_code,
        content_type=content_type,
        charset=charset,
        body=reader.body,
        etag=_header(response, "etag") or None,
        last_modified=_header(response, "last-modified") or None,
        not_modified=response.status_code == 304,
    )

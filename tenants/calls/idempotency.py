"""`Idempotency-Key`: a POST under `/v1` that is sent again gets the answer of the first time.

A key belongs to the caller (token, user or operator's token), the tenant, the path and the query. Without a credential
it counts for sign-up only, by address: a log-in makes nothing, and its answer would outlive the token in it.

What is kept: answers of 2xx and of 4xx that lie in the request itself. Not kept, so that the same key may try again:
5xx and redirects, and 401, 402, 403 and 429, where nothing was done and what is in the way may be gone. A stream is
kept when it has ended well, and replayed as the same events at once.

A client that hangs up and comes back is whom all this is for, so its request is done to the end all the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.request import UnreadablePostError
from django.utils.crypto import salted_hmac

from minirag.lib.errors import ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.doors import Proof, route_of
from minirag.lib.http_in.idempotency import NAME_PREFIX, Kept, KeyInvalid, claim, give_back, keep
from minirag.lib.http_in.middleware import TwofoldMiddleware
from minirag.lib.http_in.reading import client_address
from minirag.lib.http_in.rest import error_response
from tenants.authentication import Identity
from tenants.context import PUBLIC_SCHEMA, run_sync
from tenants.platform.operators import authenticate_operator

_KEY = re.compile(r"[ -~]{1,255}")
_TRY_AGAIN = frozenset({401, 402, 403, 429})
_KEPT_HEADERS = (
    "Content-Type",
    "Content-Disposition",
    "Location",
    "Cache-Control",
    "X-Accel-Buffering",
    "X-Ignored-Fields",
)
_ERROR_STARTS = (b"event: error", b'data: {"error"')
_running: set[asyncio.Task[Any]] = set()  # the event loop alone would let go of them


class IdempotencyMiddleware(TwofoldMiddleware):
    """Answers from what is kept; does nothing where there is no key."""

    def call(self, request: HttpRequest) -> HttpResponseBase:
        key = request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is None or not _applies(request):
            return self.get_response(request)
        try:
            named = _name_request(request, key, _find_caller(request))
            kept = claim(*named) if named else None
        except ProductError as error:
            return error_response(error, request)
        if kept or not named:
            return _replay(kept) if kept else self.get_response(request)
        response = self.get_response(request)
        if not _keep_stream(response, named):
            _keep_answer(response, named)
        return response

    async def call_async(self, request: HttpRequest) -> HttpResponseBase:
        key = request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is None or not _applies(request):
            return await self.get_response(request)
        return await _finish_anyway(self._answer(request, key))

    async def _answer(self, request: HttpRequest, key: str) -> HttpResponseBase:
        try:
            # An operator is looked up, which is for the database's threads; every other caller is known already.
            is_operator = route_of(request).door.proof == Proof.OPERATOR
            who = await run_sync(_find_caller, request) if is_operator else _find_caller(request)
            named = await asyncio.to_thread(_name_request, request, key, who)
            kept = await asyncio.to_thread(claim, *named) if named else None
        except ProductError as error:
            return error_response(error, request)
        if kept or not named:
            return _replay(kept) if kept else await self.get_response(request)
        response = await self.get_response(request)
        if not _keep_stream(response, named):
            await asyncio.to_thread(_keep_answer, response, named)
        return response


def _applies(request: HttpRequest) -> bool:
    if request.method != "POST" or not request.path_info.startswith("/v1/"):
        return False
    door = route_of(request).door
    is_open = door.is_sign_up or door.proof == Proof.OPERATOR
    return is_open or isinstance(getattr(request, "identity", None), Identity)


def _find_caller(request: HttpRequest) -> str | None:
    """Name who calls; None for an operator who may do nothing here anyway. Raises NotAuthenticated."""
    identity = getattr(request, "identity", None)
    if isinstance(identity, Identity):
        return f"token:{identity.token.pk}" if identity.token else f"user:{identity.user.pk}"
    if route_of(request).door.proof != Proof.OPERATOR:
        return f"address:{client_address(request)}"
    if getattr(request, "tenant", None) is not None:
        return (
            None  # a tenant's path or host, where the view says that there is nothing of the kind
        )
    operator = authenticate_operator(Arrival.of_request(request).authorization)
    return None if operator.is_read_only else f"operator:{operator.pk}"


def _name_request(request: HttpRequest, key: str, who: str | None) -> tuple[str, str] | None:
    """Return the claim's name and the body's fingerprint; None for what the view refuses in its own words."""
    if not _KEY.fullmatch(key):
        raise KeyInvalid
    if who is None:
        return None
    try:
        body = request.body
    except (RequestDataTooBig, UnreadablePostError):
        return None  # the view says so in its own words
    identity = getattr(request, "identity", None)
    schema = identity.tenant.schema_name if isinstance(identity, Identity) else PUBLIC_SCHEMA
    facts = "\n".join([who, request.path_info, request.META.get("QUERY_STRING", ""), key])
    digest = hashlib.sha256(facts.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{NAME_PREFIX}{schema}:{digest}", _fingerprint(request, body)


def _fingerprint(request: HttpRequest, body: bytes) -> str:
    """Digest a body, keyed because it may hold a password; a form's boundary is another one at every try."""
    boundary = (request.content_params or {}).get("boundary", "")
    if boundary:
        body = body.replace(boundary.encode("latin-1", "replace"), b"")
    digest = hashlib.sha256(body).hexdigest()
    # The salt keeps its name wherever this module goes: stored answers hold digests with it.
    return salted_hmac(
        "tenants.idempotency", f"{request.content_type}\n{digest}", algorithm="sha256"
    ).hexdigest()


def _replay(kept: Kept) -> HttpResponse:
    return HttpResponse(
        kept.body, status=kept.status, headers={**kept.headers, "Idempotency-Replayed": "true"}
    )


def _keep_answer(response: HttpResponseBase, named: tuple[str, str]) -> None:
    status = response.status_code
    if isinstance(response, HttpResponse) and (
        status < 300 or (400 <= status < 500 and status not in _TRY_AGAIN)
    ):
        keep(*named, Kept(status, _kept_headers(response), response.content))
    else:
        give_back(named[0])


def _keep_stream(response: HttpResponseBase, named: tuple[str, str]) -> bool:
    """Have a stream kept once it has ended; False for an answer that is not a stream."""
    if not isinstance(response, StreamingHttpResponse) or not response.is_async:
        return False
    headers = _kept_headers(response)
    stream: Any = response.streaming_content  # of an asynchronous response, as was asked above
    # What is closed with the response is read on when that is over: a turn would count itself as left.
    closers, response._resource_closers = response._resource_closers, []  # type: ignore[attr-defined]
    response.streaming_content = _pass_on(
        _close_behind(aiter(stream), closers), response.status_code, headers, named
    )
    return True


async def _close_behind(
    stream: AsyncIterator[bytes], closers: Sequence[Callable[[], object]]
) -> AsyncIterator[bytes]:
    with ExitStack() as stack:
        for close in closers:
            stack.callback(close)
        async for part in stream:
            yield part


async def _pass_on(
    stream: AsyncIterator[bytes], status: int, headers: dict[str, str], named: tuple[str, str]
) -> AsyncIterator[bytes]:
    """Yield what a task of its own reads, which goes on reading when nobody listens any more."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()
    task = _start(_read_to_the_end(stream, queue, status, headers, named))
    while (part := await queue.get()) is not None:
        yield part
    await task  # what it failed with is the stream's failure


async def _read_to_the_end(
    stream: AsyncIterator[bytes],
    queue: asyncio.Queue[bytes | None],
    status: int,
    headers: dict[str, str],
    named: tuple[str, str],
) -> None:
    parts: list[bytes] = []
    ended = False
    try:
        async for part in stream:
            parts.append(part)
            queue.put_nowait(part)
        ended = bool(parts) and not _has_failed(b"".join(parts))
    finally:
        if ended:
            await asyncio.to_thread(keep, *named, Kept(status, headers, b"".join(parts)))
        else:
            await asyncio.to_thread(give_back, named[0])
        queue.put_nowait(None)


def _has_failed(body: bytes) -> bool:
    """Whether a stream's last event is an error."""
    blocks = [
        block for block in body.split(b"\n\n") if block.strip() and block.strip() != b"data: [DONE]"
    ]
    return bool(blocks) and blocks[-1].lstrip().startswith(_ERROR_STARTS)


def _kept_headers(response: HttpResponseBase) -> dict[str, str]:
    return {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}


async def _finish_anyway(answer: Any) -> HttpResponseBase:
    """Await it so that cancelling the caller, whose client has gone, does not cancel it."""
    work = _start(answer)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        _start(_hear_out(work))
        raise


async def _hear_out(work: asyncio.Task[HttpResponseBase]) -> None:
    """Read an answer that nobody waits for any more: a stream is kept by being read."""
    response = await work
    if isinstance(response, StreamingHttpResponse) and response.is_async:
        async for _ in response:
            pass
    response.close()


def _start(work: Any) -> asyncio.Task[Any]:
    task = asyncio.ensure_future(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task

"""How a request travels: the token, retries that repeat nothing, errors that say what to do."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self

import httpx

Part = tuple[str, bytes | IO[bytes]]
Files = Mapping[str, Part] | Sequence[tuple[str, Part]]
RETRIED = frozenset({429, 502, 503, 504})
_LONGEST_WAIT_SECONDS = 30.0


class Unset:
    """An argument that was not given; None is a value of its own."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()


class MiniRAGError(Exception):
    """The server said no, or was not to be had.

    `status` is 0 where there was no answer. `code` is stable, `detail` a sentence or a list of invalid fields,
    `request_id` finds the request in the server's log, `retryable` says whether it may succeed later and
    `retry_after_seconds` when.
    """

    def __init__(
        self, status: int, code: str, detail: str | list[dict[str, Any]], *, request_id: str = "",
        retryable: bool = False, retry_after_seconds: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(f"{status} {code}: {detail}")
        self.status, self.code, self.detail = status, code, detail
        self.request_id, self.retryable, self.retry_after_seconds = (
            request_id,
            retryable,
            retry_after_seconds,
        )


class Transport:
    """One connection pool to one server. `retries` is how often a request is sent again that a later try may pass.

    A POST carries an `Idempotency-Key` of its own, the same at each try, so that a repeat does nothing twice.
    """

    def __init__(
        self, base_url: str, token: str = "", *, timeout_seconds: float = 60.0, retries: int = 2,
        http: httpx.Client | None = None,
    ) -> None:  # fmt: skip
        self.base_url = base_url.rstrip("/")
        self._token, self.retries = token, retries
        self._http = http or httpx.Client(timeout=timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def request(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = UNSET,
        form: Mapping[str, Any] | None = None, files: Files | None = None, idempotency_key: str | None = None,
        if_match: str | Unset = UNSET,
    ) -> httpx.Response:  # fmt: skip
        """Send a request and return its answer of 2xx, read whole. Raises MiniRAGError."""
        request = self.build(
            method, path, query=query, body=body, form=form, files=files, key=idempotency_key
        )
        if not isinstance(if_match, Unset):
            request.headers["If-Match"] = if_match
        for attempt in range(self.retries + 1):
            is_last = attempt == self.retries or bool(
                files
            )  # a file's bytes are gone after the first try
            try:
                response = self._http.send(request)
            except httpx.TransportError as error:
                if is_last:
                    raise MiniRAGError(0, "unreachable", str(error), retryable=True) from error
                wait = None
            else:
                if response.is_success:
                    return response
                failure = read_error(response)
                if (
                    is_last
                    or response.status_code not in RETRIED
                    or failure.code == "quota_exceeded"
                ):
                    raise failure
                wait = failure.retry_after_seconds
            time.sleep(choose_wait(attempt, wait))
        raise AssertionError("the last attempt returns or raises")

    def build(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = UNSET,
        form: Mapping[str, Any] | None = None, files: Files | None = None, key: str | None = None,
    ) -> httpx.Request:  # fmt: skip
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if method == "POST":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        content: dict[str, Any] = {}
        if not isinstance(body, Unset):
            content["json"] = body
        if files is not None:
            content |= {
                "data": {name: str(value) for name, value in (form or {}).items()},
                "files": list(files.items() if isinstance(files, Mapping) else files),
            }
        params = {
            name: _to_text(value) for name, value in (query or {}).items() if value is not None
        }
        return self._http.build_request(
            method, f"{self.base_url}{path}", headers=headers, params=params, **content
        )

    def send_stream(self, request: httpx.Request) -> httpx.Response:
        """Send a request whose answer is read piece by piece; the caller closes it. Raises MiniRAGError."""
        try:
            response = self._http.send(request, stream=True)
            if not response.is_success:
                response.read()
                raise read_error(response)
        except httpx.TransportError as error:
            raise MiniRAGError(0, "unreachable", str(error), retryable=True) from error
        return response


def read_error(response: httpx.Response) -> MiniRAGError:
    """Our error for an answer that is not 2xx, whatever gave it."""
    try:
        body = response.json()
    except ValueError:
        body = None
    body = body if isinstance(body, dict) else {"detail": response.text[:500]}
    after = response.headers.get("Retry-After", "")
    return MiniRAGError(
        response.status_code, str(body.get("code", "http_error")), body.get("detail", ""),
        request_id=str(body.get("request_id") or response.headers.get("X-Request-ID", "")),
        retryable=bool(body.get("retryable", response.status_code in RETRIED)),
        retry_after_seconds=float(after) if after.replace(".", "", 1).isdigit() else None,
    )  # fmt: skip


class Tagged(dict[str, Any]):
    """An answer with the `ETag` that it came with."""

    etag: str = ""


class TaggedList(list[Any]):
    """An answer that is a list, with the `ETag` that it came with."""

    etag: str = ""


def read_tagged(response: httpx.Response) -> Any:
    """The JSON of an answer, which keeps the answer's `ETag`."""
    read = response.json()
    told = TaggedList(read) if isinstance(read, list) else Tagged(read)
    told.etag = response.headers.get("ETag", "")
    return told


def etag_of(thing: object) -> str:
    """The `ETag` of something as it was read: send it as `if_match` with the change. Empty where it has none."""
    return str(getattr(thing, "etag", ""))


def given(**values: Any) -> dict[str, Any]:
    """The arguments that were given."""
    return {name: value for name, value in values.items() if not isinstance(value, Unset)}


def choose_wait(attempt: int, asked: float | None) -> float:
    """What the server asked for, or else half a second doubled each time, with jitter."""
    wait = asked if asked is not None else 0.5 * 2**attempt * (0.5 + random.random())  # noqa: S311 - no secret
    return min(wait, _LONGEST_WAIT_SECONDS)


def _to_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        [_to_text(each) for each in value]
        if isinstance(value, Sequence) and not isinstance(value, str)
        else value
    )

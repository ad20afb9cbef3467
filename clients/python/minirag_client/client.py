"""The client: every operation of the API, streams, pages, files, and waiting for an ingestion."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx

from minirag_client.operations import Operations
from minirag_client.transport import RETRIED, MiniRAGError, choose_wait
from minirag_client.types import ReceivedFiles, Source


@dataclass(frozen=True)
class Event:
    """One event of a streamed answer: `sources`, `delta` or `done`, with its data.

    A turn's events are numbered from 1; `turn_id` and `number` say where `follow` may go on.
    """

    name: str
    data: dict[str, Any]
    number: int = 0
    turn_id: str = ""


class MiniRAG(Operations):
    """A server and a token of it. Close it, or use it in a `with` statement."""

    def stream(
        self,
        *,
        bot_profile_id: str,
        message: str,
        chat_id: str | None = None,
        extended: bool = True,
    ) -> Iterator[Event]:
        """Ask a bot and yield the answer as it is written.

        Where the connection breaks it is read on where it broke off, from whichever web process answers. An `error`
        event ends it by raising MiniRAGError, and so does a server that stays out of reach.
        """
        question = {
            "bot_profile_id": bot_profile_id,
            "message": message,
            "stream": True,
            "extended": extended,
        }
        if chat_id is not None:
            question["chat_id"] = chat_id
        response = self.send_stream(self.build("POST", "/v1/chat", body=question))
        yield from self._read_on(response, response.headers.get("X-Turn-ID", ""), 0, extended)

    def follow(self, turn_id: str, *, after: int = 0, extended: bool = True) -> Iterator[Event]:
        """Yield a turn's events behind number `after`, those that are still to come as well; see `stream`."""
        yield from self._read_on(None, turn_id, after, extended)

    def _read_on(
        self, response: httpx.Response | None, turn_id: str, number: int, extended: bool
    ) -> Iterator[Event]:
        attempt = 0  # since something came
        while True:
            wait = None
            try:
                response = response or self._open_events(turn_id, number, extended)
                for name, data in _read_events(response):
                    number, attempt = number + 1, 0
                    if name == "error":
                        raise _read_failure(data)
                    yield Event(name, data, number, turn_id)
                    if name == "done":
                        return
                failure = MiniRAGError(0, "unreachable", "The stream ended early.", retryable=True)
            except httpx.TransportError as error:
                failure = MiniRAGError(0, "unreachable", str(error), retryable=True)
            except MiniRAGError as error:
                if error.status and error.status not in RETRIED:
                    raise
                failure, wait = error, error.retry_after_seconds
            finally:
                if response is not None:
                    response.close()
            if not turn_id or attempt == self.retries:
                raise failure
            time.sleep(choose_wait(attempt, wait))
            response, attempt = None, attempt + 1

    def _open_events(self, turn_id: str, number: int, extended: bool) -> httpx.Response:
        request = self.build("GET", f"/v1/turns/{turn_id}/events", query={"extended": extended})
        request.headers["Last-Event-ID"] = str(number)
        return self.send_stream(request)

    def iterate(self, path: str, *, page_size: int = 100, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield every item of a list, page after page: `minirag.iterate("/v1/sources", bot_profile_id=bot)`."""
        cursor: str | None = None
        while True:
            response = self.request(
                "GET", path, query={**query, "limit": page_size, "cursor": cursor}
            )
            page = response.json()
            yield from page["items"] if isinstance(page, dict) else page
            cursor = page.get("next_cursor") if isinstance(page, dict) else _next_of(response)
            if not cursor:
                return

    def upload(self, path: str | Path, *, bot_profile_id: str, **fields: str) -> Source:
        """Give a bot a file; its ingestion starts by itself. `fields` are name, description and parent_id."""
        file = Path(path)
        answer = self.request(
            "POST", "/v1/sources/upload", form={"bot_profile_id": bot_profile_id, **fields},
            files={"file": (file.name, file.read_bytes())},
        )  # fmt: skip
        return cast(Source, answer.json())

    def upload_many(
        self,
        paths: Sequence[str | Path],
        *,
        bot_profile_id: str,
        external_ids: Sequence[str] | None = None,
        **fields: str,
    ) -> ReceivedFiles:
        """Give a bot up to a thousand files in one call, each under an id of yours where there are any.

        The answer says of each what became of it. `fields` are description, parent_id, visibility and groups.
        """
        files = [Path(path) for path in paths]
        form = {"bot_profile_id": bot_profile_id, **fields}
        if external_ids is not None:
            form["external_ids"] = json.dumps(list(external_ids))
        parts = [("files", (file.name, file.read_bytes())) for file in files]
        answer = self.request("POST", "/v1/sources/upload-many", form=form, files=parts)
        return cast(ReceivedFiles, answer.json())

    def download(self, path: str, target: str | Path, **query: Any) -> int:
        """Write an export to a file without holding it in memory; returns the number of bytes."""
        response = self.send_stream(self.build("GET", path, query=query))
        try:
            with Path(target).open("wb") as file:
                return sum(file.write(piece) for piece in response.iter_bytes())
        finally:
            response.close()

    def wait_until_ready(self, source_id: str, *, timeout_seconds: float = 300.0) -> Source:
        """Wait for a source's ingestion. Raises MiniRAGError (`ingestion_failed`), or TimeoutError."""
        ends_at, pause = time.monotonic() + timeout_seconds, 0.2
        while True:
            source = self.show_source(source_id)
            if source["status"] == "ready":
                return source
            if source["status"] == "error":
                raise MiniRAGError(200, "ingestion_failed", source["error_message"] or "")
            if time.monotonic() > ends_at:
                raise TimeoutError(f"source {source_id} is still {source['status']}")
            time.sleep(pause)
            pause = min(pause * 1.5, 3.0)


def _read_events(response: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def _read_failure(data: dict[str, Any]) -> MiniRAGError:
    return MiniRAGError(
        200, data.get("code", "failed"), data.get("detail", ""),
        request_id=data.get("request_id", ""), retryable=bool(data.get("retryable")),
    )  # fmt: skip


def _next_of(response: httpx.Response) -> str | None:
    """The cursor in the Link header, by which the plain lists of MiniRAG 1.0 are paged."""
    url = response.links.get("next", {}).get("url")
    return parse_qs(urlsplit(url).query)["cursor"][0] if url else None

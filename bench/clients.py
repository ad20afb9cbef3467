"""Clients that cost little themselves: HTTP over bare asyncio streams, and the widget's socket."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import websockets

from bench.provider import Stamp, read_stamps


@dataclass
class Turn:
    """What a client saw of a turn. Times are of the monotonic clock, in seconds."""

    asked: float
    first_token: float = 0.0
    ended: float = 0.0
    tokens: list[tuple[float, Stamp]] = field(default_factory=list)
    unread: str = ""

    @property
    def first_token_ms(self) -> float:
        return (self.first_token - self.asked) * 1000

    @property
    def overhead_ms(self) -> float:
        """Request to first token, without what the model took between getting the request and speaking."""
        stamp = self.tokens[0][1]
        return self.first_token_ms - (stamp.sent - stamp.received) * 1000

    @property
    def rest_ms(self) -> float:
        """Request to answer, without what the model took from getting the request to its last word."""
        first, last = self.tokens[0][1], self.tokens[-1][1]
        return (self.ended - self.asked - (last.sent - first.received)) * 1000

    def note(self, name: str, data: dict[str, Any]) -> bool:
        """Take note of one event of the turn; returns whether it was the last one."""
        now = time.monotonic()
        if name == "error":
            raise RuntimeError(f"a turn failed: {data}")
        if name == "delta":
            self.first_token = self.first_token or now
            # A piece may end in the middle of a token.
            whole, mark, self.unread = (self.unread + data["content"]).rpartition("~")
            self.tokens += [(now, stamp) for stamp in read_stamps(whole + mark)]
        if name == "done":
            self.ended = now
        return name == "done"


class HttpClient:
    """One keep-alive connection. The product's answers are either chunked or have a length."""

    def __init__(self, base_url: str, token: str = "") -> None:
        parts = urlsplit(base_url)
        self.host, self.port = str(parts.hostname), int(parts.port or 80)
        self._headers = f"Host: {parts.netloc}\r\n" + (
            f"Authorization: Bearer {token}\r\n" if token else ""
        )
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> HttpClient:
        self._reader, self._writer = await asyncio.open_connection(
            self.host, self.port, limit=4 * 2**20
        )
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._writer is not None:
            self._writer.close()

    async def get(self, path: str) -> bytes:
        """The body of a 200; raises RuntimeError for anything else."""
        await self._send("GET", path, b"")
        return await self._read_whole()

    async def ask_whole(self, path: str, body: dict[str, Any]) -> Turn:
        """Send a question and read its answer in one piece, as JSON."""
        turn = Turn(time.monotonic())
        await self._send("POST", path, json.dumps(body).encode())
        answer = json.loads(await self._read_whole())
        turn.note("delta", answer["message"])
        turn.note("done", answer)
        return turn

    async def ask(self, path: str, body: dict[str, Any]) -> Turn:
        """Send a question and read its answer as Server-Sent Events until `done`."""
        turn, buffer, name = Turn(time.monotonic()), b"", ""
        await self._send("POST", path, json.dumps(body).encode())
        await self._read_head()
        async for piece in self._read_chunks():
            buffer += piece
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                if line.startswith(b"event: "):
                    name = line[7:].decode()
                elif line.startswith(b"data: ") and name != "sources":
                    turn.note(name, json.loads(line[6:]))
        return turn

    async def stream_raw(self, path: str, body: dict[str, Any]) -> Turn:
        """Ask the provider itself; only the moment of its first token counts."""
        turn = Turn(time.monotonic())
        await self._send("POST", path, json.dumps(body).encode())
        await self._read_head()
        async for piece in self._read_chunks():
            turn.note("delta", {"content": piece.decode()})
        return turn

    async def _send(self, method: str, path: str, body: bytes) -> None:
        assert self._writer is not None
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{self._headers}{kind}\r\n".encode() + body)
        await self._writer.drain()

    async def _read_whole(self) -> bytes:
        headers = await self._read_head()
        assert self._reader is not None
        if b"chunked" in headers:
            return b"".join([piece async for piece in self._read_chunks()])
        length = int(headers.partition(b"content-length:")[2].partition(b"\r\n")[0])
        return await self._reader.readexactly(length)

    async def _read_head(self) -> bytes:
        assert self._reader is not None
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(
                f"unexpected answer: {head.decode()} {await self._reader.read(2000)!r}"
            )
        return head.lower()

    async def _read_chunks(self) -> Any:
        assert self._reader is not None
        while True:
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            piece = (await self._reader.readexactly(size + 2))[:-2]
            if not size:
                return
            yield piece


class SocketClient:
    """A widget's socket with a session of its own."""

    def __init__(self, base_url: str, session_token: str) -> None:
        self._origin, self._token = base_url, session_token
        self._url = base_url.replace("http", "ws", 1) + "/ws/chat/"

    async def __aenter__(self) -> SocketClient:
        self._socket = await websockets.connect(self._url, origin=self._origin, compression=None)
        await self._socket.send(json.dumps({"type": "authenticate", "session_token": self._token}))
        answer = json.loads(await self._socket.recv())
        if answer["type"] != "authenticated":
            raise RuntimeError(f"unexpected answer: {answer}")
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._socket.close()

    async def ask(self, message: str) -> Turn:
        """Ask in a new chat, as the HTTP client does."""
        await self._socket.send('{"type": "reset"}')
        await self._socket.recv()
        turn = Turn(time.monotonic())
        await self._socket.send(json.dumps({"type": "question", "message": message}))
        while True:
            frame = json.loads(await self._socket.recv())
            if turn.note(frame["type"], frame):
                return turn

"""A provider that says exactly the bytes it is told, for what the ordinary fake is too well-behaved to send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

DONE = b"data: [DONE]\n\n"


def event(content: str | None = None, **fields: Any) -> bytes:
    choice = {
        "index": 0,
        "delta": {} if content is None else {"content": content},
        "finish_reason": None,
    }
    choice |= {name: fields.pop(name) for name in ("finish_reason",) if name in fields}
    return b"data: " + json.dumps({"choices": [choice], **fields}).encode() + b"\n\n"


@dataclass
class ScriptedServer:
    """Answers every request with `packets`, one write each, `pause` seconds apart, as a chunked event stream.

    `head` replaces the status line and headers; then the packets are sent as they are and the connection is closed.
    `unasked` is what it says after an answer, without a question.
    """

    packets: Sequence[bytes] = (event("Hello"), event(" there"), event(finish_reason="stop"), DONE)
    head: bytes | None = None
    pause: float = 0.0
    unasked: bytes = b""
    connections: int = 0
    open_connections: int = 0
    requests: list[tuple[bytes, dict[str, Any]]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._server.close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open_connections -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        self.requests.append((head, json.loads(await reader.readexactly(length))))
        writer.write(
            self.head
            or b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        for packet in self.packets:
            writer.write(packet if self.head else b"%x\r\n%s\r\n" % (len(packet), packet))
            await writer.drain()
            await asyncio.sleep(self.pause)
        if not self.head:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(self.unasked)
        return not self.head

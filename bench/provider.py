"""A chat provider that costs next to nothing and knows when it spoke: `python -m bench.provider <port>`.

It speaks the streaming half of the OpenAI protocol in a process of its own. The model's name says what it does, such as
`d0-n32-i50`: the first token after so many ms, so many tokens, so many ms between them. Every token carries its
times in microseconds of the monotonic clock, which all processes of a machine share: `<received>:<due>:<sent>~`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

MODEL = re.compile(r"d(\d+)-n(\d+)-i(\d+)$")
STAMP = re.compile(r"(\d+):(\d+):(\d+)~")
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Stamp:
    """When the provider had the request, when a token was due, and when it was sent; in seconds."""

    received: float
    due: float
    sent: float


def read_stamps(text: str) -> list[Stamp]:
    """The stamps of the whole tokens in `text`."""
    return [Stamp(*(int(part) / 1e6 for part in match)) for match in STAMP.findall(text)]


def encode_chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def encode_event(payload: dict[str, object]) -> bytes:
    head = {"id": "bench", "object": "chat.completion.chunk", "created": 0, "model": "bench"}
    return b"data: " + json.dumps(head | payload, separators=(",", ":")).encode() + b"\n\n"


def encode_token(text: str) -> bytes:
    return encode_event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": text},
                                      "finish_reason": None}]})  # fmt: skip


async def stream_answer(writer: asyncio.StreamWriter, model: str, received: float) -> None:
    """Write one answer; the tokens of a model without pauses go out in one piece, as a fast one's would."""
    match = MODEL.search(model)
    delay, count, pause = (int(part) for part in match.groups()) if match else (0, 1, 0)
    writer.write(_HEAD)
    burst = []
    for number in range(count):
        due = received + (delay + number * pause) / 1000
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        stamp = f"{received * 1e6:.0f}:{due * 1e6:.0f}:{time.monotonic() * 1e6:.0f}~ "
        burst.append(encode_chunk(encode_token(stamp)))
        if pause or number == count - 1:
            writer.write(b"".join(burst))
            burst.clear()
    usage = {"prompt_tokens": 900, "completion_tokens": count, "total_tokens": 900 + count}
    end = encode_event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    writer.write(encode_chunk(end) + encode_chunk(encode_event({"choices": [], "usage": usage})))
    writer.write(encode_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    await writer.drain()


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = re.search(rb"content-length: *(\d+)", head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            await stream_answer(writer, json.loads(body)["model"], time.monotonic())
    writer.close()


async def serve(port: int) -> None:
    server = await asyncio.start_server(
        serve_connection, "127.0.0.1", port, limit=4 * 2**20, backlog=512
    )
    async with server:
        print("ready", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))

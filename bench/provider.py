"""A chat provider that costs next to nothing and knows when it spoke: `python -m bench.provider <port>`.

It speaks the OpenAI protocol in a process of its own: chat completions, streamed or whole, and embeddings. The
model's name says what it does, such as `d0-n32-i50`: the first token after so many ms, so many tokens, so many ms
between them. Every token carries its times in microseconds of the monotonic clock, which all processes of a machine
share: `<received>:<due>:<sent>~`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

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


def read_model(model: str) -> tuple[int, int, int]:
    """Milliseconds to the first token, how many, and milliseconds between them."""
    match = MODEL.search(model)
    delay, count, pause = (int(part) for part in match.groups()) if match else (0, 1, 0)
    return delay, count, pause


def count_usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 900, "completion_tokens": tokens, "total_tokens": 900 + tokens}


def write_json(writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
    body = json.dumps(answer).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    writer.write(head % len(body) + body)


async def write_answer(writer: asyncio.StreamWriter, model: str, received: float) -> None:
    """The same answer in one piece, when its last token would have come."""
    delay, count, pause = read_model(model)
    dues = [received + (delay + number * pause) / 1000 for number in range(count)]
    await asyncio.sleep(max(0.0, dues[-1] - time.monotonic()))
    sent = time.monotonic() * 1e6
    text = "".join(f"{received * 1e6:.0f}:{due * 1e6:.0f}:{sent:.0f}~ " for due in dues)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}  # fmt: skip
    head = {"id": "bench", "object": "chat.completion", "created": 0, "model": "bench"}
    write_json(writer, {**head, "choices": [choice], "usage": count_usage(count)})


def write_embeddings(writer: asyncio.StreamWriter, asked: dict[str, Any]) -> None:
    """A vector of each text, the same for the same text."""
    texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
    data = []
    for index, text in enumerate(texts):
        dice = random.Random(str(text))
        vector = [dice.uniform(-1, 1) for _ in range(asked.get("dimensions") or 1536)]
        packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        shown = packed if asked.get("encoding_format") == "base64" else vector
        data.append({"object": "embedding", "index": index, "embedding": shown})
    usage = {"prompt_tokens": 9, "total_tokens": 9}
    write_json(writer, {"object": "list", "model": asked["model"], "data": data, "usage": usage})


async def stream_answer(writer: asyncio.StreamWriter, model: str, received: float) -> None:
    """Write one answer; the tokens of a model without pauses go out in one piece, as a fast one's would."""
    delay, count, pause = read_model(model)
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
    usage = count_usage(count)
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
            asked, received = json.loads(body), time.monotonic()
            if b"/embeddings " in head.partition(b"\r\n")[0]:
                write_embeddings(writer, asked)
            elif asked.get("stream"):
                await stream_answer(writer, asked["model"], received)
            else:
                await write_answer(writer, asked["model"], received)
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

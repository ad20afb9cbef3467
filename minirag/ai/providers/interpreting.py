"""Lets LiteLLM understand every compatible server: an answer is put into OpenAI's own words before it is read there.

LiteLLM drops what it does not know (content as a list of parts, a whole answer in place of a stream) and wraps errors
until their reason is gone. So the client that it is handed reads answers as the direct way does (see `answers`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx

from minirag.ai.providers import calls
from minirag.ai.providers.answers import AnswerReader
from minirag.ai.providers.calls import Piece
from minirag.ai.providers.complaints import read_complaint
from minirag.ai.tooling import Calls, ToolCallPiece
from minirag.lib.errors import ProviderError
from minirag.lib.http_out.addresses import OutboundError
from minirag.lib.http_out.body import decoder_for

MAX_ERROR_BYTES = 64 * 1024
ERROR_SECONDS = 2.0
_PROVIDER = "openai"
_HEAD = {"id": "chatcmpl-0", "created": 0, "model": "model"}


async def interpret(response: httpx.Response) -> None:
    """A hook for an httpx client's responses. Raises ModelCallFailed for an error that a provider answers with."""
    request = response.request
    if not request.url.path.endswith("/chat/completions"):
        return
    inner = cast(httpx.AsyncByteStream, response.stream)
    if not response.is_success:
        raise complain(response, await read_error(aiter(inner)), _PROVIDER)
    reader = AnswerReader(_PROVIDER, content_encoding=response.headers.get("content-encoding", ""))
    is_stream = bool(json.loads(request.content).get("stream"))
    write = _write_stream if is_stream else _write_whole
    response.stream = _Interpreted(inner, write(read_pieces(aiter(inner), reader), reader))
    for name in ("content-encoding", "content-length"):
        response.headers.pop(name, None)
    response.headers["content-type"] = "text/event-stream" if is_stream else "application/json"


async def read_pieces(
    chunks: AsyncIterator[bytes], reader: AnswerReader
) -> AsyncIterator[list[Piece]]:
    """The pieces of a body, as many at a time as came together."""
    while not reader.is_done:
        data = await anext(chunks, None)
        pieces = reader.feed(data) if data is not None else reader.finish()
        if pieces:
            yield pieces
        elif data is None:
            return


async def read_error(chunks: AsyncIterator[bytes]) -> bytes:
    """The beginning of an error's body, as far as it comes soon."""
    body = b""
    try:
        async with asyncio.timeout(ERROR_SECONDS):
            async for piece in chunks:
                body += piece
                if len(body) > MAX_ERROR_BYTES:
                    break
    except (TimeoutError, httpx.HTTPError):
        pass  # what came of it has to do
    return body


def complain(response: httpx.Response, body: bytes, provider: str) -> calls.ModelCallFailed:
    """Our error for an answer whose status is not one of success."""
    try:
        decoder = decoder_for(response.headers.get("content-encoding", "").strip().lower())
        body = body if decoder is None else decoder.decode(body, MAX_ERROR_BYTES)
    except OutboundError:
        body = b""
    return calls.report_complaint(
        read_complaint(response.status_code, body),
        provider=provider,
        kind="HTTP",
        status=response.status_code,
        retry_after_seconds=calls.parse_retry_after(response.headers.get("retry-after")),
    )


class _Interpreted(httpx.AsyncByteStream):
    """What is read in place of a response's own stream, which is closed with it."""

    def __init__(self, inner: httpx.AsyncByteStream, written: AsyncIterator[bytes]) -> None:
        self._inner, self._written = inner, written

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._written

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _write_stream(
    read: AsyncIterator[list[Piece]], reader: AnswerReader
) -> AsyncIterator[bytes]:
    has_reason = False
    async for pieces in read:
        yield b"".join(_write_event(piece) for piece in pieces)
        has_reason = has_reason or any(piece.finish_reason for piece in pieces)
    if reader.is_done:
        yield b"" if has_reason else _write_event(Piece("", "stop", None))
        yield b"data: [DONE]\n\n"


def _write_event(piece: Piece) -> bytes:
    if piece.finish_reason == "error":
        raise ProviderError("interrupted", provider=_PROVIDER)
    delta: dict[str, Any] = {"role": "assistant", "content": piece.content}
    if piece.thought:
        delta["reasoning_content"] = piece.thought
    if piece.tool_calls:
        delta["tool_calls"] = [_write_call(each) for each in piece.tool_calls]
    choice = {"index": 0, "delta": delta, "finish_reason": piece.finish_reason}
    event: dict[str, Any] = {**_HEAD, "object": "chat.completion.chunk", "choices": [choice]}
    written = b"data: %s\n\n" % json.dumps(event).encode()
    if piece.usage:
        event |= {"choices": [], "usage": _write_usage(piece.usage)}
        written += b"data: %s\n\n" % json.dumps(event).encode()
    return written


def _write_call(call: ToolCallPiece) -> dict[str, Any]:
    function = {"arguments": call.arguments, **({"name": call.name} if call.name else {})}
    named = {"id": call.id, "type": "function"} if call.id else {}
    return {"index": call.index, **named, "function": function}


async def _write_whole(
    read: AsyncIterator[list[Piece]], reader: AnswerReader
) -> AsyncIterator[bytes]:
    heard = [piece async for pieces in read for piece in pieces]
    reasons = [piece.finish_reason for piece in heard if piece.finish_reason]
    if "error" in reasons:
        raise ProviderError("interrupted", provider=_PROVIDER)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(piece.content for piece in heard),
    }
    made = Calls()
    for each in heard:
        for call in each.tool_calls:
            made.add(call)
    if made:
        message["tool_calls"] = made.whole()
    choice = {"index": 0, "message": message, "finish_reason": reasons[0] if reasons else "stop"}
    answer: dict[str, Any] = {**_HEAD, "object": "chat.completion", "choices": [choice]}
    usage = next((piece.usage for piece in reversed(heard) if piece.usage), None)
    if usage:
        answer["usage"] = _write_usage(usage)
    yield json.dumps(answer).encode()


def _write_usage(usage: dict[str, Any]) -> dict[str, int]:
    prompt, completion = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }

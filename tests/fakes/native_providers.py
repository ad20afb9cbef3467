"""Providers as they speak themselves, each in its own protocol, at one scripted server.

    with NativeProvider("anthropic", "length") as provider:
        provider.environment        # what an operator would set to reach it

`scene` says what happens: see SCENES. All say the same sentence; those that can think do so first.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = ("Parcels are ", "accepted until ", "17:45 [1].")
THOUGHT = "The user asks about parcels [2]."
KEY = "key-of-the-platform"
SCENES = (
    "answer",
    "length",
    "filtered",
    "cut",
    "breaks",
    "barred",
    "limited",
    "key",
    "model",
    "broken",
    "slow",
)
_STATUS = {"barred": 400, "limited": 429, "key": 401, "model": 404, "broken": 503}
Json = dict[str, Any]


def _events(*events: Json, named: bool = False) -> Iterator[bytes]:
    for each in events:
        head = f"event: {each['type']}\n" if named else ""
        yield f"{head}data: {json.dumps(each)}\n\n".encode()


def anthropic(scene: str) -> Iterator[bytes]:
    started = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
               "usage": {"input_tokens": 31, "output_tokens": 1}}  # fmt: skip
    yield from _events({"type": "message_start", "message": started}, named=True)
    blocks = [
        ("thinking", "thinking_delta", "thinking", [THOUGHT]),
        ("text", "text_delta", "text", ANSWER),
    ]
    for index, (kind, delta, field, pieces) in enumerate(blocks):
        block = {"type": kind, field: ""} | ({"signature": ""} if kind == "thinking" else {})
        yield from _events(
            {"type": "content_block_start", "index": index, "content_block": block},
            {"type": "ping"},
            named=True,
        )
        for piece in pieces:
            said = {
                "type": "content_block_delta",
                "index": index,
                "delta": {"type": delta, field: piece},
            }
            yield from _events(said, named=True)
            if scene == "cut" and kind == "text":
                return
            if scene == "breaks" and kind == "text":
                told = {"type": "overloaded_error", "message": KEY}
                yield from _events({"type": "error", "error": told}, named=True)
                return
        yield from _events({"type": "content_block_stop", "index": index}, named=True)
    why = {"length": "max_tokens", "filtered": "refusal"}.get(scene, "end_turn")
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": why, "stop_sequence": None},
        "usage": {"output_tokens": 9},
    }
    yield from _events(end, {"type": "message_stop"}, named=True)


def openai(scene: str, *, heads: bool = False, thinks: str = "") -> Iterator[bytes]:
    def chunk(delta: Json, finish: str | None = None, **more: Any) -> Json:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [choice],
            **more,
        }

    if heads:  # Azure's
        yield from _events({"id": "", "object": "", "created": 0, "model": "", "choices": [],
                            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]})  # fmt: skip
    yield from _events(chunk({"role": "assistant", "content": ""}))
    if thinks == "parts":
        part = {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}
        yield from _events(chunk({"content": [part]}))
    elif thinks:
        yield from _events(chunk({thinks: THOUGHT}))
    for piece in ANSWER:
        yield from _events(chunk({"content": piece}))
        if scene == "cut":
            return
        if scene == "breaks":
            yield from _events({"error": {"message": KEY, "type": "server_error", "code": 503}})
            return
    yield from _events(
        chunk({}, {"length": "length", "filtered": "content_filter"}.get(scene, "stop"))
    )
    used = {"prompt_tokens": 31, "completion_tokens": 9, "total_tokens": 40}
    yield from _events({**chunk({}), "choices": [], "usage": used})
    yield b"data: [DONE]\n\n"


def ollama(scene: str) -> Iterator[bytes]:
    def line(message: Json, **more: Any) -> bytes:
        said = {"role": "assistant", **message}
        return (
            json.dumps(
                {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": said, **more}
            ).encode()
            + b"\n"
        )

    yield line({"content": "", "thinking": THOUGHT}, done=False)
    for piece in ANSWER:
        yield line({"content": piece}, done=False)
        if scene == "cut":
            return
        if scene == "breaks":
            yield json.dumps({"error": f"the runner has ended {KEY}"}).encode() + b"\n"
            return
    why = "length" if scene == "length" else "stop"
    yield line({"content": ""}, done=True, done_reason=why, prompt_eval_count=31, eval_count=9)


def _complain(name: str, scene: str) -> Json:
    """The error that this provider answers with."""
    if scene == "barred":
        told = {"code": "content_filter", "message": "The response was filtered by the content management policy.",
                "innererror": {"code": "ResponsibleAIPolicyViolation"}, "param": "prompt", "status": 400}  # fmt: skip
        return {"error": told}
    if name == "anthropic":
        kinds = {
            "limited": "rate_limit_error",
            "key": "authentication_error",
            "model": "not_found_error",
        }
        return {
            "type": "error",
            "error": {"type": kinds.get(scene, "api_error"), "message": f"{scene}: {KEY}"},
        }
    if name == "ollama":
        return {"error": "model 'm' not found" if scene == "model" else "out of order"}
    if name == "mistral":
        return {"object": "error", "message": f"{scene}: {KEY}", "type": "error", "code": "1500"}
    codes = {
        "key": "invalid_api_key",
        "model": "DeploymentNotFound" if name == "azure" else "model_not_found",
    }
    told = {"limited": "Rate limit reached", "model": "The model `m` does not exist"}.get(
        scene, "out of order"
    )
    return {
        "error": {
            "code": codes.get(scene),
            "message": f"{told} {KEY}",
            "type": "invalid_request_error",
            "param": None,
        }
    }


PROVIDERS: dict[str, dict[str, Any]] = {
    "openai": {"model": "openai/m", "path": "/v1/chat/completions", "base": "OPENAI_BASE_URL", "end": "/v1",
               "key": "OPENAI_API_KEY", "speak": openai},
    "anthropic": {"model": "anthropic/claude-m", "path": "/v1/messages", "base": "ANTHROPIC_API_BASE", "end": "",
                  "key": "ANTHROPIC_API_KEY", "speak": anthropic},
    "mistral": {"model": "mistral/m", "path": "/v1/chat/completions", "base": "MISTRAL_AZURE_API_BASE", "end": "/v1",
                "key": "MISTRAL_API_KEY", "speak": lambda scene: openai(scene, thinks="parts")},
    "azure": {"model": "azure/m", "path": "/openai/deployments/m/chat/completions", "base": "AZURE_API_BASE", "end": "",
              "key": "AZURE_API_KEY", "speak": lambda scene: openai(scene, heads=True)},
    "ollama": {"model": "ollama_chat/m", "path": "/api/chat", "base": "OLLAMA_API_BASE", "end": "", "key": "",
               "speak": ollama},
    "vllm": {"model": "hosted_vllm/m", "path": "/v1/chat/completions", "base": "HOSTED_VLLM_API_BASE", "end": "/v1",
             "key": "HOSTED_VLLM_API_KEY", "speak": lambda scene: openai(scene, thinks="reasoning")},
}  # fmt: skip


class NativeProvider:
    """A provider's server; `asked` are the requests to its chat, with their headers."""

    def __init__(self, name: str, scene: str = "answer") -> None:
        self.name, self.scene, self.facts = name, scene, PROVIDERS[name]
        self.asked: list[tuple[Json, Json]] = []
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(self))
        self._server.daemon_threads = True

    @property
    def environment(self) -> dict[str, str]:
        address = f"http://127.0.0.1:{self._server.server_address[1]}{self.facts['end']}"
        its = {self.facts["base"]: address, "AZURE_API_VERSION": "2024-10-21"}
        return its | ({self.facts["key"]: KEY} if self.facts["key"] else {})

    def __enter__(self) -> NativeProvider:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, body: Json) -> None:
        if handler.path.partition("?")[0] != self.facts["path"]:
            _reply(handler, 404, {"error": "there is nothing here"})
            return
        self.asked.append((body, {name.lower(): value for name, value in handler.headers.items()}))
        if self.scene == "slow":
            self._over.wait(60)
        elif (status := _STATUS.get(self.scene)) is not None:
            _reply(handler, status, _complain(self.name, self.scene))
        else:
            self._speak(handler)

    def _speak(self, handler: BaseHTTPRequestHandler) -> None:
        kind = "application/x-ndjson" if self.name == "ollama" else "text/event-stream"
        handler.send_response(200)
        handler.send_header("content-type", kind)
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        for packet in self.facts["speak"](self.scene):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(packet), packet))
        if self.scene != "cut":
            handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True


def _reply(handler: BaseHTTPRequestHandler, status: int, body: Json) -> None:
    said = json.dumps(body).encode()
    handler.send_response(status)
    if status == 429:
        handler.send_header("retry-after", "23")
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(said)))
    handler.end_headers()
    handler.wfile.write(said)


def _make_handler(provider: NativeProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with suppress(ConnectionError):
                provider.answer(self, body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler

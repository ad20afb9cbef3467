"""A local server that speaks the OpenAI protocol and misbehaves on request.

    with FakeOpenAI() as provider:
        Credentials(api_key="k", api_base=provider.base_url)       # model "openai/echo"
    python -m tests.fakes.openai_server --port 8089                # for trying the product by hand

The model's name chooses what happens (a prefix such as `openai/` is ignored):

| model | behaviour |
|---|---|
| echo, anything else | answers "You said: <the last user message>" word by word |
| slow-<ms> | the first token comes after so many milliseconds |
| steady-<ms> | so many milliseconds between words |
| error-<status>, error-<status>-<n> | an HTTP error, always, or n times per server before it works |
| limited-<n> | 429 with Retry-After: 0, n times, then works |
| hang | accepts and never answers |
| stall | two words, then silence |
| malformed | 200 with broken JSON, or broken SSE after the first word |
| garbage | 200 with broken JSON or SSE from the first byte |
| cut | the connection breaks after two words |
| cut-clean | the stream ends after two words without a finish reason |
| error-midway | an error object after two words |
| silent-usage | never reports usage |
| embed-<dimensions> | embeddings: hashed bags of words of that size (any other name: 64) |
| rerank-words | reranking: by the words that a document shares with the question |
| embed-short | embeddings: one vector too few |
"""

from __future__ import annotations

import argparse
import json
import re
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zlib import crc32

KEY_IN_ERRORS = "Incorrect API key provided: {key}. You can find your key on the provider's page."


@dataclass(frozen=True)
class ReceivedRequest:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def model(self) -> str:
        return self.body.get("model", "").rpartition("/")[2]

    @property
    def api_key(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class _Server(ThreadingHTTPServer):
    # With five, the kernel drops who comes in a crowd while this process waits for a core.
    request_queue_size = 128


@dataclass
class FakeOpenAI:
    """The server, running while the `with` block does. `requests` lists what came in, `broken_pipes` who left early."""

    port: int = 0
    requests: list[ReceivedRequest] = field(default_factory=list)
    broken_pipes: int = 0

    def __enter__(self) -> FakeOpenAI:
        self.failures: Counter[str] = Counter()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self._server.fake = self
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def requests_for(self, model: str) -> list[ReceivedRequest]:
        return [request for request in self.requests if request.model == model]

    def wait_for_broken_pipe(self, seconds: float = 60) -> bool:
        """Whether a client closes a running stream within the time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.broken_pipes:
            time.sleep(0.02)
        return bool(self.broken_pipes)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without this every other small write waits 40 ms for the client's acknowledgement.
    disable_nagle_algorithm = True

    @property
    def fake(self) -> FakeOpenAI:
        return self.server.fake

    def log_message(self, *arguments: object) -> None:
        """Silence."""

    def handle(self) -> None:
        """A client that gives up resets the connection, also between two requests."""
        with suppress(ConnectionResetError):
            super().handle()

    def do_GET(self) -> None:
        self.fake.requests.append(ReceivedRequest(self.path, self._read_headers(), {}))
        models = [
            {"id": name, "object": "model", "created": 0, "owned_by": "fake"}
            for name in ("echo", "embed-64")
        ]
        self._reply(200, {"object": "list", "data": models})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        request = ReceivedRequest(self.path, self._read_headers(), body)
        self.fake.requests.append(request)
        try:
            if not self._fail(request):
                if self.path.endswith("/embeddings"):
                    self._embed(request)
                elif self.path.endswith("/rerank"):
                    self._rerank(request)
                elif self.path.endswith("/chat/completions"):
                    self._chat(request)
                else:
                    self._reply(
                        404, {"error": {"message": "no such path", "type": "invalid_request_error"}}
                    )
        except (BrokenPipeError, ConnectionResetError):
            self.fake.broken_pipes += 1
            self.close_connection = True

    def _read_headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _fail(self, request: ReceivedRequest) -> bool:
        """Handles the models that never come to an answer."""
        model = request.model
        if model == "hang":
            self.fake.closing.wait()
            self.close_connection = True
            return True
        if model == "garbage":
            self._send(
                200,
                "text/event-stream" if request.body.get("stream") else "application/json",
                b'data: {"cho\n\n',
            )
            return True
        wanted = re.fullmatch(r"error-(\d{3})(?:-(\d+))?", model) or re.fullmatch(
            r"limite(d)-(\d+)", model
        )
        if not wanted:
            return False
        status = int(wanted[1]) if wanted[1].isdigit() else 429
        self.fake.failures[model] += 1
        if wanted[2] and self.fake.failures[model] > int(wanted[2]):
            return False
        message = KEY_IN_ERRORS.format(key=request.api_key)
        self._reply(
            status,
            {"error": {"message": message, "type": "fake_error", "code": None}},
            {"retry-after": "0"},
        )
        return True

    def _rerank(self, request: ReceivedRequest) -> None:
        if request.model == "rerank-broken":
            self._reply(500, {"error": {"message": "broken", "type": "fake_error", "code": None}})
            return
        asked = set(request.body["query"].lower().split())
        scores = [len(asked & set(text.lower().split())) for text in request.body["documents"]]
        ranked = sorted(range(len(scores)), key=lambda place: -scores[place])
        results = [{"index": place, "relevance_score": scores[place] / 10} for place in ranked]
        self._reply(200, {"results": results, "usage": {"total_tokens": 42}})

    def _chat(self, request: ReceivedRequest) -> None:
        question = next(
            (m["content"] for m in reversed(request.body["messages"]) if m["role"] == "user"), ""
        )
        words = re.findall(r"\S+\s*", f"You said: {question}")
        usage = {
            "prompt_tokens": 10,
            "completion_tokens": len(words),
            "total_tokens": 10 + len(words),
        }
        self._pause("slow", request.model)
        if request.body.get("stream"):
            self._stream(request, words, usage)
        elif request.model == "malformed":
            self._send(200, "application/json", b'{"id": "x", "choices": [{"mess')
        else:
            message = {"role": "assistant", "content": "".join(words)}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            reply = {
                "id": "fake",
                "object": "chat.completion",
                "created": 0,
                "model": request.model,
                "choices": choices,
            }
            self._reply(
                200, reply if request.model == "silent-usage" else {**reply, "usage": usage}
            )

    def _stream(self, request: ReceivedRequest, words: list[str], usage: dict[str, int]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for position, word in enumerate(words):
            if position == 2 and self._break_off(request.model):
                return
            self._chunk(self._delta(request, {"role": "assistant", "content": word}))
            if position == 0 and request.model == "malformed":
                self._chunk(b'data: {"id":"fake","choices":[{"delta":{"content":"bro\n\n')
            self._pause("steady", request.model)
        self._chunk(self._delta(request, {}, finish_reason="stop"))
        if (request.body.get("stream_options") or {}).get(
            "include_usage"
        ) and request.model != "silent-usage":
            self._chunk(self._event({**self._head(request), "choices": [], "usage": usage}))
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _break_off(self, model: str) -> bool:
        """Ends the stream in the way the model's name says; False for models that go on."""
        if model == "cut":
            self.close_connection = True
            self.wfile.flush()
            self.connection.shutdown(2)
        elif model == "cut-clean":
            self._chunk(b"")
        elif model == "error-midway":
            self._chunk(
                self._event(
                    {
                        "error": {
                            "message": "fake failure, key sk-echoed",
                            "type": "server_error",
                            "code": 500,
                        }
                    }
                )
            )
            self._chunk(b"")
        elif model == "stall":
            self.fake.closing.wait()
            self.close_connection = True
        else:
            return False
        return True

    def _head(self, request: ReceivedRequest) -> dict[str, Any]:
        return {
            "id": "fake",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": request.model,
        }

    def _delta(
        self, request: ReceivedRequest, delta: dict[str, str], finish_reason: str | None = None
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return self._event({**self._head(request), "choices": [choice]})

    def _event(self, payload: dict[str, Any]) -> bytes:
        return b"data: " + json.dumps(payload).encode() + b"\n\n"

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _pause(self, kind: str, model: str) -> None:
        wanted = re.fullmatch(rf"{kind}-(\d+)", model)
        if wanted:
            self.fake.closing.wait(int(wanted[1]) / 1000)

    def _embed(self, request: ReceivedRequest) -> None:
        texts = request.body["input"]
        texts = [texts] if isinstance(texts, str) else texts
        if request.model == "malformed":
            self._send(200, "application/json", b'{"data": [{"emb')
            return
        wanted = re.fullmatch(r"embed-(\d+)", request.model)
        dimensions = request.body.get("dimensions") or (int(wanted[1]) if wanted else 64)
        data = [
            {"object": "embedding", "index": index, "embedding": hash_text(text, dimensions)}
            for index, text in enumerate(texts)
        ]
        if request.model == "embed-short":
            data = data[:-1]
        count = sum(len(text.split()) for text in texts)
        usage = {"prompt_tokens": count, "total_tokens": count}
        self._reply(
            200, {"object": "list", "model": request.model, "data": data[::-1], "usage": usage}
        )

    def _reply(
        self, status: int, payload: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        self._send(status, "application/json", json.dumps(payload).encode(), headers)

    def _send(
        self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {
            "content-type": kind,
            "content-length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def hash_text(text: str, dimensions: int) -> list[float]:
    """Not normalised, so that a caller that forgets to do so is found out."""
    vector = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()):
        vector[crc32(word.encode()) % dimensions] += 1.0
    return vector if any(vector) else [1.0] * dimensions


def main() -> None:
    parser = argparse.ArgumentParser(description="A local server that speaks the OpenAI protocol.")
    parser.add_argument("--port", type=int, default=8089)
    with FakeOpenAI(port=parser.parse_args().port) as provider:
        print(f"Listening on {provider.base_url} (Ctrl-C stops it)", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("Stopped.")


if __name__ == "__main__":
    main()

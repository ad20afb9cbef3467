"""A local server that speaks nyxCore's protocol and misbehaves on request.

    with FakeNyxCore() as nyxcore:
        nyxcore.hold("rules", result("Never promise refunds.", authority="mandatory"))
        {"base_url": nyxcore.base_url("rules"), "api_token": TOKEN}      # the config of a source
    python -m tests.fakes.nyxcore_server --port 8090                     # for trying the product by hand

Each base lies under a path of its own. What it does is its `behaviour`:

| behaviour | what happens |
|---|---|
| answer | what it holds |
| hang | accepts and never answers |
| drip | one byte after another, forever |
| broken | 200 with JSON that breaks off |
| text | 200 with a page instead of JSON |
| list | 200 with JSON of another shape |
| refuse | 200 with `ok: false` and a reason |
| cut | promises a length and hangs up before |
| redirect | 307 to another path |
| <status> | that HTTP status with `ok: false` |
"""

from __future__ import annotations

import argparse
import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zlib import crc32

TOKEN = "nyx_ax_0123456789abcdef"


def result(content: str, **fields: Any) -> dict[str, Any]:
    """One search result as nyxCore writes it."""
    defaults = {
        "content": content, "heading": None, "filename": "rules.md", "authority": "informational", "score": 0.8,
        "chunkId": f"chk_{crc32(repr(content).encode())}", "documentId": "doc_1",
    }  # fmt: skip
    return defaults | fields


@dataclass
class HeldBase:
    behaviour: str = "answer"
    documents: Any = field(default_factory=lambda: [{"status": "ready", "chunkCount": 3}])
    results: Any = field(default_factory=list)


@dataclass
class FakeNyxCore:
    """The server, running while the `with` block does. `searches` lists (base, headers, body); `most_at_once` counts
    the requests that were under way together.
    """

    port: int = 0
    bases: dict[str, HeldBase] = field(default_factory=dict)
    checks: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    searches: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    most_at_once: int = 0

    def __enter__(self) -> FakeNyxCore:
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.at_once = 0
        self._server = _Server(("127.0.0.1", self.port), Handler)
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

    def hold(self, base: str, *results: dict[str, Any], **fields: Any) -> HeldBase:
        self.bases[base] = HeldBase(results=list(results), **fields)
        return self.bases[base]

    def base_url(self, base: str) -> str:
        return f"http://127.0.0.1:{self.port}/{base}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: FakeNyxCore

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up in the middle on purpose."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *arguments: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        name, _, path = self.path.lstrip("/").partition("/")
        self.server.fake.checks.append((name, self._read_headers()))
        self._serve(name, path == "api/v1/rag/documents", "documents")

    def do_POST(self) -> None:
        name, _, path = self.path.lstrip("/").partition("/")
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)))
        self.server.fake.searches.append((name, self._read_headers(), body))
        self._serve(name, path == "api/v1/rag/search", "results")

    def _serve(self, name: str, is_right: bool, what: str) -> None:
        fake = self.server.fake
        base = fake.bases.get(name)
        with fake.lock:
            fake.at_once += 1
            fake.most_at_once = max(fake.most_at_once, fake.at_once)
        try:
            if base is None or not is_right:
                self._send(404, b"not found", "text/plain")
            elif self.headers.get("authorization") != f"Bearer {TOKEN}":
                self._fail(401, "INVALID_TOKEN", "The token is not valid")
            else:
                self._answer(base, what)
        finally:
            with fake.lock:
                fake.at_once -= 1

    def _answer(self, base: HeldBase, what: str) -> None:
        good = json.dumps({"ok": True, what: getattr(base, what)}).encode()
        match base.behaviour:
            case "hang":
                self.server.fake.closing.wait()
                self.close_connection = True
            case "drip":
                self._drip(good)
            case "broken":
                self._send(200, good[: len(good) // 2])
            case "text":
                self._send(200, b"<html>Welcome</html>", "text/html")
            case "list":
                self._send(200, json.dumps([good.decode()]).encode())
            case "refuse":
                self._fail(200, "QUOTA", "The plan is used up")
            case "cut":
                self._send(200, good[:10], length=len(good))
                self.close_connection = True
            case "redirect":
                self.send_response(307)
                self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()
            case "answer":
                self._send(200, good)
            case status:
                self._fail(int(status), "OOPS", "Something broke")

    def _drip(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(10**6))
        self.end_headers()
        with suppress(OSError):
            while not self.server.fake.closing.wait(0.02):
                self.wfile.write(b" ")
                self.wfile.flush()
        self.close_connection = True

    def _fail(self, status: int, code: str, message: str) -> None:
        self._send(
            status, json.dumps({"ok": False, "error": {"code": code, "message": message}}).encode()
        )

    def _send(
        self, status: int, body: bytes, kind: str = "application/json", length: int | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _read_headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="A local server that speaks nyxCore's protocol.")
    parser.add_argument("--port", type=int, default=8090)
    with FakeNyxCore(port=parser.parse_args().port) as nyxcore:
        nyxcore.hold(
            "demo", result("Refunds are never promised on the telephone.", authority="mandatory")
        )
        print(
            f"base_url {nyxcore.base_url('demo')}, api_token {TOKEN} (Ctrl-C stops it)", flush=True
        )
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()

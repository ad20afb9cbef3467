"""A web server on the loopback that plays the outside world, well-behaved or not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

Route = Callable[[BaseHTTPRequestHandler], None]


class OutsideServer(ThreadingHTTPServer):
    """Routes by path; `seen` lists what arrived as (method, path, headers, body)."""

    daemon_threads = True

    def __init__(self, address: str) -> None:
        super().__init__((address, 0), _Handler)
        self.address = address
        self.routes: dict[str, Route] = {}
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def port(self) -> int:
        return self.server_address[1]

    def url(self, path: str = "/", host: str | None = None) -> str:
        return f"http://{host or self.address}:{self.port}{path}"

    def serve(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> str:
        """Answer `path` with this; header names are written with underscores. Returns the URL."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in {"content_length": str(len(body)), **headers}.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(body)

        self.routes[path] = answer
        return self.url(path)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients under test hang up in the middle on purpose."""


class _Handler(BaseHTTPRequestHandler):
    server: OutsideServer

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.command, self.path, headers, self.rfile.read(length)))
        route = self.server.routes.get(self.path)
        if route is None:
            self.send_error(404)
        else:
            route(self)

    do_GET = do_POST = do_PROPFIND = _answer


def _run(address: str) -> Iterator[OutsideServer]:
    server = OutsideServer(address)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def outside() -> Iterator[OutsideServer]:
    """A server whose address the tests open through `allowed_hosts`."""
    yield from _run("127.0.0.1")


@pytest.fixture
def inside() -> Iterator[OutsideServer]:
    """A server that plays an internal service: nothing may ever reach it."""
    yield from _run("127.0.0.2")

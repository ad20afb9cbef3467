"""Local servers that are sent what others would watch us by: an OpenTelemetry collector and a Sentry, in one.

with Receiver() as receiver:
    receiver.base_url, receiver.dsn     # where to send
    receiver.spans(), receiver.events() # what came
"""

from __future__ import annotations

import gzip
import json
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Receiver:
    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                encoding = self.headers.get("Content-Encoding", "")
                unpack = {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(encoding, bytes)
                receiver.bodies.append((self.path, unpack(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"
        self.dsn = f"http://public@127.0.0.1:{self._server.server_port}/7"

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def raw(self) -> bytes:
        return b"\n".join(body for _, body in self.bodies)

    def spans(self) -> list[Span]:
        """In the order in which they began."""
        found = []
        for path, body in list(self.bodies):
            if path != "/v1/traces":
                continue
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = _read(resource.resource.attributes)["service.name"]
                found += [Span(each, service) for scope in resource.scope_spans for each in scope.spans]  # fmt: skip
        return sorted(found, key=lambda each: each.started)

    def events(self) -> list[dict[str, Any]]:
        lines = [body.splitlines() for path, body in list(self.bodies) if "/envelope/" in path]
        return [json.loads(each[2]) for each in lines if b'"event"' in each[1]]

    def wait_for(self, count: int, kind: str) -> list[Any]:
        deadline = time.monotonic() + 10
        while len(found := getattr(self, kind)()) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return found


class Span:
    def __init__(self, span: Any, service: str) -> None:
        self.name, self.service, self.started = span.name, service, span.start_time_unix_nano
        self.seconds = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
        ids = span.trace_id, span.span_id, span.parent_span_id
        self.trace, self.id, self.parent = (each.hex() for each in ids)
        self.facts = _read(span.attributes)
        self.has_failed = span.status.code == 2


def _read(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}

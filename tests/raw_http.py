"""HTTP by hand, for requests that no client library would send."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class RawConnection:
    """One connection to a running product; what is sent and when lies in the test's hands."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._read = self.socket.makefile("rb")

    def __enter__(self) -> RawConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self._read.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_head(self, method: str, path: str, **headers: object) -> None:
        lines = [f"{method} {path} HTTP/1.1"]
        named = {"Host": "127.0.0.1", **{k.replace("_", "-"): v for k, v in headers.items()}}
        lines += [f"{name}: {value}" for name, value in named.items()]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def send_chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def read(self) -> Answer:
        """Read one answer; of an interim one only its status line."""
        line = self._read.readline()
        assert line, "the connection was closed without an answer"
        headers: dict[str, str] = {}
        while (text := self._read.readline().decode("latin-1").strip()) != "":
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        status = int(line.split()[1])
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, b"".join(self._read_chunks()))
        body = self._read.read(int(headers.get("content-length", 0))) if status >= 200 else b""
        return Answer(status, headers, body)

    def _read_chunks(self) -> Iterator[bytes]:
        while size := int(self._read.readline(), 16):
            yield self._read.read(size)
            self._read.readline()
        self._read.readline()

    def is_closed(self) -> bool:
        return self._read.read(1) == b""


BOUNDARY = "xxBOUNDARYxx"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, data: bytes, *, file_name: str = "", headers: bytes = b"") -> bytes:
    file = f'; filename="{file_name}"' if file_name else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n'.encode()
    return head + headers + b"\r\n" + data + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()

"""A small server of S3 in memory: objects, ranges, lists and uploads in parts, for one bucket and one key.

with S3Server() as s3:
    s3.base_url, s3.objects        # where it is, and what it holds by key
    s3.cut_after = 1000            # the next answer with a body breaks off there
    s3.refuses = "SlowDown"        # each request is refused so, until it is taken back
"""

from __future__ import annotations

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

ACCESS_KEY, SECRET_KEY, BUCKET = "AKIAMINIRAG", "the bucket's own secret", "kept"
_STATUS = {"NoSuchKey": 404, "NoSuchBucket": 404, "SlowDown": 503, "InvalidAccessKeyId": 403}


class S3Server:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.cut_after, self.cuts, self.refuses, self.asked = 0, 0, "", 0
        self.largest_body = 0
        server = self

        class Handler(_Handler):
            s3 = server

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> S3Server:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve_to(self, settings: Any, **changes: Any) -> None:
        """Have the product keep its files here."""
        told = {
            "FILES_BUCKET": f"s3://{BUCKET}/ours", "S3_ENDPOINT": self.base_url, "S3_REGION": "us-east-1",
            "S3_ACCESS_KEY": ACCESS_KEY, "S3_SECRET_KEY": SECRET_KEY, "S3_PATH_STYLE": True,
        }  # fmt: skip
        for name, value in {**told, **changes}.items():
            setattr(settings, name, value)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: S3Server

    def log_message(self, *args: Any) -> None: ...

    def _begin(self) -> tuple[str, dict[str, str], bytes] | None:
        """Key, query and body; None where it was refused."""
        self.s3.asked += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.s3.largest_body = max(self.s3.largest_body, len(body))
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        found = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization", ""))
        refused = self.s3.refuses
        if not refused and (found is None or found[1] != ACCESS_KEY):
            refused = "InvalidAccessKeyId"
        if not refused and bucket != BUCKET:
            refused = "NoSuchBucket"
        if refused:
            self._refuse(refused)
            return None
        query = parse_qs(parts.query, keep_blank_values=True)
        return key, {name: values[0] for name, values in query.items()}, body

    def _refuse(self, code: str) -> None:
        self._answer(_STATUS.get(code, 400), f"<Error><Code>{code}</Code></Error>".encode())

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        length = headers.pop("Length", str(len(body)))
        for name, value in {"Content-Length": length, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.s3.cut_after and len(body) > self.s3.cut_after:
            self.wfile.write(body[: self.s3.cut_after])
            self.s3.cut_after, self.s3.cuts = 0, self.s3.cuts + 1
            self.close_connection = True
            return
        self.wfile.write(body)

    def do_PUT(self) -> None:
        if (begun := self._begin()) is None:
            return
        key, query, body = begun
        if "uploadId" in query:
            self.s3.parts[query["uploadId"]][int(query["partNumber"])] = body
        else:
            self.s3.objects[key] = body
        self._answer(200, ETag=_tag(body))

    def do_POST(self) -> None:
        if (begun := self._begin()) is None:
            return
        key, query, _ = begun
        if "uploads" in query:
            upload = f"upload{len(self.s3.parts)}"
            self.s3.parts[upload] = {}
            said = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
        else:
            parts = self.s3.parts.pop(query["uploadId"])
            self.s3.objects[key] = b"".join(parts[number] for number in sorted(parts))
            said = f"<CompleteMultipartUploadResult><Key>{escape(key)}</Key></CompleteMultipartUploadResult>"
        self._answer(200, said.encode())

    def do_DELETE(self) -> None:
        if (begun := self._begin()) is None:
            return
        key, query, _ = begun
        if "uploadId" in query:
            self.s3.parts.pop(query["uploadId"], None)
        else:
            self.s3.objects.pop(key, None)
        self._answer(204)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if (begun := self._begin()) is None:
            return
        key, query, _ = begun
        if not key:
            self._list(query.get("prefix", ""))
            return
        held = self.s3.objects.get(key)
        if held is None:
            self._refuse("NoSuchKey")
            return
        start = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        wanted = self.headers.get("If-Match", _tag(held))
        if wanted != _tag(held):
            self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            return
        body = held[int(start[1]) :] if start else held
        self._answer(206 if start else 200, body, ETag=_tag(held), Length=str(len(body)))

    def _list(self, prefix: str) -> None:
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(held)}</Size></Contents>"
            for key, held in sorted(self.s3.objects.items())
            if key.startswith(prefix)
        )
        body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        self._answer(200, body.encode())


def _tag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'

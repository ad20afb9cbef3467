"""WhiteNoise, which also packs what nobody has collected.

An image collects its files once, and `collectstatic` packs them then. From a checkout they are served where they lie,
and collecting them would cost every first start seconds: here a text is packed when it is first asked for, and kept.
"""

from __future__ import annotations

import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from django.contrib.staticfiles import finders
from django.http import HttpRequest
from whitenoise.compress import Compressor
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

_TEXTS = (".css", ".html", ".js", ".json", ".svg", ".txt")
_LEAST_BYTES = 1024  # below, packing saves nothing that a network would notice


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """Serves static files, packed for who takes them so."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self._folder = tempfile.TemporaryDirectory(prefix="minirag-static-")
        self._seen: set[str] = set()

    def __call__(self, request: HttpRequest) -> Any:
        path = request.path_info
        if self.use_finders and path in self.files and path not in self._seen:
            self._seen.add(path)
            self._pack(path)
        return super().__call__(request)

    def _pack(self, url: str) -> None:
        path = finders.find(url.removeprefix(self.static_prefix))
        if not isinstance(path, str) or not path.endswith(_TEXTS):
            return
        data = Path(path).read_bytes()
        if len(data) < _LEAST_BYTES:
            return
        packed = Path(self._folder.name) / f"{sha256(url.encode()).hexdigest()}.gz"
        packed.write_bytes(Compressor.compress_gzip(data))
        headers = Headers([])
        self.add_mime_headers(headers, path, url)
        self.add_cache_headers(headers, path, url)
        self.files[url] = StaticFile(path, headers.items(), encodings={"gzip": str(packed)})

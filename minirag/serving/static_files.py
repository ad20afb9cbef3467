"""WhiteNoise, which also finds and packs what nobody has collected.

An image collects its files once, and `collectstatic` packs them then. From a checkout they are served where they lie,
and collecting or only listing them would cost every start: here a file is looked for when it is first asked for, a
text is packed, and both are kept.
"""

from __future__ import annotations

import fcntl
import functools
import os
import re
import shutil
import tempfile
import threading
from base64 import b64encode
from hashlib import sha256, sha384
from pathlib import Path
from typing import IO, Any, Final
from wsgiref.headers import Headers

from django.contrib.staticfiles import finders
from django.http import HttpRequest
from whitenoise.compress import Compressor
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

_TEXTS = (".css", ".html", ".js", ".json", ".svg", ".txt")
_adding = threading.Lock()
"""A page asks for its files at once, in several threads: one folder is made, and each file is packed once."""
_LEAST_BYTES = 1024  # below, packing saves nothing that a network would notice


_PREFIX: Final = "minirag-static-"
_LOCK: Final = "lock"
_FOREVER: Final = "public, max-age=31536000, immutable"
_held: list[IO[bytes]] = []
"""The lock of this process's folder, which the system lets go when the process ends, however it ends."""


@functools.cache
def _packed_files() -> tempfile.TemporaryDirectory[str]:
    _remove_abandoned()
    while True:
        folder = tempfile.TemporaryDirectory(prefix=_PREFIX)
        if _take(Path(folder.name) / _LOCK):
            return folder
        folder.cleanup()


def _take(path: Path) -> bool:
    """Hold a new folder's lock; False where another process, which found it free in between, removes the folder."""
    try:
        lock = path.open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    _held.append(lock)
    return path.exists()


def _remove_abandoned() -> None:
    """Remove what killed processes of this user have left: folders whose lock nobody holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if folder.lstat().st_uid != os.getuid():
                continue
            with (folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # in use, or just being made
            continue


@functools.cache
def _version_of(path: str) -> str:
    """As the widget names what it fetches of itself (widget/loader/scripts.js)."""
    digest = b64encode(sha384(Path(path).read_bytes()).digest()).decode()
    return re.sub(r"\W", "", digest[:12])


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """Serves static files, packed for who takes them so."""

    def add_files(self, root: Any, prefix: str | None = None) -> None:
        if Path(root).is_dir():
            super().add_files(root, prefix)

    def add_files_from_finders(self) -> None:
        """List nothing: there are over a thousand files, and a page asks for twenty."""

    def __call__(self, request: HttpRequest) -> Any:
        path = request.path_info
        if self.use_finders and path.startswith(self.static_prefix) and path not in self.files:
            self._add(path)
        return super().__call__(request)

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> Any:
        """A file that is asked for by the version that it has is kept by browsers: another has another address."""
        response = WhiteNoiseMiddleware.serve(static_file, request)
        version = request.GET.get("v")
        if version and version == _version_of(str(static_file.alternatives[-1][1])):
            response["Cache-Control"] = _FOREVER
        return response

    def _add(self, url: str) -> None:
        with _adding:
            found = None if url in self.files else self.find_file(url)
            if found is not None:
                self._pack(url)
                self.files.setdefault(url, found)

    def _pack(self, url: str) -> None:
        path = finders.find(url.removeprefix(self.static_prefix))
        if not isinstance(path, str) or not path.endswith(_TEXTS):
            return
        data = Path(path).read_bytes()
        if len(data) < _LEAST_BYTES:
            return
        packed = Path(_packed_files().name) / f"{sha256(url.encode()).hexdigest()}.gz"
        packed.write_bytes(Compressor.compress_gzip(data))
        # As WhiteNoise has it: a widget on a page of another origin reads its words, and imports what it seldom needs.
        headers = Headers([("Access-Control-Allow-Origin", "*")])
        self.add_mime_headers(headers, path, url)
        self.add_cache_headers(headers, path, url)
        self.files[url] = StaticFile(path, headers.items(), encodings={"gzip": str(packed)})

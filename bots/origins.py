"""Web origins, as a browser writes them in its `Origin` header."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(
    r"[a-z0-9_.-]+|\[[0-9a-f:.]+\]"
)  # it stands in headers: nothing may end it there


def normalise_origin(text: str) -> str:
    """Turn `HTTPS://Bücher.example:443/` into `https://xn--bcher-kva.example`.

    Raises ValueError for anything but scheme, host and port.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
        host = (
            (parts.hostname or "").encode("idna").decode("ascii")
            if ":" not in (parts.hostname or "")
            else (f"[{parts.hostname}]")
        )
    except (ValueError, UnicodeError):
        raise ValueError("an origin looks like https://www.example.com") from None
    extra = (
        parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password
    )
    if parts.scheme not in _DEFAULT_PORTS or extra or not _HOST.fullmatch(host):
        raise ValueError("an origin looks like https://www.example.com, without a path")
    suffix = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{suffix}"

"""The port of the web processes: listening on it before they start, and asking whether they answer."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

from minirag.local.embedded import StartError


def open_listener(host: str, port: int) -> socket.socket:
    """Listens on `host:port`, for web processes to inherit. Raises StartError that says how to choose another."""
    if not 0 < port < 65536:
        raise StartError(
            f"{port} is no port: choose one between 1 and 65535, for example PORT=8080."
        )
    listener = socket.socket(socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except PermissionError as error:
        raise StartError(
            f"Only root may listen on port {port}: choose another, for example PORT=8080."
        ) from error
    except OSError as error:
        other = port + 1 if port < 65535 else 8000
        raise StartError(
            f"Cannot listen on {host}:{port} ({error.strerror or error}): stop what uses it or choose "
            "another port, "
            f"for example PORT={other} make run."
        ) from error
    listener.listen(512)
    return listener


def is_healthy(host: str, port: int) -> bool:
    """Whether GET /health answers 200."""
    address = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
    headers = {
        "Host": "localhost",
        "X-Forwarded-Proto": "https",
    }  # or HTTPS_ONLY would send us elsewhere
    request = urllib.request.Request(f"http://{address}:{port}/health", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=2) as response:  # noqa: S310
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False

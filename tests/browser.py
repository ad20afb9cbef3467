"""A real Chromium for the tests that need one, and what every page they open must keep to."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

expect.set_options(timeout=60_000)

# The first has no windows of its own: a page takes it a quarter of the computing.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_FOUND = filter(None, map(shutil.which, NAMES))
CHROMIUM = Path(next(_FOUND, "/usr/bin/chromium"))
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
MISSING = (
    f"{CHROMIUM} is missing. Install it (apt-get install chromium), or run without the browser tests by "
    "MINIRAG_WITHOUT_BROWSER=1."
)


@contextmanager
def launch_browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Watch:
    """What a page did: its console's errors, its requests, and the frames of its sockets."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.urls: list[str] = []
        self.frames: list[str] = []
        page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.urls.append(request.url))
        page.on("websocket", self._listen)

    def _listen(self, socket: object) -> None:
        self.urls.append(socket.url)
        socket.on("framereceived", lambda payload: self.frames.append(str(payload)))

    @property
    def foreign(self) -> list[str]:
        """The requests that left the loopback."""
        inner = ("data:", "blob:", "about:")
        return [url for url in self.urls if "//127.0.0.1" not in url and not url.startswith(inner)]


def take_screenshot(page: Page, name: str) -> None:
    """Keep a picture for people who want to look: under SCREENSHOTS, or a temporary directory."""
    directory = Path(
        os.environ.get("SCREENSHOTS", Path(tempfile.gettempdir()) / "minirag-screenshots")
    )
    directory.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=directory / f"{name}.png")

"""What a site allows to programs such as ours, by its robots.txt."""

from __future__ import annotations

from http import HTTPStatus
from itertools import islice
from typing import Final

from django.conf import settings
from protego import Protego

from minirag.lib.http_out.client import USER_AGENT, OutboundError, fetch

LARGEST: Final = 512 * 1024
LONGEST_DELAY: Final = 30.0
MOST_SITEMAPS: Final = 20


class RobotsUnknown(OutboundError):
    """It could not be read, which is no permission."""


class Robots:
    def __init__(self, text: str) -> None:
        self._rules = Protego.parse(text)

    def allows(self, url: str) -> bool:
        return bool(self._rules.can_fetch(url, USER_AGENT))

    @property
    def sitemaps(self) -> list[str]:
        """The first of the sitemaps that it names."""
        return list(islice(self._rules.sitemaps, MOST_SITEMAPS))

    @property
    def delay(self) -> float:
        """How many seconds there have to be between two requests; of a longer delay than LONGEST_DELAY only that."""
        return min(float(self._rules.crawl_delay(USER_AGENT) or 0), LONGEST_DELAY)


def fetch_robots(origin: str, *, seconds: float = 20) -> str:
    """Return the text of a site's robots.txt, empty where it has none; of a longer one than LARGEST its first lines,
    as programs may (RFC 9309). Raises RobotsUnknown.
    """
    try:
        found = fetch(
            f"{origin}/robots.txt", max_bytes=LARGEST, timeout_seconds=seconds, takes_first=True,
            allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS),
        )  # fmt: skip
    except OutboundError as error:
        status = error.upstream_status
        if status is not None and 400 <= status < 500 and status != HTTPStatus.TOO_MANY_REQUESTS:
            return ""
        raise RobotsUnknown(
            error.code,
            f"Its robots.txt could not be read: {error.reason}",
            error.retryable,
            upstream_status=status,
        ) from error
    body = found.body
    if len(body) == LARGEST:  # its last line may be cut, and allow more than it says
        body = body[: body.rfind(b"\n") + 1]
    return body.decode("utf-8", "replace").replace("\0", "")

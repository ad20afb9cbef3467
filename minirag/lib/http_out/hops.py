"""The chain of redirects of one request, each vetted before it is followed."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from minirag.lib.http_out.addresses import OutboundError, name_server, vet_url
from minirag.lib.http_out.body import read_retry_after

MAX_REDIRECTS = 5
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_RETRYABLE_STATUSES = frozenset((408, 425, 429, 500, 502, 503, 504))


class Hops:
    """Vets each URL before it is requested, and ends loops and long chains.

    `is_home`: it has not left the first URL's server, which alone may get a secret.
    """

    def __init__(
        self, url: str, allowed_hosts: frozenset[str], *, is_api: bool = False,
        may_follow: Callable[[str], bool] = lambda url: True,
    ) -> None:  # fmt: skip
        self._allowed_hosts, self._is_api, self._may_follow = allowed_hosts, is_api, may_follow
        self.url = vet_url(url, allowed_hosts)
        self._seen = {str(self.url)}
        self._home, self.is_home = name_server(self.url), True

    def follow(self, response: httpx.Response) -> bool:
        """Move to the redirect's target and say so, or raise for a status that carries no document."""
        if self._is_api:
            return False
        if response.status_code not in _REDIRECTS:
            require_success(response.status_code, read_header(response, "retry-after"))
            return False
        location = read_header(response, "location")
        if not location:
            raise OutboundError("bad_response", "The server redirected to nowhere.", False)
        try:
            target = self.url.join(location)
        except (httpx.InvalidURL, ValueError) as error:
            raise OutboundError(
                "url_invalid", "The server redirected to an invalid URL.", False
            ) from error
        self.url = vet_url(str(target.copy_with(fragment=None)), self._allowed_hosts)
        if str(self.url) in self._seen:
            raise OutboundError("too_many_redirects", "The page redirects in a circle.", False)
        if not self._may_follow(str(self.url)):
            raise OutboundError(
                "redirected_away", f"It leads away, to {str(self.url)[:200]}", False
            )
        self._seen.add(str(self.url))
        self.is_home = self.is_home and name_server(self.url) == self._home
        if len(self._seen) > MAX_REDIRECTS + 1:
            raise OutboundError(
                "too_many_redirects", f"More than {MAX_REDIRECTS} redirects.", False
            )
        return True


def read_header(response: httpx.Response, name: str) -> str:
    values = response.headers.get_list(name)
    return values[-1] if values else ""


def require_success(status: int, retry_after: str = "") -> None:
    if 200 <= status < 300 or status == 304:
        return
    reason = f"The server answered with status {status}."
    raise OutboundError(
        "http_status", reason, status in _RETRYABLE_STATUSES, upstream_status=status,
        retry_after=read_retry_after(retry_after),
    )  # fmt: skip

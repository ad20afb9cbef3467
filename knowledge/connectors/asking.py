"""Asks servers for connectors: through the guarded transport, with reasons that a source's owner understands."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from knowledge.connectors.items import ItemGone
from knowledge.connectors.limits import invalid
from knowledge.indexing.loading import IngestionError
from minirag.lib.http_out.addresses import name_server, parse_url
from minirag.lib.http_out.client import USER_AGENT, Fetched, OutboundError, check_url, fetch

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SECONDS: Final = 60.0
LARGEST_LIST: Final = 20 * 2**20
LONGEST_URL: Final = 1024
_MOST_MARKS: Final = 600_000
"""Of elements and attributes of a list: each costs ten times its bytes in memory."""
_PASSING: Final = frozenset((408, 425, 429, 500, 502, 503, 504))


def ask(
    url: str, headers: Mapping[str, str], *, largest: int, method: str = "GET", content: bytes | None = None,
    seconds: float | None = None,
) -> Fetched:  # fmt: skip
    """One request, whatever the status of its answer; no redirect is followed. Raises IngestionError."""
    with outbound_as_ingestion():
        return fetch(
            url, api_headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers},
            method=method, content=content, max_bytes=largest, timeout_seconds=seconds or SECONDS,
            allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS),
        )  # fmt: skip


@contextmanager
def outbound_as_ingestion() -> Iterator[None]:
    try:
        yield
    except OutboundError as error:
        status = error.upstream_status
        if status is not None:
            raise refusal(status) from error
        raise IngestionError(error.code, error.reason, error.retryable) from error


def refusal(status: int) -> IngestionError:
    """What a status says that is no success."""
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return ItemGone()
    if status == HTTPStatus.UNAUTHORIZED:
        code, reason = "credentials_refused", "The server does not accept the name and secret."
    elif status == HTTPStatus.FORBIDDEN:
        code, reason = "access_denied", "The server does not allow this with the name and secret."
    elif 300 <= status < 400:
        code = "redirected"
        reason = f"The server sends us elsewhere (status {status}): enter the address it leads to."
    else:
        code, reason = "http_status", f"The server answered with status {status}."
    return IngestionError(code, reason, status in _PASSING)


def read_xml(body: bytes) -> Element:
    """Parse a server's answer, which may declare nothing of its own. Raises IngestionError."""
    if body.count(b"<") + body.count(b"=") > _MOST_MARKS:
        raise IngestionError("list_too_long", "The server's list is too long to be read at once.")
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError):
        raise IngestionError(
            "bad_response", "The server's list cannot be read: is the address right?"
        ) from None
    return root


def name_basic(user: str, password: str) -> dict[str, str]:
    """The header that says who asks; none where nobody is named."""
    if not user and not password:
        return {}
    said = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {said}"}


def check_address(config: dict[str, Any], name: str = "url", *, needed: str = "") -> None:
    """Vet a config's address. Raises BadInput."""
    url = config.get(name)
    if not url:
        if needed:
            raise invalid(f"config.{name} is required: {needed}.")
        return
    if not isinstance(url, str) or len(url) > LONGEST_URL:
        raise invalid(f"config.{name} must be an address of at most {LONGEST_URL} characters.")
    try:
        check_url(url, allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS))
        parsed = parse_url(url)
    except OutboundError as error:
        raise invalid(f"config.{name} cannot be used: {error.detail}") from None
    if parsed.query or parsed.fragment:
        raise invalid(f"config.{name} cannot have a query or a fragment.")


def find_server(config: dict[str, Any]) -> tuple[str, str, int] | None:
    """Scheme, host and port of a config's address."""
    try:
        return name_server(parse_url(str(config.get("url") or "")))
    except OutboundError:
        return None

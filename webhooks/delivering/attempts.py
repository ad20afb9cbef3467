"""One attempt: what is sent for a delivery, sending it, and what is kept of the answer. No database here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from minirag.lib.http_out.client import OutboundError, post_json
from minirag.lib.security.signing import sign_body, sign_message
from minirag.lib.telling.kept_sentences import kept
from minirag.lib.tracing.spans import trace_headers

TIMEOUT_SECONDS = 10.0
_LONGEST_WAIT_SECONDS = 3600
_SIGNATURES = frozenset(
    {"X-MiniRAG-Signature", "X-MiniRAG-Signature-Previous", "webhook-signature"}
)


@dataclass(frozen=True)
class Parcel:
    """What is sent: everything a thread needs that must not touch the database."""

    delivery_id: UUID
    url: str
    body: bytes
    headers: Mapping[str, str]
    started_at: datetime


@dataclass(frozen=True)
class EndpointAnswer:
    """What came back. `error` is a sentence, empty if the delivery arrived; without an answer there is no status."""

    status_code: int | None
    error: str
    response_body: str = ""
    duration_ms: int = 0
    retry_after_seconds: int = 0

    @property
    def has_arrived(self) -> bool:
        return not self.error

    @property
    def is_gone(self) -> bool:
        """Whether the endpoint says that it does not want to be asked again."""
        return self.status_code == 410


def pack(
    delivery_id: UUID,
    *,
    url: str,
    event_type: str,
    body: bytes,
    secrets: tuple[str, ...],
    now: datetime,
) -> Parcel:
    """Sign and address a delivery. `secrets` is the current one and, for a while after a change, the one before."""
    timestamp = int(now.timestamp())
    headers = {
        "X-MiniRAG-Event": event_type,
        "X-MiniRAG-Delivery": str(delivery_id),
        "X-MiniRAG-Timestamp": str(timestamp),
        "webhook-id": str(delivery_id),
        "webhook-timestamp": str(timestamp),
        **trace_headers(),
    }
    if secrets:
        headers["X-MiniRAG-Signature"] = sign_body(secrets[0], body)
        signatures = [sign_message(secret, str(delivery_id), timestamp, body) for secret in secrets]
        headers["webhook-signature"] = " ".join(signatures)
    if len(secrets) > 1:
        headers["X-MiniRAG-Signature-Previous"] = sign_body(secrets[1], body)
    return Parcel(delivery_id, url, body, headers, now)


def send(parcel: Parcel) -> EndpointAnswer:
    """Post a parcel; whatever happens out there is an EndpointAnswer."""
    started = time.monotonic()
    try:
        posted = post_json(
            parcel.url, parcel.body, parcel.headers, timeout_seconds=TIMEOUT_SECONDS,
            allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS),
        )  # fmt: skip
    except OutboundError as error:
        return EndpointAnswer(
            None, error.reason[:500], duration_ms=round((time.monotonic() - started) * 1000)
        )
    return EndpointAnswer(
        posted.status,
        _explain(posted.status),
        response_body=posted.body_excerpt.replace("\0", "\N{REPLACEMENT CHARACTER}"),
        duration_ms=round(posted.duration_seconds * 1000),
        retry_after_seconds=_read_retry_after(posted.headers.get("retry-after", "")),
    )


def conceal(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers for the log: of a signature enough to compare, not enough to replay."""
    return {
        name: f"{value[:11]}…" if name in _SIGNATURES else value for name, value in headers.items()
    }


def _explain(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return kept(f"The endpoint answered with status {status}; redirects are not followed.")
    return kept(f"The endpoint answered with status {status}.")


def _read_retry_after(value: str) -> int:
    """Seconds, at most an hour; 0 for none and for the form with a date."""
    return (
        min(int(value), _LONGEST_WAIT_SECONDS)
        if value.isascii() and value.isdecimal() and len(value) < 9
        else 0
    )

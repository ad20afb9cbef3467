"""Is this request from our MiniRAG? By the scheme of Standard Webhooks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping


def verify_webhook(
    secret: str, headers: Mapping[str, str], body: bytes, *, tolerance_seconds: float = 300
) -> bool:
    """Whether `body`, the raw bytes, was signed with the webhook's secret and not long ago.

    A delivery may come more than once: its `webhook-id` is the same each time.
    """
    found = {name.lower(): value for name, value in headers.items()}
    message_id, sent_at = found.get("webhook-id", ""), found.get("webhook-timestamp", "")
    if not sent_at.isdecimal() or abs(time.time() - int(sent_at)) > tolerance_seconds:
        return False
    signed = f"{message_id}.{sent_at}.".encode() + body
    expected = base64.b64encode(hmac.new(_key_of(secret), signed, hashlib.sha256).digest()).decode()
    offered = [each.partition(",") for each in found.get("webhook-signature", "").split()]
    return any(
        version == "v1" and hmac.compare_digest(value, expected) for version, _, value in offered
    )


def _key_of(secret: str) -> bytes:
    """A secret that begins with `whsec_` is base64; any other is its own bytes."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()

"""Signatures of outgoing webhook bodies, as receivers of MiniRAG 1.0 check them."""

from __future__ import annotations

import hashlib
import hmac


def sign_body(secret: str, body: bytes) -> str:
    """Hex HMAC-SHA256 of the raw body under the secret's UTF-8 bytes (64 characters, no prefix)."""
    return hmac.new(secret.encode("utf-8"), body, hashlib.sha256).hexdigest()

"""Signatures of outgoing webhook bodies: as receivers of MiniRAG 1.0 check them, and as Standard Webhooks has them.

The bytes of a secret differ between the two. `sign_body` takes the UTF-8 of the secret as it is written, whatever it
looks like. `sign_message` takes a secret that begins with `whsec_` for base64, as that standard does, and the UTF-8 of
any other one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

STANDARD_PREFIX = "whsec_"


def sign_body(secret: str, body: bytes) -> str:
    """Hex HMAC-SHA256 of the raw body under the secret's UTF-8 bytes (64 characters, no prefix)."""
    return hmac.new(secret.encode("utf-8"), body, hashlib.sha256).hexdigest()


def sign_message(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature of Standard Webhooks: `v1,` and the base64 of an HMAC-SHA256 over id, time (seconds) and body.

    Raises ValueError for a `whsec_` secret that is not base64.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key_of(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode("ascii")


def check_secret(secret: str) -> None:
    """Raise ValueError for a secret that cannot sign."""
    if not _key_of(secret):
        raise ValueError("the secret is empty")


def make_secret(*, standard: bool = False) -> str:
    """32 random bytes: 43 URL-safe characters, or with `standard` as `whsec_` and base64."""
    if standard:
        return STANDARD_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")
    return secrets.token_urlsafe(32)


def _key_of(secret: str) -> bytes:
    if not secret.startswith(STANDARD_PREFIX):
        return secret.encode("utf-8")
    try:
        return base64.b64decode(secret.removeprefix(STANDARD_PREFIX), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError) as error:
        raise ValueError("what follows whsec_ is not base64") from error

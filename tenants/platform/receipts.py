"""The receipt of an erasure: what was erased, with counts and times, signed so that anybody can check it later.

The key comes of the installation's SECRET_KEY, so only the installation can write one; whoever has the receipt and the
installation's public key can check it elsewhere. It holds nothing of persons: a slug, numbers and moments.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.utils.translation import gettext

from minirag.lib.errors import BadInput

KIND: Final = "minirag.erasure"


class ReceiptInvalid(BadInput):
    """No receipt, a changed one, or one of another installation."""

    code = "receipt_invalid"


def sign_receipt(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts with the signature and the public key that it is checked with."""
    said = {"kind": KIND, "version": 1, **facts}
    key = _key()
    return {
        **said,
        "public_key": _shown(key.public_key()),
        "signature": base64.b64encode(key.sign(_canonical(said))).decode(),
    }


def verify_receipt(receipt: Any, *, public_key: str = "") -> None:
    """Raise ReceiptInvalid unless the installation with this key, by default this one, has signed it as it is."""
    expected = public_key.strip() or own_public_key()
    if not isinstance(receipt, dict) or receipt.get("kind") != KIND:
        raise ReceiptInvalid(gettext("This is no receipt of an erasure."))
    said = {
        name: value for name, value in receipt.items() if name not in ("public_key", "signature")
    }
    if receipt.get("public_key") != expected:
        raise ReceiptInvalid(
            gettext("The receipt was signed by another installation, or with an older key.")
        )
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(expected, validate=True))
        key.verify(base64.b64decode(str(receipt.get("signature")), validate=True), _canonical(said))
    except (InvalidSignature, ValueError):
        raise ReceiptInvalid(gettext("The receipt was changed after it was signed.")) from None


def own_public_key() -> str:
    """What receipts of this installation are checked with elsewhere."""
    return _shown(_key().public_key())


def _key() -> Ed25519PrivateKey:
    seed = hmac.new(settings.SECRET_KEY.encode(), b"minirag.erasure.receipts", hashlib.sha256)
    return Ed25519PrivateKey.from_private_bytes(seed.digest())


def _shown(key: Ed25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def _canonical(said: dict[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

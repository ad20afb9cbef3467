"""Secrets at rest: Fernet tokens that only open for the place they were made for.

A context such as "acme/bot:<id>/api_key" (tenant schema first) is sealed inside the token and compared on
opening, so a ciphertext copied to another row, column or tenant does not decrypt. The first key encrypts,
all keys decrypt: put a new key first, `rotate` every stored token (`manage.py rotate_keys`), then drop the old key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from minirag.lib.errors import ProductError

_PREFIX = "v1:"


class DecryptionFailed(ProductError):
    """A stored secret does not open: no key fits, it is damaged, or it belongs to another place."""

    status, code = 500, "decryption_failed"

    def __init__(self) -> None:
        super().__init__("A stored secret cannot be read with this installation's encryption keys.")


def encrypt(plaintext: str, *, context: str, keys: Sequence[str] | None = None) -> str:
    """`v1:<token>`; two calls never give the same token. `keys` defaults to settings.ENCRYPTION_KEYS."""
    return _seal(_fernet(keys), plaintext, context)


def decrypt(token: str, *, context: str, keys: Sequence[str] | None = None) -> str:
    """The plaintext. Raises DecryptionFailed."""
    return _open(_fernet(keys), token, context)


def rotate(token: str, context: str, *, keys: Sequence[str] | None = None) -> str:
    """The same secret under the first key: the token itself where it is under that key already.

    Raises DecryptionFailed, also for another place's token.
    """
    fernet = _fernet(keys)
    plaintext = _open(fernet, token, context)
    try:
        _open(_fernet((settings.ENCRYPTION_KEYS if keys is None else keys)[:1]), token, context)
    except DecryptionFailed:
        return _seal(fernet, plaintext, context)
    return token


def _seal(fernet: MultiFernet, plaintext: str, context: str) -> str:
    payload = json.dumps([context, plaintext]).encode("ascii")
    return _PREFIX + fernet.encrypt(payload).decode("ascii")


def _open(fernet: MultiFernet, token: str, context: str) -> str:
    sealed_context, plaintext = _read(fernet, token)
    if not hmac.compare_digest(sealed_context.encode("utf-8"), context.encode("utf-8")):
        raise DecryptionFailed
    return plaintext


def _read(fernet: MultiFernet, token: str) -> tuple[str, str]:
    if not token.startswith(_PREFIX):
        raise DecryptionFailed
    try:
        payload = fernet.decrypt(token.removeprefix(_PREFIX).encode("utf-8"))
    except InvalidToken as error:
        raise DecryptionFailed from error
    context, plaintext = json.loads(payload)
    return context, plaintext


def _fernet(keys: Sequence[str] | None) -> MultiFernet:
    return _make_fernet(tuple(settings.ENCRYPTION_KEYS if keys is None else keys))


@lru_cache(maxsize=8)
def _make_fernet(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured("ENCRYPTION_KEYS is empty: set at least one Fernet key.")
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "ENCRYPTION_KEYS holds something that is no Fernet key."
        ) from error


def move(
    token: str,
    rename: Callable[[str], str],
    *,
    opened_with: Sequence[str],
    sealed_with: Sequence[str],
) -> str:
    """The same secret under another installation's keys, for the place that `rename` makes of its own.

    Raises DecryptionFailed.
    """
    context, plaintext = _read(_fernet(opened_with), token)
    return _seal(_fernet(sealed_with), plaintext, rename(context))


def key_of_passphrase(passphrase: str, salt: bytes) -> str:
    """The key of a passphrase, slow to guess."""
    raw = hashlib.scrypt(
        passphrase.encode(), salt=salt, n=2**15, r=8, p=1, maxmem=64 * 2**20, dklen=32
    )
    return base64.urlsafe_b64encode(raw).decode("ascii")

"""Kept answers, so that a request that is sent again is not carried out again.

A claim is one Redis key, set before the request is done and kept for a day; the answer is put into it when the request
has ended, encrypted, since it may hold a new token. Nothing is kept before the request's own transactions are
committed, so a kept answer is always true. When the process dies in between, the claim stays and says so: the outcome
is unknown, and the client is told to look, not that nothing happened.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from redis import Redis, RedisError

from minirag.lib.errors import Conflict, ProductError
from minirag.lib.redis_client import connect
from minirag.lib.security.crypto import DecryptionFailed, decrypt, encrypt, rotate

logger = logging.getLogger(__name__)

NAME_PREFIX = "minirag:idempotency:"
KEPT_SECONDS = 24 * 3600
LEASE_SECONDS = 120  # longer than almost any request; one that takes longer is only called unknown until it ends
MAX_BODY_BYTES = 2 * 1024 * 1024
_RETRY_SECONDS = 2


class KeyInvalid(ProductError):
    """The key is not a valid key."""

    status, code = 422, "idempotency_key_invalid"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key must be 1 to 255 printable ASCII characters.")


class KeyReused(Conflict):
    """The key came with another body before."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request. Use a new one.")


class InProgress(Conflict):
    """The first request with the key has not ended."""

    code, retryable = "idempotency_in_progress", True
    retry_after_seconds = _RETRY_SECONDS

    def __init__(self) -> None:
        super().__init__(
            "The first request with this Idempotency-Key is still running. Try again shortly."
        )


class OutcomeUnknown(Conflict):
    """The first request with the key broke off, or was answered with more than is kept."""

    code = "idempotency_outcome_unknown"

    def __init__(self) -> None:
        super().__init__(
            "How the first request with this Idempotency-Key ended is not known here. Look whether it took effect "
            "before you use a new one."
        )


class StoreUnavailable(ProductError):
    """Redis cannot be reached, so nothing could be promised; the request was not done."""

    status, code, retryable = 503, "idempotency_unavailable", True

    def __init__(self) -> None:
        super().__init__(
            "Idempotency-Key cannot be honoured at the moment. Nothing was done; try again shortly."
        )


@dataclass(frozen=True)
class Kept:
    """An answer as it is kept."""

    status: int
    headers: dict[str, str]
    body: bytes


def claim(name: str, fingerprint: str) -> Kept | None:
    """Claim a request, or return the answer that it got before.

    `name` is the Redis key, which names the tenant; `fingerprint` is of the request's body.
    Raises KeyReused, InProgress, OutcomeUnknown or StoreUnavailable.
    """
    record = {"fingerprint": fingerprint, "lease": time.time() + LEASE_SECONDS}
    try:
        client = _client(settings.REDIS_URL)
        if client.set(name, json.dumps(record), nx=True, ex=KEPT_SECONDS):
            return None
        found = client.get(name)
    except RedisError as error:
        logger.error("idempotency key not claimed, redis failed: %s", type(error).__name__)
        raise StoreUnavailable from error
    if found is None:  # given back this very moment
        raise InProgress
    return _read(name, fingerprint, json.loads(found))  # type: ignore[arg-type]


def keep(name: str, fingerprint: str, answer: Kept) -> None:
    """Put the answer into the claim. One that is too large is not kept, and its outcome then called unknown."""
    record: dict[str, object] = {"fingerprint": fingerprint, "lease": 0}
    if len(answer.body) <= MAX_BODY_BYTES:
        body = base64.b64encode(answer.body).decode("ascii")
        plain = json.dumps({"status": answer.status, "headers": answer.headers, "body": body})
        record["answer"] = encrypt(plain, context=name)
    try:
        _client(settings.REDIS_URL).set(name, json.dumps(record), ex=KEPT_SECONDS)
    except (
        RedisError
    ) as error:  # the claim, should it be there still, says that the outcome is unknown
        logger.error(
            "answer to an idempotent request not kept, redis failed: %s", type(error).__name__
        )


def give_back(name: str) -> None:
    """Drop the claim of a request that did nothing, so that it can be sent again."""
    try:
        _client(settings.REDIS_URL).delete(name)
    except RedisError as error:
        logger.error("idempotency key not given back, redis failed: %s", type(error).__name__)


def reseal_answers(*, write: bool = True) -> tuple[int, int]:
    """Put kept answers under the first encryption key; returns how many were under another one, and how many open
    with no key.

    With `write=False` they are only counted. An answer that ends in the meantime stays ended. Raises RedisError.
    """
    moved = unreadable = 0
    client = _client(settings.REDIS_URL)
    for key in client.scan_iter(f"{NAME_PREFIX}*", count=500):
        record = json.loads(client.get(key) or "{}")  # type: ignore[arg-type]
        if not (answer := record.get("answer")):
            continue
        try:
            record["answer"] = rotate(answer, key.decode())
        except DecryptionFailed:
            unreadable += 1
            continue
        if record["answer"] != answer:
            moved += 1
            if write:
                client.set(key, json.dumps(record), xx=True, keepttl=True)
    return moved, unreadable


def _read(name: str, fingerprint: str, record: dict[str, object]) -> Kept:
    if record["fingerprint"] != fingerprint:
        raise KeyReused
    if answer := record.get("answer"):
        kept = json.loads(decrypt(str(answer), context=name))
        return Kept(kept["status"], kept["headers"], base64.b64decode(kept["body"]))
    left = float(str(record["lease"])) - time.time()
    if 0 < left <= 2 * LEASE_SECONDS:  # further ahead only by a wrong clock
        raise InProgress
    raise OutcomeUnknown


@lru_cache(maxsize=8)
def _client(redis_url: str) -> Redis:
    client: Redis = connect(redis_url, socket_timeout=2.0, socket_connect_timeout=2.0)
    return client

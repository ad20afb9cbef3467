"""nyxCore's protocol: the connection check and the search of a knowledge base on another server.

A base's answer is not trusted: every field is checked, and whatever does not fit ends in a NyxCoreError whose
sentence is for the source's owner. Nothing of it is logged.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from django.conf import settings

from knowledge.models import Source
from knowledge.sources.configs import AUTHORITIES, DEFAULT_BASE_URL, reveal_secret
from minirag.lib.errors import ProductError
from minirag.lib.http_out.client import Fetched, OutboundError, fetch, post_async
from minirag.lib.security.crypto import DecryptionFailed
from minirag.lib.telling.kept_sentences import kept

DEFAULT_LIMIT: Final = 10
DEFAULT_MIN_SCORE: Final = 0.3
CHECK_SECONDS: Final = 15.0
MAX_ANSWER_BYTES: Final = 4 * 2**20
LONGEST_PASSAGE: Final = 4000
"""Characters of one result that are kept: more would push the other passages out of the prompt."""
_MAX_COUNT: Final = 2**31 - 1
_RETRYABLE_STATUSES: Final = frozenset((408, 425, 429, 500, 502, 503, 504))


class NyxCoreError(ProductError):
    """A base could not be asked. `detail` is a sentence for the source's owner, and may quote the base."""

    status = 502

    def __init__(self, code: str, reason: str, *, retryable: bool = False) -> None:
        super().__init__(reason, code=code, retryable=retryable)


@dataclass(frozen=True)
class Base:
    """Where and how to ask the base of one source; `authority` limits the search unless it is empty.

    `version` moves with every change of the source. `had_trouble`: its last search failed.
    """

    source_id: UUID
    name: str
    version: datetime
    base_url: str
    api_token: str
    limit: int
    authority: tuple[str, ...]
    min_score: float
    had_trouble: bool = False


@dataclass(frozen=True)
class Holdings:
    """What a connection check found: documents that are ready, and their chunks."""

    documents: int
    chunks: int


@dataclass(frozen=True)
class Result:
    """One result of a search. `chunk_id` and `document_id` are the base's own names; `score` is finite."""

    content: str
    heading: str
    filename: str
    authority: str
    score: float
    chunk_id: str
    document_id: str


def describe_base(source: Source) -> Base:
    """Read where and how to ask from a source's config. Raises NyxCoreError without a token that can be read."""
    config = source.config
    try:
        token = reveal_secret(source)
    except DecryptionFailed:  # sealed with a key that is gone, or for another place
        raise NyxCoreError(
            "token_unreadable", "The API token cannot be read any more. Enter it again."
        ) from None
    if not token:
        raise NyxCoreError("token_missing", "No API token configured")
    authority = config.get("authority") or []
    return Base(
        source_id=source.pk,
        name=source.name,
        version=source.updated_at,
        base_url=str(config.get("base_url") or DEFAULT_BASE_URL).strip().rstrip("/"),
        api_token=token,
        limit=min(int(config.get("limit", DEFAULT_LIMIT)), 50),
        authority=tuple(name for name in AUTHORITIES if name in authority),
        min_score=float(config.get("min_score", DEFAULT_MIN_SCORE)),
        had_trouble=bool(source.error_code),
    )


def check_base(base: Base) -> Holdings:
    """Ask a base what it holds; takes at most 15 seconds. Raises NyxCoreError."""
    try:
        answered = fetch(
            f"{base.base_url}/api/v1/rag/documents",
            api_headers={**_credential(base), "Accept": "application/json"},
            max_bytes=MAX_ANSWER_BYTES,
            timeout_seconds=CHECK_SECONDS,
            allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS),
        )
    except OutboundError as error:
        raise NyxCoreError(error.code, error.detail, retryable=error.retryable) from error
    documents = _read_answer(answered).get("documents")
    if not isinstance(documents, list):
        raise _not_understood()
    ready = [
        each
        for each in documents
        if isinstance(each, dict) and _text(each.get("status")).lower() == "ready"
    ]
    chunks = sum(_count(document.get("chunkCount")) for document in ready)
    return Holdings(len(ready), min(chunks, _MAX_COUNT))


async def search_base(base: Base, question: str, *, timeout_seconds: float) -> list[Result]:
    """Search a base, at most `base.limit` results, in the base's order. Raises NyxCoreError."""
    body: dict[str, Any] = {"query": question, "limit": base.limit}
    if base.authority:
        body["authority"] = list(base.authority)
    try:
        answered = await post_async(
            f"{base.base_url}/api/v1/rag/search",
            json.dumps(body).encode(),
            {**_credential(base), "Accept": "application/json"},
            max_bytes=MAX_ANSWER_BYTES,
            timeout_seconds=timeout_seconds,
            allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS),
            any_status=True,
        )
    except OutboundError as error:
        raise NyxCoreError(error.code, error.detail, retryable=error.retryable) from error
    results = _read_answer(answered).get("results")
    if not isinstance(results, list):
        raise _not_understood()
    read = [_read_result(each) for each in results[: base.limit] if isinstance(each, dict)]
    # What was not asked for is not accepted: a base that may only inform gives no orders.
    allowed = base.authority or AUTHORITIES
    return [result for result in read if result.content and result.authority in allowed]


def identify(source_id: UUID, name: str) -> UUID:
    """A base's own name for a chunk or document as a UUID: itself if it is one, else always the same for a source."""
    try:
        return UUID(name)
    except ValueError:
        return uuid5(source_id, name)


def _credential(base: Base) -> dict[str, str]:
    return {"Authorization": f"Bearer {base.api_token}"}


def _read_answer(answered: Fetched) -> Mapping[str, Any]:
    """The JSON object of an answer that says ok. Raises NyxCoreError, with the base's own reason where it gives one."""
    try:
        body = json.loads(answered.body)
    except (ValueError, RecursionError):
        body = None
    own = body.get("error") if isinstance(body, dict) else None
    reason = _describe_error(own if isinstance(own, dict) else {})
    retryable = answered.status in _RETRYABLE_STATUSES
    if answered.status in (401, 403):
        told = (
            kept(f"nyxCore refused the API token{reason}")
            if reason
            else kept("nyxCore refused the API token.")
        )
        raise NyxCoreError("token_refused", told)
    if isinstance(body, dict) and body.get("ok") is False:
        told = (
            kept(f"nyxCore reported an error{reason}")
            if reason
            else kept("nyxCore reported an error.")
        )
        raise NyxCoreError("nyxcore_error", told, retryable=retryable)
    if not 200 <= answered.status < 300:
        raise NyxCoreError(
            "http_status",
            f"The server answered with status {answered.status}.",
            retryable=retryable,
        )
    if not isinstance(body, dict) or body.get("ok") is not True:
        raise _not_understood()
    return body


def _describe_error(error: Mapping[str, Any]) -> str:
    """ ": message (code)", with whatever of both the base gave."""
    message, code = _line(error.get("message"))[:300], _line(error.get("code"))[:64]
    if not message:
        return f": {code}" if code else ""
    return f": {message} ({code})" if code else f": {message}"


def _read_result(result: Mapping[str, Any]) -> Result:
    authority = _text(result.get("authority")).strip().lower()
    content, filename = (
        _text(result.get("content")).strip()[:LONGEST_PASSAGE],
        _line(result.get("filename"))[:500],
    )
    document_id = _line(result.get("documentId"))[:200] or filename
    return Result(
        content=content,
        heading=_line(result.get("heading"))[:500],
        filename=filename,
        # What a base does not rank binds nobody.
        authority=authority if authority in AUTHORITIES else "informational",
        score=_number(result.get("score")),
        chunk_id=_line(result.get("chunkId"))[:200] or f"{document_id} {content}"[:200],
        document_id=document_id,
    )


def _text(value: Any) -> str:
    """A text that PostgreSQL can keep; "" for what is not text."""
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def _line(value: Any) -> str:
    return " ".join(
        _text(
            str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        ).split()
    )


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return 0.0
    try:
        number = float(value)
    except OverflowError:
        return 0.0
    return number if math.isfinite(number) else 0.0


def _count(value: Any) -> int:
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return min(value, _MAX_COUNT) if is_count and value > 0 else 0


def _not_understood() -> NyxCoreError:
    return NyxCoreError("bad_response", "The server's answer is not one of nyxCore's.")

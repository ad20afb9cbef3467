"""From a source to its bytes, and from the bytes to a parsed document."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from knowledge.formats.cleaning import Rules
from knowledge.formats.encodings import find_codec
from knowledge.formats.parsing import ParsedDocument, ParseError, parse_isolated
from knowledge.formats.registry import MARKDOWN, PLAIN_TEXT, Format, format_of_answer
from knowledge.models import Source, SourceFile, SourceType
from minirag.lib.errors import ProductError
from minirag.lib.http_out.client import Fetched, OutboundError, fetch

VERSION: Final = "4"
"""Part of a source's fingerprint: change it when parsing or chunking gives other chunks for the same bytes."""
_SETUP_LENGTH: Final = 16


class IngestionError(ProductError):
    """A source could not be ingested. `reason` is a sentence for its owner; `retryable`: it may work later."""

    status = 422

    def __init__(self, code: str, reason: str, retryable: bool = False) -> None:
        super().__init__(reason, code=code, retryable=retryable)
        self.reason = reason


class PageGone(IngestionError):
    """The server says that there is nothing at the address (any more); `for_good`: nor will there be."""

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__("page_gone", reason)
        self.for_good = for_good


@dataclass(frozen=True)
class Loaded:
    """What a source holds now. `data` is None when the server says that nothing changed since the last time."""

    data: bytes | None
    kind: str
    url: str = ""
    etag: str = ""
    last_modified: str = ""


def load_source(source: Source, *, conditional: bool) -> Loaded:
    """Read a source's content. `conditional`: ask a web server only for what changed. Raises IngestionError."""
    loaded = LOADERS[SourceType(source.source_type)](source, conditional)
    if loaded.data == b"":
        raise IngestionError("no_content", "No content to ingest")
    return loaded


def parse_loaded(source: Source, loaded: Loaded) -> ParsedDocument:
    """Parse what was loaded, in a process of its own where a foreign library reads it. Raises IngestionError."""
    assert loaded.data is not None  # noqa: S101
    try:
        return parse_isolated(
            loaded.data,
            kind=loaded.kind,
            name=source.name,
            rules=Rules.read(source.config),
            address=loaded.url,
        )
    except ParseError as error:
        raise IngestionError(error.code, error.reason, error.code == "timeout") from error


def fingerprint(source: Source, data: bytes) -> str:
    """64 characters that change when the chunks of a source may: how it is read, then what was read."""
    return fingerprint_setup(source) + hashlib.sha256(data).hexdigest()[: 64 - _SETUP_LENGTH]


def fingerprint_setup(source: Source) -> str:
    """The first part of a fingerprint: all that matters but the bytes themselves."""
    setup = "\0".join([VERSION, source.source_type, source.name, str(source.config.get("url", ""))])
    if source.config.get("clean"):
        setup += f"\0{json.dumps(source.config['clean'], sort_keys=True)}"
    return hashlib.sha256(setup.encode("utf-8", "surrogatepass")).hexdigest()[:_SETUP_LENGTH]


def _load_text(source: Source, conditional: bool) -> Loaded:
    # Markdown is what people paste where structure matters, and plain text is Markdown without marks.
    return Loaded((source.content or "").encode("utf-8", "replace"), MARKDOWN)


def _load_upload(source: Source, conditional: bool) -> Loaded:
    file = SourceFile.objects.filter(source_id=source.pk).first()
    return Loaded(bytes(file.data), file.kind) if file else Loaded(b"", PLAIN_TEXT)


def _load_url(source: Source, conditional: bool) -> Loaded:
    url = source.config.get("url")
    if not isinstance(url, str) or not url.strip():
        raise IngestionError("no_content", "No content to ingest")
    if source.last_refreshed_at is None and (brought := _find_brought(source, url)) is not None:
        return brought
    try:
        fetched = fetch(
            url,
            max_bytes=settings.MAX_UPLOAD_BYTES,
            allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS),
            etag=source.etag if conditional else None,
            last_modified=source.last_modified if conditional else None,
        )
    except OutboundError as error:
        if error.upstream_status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            for_good = error.upstream_status == HTTPStatus.GONE
            raise PageGone(error.reason, for_good=for_good) from error
        raise IngestionError(error.code, error.reason, error.retryable) from error
    validators = {"etag": _fit(fetched.etag, 255), "last_modified": _fit(fetched.last_modified, 64)}
    facts = {"url": fetched.url[:2048], **validators}
    if fetched.not_modified:
        return Loaded(None, "", **facts)
    found = format_of_answer(urlsplit(fetched.url).path, fetched.content_type)
    if found is None:
        shown = fetched.content_type or "something of no known type"
        raise IngestionError(
            "unsupported", f"The address answered with {shown}, which cannot be read."
        )
    return Loaded(unify_encoding(fetched, found), found.kind, **facts)


def _find_brought(source: Source, url: str) -> Loaded | None:
    """What a page said where the source has moved from: it answers at once, also if the page is not there any more.

    From the first refresh on the page itself is read.
    """
    file = SourceFile.objects.filter(source_id=source.pk, name=url[:255]).first()
    return Loaded(bytes(file.data), file.kind, url=url[:2048]) if file else None


LOADERS: Final[dict[SourceType, Callable[[Source, bool], Loaded]]] = {
    SourceType.TEXT: _load_text,
    SourceType.UPLOAD: _load_upload,
    SourceType.URL: _load_url,
}


def _fit(value: str | None, length: int) -> str:
    """A validator that is too long is of no use when cut off, so the next request is unconditional."""
    return value if value and len(value) <= length else ""


def unify_encoding(fetched: Fetched, found: Format) -> bytes:
    """The body in an encoding that it declares itself: what HTTP says counts more than what the page says."""
    charset = (fetched.charset or "").lower()
    codec = find_codec(charset) if found.is_text and charset else None
    if codec in (None, "utf-8", "ascii"):
        return fetched.body
    try:
        return fetched.body.decode(codec).encode("utf-16")
    except UnicodeError:
        return fetched.body

"""From a source to its parsed documents: the text itself, the uploaded file, or the page behind a URL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from django.conf import settings

from knowledge.models import Source, SourceType
from knowledge.parsing import ParsedDocument, ParseError, kind_of, parse_isolated
from minirag.lib.http import Fetched, OutboundError, fetch


class IngestionError(Exception):
    """A source that could not be ingested. `reason` is for a person; `retryable` says that trying again may help."""

    def __init__(self, code: str, reason: str, *, retryable: bool = False) -> None:
        super().__init__(reason)
        self.code, self.reason, self.retryable = code, reason, retryable


@dataclass(frozen=True)
class LoadedDocument:
    """One item of a source, parsed. `content_hash` covers what it was parsed from."""

    parsed: ParsedDocument
    content_hash: str
    url: str = ""


@dataclass(frozen=True)
class Loaded:
    """What a source holds now. `unchanged`: the server said that the page is still what we know."""

    documents: tuple[LoadedDocument, ...] = ()
    unchanged: bool = False
    etag: str = ""
    last_modified: str = ""


def load_source(source: Source) -> Loaded:
    """Load and parse a source. Raises IngestionError."""
    return _LOADERS[SourceType(source.source_type)](source)


def _load_text(source: Source) -> Loaded:
    data = (source.content or "").encode()
    return Loaded((_parse(data, kind="md", name=source.name),))


def _load_upload(source: Source) -> Loaded:
    file = getattr(source, "file", None)
    if file is None:
        raise IngestionError("file_missing", "The uploaded file is not there any more. Please upload it again.")
    data = bytes(file.data)
    if not data:
        raise IngestionError("no_content", "No content to ingest")
    return Loaded((_parse(data, kind=file.kind, name=file.name),))


def _load_url(source: Source) -> Loaded:
    url = source.config.get("url")
    if not isinstance(url, str) or not url:
        raise IngestionError("url_missing", "This source has no URL.")
    known = source.chunk_count > 0  # a "not modified" is worth something only if we still have the knowledge
    try:
        page = fetch(
            url, etag=source.etag if known else None, last_modified=source.last_modified if known else None,
            max_bytes=settings.MAX_UPLOAD_BYTES, allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS),
        )
    except OutboundError as error:
        raise IngestionError(error.code, error.reason, retryable=error.retryable) from None
    if page.not_modified:
        return Loaded(unchanged=True, etag=source.etag, last_modified=source.last_modified)
    document = _parse(_to_utf8(page), kind=_kind_of_page(page), name=source.name)
    return Loaded((replace(document, url=page.url),), etag=page.etag or "", last_modified=page.last_modified or "")


def _load_nyxcore(source: Source) -> Loaded:
    raise IngestionError("nyxcore_unavailable", "This installation does not connect to nyxCore yet.")


_LOADERS: dict[SourceType, Callable[[Source], Loaded]] = {
    SourceType.TEXT: _load_text,
    SourceType.UPLOAD: _load_upload,
    SourceType.URL: _load_url,
    SourceType.NYXCORE: _load_nyxcore,
}


def _kind_of_page(page: Fetched) -> str:
    kind = kind_of(page.url.partition("?")[0].rpartition("/")[2], page.content_type)
    if kind is None:
        raise IngestionError("unsupported", f"Pages of the type {page.content_type or 'unknown'} cannot be read.")
    return kind


def _to_utf8(page: Fetched) -> bytes:
    """Recode what the server declares in another charset; parsers read UTF-8."""
    if not page.charset or page.charset.lower().replace("-", "") in ("utf8", "utf16", "ascii", "usascii"):
        return page.body
    try:
        return page.body.decode(page.charset).encode()
    except (LookupError, UnicodeDecodeError):
        return page.body


def _parse(data: bytes, *, kind: str, name: str) -> LoadedDocument:
    if not data:
        raise IngestionError("no_content", "No content to ingest")
    try:
        parsed = parse_isolated(data, kind=kind, name=name)
    except ParseError as error:
        raise IngestionError(error.code, error.reason) from None
    digest = hashlib.sha256(kind.encode() + b"\0" + name.encode() + b"\0" + data).hexdigest()
    return LoadedDocument(parsed, digest)

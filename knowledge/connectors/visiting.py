"""A visit to one file of a connector: whether its name says that it can be read, and what is in it. No rows here."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from knowledge.connectors.items import Connector, Item, ItemGone, too_large
from knowledge.connectors.limits import REPLACED, Limits
from knowledge.formats.parsing import ParseError
from knowledge.formats.registry import format_of_upload, is_archive
from knowledge.formats.restrictions import read_groups
from knowledge.indexing.loading import IngestionError
from knowledge.models.sites import PageState
from knowledge.sites.pages.reading import PageReader
from knowledge.sites.visiting import Visit, find_objection, hash_document, state_of_unread

UNREADABLE = "unsupported"
"""The code of what is never fetched, by its name."""


def find_obstacle(item: Item) -> Visit | None:
    """Say why a file is not fetched at all, as its list describes it; None where it is."""
    listed = Visit(PageState.LEFT_OUT, item.key)
    found = format_of_upload(item.key)
    if REPLACED in item.key:
        reason = "Its name is too long, or has signs that cannot be kept."
        return listed.ended(PageState.LEFT_OUT, UNREADABLE, reason)
    if found is None or found.is_archive:
        reason = "An archive is not read here." if found else "Files of this kind cannot be read."
        return listed.ended(PageState.LEFT_OUT, UNREADABLE, reason)
    if item.size is not None and item.size > settings.MAX_UPLOAD_BYTES:
        told = too_large(settings.MAX_UPLOAD_BYTES)
        return listed.ended(PageState.FAILED, told.code, told.reason)
    return None


def visit_file(
    connector: Connector, reader: PageReader, limits: Limits, key: str, version: str = ""
) -> Visit:
    """Fetch and read a file that has no obstacle, and say what comes of it."""
    came = Visit(PageState.READ, key, etag=version)
    found = format_of_upload(key)
    assert found is not None  # noqa: S101 - it would have an obstacle
    try:
        data = connector.fetch(key, largest=settings.MAX_UPLOAD_BYTES)
    except ItemGone as error:
        return came.ended(PageState.GONE, error.code, error.reason)
    except IngestionError as error:
        # However a connector says it: as an upload would hear it.
        told = too_large(settings.MAX_UPLOAD_BYTES) if error.code == "too_large" else error
        failed = came.ended(state_of_unread(told.code), told.code, told.reason)
        return replace(failed, is_retryable=told.retryable)
    came = replace(came, size=len(data))
    if is_archive(data, found.kind):
        return came.ended(PageState.LEFT_OUT, UNREADABLE, "An archive is not read here.")
    try:
        document = reader.read(data, kind=found.kind, url=key).document
    except ParseError as error:
        return came.ended(state_of_unread(error.code), error.code, error.reason)
    came = replace(came, groups=read_groups(document.metadata))
    if objection := find_objection(document, limits.languages):
        return came.ended(PageState.LEFT_OUT, *objection)
    document = replace(document, metadata={**document.metadata, "path": key})
    return replace(came, document=document, content_hash=hash_document(document))

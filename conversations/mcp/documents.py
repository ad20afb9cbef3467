"""Documents as MCP's resources: listed page by page, and read whole."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from conversations.mcp.callers import Caller, readable_documents
from knowledge.documents.changing import read_content
from knowledge.models import Document
from minirag.lib.errors import NotFound
from minirag.lib.http_in.pagination import Page, PageQuery, paginate

TEMPLATE: Final = "minirag://documents/{document_id}"
MOST_CHARACTERS: Final = 400_000
_URI: Final = re.compile(r"minirag://documents/([0-9a-f-]{36})")


class ResourceNotFound(NotFound):
    """No such document, or not for this caller."""

    def __init__(self) -> None:
        super().__init__("There is no such document.")


def name_document(document_id: UUID) -> str:
    return TEMPLATE.format(document_id=document_id)


def list_documents(caller: Caller, cursor: str | None) -> Page[Document]:
    """Return a page of the documents that the caller may read; none for one who may only ask. Raises InvalidCursor."""
    if not caller.may_read:
        return Page([], None)
    return paginate(readable_documents(caller), PageQuery(limit=100, cursor=cursor))


def read_document(caller: Caller, uri: str) -> tuple[Document, str]:
    """Return a document and its text, of a very long one the beginning. Raises NotFound."""
    found = _URI.fullmatch(uri)
    if found is None or not caller.may_read:
        raise ResourceNotFound
    try:
        document = readable_documents(caller).filter(pk=UUID(found[1])).order_by().first()
    except ValueError:
        document = None
    if document is None:
        raise ResourceNotFound
    text = read_content(document)
    return document, text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + "\n\n[…]"

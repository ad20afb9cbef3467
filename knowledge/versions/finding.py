"""Versions of documents as clients see them: listed, read, and compared with another one or with what answers now."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext

from knowledge.documents.changing import find_document, read_content
from knowledge.models import DocumentVersion
from knowledge.versions.texts import join_drafts, unpack
from minirag.lib.comparing.texts import Comparison, compare_texts
from minirag.lib.errors import NotFound


def versions_of(document_id: UUID) -> QuerySet[DocumentVersion]:
    """Return the kept versions of a document, without their text. Raises NotFound."""
    return DocumentVersion.objects.filter(document=find_document(document_id)).defer("body")


def find_version(document_id: UUID, version_id: UUID) -> DocumentVersion:
    """Return a version of this document, without its text. Raises NotFound."""
    version = versions_of(document_id).filter(pk=version_id).first()
    if version is None:
        raise NotFound(gettext("Version not found"))
    return version


def read_version(version: DocumentVersion) -> str:
    """Return a version's text as the document's `content` was then."""
    body = DocumentVersion.objects.values_list("body", flat=True).get(pk=version.pk)
    return join_drafts(unpack(body))


def compare_version(document_id: UUID, version_id: UUID, other_id: UUID | None) -> Comparison:
    """Say what became of a version's text: in another version, or (None) in what answers now. Raises NotFound."""
    before = read_version(find_version(document_id, version_id))
    if other_id is None:
        return compare_texts(before, read_content(find_document(document_id)))
    return compare_texts(before, read_version(find_version(document_id, other_id)))

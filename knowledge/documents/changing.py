"""Documents as clients see them: found, shown with their text, edited, read again, deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from knowledge.formats.restrictions import find_restriction, read_groups
from knowledge.indexing.forgetting import forget_document
from knowledge.models import Chunk, Dataset, Document, DocumentEdit, Redo, Source
from knowledge.tasks import queue_again
from knowledge.versions.texts import join_contents
from minirag.lib.errors import BadInput, Conflict, NotFound
from tenants.audit import record, tell_changes

EDITABLE = ("title", "url", "metadata")
_EDIT = tuple(
    f"edit__{column.attname}"
    for column in DocumentEdit._meta.concrete_fields
    if column.attname not in DocumentEdit.HEAVY
)
_SOURCE = (
    "source__name", "source__bot_profile_id", "source__dataset_id", "restricted_to__groups",
)  # fmt: skip


def listed_documents() -> QuerySet[Document]:
    """Return the documents of sources that are not deleted, each with what is shown of its source."""
    return (
        Document.objects.filter(source__deleted_at__isnull=True)
        .select_related("source", "edit", "restricted_to")
        .only(*[column.attname for column in Document._meta.concrete_fields], *_SOURCE, *_EDIT)
    )


def filter_documents(
    *,
    text: str = "",
    source_id: UUID | None = None,
    dataset_id: UUID | None = None,
    bot_profile_id: UUID | None = None,
    is_edited: bool | None = None,
    in_conflict: bool | None = None,
) -> QuerySet[Document]:
    """Return documents whose title has `text`, of a source and its children, of a dataset, of all a bot searches.

    `is_edited`, `in_conflict`: whether somebody has written their text, and whether the source disagrees since.
    """
    found = listed_documents()
    if text:
        found = found.filter(title__icontains=text)
    if source_id:
        found = found.filter(Q(source=source_id) | Q(source__parent=source_id))
    if dataset_id:
        found = found.filter(source__dataset=dataset_id)
    if bot_profile_id:
        found = found.filter(source__dataset__in=Dataset.objects.searched_by(bot_profile_id))
    if is_edited is not None:
        found = found.filter(edit__isnull=not is_edited)
    if in_conflict is not None:
        found = found.filter(edit__conflict_since__isnull=not in_conflict)
    return found


def find_document(document_id: UUID) -> Document:
    """Return a document. Raises NotFound, also where its source was deleted."""
    document = listed_documents().filter(pk=document_id).order_by().first()
    if document is None:
        raise NotFound(gettext("Document not found"))
    return document


def chunks_of(document: Document) -> QuerySet[Chunk]:
    return Chunk.objects.filter(document=document)


def read_content(document: Document) -> str:
    """Put a document's text together again from its chunks, without what each repeats of the one before it."""
    rows = chunks_of(document).order_by("ordinal", "id").values_list("content", flat=True)
    return join_contents(rows.iterator(chunk_size=500))


def edit_document(document_id: UUID, changes: dict[str, Any]) -> Document:
    """Change title, url or metadata; None undoes an edit. Raises NotFound.

    An edit stays whatever the source says later, until it is undone: then the field is what the source says.
    Whom it is for is said by the document itself and by its source, so metadata that say otherwise are refused; and
    leaving out what the document says lets nobody in. Raises BadInput.
    """
    with transaction.atomic():
        # The lock that an ingestion takes before it writes documents.
        Source.objects.select_for_update().only("pk").filter(documents=document_id).first()
        document = find_document(document_id)
        _require_same_readers(document, changes.get("metadata") or {})
        before = {name: getattr(document, name) for name in changes}
        for name, value in changes.items():
            if value is not None:
                document.originals.setdefault(name, getattr(document, name))
                setattr(document, name, value)
            elif name in document.originals:
                setattr(document, name, document.originals.pop(name))
        document.save(update_fields=[*changes, "originals"])
        record("document.changed", of=document, changes=tell_changes(before, document))
    return document


def _require_same_readers(document: Document, metadata: dict[str, Any]) -> None:
    restriction = find_restriction(metadata)
    if restriction and read_groups(metadata) != document.own_groups:
        raise BadInput(
            gettext(
                '"%(restriction)s" cannot be given to a document by an edit: say it in the document itself, or '
                "restrict its source."
            )
            % {"restriction": restriction},
            code="restricted",
        )


def delete_document(document_id: UUID) -> None:
    """Delete a document: it answers no more, and comes back when its source is ingested again. Raises NotFound."""
    document = find_document(document_id)
    with transaction.atomic():
        if not forget_document(document_id):
            raise NotFound(gettext("Document not found"))
        record("document.deleted", of=document, detail={"source_id": document.source_id})


def reprocess_document(document_id: UUID) -> Document:
    """Have its source read and cut again though nothing has changed. Raises NotFound, Conflict while it is read."""
    document = find_document(document_id)
    with transaction.atomic():
        if not queue_again([document.source_id], Redo.PARSE):
            raise Conflict(gettext("Source is already being processed"), code="source_processing")
        record("document.reprocessing_requested", of=document)
    return document

"""Has texts that people wrote outlast the ingestion of their source: what it says now is kept beside them, and told.

An ingestion asks for them before it embeds, and says in its transaction what the source says now; where an edit was
made or undone in between, it begins again.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from knowledge.formats.restrictions import restrict_to
from knowledge.indexing.chunking import ChunkDraft
from knowledge.indexing.incoming import NewDocument, identify_document
from knowledge.indexing.swap import KnowledgeChanged
from knowledge.models import Document, DocumentEdit
from knowledge.versions.texts import hash_words, pack, read_drafts, unpack
from webhooks.event_types import EventType
from webhooks.events import emit

Stamp = frozenset[tuple[uuid.UUID, bool, str, str]]
"""Which documents of a source have an edit, whether it is in force, what they say where it is, and what is wanted."""
NO_EDITS: Final[Stamp] = frozenset()


@dataclass(frozen=True)
class Held:
    """The documents as they shall answer; `theirs` is what the source says of those that were edited."""

    documents: Sequence[NewDocument]
    stamp: Stamp
    theirs: Mapping[uuid.UUID, NewDocument | None]


def hold_edits(
    source_id: uuid.UUID, documents: Sequence[NewDocument], *, but: Collection[uuid.UUID] = ()
) -> Held:
    """Put what people wrote in the place of what the source says; what it has no more, and they edited, stays.

    `but`: these go, whoever has edited them.
    """
    stamp = _take_stamp(source_id)
    if not stamp:
        return Held(documents, stamp, {})
    in_force = {document_id: is_in_force for document_id, is_in_force, _, _ in stamp}
    rows = {row.pk: row for row in Document.objects.filter(pk__in=in_force.keys() - set(but))}
    held: list[NewDocument] = []
    theirs: dict[uuid.UUID, NewDocument | None] = {}
    for document in documents:
        document_id = identify_document(source_id, document)
        if document_id not in rows:
            held.append(document)
            continue
        theirs[document_id] = document
        stays = in_force[document_id] or document.error_code
        held.append(_as_it_is(rows[document_id], document) if stays else document)
    here = {identify_document(source_id, document) for document in documents}
    for document_id, row in rows.items():
        if document_id not in here:
            theirs[document_id] = None
            held.append(_as_it_is(row, None))
    return Held(held, stamp, theirs)


def meet_edits(source_id: uuid.UUID, held: Held) -> list[uuid.UUID]:
    """Write down what the source says now beside what people wrote; returns the documents that are in conflict since.

    In the transaction of the swap. Raises KnowledgeChanged where the edits are others than when they were read.
    """
    if _take_stamp(source_id) != held.stamp:
        raise KnowledgeChanged
    found = []
    for edit in DocumentEdit.objects.filter(pk__in=list(held.theirs)).defer("mine", "theirs"):
        document = held.theirs[edit.pk]
        if document is None:
            is_new = edit.meet("", is_gone=True)
        elif document.error_code:
            continue  # its file cannot be read just now: nobody knows what it says
        else:
            drafts = document.drafts
            is_new = edit.meet(
                hash_words(drafts),
                is_gone=False,
                theirs=pack(drafts),
                theirs_language=document.language,
            )
        if is_new:
            found.append(edit.pk)
    return found


def lose_source(source_id: uuid.UUID) -> bool:
    """Take note that a source says nothing more; returns whether people have written what it said.

    Then that stays, in conflict, until it is decided. In the transaction that would forget it.
    """
    held = hold_edits(source_id, [])
    told = meet_edits(source_id, held)
    tell_conflicts(told)
    return bool(held.stamp)


def tell_conflicts(document_ids: Collection[uuid.UUID]) -> None:
    """Tell the tenant's webhooks which texts are in conflict since now, in the caller's transaction."""
    for document in Document.objects.filter(pk__in=list(document_ids)).select_related("edit"):
        emit(
            EventType.DOCUMENT_CONFLICTED,
            {
                "document_id": str(document.pk), "source_id": str(document.source_id),
                "title": document.title, "is_gone": document.edit.is_gone,
            },
        )  # fmt: skip


def read_said(row: Document) -> tuple[Sequence[ChunkDraft], str]:
    """What a document's source said of it at the last ingestion, and in which language, edited or not."""
    edit = DocumentEdit.objects.filter(pk=row.pk, is_in_force=True).defer("mine").first()
    if edit is None:
        return read_drafts(row.pk), row.language
    return unpack(edit.theirs), edit.theirs_language


def read_own(row: Document) -> dict[str, Any]:
    """What a document's source said beside its text. Whom it is for is as it is now: it may have been narrowed since,
    and nobody has said that it is for more again.
    """
    said = {
        name: row.originals.get(name, getattr(row, name)) for name in ("title", "url", "metadata")
    }
    return {**said, "metadata": restrict_to(said["metadata"], row.own_groups)}


def _take_stamp(source_id: uuid.UUID) -> Stamp:
    edits = DocumentEdit.objects.filter(document__source=source_id)
    rows = edits.values_list("pk", "is_in_force", "document__content_hash", "mine_hash")
    return frozenset(
        (pk, in_force, said if in_force else "", wanted) for pk, in_force, said, wanted in rows
    )


def _as_it_is(row: Document, said: NewDocument | None) -> NewDocument:
    """A document with the text that answers now, and what else the source says of it: what it said last where it has
    the document no more or nobody can read it. Whom it is for is part of that.
    """
    text: dict[str, Any] = {
        "drafts": read_drafts(row.pk),
        "language": row.language,
        "char_count": row.char_count,
    }
    if said is not None and not said.error_code:
        return replace(said, **text)
    return NewDocument(**read_own(row), **text, id=row.pk)

"""What people do to a document's text: edit it, bring a version back, undo that, decide between it and its source.

Each verb writes down what is wanted and has a worker put it in (knowledge.edits.applying); until then, and if that
fails, what answered before goes on answering. Nothing that a person wrote is given up but by a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from knowledge.documents.changing import edit_document, find_document
from knowledge.edits.recutting import recut
from knowledge.formats.isolated.measuring import cut_isolated
from knowledge.formats.parsing import ParsedDocument, ParseError, parse_isolated
from knowledge.formats.registry import MARKDOWN
from knowledge.formats.restrictions import find_restriction
from knowledge.formats.sections import clean_text
from knowledge.indexing.chunking import ChunkDraft
from knowledge.indexing.embedding import find_counter
from knowledge.indexing.forgetting import forget_document
from knowledge.indexing.lexicon import lock_knowledge
from knowledge.models import (
    ContentOrigin,
    Document,
    DocumentEdit,
    DocumentVersion,
    EditStatus,
    Source,
)
from knowledge.sources.storage import add_bytes
from knowledge.tasks import queue_edit
from knowledge.versions.finding import find_version
from knowledge.versions.keeping import keep_overtaken
from knowledge.versions.texts import hash_words, join_drafts, pack, read_drafts, unpack
from minirag.lib.comparing.texts import Comparison, compare_texts
from minirag.lib.errors import BadInput, Conflict, NotFound
from tenants.audit import record


def change_document(document_id: UUID, changes: dict[str, Any]) -> Document:
    """Change what is given of title, url, metadata and `content`; None undoes an edit.

    Raises NotFound, BadInput (`restricted`, `content_empty`, `too_large`), QuotaExceeded.
    """
    fields = {name: value for name, value in changes.items() if name != "content"}
    text = changes.get("content")
    drafts, language = _cut_edit(document_id, text) if text is not None else ([], "")
    with transaction.atomic():
        if text is None and "content" in changes:
            lock_knowledge()  # before the source, as all writers of knowledge do
        if fields or "content" not in changes:
            edit_document(document_id, fields)
        if text is not None:
            _order(
                document_id, ContentOrigin.EDIT, drafts, language, action="document.text_changed"
            )
        elif "content" in changes:
            _undo(document_id)
    return find_document(document_id)


def restore_version(document_id: UUID, version_id: UUID) -> Document:
    """Have a document say again what it said in a version, as if somebody had written that. Twice is as good as once.

    Raises NotFound, BadInput (`too_large`), QuotaExceeded.
    """
    version = find_version(document_id, version_id)
    body = DocumentVersion.objects.values_list("body", flat=True).get(pk=version.pk)
    with transaction.atomic():
        _order(
            document_id, ContentOrigin.RESTORE, unpack(body), version.language,
            action="document.version_restored", version=version.number,
        )  # fmt: skip
    return find_document(document_id)


def find_edit(document_id: UUID) -> DocumentEdit:
    """Return what was written in place of a document's text. Raises NotFound, also where nothing was."""
    find_document(document_id)
    edit = DocumentEdit.objects.filter(pk=document_id).first()
    if edit is None:
        raise NotFound(gettext("The text of this document is not edited"))
    return edit


def compare_edit(edit: DocumentEdit) -> Comparison:
    """Say how what was written is different from what the source says now."""
    return compare_texts(read_theirs(edit), read_mine(edit))


def read_mine(edit: DocumentEdit) -> str:
    return join_drafts(unpack(edit.mine))


def read_theirs(edit: DocumentEdit) -> str:
    """What the source says now; nothing where it does not have the document any more."""
    return "" if edit.is_gone else join_drafts(unpack(edit.theirs))


def keep_mine(document_id: UUID) -> Document:
    """Decide a conflict for what was written. Raises NotFound, Conflict where there is none."""
    with transaction.atomic():
        document, edit = _lock(document_id)
        _require_conflict(edit).keep_mine()
        record("document.conflict_decided", of=document, detail={"decision": "keep_mine"})
    return find_document(document_id)


def take_theirs(document_id: UUID) -> Document | None:
    """Decide a conflict for the source; None where it has the document no more, which is deleted then.

    Raises NotFound, Conflict where there is none.
    """
    with transaction.atomic():
        lock_knowledge()  # before the source, as all writers of knowledge do
        document, edit = _lock(document_id)
        _require_conflict(edit)
        record("document.conflict_decided", of=document, detail={"decision": "take_theirs"})
        _undo(document_id)
    return listed_or_none(document_id)


def listed_or_none(document_id: UUID) -> Document | None:
    try:
        return find_document(document_id)
    except NotFound:
        return None


def read_editable(document: Document) -> str:
    """What somebody who edits a document begins with: what was written last, also while it waits for a worker."""
    edit = DocumentEdit.objects.filter(pk=document.pk).first()
    if edit is None or edit.status == EditStatus.APPLIED:
        return join_drafts(read_drafts(document.pk))
    return read_theirs(edit) if edit.is_undone else read_mine(edit)


def _cut_edit(document_id: UUID, text: str) -> tuple[list[ChunkDraft], str]:
    """The chunks of a document's new text, and its language; slow, so it is done outside of any transaction."""
    document = find_document(document_id)
    model = Source.objects.values_list("dataset__embedding_model", flat=True).get(
        pk=document.source_id
    )
    whole = _parse(text)
    if restriction := find_restriction(whole.metadata):
        raise BadInput(
            gettext(
                '"%(restriction)s" cannot be written into a document that answers: say it in its source.'
            )
            % {"restriction": restriction},
            code="restricted",
        )
    counter = find_counter(model)

    def cut(stretch: str) -> list[ChunkDraft]:
        # Not as the beginning of a file: what stands between two rules is text of the document, not its metadata.
        parsed = ParsedDocument("", _parse(f"<!-- -->\n\n{stretch}").sections, {}, whole.language)
        try:
            return cut_isolated(parsed, counter=counter)
        except ParseError as error:
            raise BadInput(error.reason, code=error.code) from error

    title = document.originals.get("title", document.title)
    drafts = recut(read_drafts(document_id), clean_text(text), title=title, cut=cut)
    if not drafts:
        raise BadInput(
            gettext("There is no text left. Delete the document instead."), code="content_empty"
        )
    return drafts, whole.language


def _parse(text: str) -> ParsedDocument:
    try:
        return parse_isolated(text.encode("utf-8", "replace"), kind=MARKDOWN, name="")
    except ParseError as error:
        raise BadInput(error.reason, code=error.code) from error


def _lock(document_id: UUID) -> tuple[Document, DocumentEdit | None]:
    """The document and its edit, behind the lock that an ingestion takes before it writes. Raises NotFound."""
    Source.objects.select_for_update().only("pk").filter(documents=document_id).first()
    document = find_document(document_id)
    return document, DocumentEdit.objects.filter(pk=document_id).select_for_update().first()


def _require_conflict(edit: DocumentEdit | None) -> DocumentEdit:
    if edit is None or edit.conflict_since is None:
        raise Conflict(gettext("There is no conflict to decide"), code="not_in_conflict")
    return edit


def _order(
    document_id: UUID, kind: ContentOrigin, drafts: Sequence[ChunkDraft], language: str, *, action: str,
    **detail: Any,
) -> None:  # fmt: skip
    """Have a worker put these chunks in; nothing to do where they answer, or wait, already."""
    document, edit = _lock(document_id)
    words = hash_words(drafts)
    if edit is None and words == hash_words(read_drafts(document_id)):
        return
    if edit is not None and not edit.is_undone and edit.mine_hash == words:
        return
    _require_fit(document, drafts)
    text = join_drafts(drafts)
    size = len(text.encode("utf-8", "surrogatepass"))
    add_bytes(document.source_id, size - (edit.mine_bytes if edit else 0))
    if edit is not None and edit.kind == ContentOrigin.EDIT and edit.status != EditStatus.APPLIED:
        keep_overtaken(document, edit)
    changes = {"content": [f"{document.char_count} characters", f"{len(text)} characters"]}
    event = record(action, of=document, changes=changes, detail=detail)
    if edit is None:
        said = read_drafts(document_id)
        hashed = hash_words(said)
        edit = DocumentEdit.objects.create(
            document=document, theirs=pack(said), theirs_hash=hashed, base_hash=hashed,
            theirs_language=document.language, mine=b"", mine_hash="", edited_at=timezone.now(),
        )  # fmt: skip
    DocumentEdit.objects.order(
        edit.pk, kind=kind, mine=pack(drafts), mine_hash=words, mine_language=language,
        mine_bytes=size, author=event.actor, edited_at=timezone.now(),
    )  # fmt: skip
    queue_edit(edit.pk)


def _require_fit(document: Document, drafts: Sequence[ChunkDraft]) -> None:
    chunks = Source.objects.values_list("chunk_count", flat=True).get(pk=document.source_id)
    if chunks - document.chunk_count + len(drafts) > settings.MAX_CHUNKS_PER_SOURCE:
        limit = settings.MAX_CHUNKS_PER_SOURCE
        raise BadInput(
            gettext("The source would have more than %(limit)s pieces of text.") % {"limit": limit},
            code="too_large",
        )


def _undo(document_id: UUID) -> None:
    """Have the source's newest text answer again; where it has none any more, nothing does."""
    document, edit = _lock(document_id)
    if edit is None:
        return
    event = record("document.edit_undone", of=document)
    if edit.is_gone:
        forget_document(document_id)
    elif not edit.is_in_force:
        add_bytes(document.source_id, -edit.mine_bytes)
        edit.delete()
    else:
        DocumentEdit.objects.order(
            edit.pk, kind=ContentOrigin.UNDO, author=event.actor, edited_at=timezone.now()
        )
        queue_edit(edit.pk)

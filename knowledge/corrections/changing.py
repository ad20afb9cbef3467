"""What people do to single chunks: switch off, correct, pin, add, undo, and decide conflicts.

Everything counts with the next question: each verb is an `Edit`, which `refit` has the index say at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext

from knowledge.corrections.finding import FoundChunk, find_chunk, find_correction
from knowledge.corrections.nearness import normalise
from knowledge.corrections.patching import apply_change, find_change
from knowledge.corrections.refitting import Edit, refit
from knowledge.models import Correction, CorrectionState, Decision, Document, Source
from minirag.lib.errors import BadInput, Conflict, NotFound
from tenants.audit import record, tell_changes

_Rows = list[Mapping[str, Any]]
CHANGEABLE: Final = ("content", "is_off", "is_pinned", "note")


def change_chunk(chunk_id: UUID, changes: Mapping[str, Any], *, author: str) -> FoundChunk:
    """Correct a chunk's text (`content`, None undoes it), switch it off or on, pin it; only what is given changes.

    Counts with the next question, and stays when its source is ingested again. What is said of a chunk whose text has
    changed decides that conflict; a note alone does not. Raises NotFound, BadInput (`chunk_empty`), and what `refit`
    does.
    """
    found = find_chunk(chunk_id)
    correction = found.correction or _make(found)
    before = {name: getattr(correction, name) for name in CHANGEABLE}
    decides = bool(changes.keys() - {"note"})
    corrected, rest = correction.anchor_content, _Rows()
    if decides and correction.state == CorrectionState.CHANGED and correction.theirs:
        rest = _anchor_to_theirs(correction)
    original = correction.anchor_content
    for name, value in changes.items():
        setattr(
            correction, name, _clean(correction, value, original) if name == "content" else value
        )
    correction.author = author
    changed = tell_changes(before, correction)
    if decides and correction.state == CorrectionState.VANISHED:
        correction.stand(CorrectionState.RESTING)
    if not correction.says_nothing:
        keep = [correction, *_follow(correction, corrected, rest)]
        refit(_edit(correction, "chunk.changed", keep=keep, changes=changed))
    elif not correction._state.adding:
        refit(_edit(correction, "chunk.changed", drop=[correction], changes=changed))
        return find_chunk(found.own_id)
    return find_chunk(chunk_id)


def add_chunk(
    *, document_id: UUID | None, source_id: UUID | None, content: str, heading: str, is_pinned: bool, note: str,
    author: str,
) -> FoundChunk:  # fmt: skip
    """Write a chunk by hand into a document, or a source that has one document.

    Raises NotFound, BadInput (`document_needed`, `chunk_empty`), Conflict (`too_many_chunks`, `document_unread`), and
    what `refit` does.
    """
    document = _find_home(document_id, source_id)
    if document.source.chunk_count >= settings.MAX_CHUNKS_PER_SOURCE:
        raise Conflict(
            gettext("A source has at most %(max_chunks_per_source)s chunks.")
            % {"max_chunks_per_source": settings.MAX_CHUNKS_PER_SOURCE},
            code="too_many_chunks",
        )
    correction = Correction(
        source_id=document.source_id, document_id=document.pk, is_added=True, is_pinned=is_pinned, note=note,
        author=author,
    )  # fmt: skip
    correction.anchor(" ".join(heading.split()) or document.title or document.source.name, "", "")
    correction.content = _clean(correction, content, "")
    refit(_edit(correction, "chunk.added", keep=[correction]))
    return find_chunk(correction.pk)


def delete_chunk(chunk_id: UUID) -> None:
    """Delete a chunk that was written by hand. Raises NotFound, Conflict (`chunk_not_added`)."""
    correction = find_chunk(chunk_id).correction
    if correction is None or not correction.is_added:
        raise Conflict(
            gettext("Its text comes from its source, and would come back: switch it off instead."),
            code="chunk_not_added",
        )
    undo_correction(correction)


def undo_correction(correction: Correction) -> None:
    """Take back all that was said of a chunk: the source's own text answers; what was written by hand is gone."""
    refit(_edit(correction, "correction.undone", drop=[correction]))


def decide(correction_id: UUID, decision: Decision, *, author: str) -> Correction | None:
    """Decide a conflict; returns the correction, None where nothing is left of it.

    Keep mine: what the person said holds for what the source says now; where the source says nothing of the kind any
    more, a corrected text goes on as one that was added, and what was switched off or pinned waits for its return. Take
    the source's: the correction is dropped. Neither: what the source says now is switched off. Raises NotFound,
    Conflict (`no_conflict`), and what `refit` does.
    """
    correction = find_correction(correction_id)
    if not correction.is_conflict:
        raise Conflict(gettext("There is no conflict to decide (any more)."), code="no_conflict")
    detail = {"decision": decision}
    is_gone = correction.state == CorrectionState.VANISHED
    correction.author = author
    if decision == Decision.TAKE_THEIRS or (is_gone and decision == Decision.DROP):
        refit(_edit(correction, "correction.decided", drop=[correction], detail=detail))
        return None
    keep = [correction]
    if is_gone:
        _keep_without_theirs(correction)
    else:
        if decision == Decision.DROP:
            correction.is_off, correction.content, correction.is_pinned = True, None, False
        corrected = correction.anchor_content
        keep += _follow(correction, corrected, _anchor_to_theirs(correction))
    refit(_edit(correction, "correction.decided", keep=keep, detail=detail))
    return find_correction(correction_id)


def _edit(
    correction: Correction, action: str, *, keep: Sequence[Correction] = (), drop: Sequence[Correction] = (),
    changes: Mapping[str, Any] | None = None, detail: Mapping[str, Any] | None = None,
) -> Edit:  # fmt: skip
    told = {"source_id": correction.source_id, "document_id": correction.document_id} | dict(
        detail or {}
    )
    return Edit(
        correction.source_id, keep=keep, drop=drop,
        also=lambda: record(action, of=correction, changes=changes, detail=told),
    )  # fmt: skip


def _make(found: FoundChunk) -> Correction:
    """A correction that says nothing yet of a chunk as its source says it."""
    correction = Correction(source_id=found.source_id, document_id=found.document_id)
    correction.anchor(found.heading, found.original, found.original_hash)
    correction.know(found.own_id, found.id)
    return correction


def _anchor_to_theirs(correction: Correction) -> _Rows:
    """Have it stand for what the source says now in its place. Returns what else it has held, of `theirs`."""
    first, *others = [each for each in correction.theirs if not each.get("echo")]
    correction.anchor(first["heading"], first["content"], first["content_hash"])
    correction.document_id = UUID(first["document_id"])
    return [each for each in others if each["held"]]


def _follow(correction: Correction, corrected: str, rest: _Rows) -> list[Correction]:
    """Corrections for the rest of what it has held, so that deciding lets nothing answer that was silenced.

    What was off stays off; of a corrected text (`corrected` before it was) the change is made there, too, as far as
    its sentences stand there.
    """
    if not correction.holds:
        return []
    change = () if correction.is_off else find_change(corrected, correction.content or "")
    made = []
    for each in rest:
        text = each["content"]
        for hunk in change:
            told = apply_change([hunk], text) if hunk.old else None
            text = text if told is None else told
        is_off = correction.is_off or not text.strip()
        if not is_off and text == each["content"]:
            continue
        further = Correction(
            source_id=correction.source_id, document_id=UUID(each["document_id"]), is_off=is_off,
            content=None if is_off else text, note=correction.note, author=correction.author,
        )  # fmt: skip
        further.anchor(each["heading"], each["content"], each["content_hash"])
        made.append(further)
    return made


def _keep_without_theirs(correction: Correction) -> None:
    if correction.is_added:
        raise Conflict(
            gettext("Its document is gone. Drop it, or add it to another document."),
            code="document_gone",
        )
    if correction.content is not None and not correction.is_off:
        correction.is_added = True
        correction.anchor(correction.anchor_heading, "", "")
    else:
        correction.stand(CorrectionState.RESTING)


def _clean(correction: Correction, content: str | None, original: str) -> str | None:
    """The text as it is kept; None where it is the source's own."""
    if content is None:
        if correction.is_added:
            raise BadInput(
                gettext("What was added has no other text than yours"), code="chunk_empty"
            )
        return None
    text = content.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not normalise(text):
        raise BadInput(
            gettext("The text is empty: switch the chunk off instead"), code="chunk_empty"
        )
    return None if text == original.strip() and not correction.is_added else text


def _find_home(document_id: UUID | None, source_id: UUID | None) -> Document:
    documents = Document.objects.filter(source__deleted_at__isnull=True).select_related("source")
    if document_id is not None:
        found = list(documents.filter(pk=document_id)[:1])
        if not found:
            raise NotFound(gettext("Document not found"))
    else:
        if not Source.objects.filter(pk__in=[source_id], deleted_at__isnull=True).exists():
            raise NotFound(gettext("Source not found"))
        found = list(documents.filter(source=source_id)[:2])
        if len(found) != 1:
            raise BadInput(
                gettext("The source has more than one document, or none yet: name the document"),
                code="document_needed",
            )
    if found[0].error_code:
        raise Conflict(
            gettext("The document could not be read, or is not for everybody"),
            code="document_unread",
        )
    return found[0]

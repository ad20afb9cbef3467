"""`/v1/documents/{id}/edit`, and bringing a version back."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request

from knowledge.documents.schemas import DocumentSchema
from knowledge.edits.changing import (
    compare_edit,
    find_edit,
    keep_mine,
    read_mine,
    read_theirs,
    restore_version,
    take_theirs,
)
from knowledge.edits.schemas import EditDecision, TextEditDetailSchema
from knowledge.models import Document
from minirag.lib.http_in.answering import Returned
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class EditView(ApiView):
    permission_classes = (HasTenant, permit("documents"))


class DocumentEditDetail(EditView):
    @describe(
        "Show a document's edited text", answers={200: TextEditDetailSchema},
        description="What was written, what the source says now, and how the one is different from the other. 404 "
        "where the text is not edited.",
    )  # fmt: skip
    def get(self, request: Request, document_id: UUID) -> Joined:
        edit = find_edit(document_id)
        return Joined(
            edit,
            content=read_mine(edit),
            source_content=read_theirs(edit),
            comparison=compare_edit(edit),
        )


class DocumentEditDecision(EditView):
    @describe(
        "Decide between an edit and its source", body=EditDecision, answers={200: DocumentSchema, 204: None},
        example={"decision": "keep_mine"}, errors={409: "`not_in_conflict`: there is nothing to decide."},
        description="`keep_mine`: the edit stays, until the source says yet something else. `take_theirs`: the "
        "source's text answers again; a document that its source does not have any more is deleted (204).",
    )  # fmt: skip
    def post(self, request: Request, document_id: UUID, body: EditDecision) -> Returned:
        decide = keep_mine if body.decision == "keep_mine" else take_theirs
        document = decide(document_id)
        return Returned(document) if document is not None else Returned(None, status=204)


class VersionRestoration(EditView):
    @describe(
        "Bring a document's version back", answers={200: DocumentSchema},
        description="Its text answers as soon as a worker has put it in (see `text_edit`), as an edit of the text that "
        "outlasts ingestions. Title, address and metadata stay as they are. Doing so twice changes nothing.",
    )  # fmt: skip
    def post(self, request: Request, document_id: UUID, version_id: UUID) -> Document:
        return restore_version(document_id, version_id)

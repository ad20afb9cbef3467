"""`/v1/documents/{id}/versions`: what a document said before."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request

from knowledge.models import DocumentVersion
from knowledge.versions.finding import compare_version, find_version, read_version, versions_of
from knowledge.versions.schemas import (
    ComparisonQuery,
    DocumentVersionDetailSchema,
    DocumentVersionPageSchema,
)
from minirag.lib.comparing.schemas import ComparisonSchema
from minirag.lib.comparing.texts import Comparison
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, PageQuery, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class VersionView(ApiView):
    permission_classes = (HasTenant, permit("documents"))


class VersionList(VersionView):
    @describe(
        "List a document's versions", query=PageQuery, answers={200: DocumentVersionPageSchema},
        description="What it said before, the newest first. The text that answers now is none of them: it is the "
        "document's `content`.",
    )  # fmt: skip
    def get(self, request: Request, document_id: UUID, query: PageQuery) -> Page[DocumentVersion]:
        found = versions_of(document_id)
        return paginate(found, query, order=("-number", "-id")).counted(found.count())


class VersionDetail(VersionView):
    @describe(
        "Show a document's version", answers={200: DocumentVersionDetailSchema},
        description="With its text, put together as the document's `content` is.",
    )  # fmt: skip
    def get(self, request: Request, document_id: UUID, version_id: UUID) -> Joined:
        version = find_version(document_id, version_id)
        return Joined(version, content=read_version(version))


class VersionComparison(VersionView):
    @describe(
        "Compare a document's version", query=ComparisonQuery, answers={200: ComparisonSchema},
        description="Line by line, and within a line word by word: what became of it in the version `other_id`, or in "
        "what answers now. Of very many changes the first are shown.",
    )  # fmt: skip
    def get(
        self, request: Request, document_id: UUID, version_id: UUID, query: ComparisonQuery
    ) -> Comparison:
        return compare_version(document_id, version_id, query.other_id)

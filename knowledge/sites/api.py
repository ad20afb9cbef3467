"""`/v1/sources/{id}/syncs` and `/v1/sources/{id}/pages`: what was found at each look at a site."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request

from knowledge.models import SitePage, SiteSync
from knowledge.sites.deciding import approve_sync, find_sync, pages_of, reject_sync, syncs_of
from knowledge.sites.schemas import (
    SitePagePageSchema,
    SitePageQuery,
    SiteSyncDetailSchema,
    SiteSyncPageSchema,
    SyncQuery,
)
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit

_NOT_WAITING = (
    "`sync_not_waiting`: it does not wait for approval, or a later look has overtaken it."
)


class SiteView(ApiView):
    permission_classes = (HasTenant, permit("sources"))


class SyncList(SiteView):
    @describe(
        "List a site's syncs", query=SyncQuery, answers={200: SiteSyncPageSchema},
        description="The newest first; the last 50 are kept.",
    )  # fmt: skip
    def get(self, request: Request, source_id: UUID, query: SyncQuery) -> Page[SiteSync]:
        syncs = syncs_of(source_id)
        return paginate(
            syncs.filter(state=query.state) if query.state else syncs,
            query,
            order=("-started_at", "-id"),
        )


class SyncDetail(SiteView):
    @describe(
        "Show a site's sync", answers={200: SiteSyncDetailSchema},
        description="With what is different from the version before, 5,000 pages at most.",
    )  # fmt: skip
    def get(self, request: Request, source_id: UUID, sync_id: UUID) -> SiteSync:
        return find_sync(source_id, sync_id)


class SyncApproval(SiteView):
    @describe(
        "Approve a site's sync", answers={200: SiteSyncDetailSchema}, errors={409: _NOT_WAITING},
        description="Takes over what was found though much is lost: what is missing answers no more as soon as a "
        "worker is done with it.",
    )  # fmt: skip
    def post(self, request: Request, source_id: UUID, sync_id: UUID) -> SiteSync:
        return approve_sync(source_id, sync_id)


class SyncRejection(SiteView):
    @describe(
        "Reject a site's sync", answers={200: SiteSyncDetailSchema}, errors={409: _NOT_WAITING},
        description="Nothing changes, and the next look begins anew.",
    )  # fmt: skip
    def post(self, request: Request, source_id: UUID, sync_id: UUID) -> SiteSync:
        return reject_sync(source_id, sync_id)


class PageList(SiteView):
    @describe(
        "List a site's pages", query=SitePageQuery, answers={200: SitePagePageSchema},
        description="Each with its state and reason, by address: of the sync `sync_id`, or of the last whose pages are "
        "kept. Kept are those of the last `done` one, which answer, and of one that runs or waits.",
    )  # fmt: skip
    def get(self, request: Request, source_id: UUID, query: SitePageQuery) -> Page[SitePage]:
        pages = pages_of(source_id, sync_id=query.sync_id, state=query.state, answers=query.answers)
        return paginate(pages, query, order=("url", "id"))

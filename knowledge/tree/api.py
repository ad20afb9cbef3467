"""`/v1/sources/tree`."""

from __future__ import annotations

from rest_framework.request import Request

from knowledge.tree.levels import Level, open_level
from knowledge.tree.schemas import TreeLevelSchema, TreeQuery
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class SourceTree(ApiView):
    permission_classes = (HasTenant, permit("sources"))

    @describe(
        "Show a level of the tree of sources", query=TreeQuery, answers={200: TreeLevelSchema},
        description="Datasets; in one its sources; in a source its children, folders and documents; in a folder "
        "further ones. Of a failure the reason, of a look that waits the id to approve it by.",
        errors={404: "No such dataset or source."},
    )  # fmt: skip
    def get(self, request: Request, query: TreeQuery) -> Level:
        return open_level(**query.model_dump())

"""`POST /v1/sources/preview`: what a site or a connector would give, before it is a source."""

from __future__ import annotations

from rest_framework.request import Request

from knowledge.previewing.found import Preview
from knowledge.previewing.looking import preview_source
from knowledge.previewing.schemas import NewPreview, SourcePreviewSchema
from knowledge.sources.configs import find_idle
from knowledge.sources.homes import find_home
from minirag.lib.database import PREVIEWS
from minirag.lib.http_in.ignored import note_ignored
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class SourcePreview(ApiView):
    """Foreign servers take their time, so it has threads of its own."""

    permission_classes = (HasTenant, permit("sources"))
    thread_pool = PREVIEWS

    @describe(
        "Preview a source", body=NewPreview, answers={200: SourcePreviewSchema},
        description="Of a site or a connector: looks at its first pages or files as a sync would, at most 20 of them "
        "and about 15 seconds, and keeps nothing: what would be taken, what would not and why, and what all of it may "
        "come to. One at a time in a tenant.",
        errors={
            404: "No such dataset in this tenant.",
            409: "`preview_running`: a source is being previewed for this tenant.",
        },
        example={"bot_profile_id": EXAMPLE_IDS["bot_profile_id"], "config": {"url": "https://help.example/"}},
    )  # fmt: skip
    def post(self, request: Request, body: NewPreview) -> Preview:
        note_ignored(
            request._request,
            (f"config.{name}" for name in find_idle(body.source_type, body.config)),
        )
        home = find_home(body.bot_profile_id, body.dataset_id)
        return preview_source(body.source_type, body.config, home)

"""`/v1/tenants/me/retention`: how long chats are kept, and how many would go."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from conversations.models import ChatRetention
from conversations.models.retention import RetentionAct
from conversations.retention.keeping import count_due, find_retention, set_retention
from conversations.retention.schemas import (
    NewRetention,
    PreviewQuery,
    RetentionPreviewSchema,
    RetentionSchema,
)
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class RetentionView(ApiView):
    permission_classes = (HasTenant, permit("the tenant's settings"))


class RetentionDetail(RetentionView):
    @describe("Show how long chats are kept", answers={200: RetentionSchema})
    def get(self, request: Request) -> dict[str, Any]:
        return _show(find_retention())

    @describe(
        "Set how long chats are kept", body=NewRetention, answers={200: RetentionSchema},
        description="Counted from what was last said. What is too old already goes within minutes: see the preview.",
        example={"days": 365, "act": "anonymise"},
    )  # fmt: skip
    def put(self, request: Request, body: NewRetention) -> dict[str, Any]:
        return _show(set_retention(body.model_dump()))


class RetentionPreview(RetentionView):
    @describe(
        "Preview a retention", query=PreviewQuery, answers={200: RetentionPreviewSchema},
        description="Changes nothing.",
    )  # fmt: skip
    def get(self, request: Request, query: PreviewQuery) -> dict[str, int]:
        return {"days": query.days, "chats": count_due(query.days, query.act)}


def _show(kept: ChatRetention | None) -> dict[str, Any]:
    if kept is None:
        return {"days": None, "act": RetentionAct.DELETE, "takes_golden": False}
    return {"days": kept.days, "act": kept.act, "takes_golden": kept.takes_golden}

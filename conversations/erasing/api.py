"""`/v1/visitors/forget`. One chat is deleted where it is shown."""

from __future__ import annotations

from rest_framework.request import Request

from conversations.erasing.deleting import Forgotten, forget_visitor
from conversations.erasing.schemas import DeletedChatsSchema, VisitorToForget
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class VisitorForgetting(ApiView):
    permission_classes = (HasTenant, permit("chats"))

    @describe(
        "Forget a visitor", body=VisitorToForget, answers={200: DeletedChatsSchema},
        description="Deletes all their chats, by the id that their browser keeps (`visitor_id`) or by your own word "
        "for them (`subject`). What was spent stays counted; what people made of the chats stays unless you say "
        "so, and is counted in `left`.",
        errors={404: "There is no chat of this visitor."},
        example={"visitor_id": "visitor-of-the-example"},
    )  # fmt: skip
    def post(self, request: Request, body: VisitorToForget) -> Forgotten:
        return forget_visitor(
            body.visitor_id,
            body.subject,
            golden=body.golden_questions,
            curated=body.curated_answers,
        )

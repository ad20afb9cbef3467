"""`/v1/canned-answers`: texts that people answer with in the inbox."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request

from conversations.canned.changing import (
    create_canned,
    delete_canned,
    find_canned,
    list_canned,
    update_canned,
)
from conversations.canned.schemas import (
    CannedAnswerChanges,
    CannedAnswerPageSchema,
    CannedAnswerQuery,
    CannedAnswerSchema,
    NewCannedAnswer,
)
from conversations.models import CannedAnswer
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class CannedView(ApiView):
    permission_classes = (HasTenant, permit("canned answers"))


class CannedList(CannedView):
    @describe(
        "List canned answers", query=CannedAnswerQuery, answers={200: CannedAnswerPageSchema},
        description="The newest first; with a bot or a language those that fit it.",
    )  # fmt: skip
    def get(self, request: Request, query: CannedAnswerQuery) -> Page[CannedAnswer]:
        return paginate(list_canned(query.bot_profile_id, query.language), query)

    @describe(
        "Create a canned answer", body=NewCannedAnswer, answers={201: CannedAnswerSchema},
        errors={404: "No such bot.", 409: "There are 500 already (`too_many_canned_answers`)."},
        example={"name": "hours", "text": "Hello {visitor}, we are open from 9 to 17.", "language": "en"},
    )  # fmt: skip
    def post(self, request: Request, body: NewCannedAnswer) -> CannedAnswer:
        return create_canned(body.columns())


class CannedDetail(CannedView):
    @describe("Show a canned answer", answers={200: CannedAnswerSchema})
    def get(self, request: Request, canned_answer_id: UUID) -> CannedAnswer:
        return find_canned(canned_answer_id)

    @describe(
        "Change a canned answer", body=CannedAnswerChanges, answers={200: CannedAnswerSchema},
        example={"text": "We are open from 9 to 18."},
    )  # fmt: skip
    def patch(
        self, request: Request, canned_answer_id: UUID, body: CannedAnswerChanges
    ) -> CannedAnswer:
        return update_canned(find_canned(canned_answer_id), body.columns())

    @describe("Delete a canned answer", answers={204: None})
    def delete(self, request: Request, canned_answer_id: UUID) -> None:
        delete_canned(find_canned(canned_answer_id))

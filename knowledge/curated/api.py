"""`/v1/curated-answers`."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request

from knowledge.curated.changing import (
    create_answer,
    delete_answer,
    filter_answers,
    find_answer,
    update_answer,
)
from knowledge.curated.schemas import (
    CuratedAnswerChanges,
    CuratedAnswerPageSchema,
    CuratedAnswerQuery,
    CuratedAnswerSchema,
    NewCuratedAnswer,
)
from knowledge.models import CuratedAnswer
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit

_TAKEN = {
    409: "A bot has a curated answer to one of the questions (`question_taken`), or there are too many "
    "(`too_many_answers`)."
}


class CuratedAnswerView(ApiView):
    permission_classes = (HasTenant, permit("curated answers"))


class CuratedAnswerList(CuratedAnswerView):
    @describe(
        "List curated answers", query=CuratedAnswerQuery, answers={200: CuratedAnswerPageSchema},
        description="Newest first. `q` looks in titles, answers and questions; `is_live` says whether they answer now.",
    )  # fmt: skip
    def get(self, request: Request, query: CuratedAnswerQuery) -> Page[CuratedAnswer]:
        found = filter_answers(
            bot_profile_id=query.bot_profile_id, text=query.q, is_live=query.is_live
        )
        return paginate(found, query).counted(found.count())

    @describe(
        "Create a curated answer", body=NewCuratedAnswer, answers={201: CuratedAnswerSchema}, errors=_TAKEN,
        description="It wins over the sources with the next question. In other words its questions are recognised as "
        "soon as they are embedded, which takes a moment.",
        example={
            "bot_profile_ids": [EXAMPLE_IDS["bot_profile_id"]], "question": "Is there a car park?",
            "variants": ["Where can I park?"], "answer": "Yes, **behind the house**.",
        },
    )  # fmt: skip
    def post(self, request: Request, body: NewCuratedAnswer) -> CuratedAnswer:
        fields = body.columns()
        fields["owner_id"] = fields.get("owner_id") or request.user.pk
        return create_answer(
            fields, questions=[body.question, *body.variants], bot_profile_ids=body.bot_profile_ids
        )


class CuratedAnswerDetail(CuratedAnswerView):
    @describe("Show a curated answer", answers={200: CuratedAnswerSchema})
    def get(self, request: Request, curated_answer_id: UUID) -> CuratedAnswer:
        return find_answer(curated_answer_id)

    @describe(
        "Change a curated answer", body=CuratedAnswerChanges, answers={200: CuratedAnswerSchema}, errors=_TAKEN,
        description="Only what is sent changes, and counts with the next question.",
        example={"answer": "Yes, **beside the house**."},
    )  # fmt: skip
    def patch(
        self, request: Request, curated_answer_id: UUID, body: CuratedAnswerChanges
    ) -> CuratedAnswer:
        answer, sent = find_answer(curated_answer_id), body.model_fields_set
        questions = None
        if sent & {"question", "variants"}:
            question = body.question if "question" in sent else answer.question
            questions = [question, *(body.variants if "variants" in sent else answer.variants)]
        bots = body.bot_profile_ids if "bot_profile_ids" in sent else None
        return update_answer(answer, body.columns(), questions=questions, bot_profile_ids=bots)

    @describe(
        "Delete a curated answer", answers={204: None},
        description="For good, and at once; what was said with it stays in its chats.",
    )  # fmt: skip
    def delete(self, request: Request, curated_answer_id: UUID) -> None:
        delete_answer(find_answer(curated_answer_id))

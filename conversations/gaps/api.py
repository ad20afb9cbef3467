"""`/v1/gaps`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from conversations.gaps.deciding import answer_gap, dismiss_gap, reopen_gap, suggest_questions
from conversations.gaps.drafting import Draft, draft_for
from conversations.gaps.reading import (
    count_questions,
    find_gap,
    list_closest,
    list_examples,
    list_gaps,
)
from conversations.gaps.schemas import (
    DraftSchema,
    FullGapSchema,
    GapAnswer,
    GapPageSchema,
    GapQuery,
    GapSchema,
)
from conversations.models import Gap
from minirag.lib.database import MODELS
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.authentication import name_caller
from tenants.calls.permissions import HasTenant, permit

LATEST_FIRST = ("-last_asked_at", "-id")


class GapView(ApiView):
    permission_classes = (HasTenant, permit("gaps"))


class GapList(GapView):
    @describe(
        "List gaps", query=GapQuery, answers={200: GapPageSchema},
        description="The last asked first. `week` is any day of the week that they were asked in.",
    )  # fmt: skip
    def get(self, request: Request, query: GapQuery) -> Page[Any]:
        found = list_gaps(
            bot_profile_id=query.bot_profile_id, language=query.language, state=query.state,
            week=query.week,
        )  # fmt: skip
        page = paginate(found, query, order=LATEST_FIRST)
        counted = count_questions(page.items)
        return page.of(lambda gap: Joined(gap, **counted[gap.pk]))


class GapDetail(GapView):
    @describe(
        "Show a gap", answers={200: FullGapSchema},
        description="With its newest questions in the visitors' words, and the passages that came closest.",
    )  # fmt: skip
    def get(self, request: Request, gap_id: UUID) -> Joined:
        gap = find_gap(gap_id)
        examples = list_examples(gap)
        return Joined(
            gap, **count_questions([gap])[gap.pk], examples=examples,
            passages=list_closest(gap, examples), suggested_questions=suggest_questions(gap),
        )  # fmt: skip


class GapDraft(GapView):
    thread_pool = MODELS

    @describe(
        "Draft an answer", answers={200: DraftSchema},
        description="By the bot's model from its sources, metered and not stored. Without a model: the closest "
        "sentences, to start from.",
        errors={
            402: "The budget of the tenant or the bot is spent.",
            409: "`nothing_to_draft`: the sources have nothing.",
            502: "The model provider failed.", 503: "The model provider is down.", 504: "It took too long.",
        },
    )  # fmt: skip
    def post(self, request: Request, gap_id: UUID) -> Draft:
        gap = find_gap(gap_id)
        return draft_for(gap)


class GapAnswering(GapView):
    @describe(
        "Answer a gap", body=GapAnswer, answers={201: GapSchema},
        description="Makes a curated answer and, unless told otherwise, a golden question of it.",
        errors={
            409: "The bot has a curated answer to one of the questions (`question_taken`), or there are too many "
            "(`too_many_answers`)."
        },
        example={"answer": "Yes, **beside the stairs**.", "questions": ["Is there a lift?"]},
    )  # fmt: skip
    def post(self, request: Request, gap_id: UUID, body: GapAnswer) -> Joined:
        gap = find_gap(gap_id)
        fields = body.model_dump(exclude={"questions", "is_golden"})
        fields["owner_id"] = body.owner_id or request.user.pk
        answer_gap(
            gap, fields, questions=body.questions, by=name_caller(request), is_golden=body.is_golden
        )
        return _show(gap)


class GapDismissal(GapView):
    @describe(
        "Dismiss a gap", answers={200: GapSchema},
        description="It stays so, however often it is asked again.",
    )  # fmt: skip
    def post(self, request: Request, gap_id: UUID) -> Joined:
        gap = find_gap(gap_id)
        dismiss_gap(gap, by=name_caller(request))
        return _show(gap)


class GapReopening(GapView):
    @describe("Open a gap again", answers={200: GapSchema})
    def post(self, request: Request, gap_id: UUID) -> Joined:
        gap = find_gap(gap_id)
        reopen_gap(gap, by=name_caller(request))
        return _show(gap)


def _show(gap: Gap) -> Joined:
    return Joined(gap, **count_questions([gap])[gap.pk])

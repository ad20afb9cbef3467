"""`/v1/bot-profiles/{id}/golden-questions` and `/v1/golden-questions`: what a bot is measured by."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext
from rest_framework.request import Request

from bots.profiles import find_bot
from conversations.golden.changing import (
    add_goldens,
    create_from_turn,
    create_golden,
    delete_golden,
    find_asked,
    find_golden,
    update_golden,
)
from conversations.golden.importing import read_golden_file
from conversations.golden.schemas import (
    GoldenFileForm,
    GoldenImportSchema,
    GoldenQuestionChanges,
    GoldenQuestionPageSchema,
    GoldenQuestionQuery,
    GoldenQuestionSchema,
    NewGoldenQuestion,
)
from conversations.models import GoldenQuestion
from knowledge.formats.uploads import read_upload
from minirag.lib.database import UPLOADS
from minirag.lib.errors import BadInput
from minirag.lib.http_in.doors import UPLOAD_DOOR
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.authentication import name_caller
from tenants.calls.permissions import HasTenant, permit

_REFUSED = {
    409: "The bot has this question already (`golden_question_exists`), or too many (`too_many_golden_questions`)."
}


class GoldenView(ApiView):
    permission_classes = (HasTenant, permit("golden questions"))


class GoldenList(GoldenView):
    @describe(
        "List a bot's golden questions", query=GoldenQuestionQuery, answers={200: GoldenQuestionPageSchema},
        description="The newest first.",
    )  # fmt: skip
    def get(
        self, request: Request, bot_profile_id: UUID, query: GoldenQuestionQuery
    ) -> Page[GoldenQuestion]:
        rows = GoldenQuestion.objects.filter(bot_profile=find_bot(bot_profile_id))
        if query.tag:
            rows = rows.tagged(query.tag)
        if query.is_active is not None:
            rows = rows.filter(is_active=query.is_active)
        return paginate(rows, query)

    @describe(
        "Create a golden question", body=NewGoldenQuestion, answers={201: GoldenQuestionSchema}, errors=_REFUSED,
        description="Without facts, sources or `must_decline` it is only to be answered.",
        example={"question": "What does a puncture cost?", "expected_facts": ["12 euros | 12 €"]},
    )  # fmt: skip
    def post(
        self, request: Request, bot_profile_id: UUID, body: NewGoldenQuestion
    ) -> GoldenQuestion:
        bot = find_bot(bot_profile_id)
        return create_golden(bot, body.columns(), made_by=name_caller(request))


class GoldenImport(GoldenView):
    door = UPLOAD_DOOR
    thread_pool = UPLOADS

    @describe(
        "Import golden questions", form=GoldenFileForm, files=("file",), answers={200: GoldenImportSchema},
        description="A file of JSON lines (`.jsonl`), CSV (`.csv`) or YAML (`.yaml`). Good lines are taken, each "
        "other one is named with its reason; a question that the bot has already stays as it is.",
    )  # fmt: skip
    def post(self, request: Request, bot_profile_id: UUID) -> dict[str, Any]:
        bot = find_bot(bot_profile_id)
        upload = read_upload(request._request, GoldenFileForm)
        if upload.data is None:
            raise BadInput(gettext("The file is too large."), code="golden_file_too_large")
        lines = read_golden_file(upload.file_name, upload.data)
        added, refused = add_goldens(
            bot, lines.read, made_by=name_caller(request), file_name=upload.file_name
        )
        return {"added": added, "bad_lines": tell_lines([*lines.bad, *refused])}


class GoldenFromChat(GoldenView):
    @describe(
        "Make a golden question of a turn", body=GoldenQuestionChanges, answers={201: GoldenQuestionSchema},
        errors=_REFUSED, example={"tags": ["from chats"]},
        description="Of a question or its answer. The sources that were cited are expected, what was declined is to "
        "be declined, and what was said before is kept, but for what is sent.",
    )  # fmt: skip
    def post(
        self, request: Request, chat_id: UUID, message_id: UUID, body: GoldenQuestionChanges
    ) -> GoldenQuestion:
        asked = find_asked(chat_id, message_id)
        return create_from_turn(asked, body.columns(), made_by=name_caller(request))


class GoldenDetail(GoldenView):
    @describe("Show a golden question", answers={200: GoldenQuestionSchema})
    def get(self, request: Request, golden_question_id: UUID) -> GoldenQuestion:
        return find_golden(golden_question_id)

    @describe(
        "Change a golden question", body=GoldenQuestionChanges, answers={200: GoldenQuestionSchema}, errors=_REFUSED,
        example={"tags": ["prices"]},
    )  # fmt: skip
    def patch(
        self, request: Request, golden_question_id: UUID, body: GoldenQuestionChanges
    ) -> GoldenQuestion:
        return update_golden(find_golden(golden_question_id), body.columns())

    @describe(
        "Delete a golden question", answers={204: None}, description="The results of runs that asked it stay."
    )  # fmt: skip
    def delete(self, request: Request, golden_question_id: UUID) -> None:
        delete_golden(find_golden(golden_question_id))


def tell_lines(bad: list[tuple[int, str]]) -> list[dict[str, Any]]:
    return [{"number": number, "reason": reason} for number, reason in sorted(bad)]

"""`/v1/bot-profiles/{id}/gate` and `…/draft`: what a change of how a bot answers has to pass."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from bots.drafts.changing import discard_draft, find_draft, find_gate, remove_gate, set_gate
from bots.models import BotProfile, QualityGate
from bots.profiles import find_bot
from bots.schemas import BotProfileSchema
from conversations.evaluating.schemas import EvaluationRunSchema
from conversations.gates.passing import (
    check_live,
    judge_draft,
    list_measures,
    order_draft_run,
    publish,
)
from conversations.gates.schemas import (
    BotDraftSchema,
    DraftPublication,
    DraftRun,
    NewQualityGate,
    QualityGateSchema,
)
from conversations.models import EvaluationRun
from conversations.tasks import queue_run
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.authentication import name_caller
from tenants.calls.permissions import HasTenant, permit


class GateView(ApiView):
    permission_classes = (HasTenant, permit("bots"))


class GateDetail(GateView):
    @describe("Show a bot's gate", answers={200: QualityGateSchema})
    def get(self, request: Request, bot_profile_id: UUID) -> Joined:
        return show_gate(find_gate(find_bot(bot_profile_id)))

    @describe(
        "Give a bot a gate", body=NewQualityGate, answers={200: QualityGateSchema},
        description="From now on a change of how the bot answers is a draft until its golden questions pass. Replaces "
        "the gate that it has.",
        example={"least_right": 0.9, "least_declined_right": 0.9},
    )  # fmt: skip
    def put(self, request: Request, bot_profile_id: UUID, body: NewQualityGate) -> Joined:
        return show_gate(set_gate(find_bot(bot_profile_id), body.model_dump()))

    @describe(
        "Remove a bot's gate", answers={204: None}, description="A draft stays until it is published or discarded."
    )  # fmt: skip
    def delete(self, request: Request, bot_profile_id: UUID) -> None:
        remove_gate(find_bot(bot_profile_id))


class DraftDetail(GateView):
    @describe("Show a bot's draft", answers={200: BotDraftSchema})
    def get(self, request: Request, bot_profile_id: UUID) -> dict[str, Any]:
        return show_draft(find_bot(bot_profile_id))

    @describe("Discard a bot's draft", answers={204: None})
    def delete(self, request: Request, bot_profile_id: UUID) -> None:
        discard_draft(find_bot(bot_profile_id))


class DraftRuns(GateView):
    @describe(
        "Measure a bot's draft", body=DraftRun, answers={202: EvaluationRunSchema}, example={},
        description="Orders a run of all active golden questions by the draft's configuration.",
        errors={409: "5 runs of this bot are waiting or running already (`too_many_runs`)."},
    )  # fmt: skip
    def post(self, request: Request, bot_profile_id: UUID, body: DraftRun) -> EvaluationRun:
        email = name_caller(request)
        bot = find_bot(bot_profile_id)
        run = order_draft_run(bot, made_by=email, judge_model=body.judge_model)
        queue_run(run)
        return run


class DraftPublish(GateView):
    @describe(
        "Publish a bot's draft", body=DraftPublication, answers={200: BotProfileSchema},
        errors={409: "The gate is not passed, and no reason is given (`gate_not_passed`)."},
        example={"reason": "The old prompt named a product that is not sold any more."},
    )  # fmt: skip
    def post(self, request: Request, bot_profile_id: UUID, body: DraftPublication) -> BotProfile:
        return publish(find_bot(bot_profile_id), body.reason)


def show_gate(gate: QualityGate) -> Joined:
    live = check_live(gate.bot_profile)
    return Joined(gate, run_id=live.run.pk if live.run else None, changed=list(live.changed))


def show_draft(bot: BotProfile) -> dict[str, Any]:
    draft, passing = find_draft(bot), judge_draft(bot)
    return {
        "bot_profile_id": bot.pk, "changes": draft.changes,
        "run_id": passing.run.pk if passing.run else None,
        "baseline_id": passing.baseline.pk if passing.baseline else None,
        "is_passed": passing.is_passed, "failures": [vars(each) for each in passing.failures],
        "measures": list_measures(QualityGate.objects.filter(bot_profile_id=bot.pk).first(), passing),
        "changed": list(passing.changed), "made_by": draft.made_by,
        "created_at": draft.created_at, "updated_at": draft.updated_at,
    }  # fmt: skip

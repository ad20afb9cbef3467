"""`/v1/bot-profiles/{id}/evaluation-runs` and `/v1/evaluation-runs`: measuring a bot by its golden questions."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request

from bots.profiles import find_bot
from conversations.evaluating.comparing import Comparison, compare_runs
from conversations.evaluating.running import (
    delete_run,
    find_run,
    order_run,
    retry_run,
    stop_run,
)
from conversations.evaluating.schemas import (
    ComparisonQuery,
    ComparisonSchema,
    EvaluationResultPageSchema,
    EvaluationResultQuery,
    EvaluationRunPageSchema,
    EvaluationRunQuery,
    EvaluationRunSchema,
    NewEvaluationRun,
)
from conversations.models import EvaluationResult, EvaluationRun
from conversations.tasks import queue_run
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import OLDEST_FIRST, Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.authentication import name_caller
from tenants.calls.permissions import HasTenant, permit


class RunView(ApiView):
    permission_classes = (HasTenant, permit("evaluation runs"))


class RunList(RunView):
    @describe(
        "List a bot's evaluation runs", query=EvaluationRunQuery, answers={200: EvaluationRunPageSchema},
        description="The newest first.",
    )  # fmt: skip
    def get(
        self, request: Request, bot_profile_id: UUID, query: EvaluationRunQuery
    ) -> Page[EvaluationRun]:
        runs = EvaluationRun.objects.filter(bot_profile=find_bot(bot_profile_id))
        return paginate(runs.filter(status=query.status) if query.status else runs, query)

    @describe(
        "Order an evaluation run", body=NewEvaluationRun, answers={202: EvaluationRunSchema}, example={},
        description="A worker asks the bot's active golden questions. Each counts against quotas as a question does, "
        "and what its calls cost is metered as `evaluation`.",
        errors={409: "5 runs of this bot are waiting or running already (`too_many_runs`)."},
    )  # fmt: skip
    def post(self, request: Request, bot_profile_id: UUID, body: NewEvaluationRun) -> EvaluationRun:
        email = name_caller(request)
        bot = find_bot(bot_profile_id)
        run = order_run(bot, made_by=email, tag=body.tag, judge_model=body.judge_model)
        queue_run(run)
        return run


class RunDetail(RunView):
    @describe("Show an evaluation run", answers={200: EvaluationRunSchema})
    def get(self, request: Request, evaluation_run_id: UUID) -> EvaluationRun:
        return find_run(evaluation_run_id)

    @describe(
        "Delete an evaluation run", answers={204: None}, description="With its results; one that is running stops."
    )  # fmt: skip
    def delete(self, request: Request, evaluation_run_id: UUID) -> None:
        delete_run(evaluation_run_id)


class RunResults(RunView):
    @describe(
        "List the results of an evaluation run", query=EvaluationResultQuery,
        answers={200: EvaluationResultPageSchema}, description="In the order they were asked in.",
    )  # fmt: skip
    def get(
        self, request: Request, evaluation_run_id: UUID, query: EvaluationResultQuery
    ) -> Page[EvaluationResult]:
        results = EvaluationResult.objects.filter(run=find_run(evaluation_run_id))
        if query.is_right is not None:
            results = results.filter(is_right=query.is_right)
        return paginate(results, query, order=OLDEST_FIRST)


class RunCancel(RunView):
    @describe(
        "Cancel an evaluation run", answers={200: EvaluationRunSchema}, errors={409: "The run is over (`run_over`)."},
        description="What was measured stays.",
    )  # fmt: skip
    def post(self, request: Request, evaluation_run_id: UUID) -> EvaluationRun:
        return stop_run(evaluation_run_id)


class RunRetry(RunView):
    @describe(
        "Go on with an evaluation run", answers={202: EvaluationRunSchema},
        errors={
            409: "The run has neither failed nor been cancelled (`run_not_failed`), or 5 runs of this bot are waiting "
            "or running already (`too_many_runs`)."
        },
    )  # fmt: skip
    def post(self, request: Request, evaluation_run_id: UUID) -> EvaluationRun:
        run = retry_run(evaluation_run_id)
        queue_run(run)
        return run


class RunComparison(RunView):
    @describe(
        "Compare two evaluation runs", query=ComparisonQuery, answers={200: ComparisonSchema},
        description="Of one bot: the run that the query names, and this one.",
    )  # fmt: skip
    def get(self, request: Request, evaluation_run_id: UUID, query: ComparisonQuery) -> Comparison:
        return compare_runs(find_run(query.before), find_run(evaluation_run_id))

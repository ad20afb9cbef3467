"""`/v1/stats`: usage, cost, feedback, refusals and latency of the tenant, for everybody in it."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from bots.usage.pricing import DEFAULT_ID, MILLION, list_prices, remove_override, set_override
from bots.usage.spending import window_of
from conversations.statistics import figures as stats
from conversations.statistics.schemas import (
    AnswersQuery,
    CostEstimateSchema,
    FeedbackOfDaySchema,
    FeedbackStatsSchema,
    LatencySchema,
    MonthQuery,
    NewPrice,
    OverviewSchema,
    OwnPriceSchema,
    PriceQuery,
    PricingSchema,
    RefusalsSchema,
    UsageOfBotSchema,
    UsageOfDaySchema,
    UsageOfModelSchema,
    UsageQuery,
)
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class StatsView(ApiView):
    permission_classes = (HasTenant, permit("statistics"))


class Overview(StatsView):
    @describe("Count everything", answers={200: OverviewSchema})
    def get(self, request: Request) -> Any:
        return stats.describe_overview()


class Usage(StatsView):
    @describe("Show usage by day", query=UsageQuery, answers={200: list[UsageOfDaySchema]})
    def get(self, request: Request, query: UsageQuery) -> Any:
        return stats.list_usage(window_of(query.days), query.kinds)


class UsageByBot(StatsView):
    @describe("Show usage by bot", query=UsageQuery, answers={200: list[UsageOfBotSchema]})
    def get(self, request: Request, query: UsageQuery) -> Any:
        return stats.list_usage_by_bot(window_of(query.days), query.kinds)


class UsageByModel(StatsView):
    @describe("Show usage by model", query=UsageQuery, answers={200: list[UsageOfModelSchema]})
    def get(self, request: Request, query: UsageQuery) -> Any:
        return stats.list_usage_by_model(window_of(query.days), query.kinds)


class CostEstimate(StatsView):
    @describe("Estimate the cost", query=MonthQuery, answers={200: CostEstimateSchema})
    def get(self, request: Request, query: MonthQuery) -> Any:
        return stats.estimate_cost(window_of(query.days))


class FeedbackStats(StatsView):
    @describe("Show feedback", query=AnswersQuery, answers={200: FeedbackStatsSchema})
    def get(self, request: Request, query: AnswersQuery) -> Any:
        return stats.describe_feedback(window_of(query.days), query.bot_profile_id)


class FeedbackTrend(StatsView):
    @describe("Show feedback by day", query=AnswersQuery, answers={200: list[FeedbackOfDaySchema]})
    def get(self, request: Request, query: AnswersQuery) -> Any:
        return stats.list_feedback_trend(window_of(query.days), query.bot_profile_id)


class Latency(StatsView):
    @describe("Show latency percentiles", query=AnswersQuery, answers={200: LatencySchema})
    def get(self, request: Request, query: AnswersQuery) -> Any:
        return stats.describe_latency(window_of(query.days), query.bot_profile_id)


class Refusals(StatsView):
    @describe("Show refusals by reason and day", query=AnswersQuery, answers={200: RefusalsSchema})
    def get(self, request: Request, query: AnswersQuery) -> Any:
        return stats.describe_refusals(window_of(query.days), query.bot_profile_id)


class Pricing(StatsView):
    """Prices that this tenant's calls are recorded at from now on."""

    @describe("List prices", answers={200: PricingSchema})
    def get(self, request: Request) -> Any:
        prices = list_prices()
        default = prices.pop(DEFAULT_ID)
        return {"models": prices, "default": default}

    @describe(
        "Set a price of one's own",
        body=NewPrice,
        answers={200: OwnPriceSchema},
        example={
            "model": "openai/my-model",
            "prompt_cost_per_1m": 0.5,
            "completion_cost_per_1m": 1.5,
        },
    )
    def put(self, request: Request, body: NewPrice) -> Any:
        prompt, completion = body.prompt_cost_per_1m, body.completion_cost_per_1m
        set_override(body.model, prompt_cost_per_1m=prompt, completion_cost_per_1m=completion)
        return {
            "model": body.model,
            "prompt": prompt / MILLION,
            "completion": completion / MILLION,
        }

    @describe(
        "Go back to the list price",
        query=PriceQuery,
        answers={204: None},
        errors={404: "The tenant has no price of its own for this model."},
    )
    def delete(self, request: Request, query: PriceQuery) -> None:
        remove_override(query.model)

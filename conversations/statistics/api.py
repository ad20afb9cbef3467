"""`/v1/stats`: usage, cost, feedback, refusals and latency of the tenant, for everybody in it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from pydantic import BeforeValidator, Field
from rest_framework.request import Request
from rest_framework.response import Response

from bots.models import UsageKind
from bots.usage.pricing import DEFAULT_ID, list_prices, remove_override, set_override
from bots.usage.spending import window_of
from conversations.statistics import figures as stats
from conversations.statistics.replies import (
    CostEstimateReply,
    FeedbackOfDayReply,
    FeedbackStatsReply,
    LatencyReply,
    OverviewReply,
    OwnPriceReply,
    PricingReply,
    RefusalsReply,
    UsageOfBotReply,
    UsageOfDayReply,
    UsageOfModelReply,
)
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView, Body, no_content, read_body, read_query
from tenants.audit import record
from tenants.permissions import HasTenant, permit

MANY_DAYS = 1_000_000
_ENDLESS = re.compile(r"\s*([+-]?)\d{8,}\s*")


def _bound_days(value: Any) -> Any:
    """Read a number with any count of digits as a bound one: no window is longer than all there is."""
    match = _ENDLESS.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    return value if match is None else -1 if match[1] == "-" else MANY_DAYS


Days = Annotated[int, BeforeValidator(_bound_days)]
Dollars = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=6)]
ModelId = Annotated[str, Field(min_length=1, max_length=100)]


class UsageQuery(Body):
    """`days` back from today in the tenant's time zone, today included; nothing for all there is."""

    days: Days | None = None
    kind: Literal["all", "chat", "embedding", "rewrite", "rerank"] = "chat"

    @property
    def kinds(self) -> tuple[UsageKind, ...]:
        return stats.ALL_KINDS if self.kind == "all" else (UsageKind(self.kind),)


class MonthQuery(Body):
    days: Days = 30


class AnswersQuery(MonthQuery):
    bot_profile_id: UUID | None = None


class NewPrice(Body):
    model: ModelId
    prompt_cost_per_1m: Dollars
    completion_cost_per_1m: Dollars = Decimal(0)


class PriceQuery(Body):
    model: ModelId


class StatsView(ApiView):
    permission_classes = (HasTenant, permit("statistics"))


class Overview(StatsView):
    @describe("Count everything", answers={200: OverviewReply})
    def get(self, request: Request) -> Response:
        return Response(stats.describe_overview())


class Usage(StatsView):
    @describe("Show usage by day", query=UsageQuery, answers={200: list[UsageOfDayReply]})
    def get(self, request: Request) -> Response:
        query = read_query(UsageQuery, request)
        return Response(stats.list_usage(window_of(query.days), query.kinds))


class UsageByBot(StatsView):
    @describe("Show usage by bot", query=UsageQuery, answers={200: list[UsageOfBotReply]})
    def get(self, request: Request) -> Response:
        query = read_query(UsageQuery, request)
        return Response(stats.list_usage_by_bot(window_of(query.days), query.kinds))


class UsageByModel(StatsView):
    @describe("Show usage by model", query=UsageQuery, answers={200: list[UsageOfModelReply]})
    def get(self, request: Request) -> Response:
        query = read_query(UsageQuery, request)
        return Response(stats.list_usage_by_model(window_of(query.days), query.kinds))


class CostEstimate(StatsView):
    @describe("Estimate the cost", query=MonthQuery, answers={200: CostEstimateReply})
    def get(self, request: Request) -> Response:
        return Response(stats.estimate_cost(window_of(read_query(MonthQuery, request).days)))


class FeedbackStats(StatsView):
    @describe("Show feedback", query=AnswersQuery, answers={200: FeedbackStatsReply})
    def get(self, request: Request) -> Response:
        query = read_query(AnswersQuery, request)
        return Response(stats.describe_feedback(window_of(query.days), query.bot_profile_id))


class FeedbackTrend(StatsView):
    @describe("Show feedback by day", query=AnswersQuery, answers={200: list[FeedbackOfDayReply]})
    def get(self, request: Request) -> Response:
        query = read_query(AnswersQuery, request)
        return Response(stats.list_feedback_trend(window_of(query.days), query.bot_profile_id))


class Latency(StatsView):
    @describe("Show latency percentiles", query=AnswersQuery, answers={200: LatencyReply})
    def get(self, request: Request) -> Response:
        query = read_query(AnswersQuery, request)
        return Response(stats.describe_latency(window_of(query.days), query.bot_profile_id))


class Refusals(StatsView):
    @describe("Show refusals by reason and day", query=AnswersQuery, answers={200: RefusalsReply})
    def get(self, request: Request) -> Response:
        query = read_query(AnswersQuery, request)
        return Response(stats.describe_refusals(window_of(query.days), query.bot_profile_id))


class Pricing(StatsView):
    """Prices that this tenant's calls are recorded at from now on."""

    @describe("List prices", answers={200: PricingReply})
    def get(self, request: Request) -> Response:
        prices = {model: stats.render_prices(each) for model, each in list_prices().items()}
        default = prices.pop(DEFAULT_ID)
        return Response({"models": prices, "default": default})

    @describe(
        "Set a price of one's own",
        body=NewPrice,
        answers={200: OwnPriceReply},
        example={
            "model": "openai/my-model",
            "prompt_cost_per_1m": 0.5,
            "completion_cost_per_1m": 1.5,
        },
    )
    def put(self, request: Request) -> Response:
        body = read_body(NewPrice, request)
        prices = {
            "prompt_cost_per_1m": body.prompt_cost_per_1m,
            "completion_cost_per_1m": body.completion_cost_per_1m,
        }
        with transaction.atomic():
            set_override(body.model, **prices)
            facts = {name: str(price) for name, price in prices.items()}
            record("price.changed", request=request, detail={"model": body.model, **facts})
        return Response(
            {"model": body.model, **{name: float(price) for name, price in prices.items()}}
        )

    @describe(
        "Go back to the list price",
        query=PriceQuery,
        answers={204: None},
        errors={404: "The tenant has no price of its own for this model."},
    )
    def delete(self, request: Request) -> HttpResponse:
        model = read_query(PriceQuery, request).model
        with transaction.atomic():
            remove_override(model)
            record("price.removed", request=request, detail={"model": model})
        return no_content()

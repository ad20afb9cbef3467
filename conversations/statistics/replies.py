"""What the statistics answer, for the API's description."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from bots.models import UsageKind
from minirag.lib.http_in.openapi import Reply

Day = Annotated[date, Field(description="In the tenant's time zone.", examples=["2026-11-20"])]
Count = Annotated[int, Field(ge=0)]
Usd = Annotated[float, Field(ge=0, description="US dollars, six decimals.", examples=[0.004512])]
Percent = Annotated[float, Field(ge=0, le=100, examples=[66.67])]
Milliseconds = Annotated[
    int | None, Field(description="Null where nothing was measured.", examples=[850])
]
ModelName = Annotated[str, Field(examples=["gpt-4o-mini"])]
BotName = Annotated[str, Field(examples=["Support"])]


class OverviewReply(Reply):
    bot_profiles: Count
    sources: Count
    chats: Count
    total_prompt_tokens: Count
    total_completion_tokens: Count
    total_tokens: Count


class PriceReply(Reply):
    """US dollars per million tokens."""

    prompt_cost_per_1m: Annotated[float, Field(examples=[0.15])]
    completion_cost_per_1m: Annotated[float, Field(examples=[0.6])]


class OwnPriceReply(PriceReply):
    model: ModelName


class PricingReply(Reply):
    models: dict[str, PriceReply]
    default: PriceReply


class _TokensReply(Reply):
    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count
    request_count: Count


class UsageOfDayReply(_TokensReply):
    date: Day
    model: ModelName


class UsageOfBotReply(_TokensReply):
    bot_profile_id: UUID
    bot_name: BotName
    model: ModelName
    cost_usd: Usd


class UsageOfModelReply(_TokensReply, PriceReply):
    model: ModelName
    cost_usd: Usd


class UsageOfKindReply(_TokensReply):
    kind: UsageKind
    cost_usd: Usd


class ProjectionReply(Reply):
    total_cost_usd: Usd
    daily_avg_cost_usd: Annotated[Usd, Field(description="Per day that has calls.")]
    projected_monthly_usd: Annotated[
        float, Field(description="Thirty such days, two decimals.", examples=[1.35])
    ]
    active_days: Count


class CostEstimateReply(ProjectionReply):
    by_model: list[UsageOfModelReply]
    by_bot: list[UsageOfBotReply]
    all_kinds: ProjectionReply
    by_kind: list[UsageOfKindReply]


class _OpinionsReply(Reply):
    positive_count: Count
    negative_count: Count
    total_messages: Count


class FeedbackOfBotReply(_OpinionsReply):
    bot_profile_id: UUID
    bot_name: BotName
    feedback_rate: Percent


class FeedbackStatsReply(_OpinionsReply):
    total_with_feedback: Count
    feedback_rate: Percent
    by_bot: list[FeedbackOfBotReply]


class FeedbackOfDayReply(_OpinionsReply):
    date: Day


class PercentilesReply(Reply):
    count: Count
    p50: Milliseconds
    p90: Milliseconds
    p95: Milliseconds
    p99: Milliseconds


class _TimesReply(Reply):
    time_to_first_token_ms: PercentilesReply
    duration_ms: PercentilesReply


class LatencyOfBotReply(_TimesReply):
    bot_profile_id: UUID
    bot_name: BotName


class LatencyOfModelReply(_TimesReply):
    model: ModelName


class LatencyReply(_TimesReply):
    error_limit_percent: Annotated[float, Field(examples=[2.5])]
    by_bot: list[LatencyOfBotReply]
    by_model: list[LatencyOfModelReply]


class _RefusedReply(Reply):
    total_messages: Count
    refused_count: Count
    refusal_rate: Percent


class RefusalsOfReasonReply(Reply):
    reason: Annotated[str, Field(examples=["low_confidence"])]
    refused_count: Count
    share: Annotated[Percent, Field(description="Of all refusals.")]


class RefusalsOfDayReply(_RefusedReply):
    date: Day


class RefusalsReply(_RefusedReply):
    by_reason: list[RefusalsOfReasonReply]
    by_day: list[RefusalsOfDayReply]

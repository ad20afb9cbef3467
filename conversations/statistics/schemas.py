"""Statistics on the wire: what is asked for and what is answered."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from bots.models import PriceOverride, UsageKind
from bots.usage.pricing import MILLION
from conversations.statistics.figures import ALL_KINDS
from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.nouns import Noun
from minirag.lib.http_in.rest import Body

Day = Annotated[date, Field(description="In the tenant's time zone.", examples=["2026-11-20"])]
Count = Annotated[int, Field(ge=0)]
Usd = Annotated[
    float,
    Field(ge=0, description="US dollars, six decimals.", examples=[0.004512]),
    BeforeValidator(lambda amount: float(round(amount, 6))),
]
PerMillion = BeforeValidator(lambda price: float(price * MILLION))
Percent = Annotated[float, Field(ge=0, le=100, examples=[66.67])]
Milliseconds = Annotated[
    int | None, Field(description="Null where nothing was measured.", examples=[850])
]
ModelName = Annotated[str, Field(examples=["gpt-4o-mini"])]
BotName = Annotated[str, Field(examples=["Support"])]


class OverviewSchema(Noun):
    bot_profiles: Count
    sources: Count
    chats: Count
    total_prompt_tokens: Count
    total_completion_tokens: Count
    total_tokens: Count


class PriceSchema(Noun):
    """US dollars per million tokens."""

    prompt_cost_per_1m: Annotated[
        float, PerMillion, Field(validation_alias="prompt", examples=[0.15])
    ]
    completion_cost_per_1m: Annotated[
        float, PerMillion, Field(validation_alias="completion", examples=[0.6])
    ]


# What a row is of stands first on the wire, and so last among its bases.
class _OfModel(Noun):
    model: ModelName


class _OfBot(Noun):
    bot_profile_id: UUID
    bot_name: BotName


class _OfDay(Noun):
    date: Annotated[Day, Field(validation_alias="day")]


class OwnPriceSchema(PriceSchema, _OfModel):
    pass


class PricingSchema(Noun):
    models: dict[str, PriceSchema]
    default: PriceSchema


class _TokensSchema(Noun):
    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count
    request_count: Count


class UsageOfDaySchema(_TokensSchema, _OfModel, _OfDay):
    pass


class UsageOfBotSchema(_TokensSchema, _OfModel, _OfBot):
    cost_usd: Usd


class _UsageOfModel(_TokensSchema, _OfModel):
    cost_usd: Usd


class UsageOfModelSchema(PriceSchema, _UsageOfModel):
    pass


class _OfKind(Noun):
    kind: UsageKind


class UsageOfKindSchema(_TokensSchema, _OfKind):
    cost_usd: Usd


class ProjectionSchema(Noun):
    total_cost_usd: Usd
    daily_avg_cost_usd: Annotated[Usd, Field(description="Per day that has calls.")]
    projected_monthly_usd: Annotated[
        float, Field(description="Thirty such days, two decimals.", examples=[1.35])
    ]
    active_days: Count


class CostEstimateSchema(ProjectionSchema):
    by_model: list[UsageOfModelSchema]
    by_bot: list[UsageOfBotSchema]
    all_kinds: ProjectionSchema
    by_kind: list[UsageOfKindSchema]


class _OpinionsSchema(Noun):
    positive_count: Count
    negative_count: Count
    total_messages: Count


class FeedbackOfBotSchema(_OpinionsSchema, _OfBot):
    feedback_rate: Percent


class FeedbackStatsSchema(Noun):
    total_messages: Count
    total_with_feedback: Count
    positive_count: Count
    negative_count: Count
    feedback_rate: Percent
    by_bot: list[FeedbackOfBotSchema]


class FeedbackOfDaySchema(_OpinionsSchema, _OfDay):
    pass


class PercentilesSchema(Noun):
    count: Count
    p50: Milliseconds
    p90: Milliseconds
    p95: Milliseconds
    p99: Milliseconds


class _TimesSchema(Noun):
    time_to_first_token_ms: PercentilesSchema
    duration_ms: PercentilesSchema


class LatencyOfBotSchema(_TimesSchema, _OfBot):
    pass


class LatencyOfModelSchema(_TimesSchema, _OfModel):
    pass


class _LimitSchema(Noun):
    error_limit_percent: Annotated[float, Field(examples=[2.5])]


class LatencySchema(_TimesSchema, _LimitSchema):
    by_bot: list[LatencyOfBotSchema]
    by_model: list[LatencyOfModelSchema]


class _RefusedSchema(Noun):
    total_messages: Annotated[Count, Field(description="Answers and refusals.")]
    refused_count: Count
    refusal_rate: Percent
    asked_back_count: Annotated[
        Count,
        Field(description="Vague questions that were asked back: neither answers nor refusals."),
    ]


class RefusalsOfReasonSchema(Noun):
    reason: Annotated[str, Field(examples=["low_confidence"])]
    refused_count: Count
    share: Annotated[Percent, Field(description="Of all refusals.")]


class RefusalsOfDaySchema(_RefusedSchema, _OfDay):
    pass


class RefusalsSchema(_RefusedSchema):
    curated_count: Annotated[Count, Field(description="Curated answers that were given.")]
    by_reason: list[RefusalsOfReasonSchema]
    by_day: list[RefusalsOfDaySchema]


MANY_DAYS = 1_000_000
_ENDLESS = re.compile(r"\s*([+-]?)\d{8,}\s*")


def _bound_days(value: Any) -> Any:
    """Read a number with any count of digits as a bound one: no window is longer than all there is."""
    match = _ENDLESS.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    return value if match is None else -1 if match[1] == "-" else MANY_DAYS


Days = Annotated[int, BeforeValidator(_bound_days)]


class UsageQuery(Body):
    """`days` back from today in the tenant's time zone, today included; nothing for all there is."""

    days: Days | None = None
    kind: Literal["all", "chat", "embedding", "rewrite", "rerank"] = "chat"

    @property
    def kinds(self) -> tuple[UsageKind, ...]:
        return ALL_KINDS if self.kind == "all" else (UsageKind(self.kind),)


class MonthQuery(Body):
    days: Days = 30


class AnswersQuery(MonthQuery):
    bot_profile_id: UUID | None = None


class NewPrice(Noun, of=PriceOverride, reads="new"):
    model: Annotated[str, Field(min_length=1)]
    prompt_cost_per_1m: Decimal
    completion_cost_per_1m: Decimal = Decimal(0)


class PriceQuery(Body):
    model: Annotated[str, Field(min_length=1), AsColumn(PriceOverride, "model")]

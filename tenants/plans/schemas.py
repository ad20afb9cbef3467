"""Plans on the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from minirag.lib.http_in.nouns import Fixed, Moment, Noun, Shown
from minirag.lib.http_in.pagination import PagedSchema
from tenants.plans.models import Feature, Plan

Money = Annotated[
    float | None,
    BeforeValidator(lambda value: float(value) if isinstance(value, Decimal) else value),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "null"}]}),
]


class PlanSchema(Noun, of=Plan):
    key: Fixed[Annotated[str, Field(pattern=r"^[a-z0-9-]+$", min_length=1, examples=["pro"])]]
    name: Annotated[str, Field(examples=["Pro"])]
    description: str
    features: Annotated[list[Feature], Field(description="What it has; left out: everything.")]
    most_bots: Annotated[int | None, Field(description="None is no bound, here and below.")]
    most_people: int | None
    most_sources: int | None
    messages_per_month: int | None
    tokens_per_month: int | None
    cost_usd_per_month: Money
    stored_bytes: int | None
    created_at: Shown[Moment]
    updated_at: Shown[Moment]


class PlanPageSchema(PagedSchema[PlanSchema]):
    """Plans."""


class NewPlan(PlanSchema, reads="new"):
    key: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    cost_usd_per_month: Annotated[Decimal | None, Field(allow_inf_nan=False)] = None  # type: ignore[assignment]


class PlanChanges(PlanSchema, reads="changes"):
    """Only what is sent changes."""

    name: Annotated[str, Field(min_length=1)]
    cost_usd_per_month: Annotated[Decimal | None, Field(allow_inf_nan=False)] = None  # type: ignore[assignment]

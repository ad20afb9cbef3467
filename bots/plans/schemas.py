"""A tenant's plan on the wire, with what is used of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bots.quotas.schemas import Amount
from minirag.lib.http_in.nouns import Noun


class PlanFeatureSchema(Noun):
    name: Annotated[str, Field(examples=["sites"])]
    label: str
    included: bool


class PlanUseSchema(Noun):
    name: Annotated[str, Field(examples=["bots"])]
    label: str
    limit: Annotated[Amount | None, Field(description="None is no bound.")]
    used: Amount


class OwnPlanSchema(Noun):
    key: Annotated[str, Field(examples=["free"])]
    name: str
    description: str
    features: list[PlanFeatureSchema]
    held: Annotated[
        list[PlanUseSchema], Field(description="By number, and by month or altogether.")
    ]

"""Quotas on the wire, with what is used of each."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema

from bots.quotas.counting import plain_number
from bots.quotas.models import Quota, QuotaPeriod, QuotaResource, QuotaSubject
from minirag.lib.http_in.nouns import Fixed, Moment, Noun, Shown
from minirag.lib.http_in.pagination import PagedSchema, PageQuery

Amount = Annotated[
    int | float,
    BeforeValidator(plain_number),
    WithJsonSchema({"type": "number", "examples": [10_000]}),
]


class QuotaSchema(Noun, of=Quota):
    id: Shown[UUID]
    subject: Fixed[QuotaSubject]
    subject_id: Fixed[UUID | None]
    resource: Fixed[QuotaResource]
    period: Fixed[QuotaPeriod]
    limit: Amount
    warning_percent: Annotated[int, Field(examples=[80])]
    is_platform: Shown[
        Annotated[bool, Field(description="Set by the operator of the installation.")]
    ]
    used: Shown[Amount]
    remaining: Shown[Amount]
    resets_at: Shown[
        Annotated[
            Moment | None,
            Field(description="None where the period is total."),
        ]
    ]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]


class QuotaPageSchema(PagedSchema[QuotaSchema]):
    """Quotas."""


class NewQuota(QuotaSchema, reads="new"):
    limit: Annotated[Decimal, Field(allow_inf_nan=False)]  # type: ignore[assignment]


class QuotaChanges(QuotaSchema, reads="changes"):
    """Only what is sent changes."""

    limit: Annotated[Decimal, Field(allow_inf_nan=False)]  # type: ignore[assignment]


class QuotaQuery(PageQuery):
    subject: QuotaSubject | None = None
    subject_id: UUID | None = None
    resource: QuotaResource | None = None

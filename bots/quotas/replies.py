"""What the quota endpoints answer, for the API's description."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from bots.quotas.models import QuotaPeriod, QuotaResource, QuotaSubject
from minirag.lib.http_in.openapi import Moment, Reply


class QuotaReply(Reply):
    id: UUID
    subject: QuotaSubject
    subject_id: UUID | None
    resource: QuotaResource
    period: QuotaPeriod
    limit: Annotated[float, Field(examples=[10_000])]
    warning_percent: Annotated[int, Field(examples=[80])]
    is_platform: Annotated[bool, Field(description="Set by the operator of the installation.")]
    used: Annotated[float, Field(examples=[8123])]
    remaining: Annotated[float, Field(examples=[1877])]
    resets_at: Annotated[Moment | None, Field(description="None where the period is total.")]
    created_at: Moment
    updated_at: Moment


class QuotaPageReply(Reply):
    items: list[QuotaReply]
    next_cursor: str | None

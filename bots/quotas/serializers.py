"""What the quota endpoints read and write."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from bots.quotas.counting import Standing, plain_number
from bots.quotas.models import Quota, QuotaPeriod, QuotaResource, QuotaSubject
from minirag.lib.http_in.pagination import PageQuery
from minirag.lib.http_in.rest import Body, naive_utc

Limit = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6, allow_inf_nan=False)]
Percent = Annotated[int, Field(ge=1, le=100)]


class NewQuota(Body):
    subject: QuotaSubject = QuotaSubject.TENANT
    subject_id: UUID | None = None
    resource: QuotaResource
    period: QuotaPeriod = QuotaPeriod.MONTH
    limit: Limit
    warning_percent: Percent = 80


class QuotaChanges(Body):
    limit: Limit = Decimal(0)
    warning_percent: Percent = 80


class QuotaQuery(PageQuery):
    subject: QuotaSubject | None = None
    subject_id: UUID | None = None
    resource: QuotaResource | None = None


def render_quota(quota: Quota, standing: Standing) -> dict[str, Any]:
    return {
        "id": str(quota.pk),
        "subject": quota.subject,
        "subject_id": str(quota.subject_id) if quota.subject_id else None,
        "resource": quota.resource,
        "period": quota.period,
        "limit": plain_number(quota.limit),
        "warning_percent": quota.warning_percent,
        "is_platform": quota.is_platform,
        "used": plain_number(standing.used),
        "remaining": plain_number(max(Decimal(0), quota.limit - standing.used)),
        "resets_at": naive_utc(standing.resets_at),
        "created_at": naive_utc(quota.created_at),
        "updated_at": naive_utc(quota.updated_at),
    }

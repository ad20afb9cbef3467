"""What is said when a quota is used up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bots.quotas.models import (
    Quota,
    QuotaPeriod,
    QuotaResource,
)
from minirag.lib.errors import ProductError, TooManyRequests
from minirag.lib.periods import end_of
from tenants.context import require_tenant

_NOUNS = {
    QuotaResource.MESSAGES: "The limit of questions", QuotaResource.TOKENS: "The limit of tokens",
    QuotaResource.COST: "The budget", QuotaResource.STORAGE: "The limit of stored bytes",
}  # fmt: skip


_SPANS = {
    QuotaPeriod.DAY: " for today",
    QuotaPeriod.MONTH: " for this month",
    QuotaPeriod.TOTAL: "",
}


class QuotaExceeded(TooManyRequests):
    """Nothing is left of a quota; `retry_after_seconds` until its period ends, None if it never does."""

    code, retryable = "quota_exceeded", False


class BudgetExceeded(ProductError):
    """The money of a quota is spent."""

    status, code, retryable = 402, "budget_exceeded", False


def make_refusal(full: Sequence[Quota], now: datetime) -> ProductError:
    """Make the refusal of the quota that stays full the longest."""
    zone = require_tenant().time_zone
    ends = {quota.pk: end_of(quota.period, now, zone) for quota in full}
    quota = max(full, key=lambda each: (ends[each.pk] is None, ends[each.pk] or now))
    resource, ends_at = QuotaResource(quota.resource), ends[quota.pk]
    verb = "is used up" if resource == QuotaResource.COST else "is reached"
    sentence = f"{_NOUNS[resource]}{_SPANS[QuotaPeriod(quota.period)]} {verb}."
    if ends_at is not None:
        sentence += f" It starts anew on {ends_at.astimezone(ZoneInfo(zone)):%Y-%m-%d}."
    error = BudgetExceeded(sentence) if resource == QuotaResource.COST else QuotaExceeded(sentence)
    error.retry_after_seconds = (
        None if ends_at is None else max(1, int((ends_at - now).total_seconds()) + 1)
    )
    return error

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
from minirag.lib.telling.kept_sentences import kept, retell
from tenants.context import require_tenant

_SAID = {
    (QuotaResource.MESSAGES, QuotaPeriod.DAY): kept("The limit of questions for today is reached."),
    (QuotaResource.MESSAGES, QuotaPeriod.MONTH): kept("The limit of questions for this month is reached."),
    (QuotaResource.MESSAGES, QuotaPeriod.TOTAL): kept("The limit of questions is reached."),
    (QuotaResource.TOKENS, QuotaPeriod.DAY): kept("The limit of tokens for today is reached."),
    (QuotaResource.TOKENS, QuotaPeriod.MONTH): kept("The limit of tokens for this month is reached."),
    (QuotaResource.TOKENS, QuotaPeriod.TOTAL): kept("The limit of tokens is reached."),
    (QuotaResource.COST, QuotaPeriod.DAY): kept("The budget for today is used up."),
    (QuotaResource.COST, QuotaPeriod.MONTH): kept("The budget for this month is used up."),
    (QuotaResource.COST, QuotaPeriod.TOTAL): kept("The budget is used up."),
    (QuotaResource.STORAGE, QuotaPeriod.TOTAL): kept("The limit of stored bytes is reached."),
}  # fmt: skip


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
    sentence = _SAID[resource, QuotaPeriod(quota.period)]
    if ends_at is not None:
        day = f"{ends_at.astimezone(ZoneInfo(zone)):%Y-%m-%d}"
        sentence = kept(f"{sentence} It starts anew on {day}.")
    told = retell(sentence)
    error = BudgetExceeded(told) if resource == QuotaResource.COST else QuotaExceeded(told)
    error.retry_after_seconds = (
        None if ends_at is None else max(1, int((ends_at - now).total_seconds()) + 1)
    )
    return error

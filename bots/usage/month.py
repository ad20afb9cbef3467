"""The last thirty days of usage at a glance, for the admin: what it cost, on which days, and by which models."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext

from bots.models import UsageKind
from bots.usage.spending import Spent, sum_usage, window_of
from minirag.lib.telling.shown import show_number

DAYS = 30
_MODELS = 8


@dataclass
class Sums:
    tokens: int = 0
    calls: int = 0
    cost: Decimal = Decimal(0)

    @property
    def text(self) -> str:
        tokens = f"{show_number(self.tokens)} {gettext('tokens')}"
        calls = f"{show_number(self.calls)} {gettext('calls')}"
        return f"${show_number(self.cost, 4)} · {tokens} · {calls}"

    def add(self, spent: Spent) -> None:
        self.tokens += spent.total_tokens
        self.calls += spent.request_count
        self.cost += spent.cost_usd


@dataclass(frozen=True)
class Bar:
    """A day of the chart, `percent` as high as the highest."""

    day: date
    sums: Sums
    percent: float


def summarise_month() -> dict[str, Any]:
    """Sum up calls of every kind by the tenant's clock: `cards` of label and text, `bars`, `models`, `time_zone`."""
    window = window_of(DAYS)
    all_of_it = Sums()
    days: defaultdict[date | None, Sums] = defaultdict(Sums)
    models: defaultdict[str, Sums] = defaultdict(Sums)
    for spent in sum_usage(("day", "model"), window, kinds=UsageKind.values):
        for sums in (all_of_it, days[spent.day], models[spent.model or ""]):
            sums.add(spent)
    most = max((sums.tokens for sums in days.values()), default=0)
    projected = DAYS * all_of_it.cost / len(days) if days else Decimal(0)
    dates = [window.first_day + timedelta(days=number) for number in range(DAYS)]
    return {
        "cards": [
            (gettext("Cost in 30 days"), f"${show_number(all_of_it.cost, 2)}"),
            (gettext("Per 30 days with calls"), f"${show_number(projected, 2)}"),
            (gettext("Tokens"), show_number(all_of_it.tokens)), (gettext("Calls"), show_number(all_of_it.calls)),
        ],
        "bars": [make_bar(day, days.get(day) or Sums(), most) for day in dates],
        "models": sorted(models.items(), key=lambda item: (-item[1].cost, -item[1].tokens, item[0]))[:_MODELS],
        "time_zone": window.time_zone,
    }  # fmt: skip


def make_bar(day: date, sums: Sums, most: int) -> Bar:
    return Bar(day, sums, round(100 * sums.tokens / most, 1) if most else 0.0)

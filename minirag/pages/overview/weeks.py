"""How the last seven days went, against the seven before: figures, and charts that are tables as well."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils.translation import gettext, ngettext

from bots.models import Measure, Outcome, UsageKind
from bots.usage.spending import Spent, Window, count_times, sum_usage, window_of
from bots.usage.timings import summarise_times
from conversations.gaps.admin import name_reason
from conversations.models import Feedback, Message, MessageRole
from minirag.lib.telling.shown import show_number

DAYS: Final = 7
_MOST_ROWS: Final = 8
_FIRST, _SECOND = "var(--color-primary-500)", "var(--color-base-400)"


@dataclass(frozen=True)
class Figure:
    """One number of the week. `change` is against the week before, `is_good` whether that is good news."""

    label: str
    text: str
    change: str = ""
    is_good: bool | None = None


@dataclass(frozen=True)
class Chart:
    """`data` is what Chart.js draws; `rows` the same as a table below `head`."""

    title: str
    kind: str
    data: str
    head: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True)
class Week:
    figures: list[Figure]
    charts: list[Chart]
    answer_count: int  # of both weeks
    was_tried: bool


def describe_week(bot_names: dict[UUID, str]) -> Week:
    """Both weeks by the days of the tenant's time zone, today included, in three queries."""
    window = window_of(2 * DAYS)
    days = [window.first_day + timedelta(days=number) for number in range(2 * DAYS)]
    said = _count_answers(window)
    spent = sum_usage(("day", "bot_profile_id", "model", "kind"), window, kinds=UsageKind.values)
    figures = [*_tell_answers(said, days), *_tell_spending(spent, days), *_tell_times()]
    charts = [
        _chart_answers(said, days), _chart_reasons(said, days), _chart_costs(spent, days),
        *_chart_models(spent, days, bot_names),
    ]  # fmt: skip
    shown = [chart for chart in charts if any(any(_numbers(row)) for row in chart.rows)]
    tried = any(each.kind == UsageKind.EVALUATION for each in spent)
    return Week(figures, shown, sum(each["number"] for each in said), tried)


def _numbers(row: tuple[Any, ...]) -> Iterable[float]:
    return (float(each) for each in row[1:] if isinstance(each, int | float | Decimal))


def _count_answers(window: Window) -> list[dict[str, Any]]:
    answers = Message.objects.filter(
        role=MessageRole.ASSISTANT, created_at__gte=window.starts_at, is_asked_back=False
    )
    grouped = answers.annotate(day=TruncDate("created_at", tzinfo=window.zone)).order_by()
    values = grouped.values("day", "outcome", "refusal_reason", "feedback")
    rows: Any = values.annotate(number=Count("created_at"))
    return list(rows)


def _pair(rows: Iterable[tuple[date | None, Any]], days: list[date]) -> tuple[Any, Any]:
    """The sums of this week and of the one before."""
    now = before = Decimal(0)
    for day, amount in rows:
        if day is None:
            continue
        if day >= days[DAYS]:
            now += amount
        else:
            before += amount
    return now, before


def _tell_answers(said: list[dict[str, Any]], days: list[date]) -> list[Figure]:
    def pair(**wanted: Any) -> tuple[int, int]:
        fitting = [
            each for each in said if all(each[name] == value for name, value in wanted.items())
        ]
        now, before = _pair(((each["day"], each["number"]) for each in fitting), days)
        return int(now), int(before)

    answers, declined = pair(), pair(outcome=Outcome.REFUSED)
    liked, disliked = pair(feedback=Feedback.POSITIVE), pair(feedback=Feedback.NEGATIVE)
    shares = [_share(no, total) for no, total in zip(declined, answers, strict=True)]
    return [
        Figure(gettext("Answers"), show_number(answers[0]), _change(*answers)),
        Figure(gettext("Declined"), f"{shares[0]} %", *_change_of_share(shares, answers)),
        Figure(gettext("Liked"), show_number(liked[0]), *_change_with(liked, more_is_good=True)),
        Figure(
            gettext("Disliked"),
            show_number(disliked[0]),
            *_change_with(disliked, more_is_good=False),
        ),
    ]


def _tell_spending(spent: list[Spent], days: list[date]) -> list[Figure]:
    cost = _pair(((each.day, each.cost_usd) for each in spent), days)
    tokens = _pair(((each.day, each.total_tokens) for each in spent), days)
    return [
        Figure(gettext("Cost"), f"${show_number(cost[0], 2)}", _change(*cost)),
        Figure(gettext("Tokens"), show_number(int(tokens[0])), _change(*tokens)),
    ]


def _tell_times() -> list[Figure]:
    """Medians of this week."""
    times: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for _bot, _model, measure, bucket, count in count_times(window_of(DAYS)):
        times[measure][bucket] += count
    told = (
        (Measure.FIRST_TOKEN, gettext("First word after")),
        (Measure.DURATION, gettext("Whole answer after")),
    )
    summed = ((label, summarise_times(times[measure])) for measure, label in told)
    return [
        Figure(label, f"{show_number(times['p50'], 0)} ms", gettext("half of all"))
        for label, times in summed
        if times["count"]
    ]


def _share(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0


def _change(now: Any, before: Any) -> str:
    if not before:
        return gettext("none the week before") if now else ""
    percent = round(100 * float(now - before) / float(before))
    if not percent:
        return gettext("as the week before")
    return gettext("%(change)s %% against the week before") % {"change": f"{percent:+}"}


def _change_with(pair: tuple[int, int], *, more_is_good: bool) -> tuple[str, bool | None]:
    now, before = pair
    return _change(now, before), None if now == before or not before else (
        now > before
    ) == more_is_good


def _change_of_share(shares: list[int], answers: tuple[int, int]) -> tuple[str, bool | None]:
    if not all(answers):
        return "", None
    points = shares[0] - shares[1]
    if not points:
        return gettext("as the week before"), None
    said = ngettext(
        "%(change)s point against the week before",
        "%(change)s points against the week before",
        abs(points),
    )
    return said % {"change": f"{points:+}"}, points < 0


def _draw(labels: list[str], **series: list[Any]) -> str:
    colours = (_FIRST, _SECOND)
    sets = [
        {
            "label": name, "data": [float(each) for each in data], "backgroundColor": colour, "borderColor": colour,
            "barThickness": 12,
        }
        for (name, data), colour in zip(series.items(), colours, strict=False)
    ]  # fmt: skip
    return json.dumps({"labels": labels, "datasets": sets})


def _chart_answers(said: list[dict[str, Any]], days: list[date]) -> Chart:
    answered: Counter[date] = Counter()
    declined: Counter[date] = Counter()
    for each in said:
        (declined if each["outcome"] == Outcome.REFUSED else answered)[each["day"]] += each[
            "number"
        ]
    rows: list[tuple[Any, ...]] = [(day.isoformat(), answered[day], declined[day]) for day in days]
    data = _draw(
        [f"{day:%d.%m.}" for day in days],
        **{
            gettext("Answered"): [row[1] for row in rows],
            gettext("Declined"): [row[2] for row in rows],
        },
    )
    return Chart(
        gettext("Answers by day"),
        "bar",
        data,
        (gettext("Day"), gettext("Answered"), gettext("Declined")),
        rows,
    )


def _chart_reasons(said: list[dict[str, Any]], days: list[date]) -> Chart:
    reasons: Counter[str] = Counter()
    for each in said:
        if each["outcome"] == Outcome.REFUSED and each["day"] >= days[DAYS]:
            reasons[name_reason(each["refusal_reason"] or "unknown")] += each["number"]
    rows: list[tuple[Any, ...]] = list(reasons.most_common(_MOST_ROWS))
    data = _draw([row[0] for row in rows], **{gettext("Declined"): [row[1] for row in rows]})
    return Chart(
        gettext("Declined in 7 days, by reason"),
        "bar",
        data,
        (gettext("Reason"), gettext("Declined")),
        rows,
    )


def _chart_costs(spent: list[Spent], days: list[date]) -> Chart:
    costs: defaultdict[date | None, Decimal] = defaultdict(Decimal)
    for each in spent:
        costs[each.day] += each.cost_usd
    rows: list[tuple[Any, ...]] = [(day.isoformat(), round(float(costs[day]), 4)) for day in days]
    data = _draw(
        [f"{day:%d.%m.}" for day in days], **{gettext("US dollars"): [row[1] for row in rows]}
    )
    return Chart(
        gettext("Cost by day"), "line", data, (gettext("Day"), gettext("US dollars")), rows
    )


def _chart_models(spent: list[Spent], days: list[date], names: dict[UUID, str]) -> list[Chart]:
    """Tokens and cost of this week, by model and by bot."""
    charts = []
    for title, head, name_of in (
        (
            gettext("Tokens in 7 days, by model"),
            gettext("Model"),
            lambda each: each.model or gettext("unknown"),
        ),
        (
            gettext("Tokens in 7 days, by bot"),
            gettext("Bot"),
            lambda each: names.get(each.bot_profile_id, gettext("(deleted bot)")),
        ),
    ):
        sums: defaultdict[str, list[Any]] = defaultdict(lambda: [0, Decimal(0)])
        for each in spent:
            if each.day is not None and each.day >= days[DAYS]:
                sums[name_of(each)][0] += each.total_tokens
                sums[name_of(each)][1] += each.cost_usd
        ordered = sorted(sums.items(), key=lambda item: -item[1][0])[:_MOST_ROWS]
        rows: list[tuple[Any, ...]] = [
            (name, tokens, round(float(cost), 4)) for name, (tokens, cost) in ordered
        ]
        data = _draw([row[0] for row in rows], **{gettext("Tokens"): [row[1] for row in rows]})
        charts.append(
            Chart(
                title,
                "bar",
                data,
                (head, gettext("Tokens"), gettext("US dollars")),
                rows,
            )
        )
    return charts

"""The numbers of `/v1/stats`: what each endpoint answers, by the days of the tenant's own time zone.

Tokens, costs and times come from bots.usage.spending; feedback and refusals from the answers themselves, which an index
covers. Counts of turns are of chat calls alone, as the wire contract has it, unless another kind is asked for.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate

from bots.models import BotProfile, Measure, Outcome, UsageKind
from bots.usage.pricing import PRICED_KINDS, find_prices, load_overrides
from bots.usage.spending import CHAT_ONLY, Spent, Window, count_times, sum_everything, sum_usage
from bots.usage.timings import ERROR_LIMIT_PERCENT, summarise_times
from conversations.models import Chat, Feedback, Message, MessageRole
from knowledge.models import Source

DELETED_BOT = "(deleted bot)"
ALL_KINDS = tuple(UsageKind)
Row = dict[str, Any]
_COUNTED = "created_at"  # not the id, which the index that covers all of this does not have


def describe_overview() -> Row:
    """Everything the tenant ever had, what is deleted softly and children included; tokens of chats alone."""
    spent = sum_everything()
    prompt, completion = (spent.prompt_tokens, spent.completion_tokens) if spent else (0, 0)
    return {
        "bot_profiles": BotProfile.objects.count(),
        "sources": Source.objects.count(),
        "chats": Chat.objects.count(),
        "total_prompt_tokens": prompt,
        "total_completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def list_usage(window: Window, kinds: Iterable[str] = CHAT_ONLY) -> list[Spent]:
    """One row per day and model, the newest day first."""
    spent = sum_usage(("day", "model"), window, kinds=kinds)
    return sorted(spent, key=lambda each: (-_ordinal(each), each.model))


def list_usage_by_bot(window: Window, kinds: Iterable[str] = CHAT_ONLY) -> list[SimpleNamespace]:
    """One row per bot and model, most tokens first."""
    spent = sum_usage(("bot_profile_id", "model"), window, kinds=kinds)
    names = _names_of(each.bot_profile_id for each in spent)
    spent.sort(key=lambda each: (-each.total_tokens, str(each.bot_profile_id), each.model))
    return [SimpleNamespace(**vars(each) | _bot(each.bot_profile_id, names)) for each in spent]


def list_usage_by_model(window: Window, kinds: Iterable[str] = CHAT_ONLY) -> list[SimpleNamespace]:
    """One row per model, most tokens first; the costs are those of the calls, the prices those of today."""
    overrides, is_chat = load_overrides(), not set(PRICED_KINDS).isdisjoint(kinds)
    spent = sum_usage(("model",), window, kinds=kinds)
    spent.sort(key=lambda each: (-each.total_tokens, each.model))
    return [
        SimpleNamespace(
            **vars(each), **vars(find_prices(each.model or "", overrides, is_chat=is_chat))
        )
        for each in spent
    ]


def estimate_cost(window: Window) -> Row:
    """What chats cost, per active day and projected to 30 of them; then the same with every kind of call."""
    by_kind = sum_usage(("kind", "day"), window, kinds=ALL_KINDS)
    chats = _project([each for each in by_kind if each.kind == UsageKind.CHAT])
    everything = _project(by_kind)
    return {
        **chats,
        "by_model": list_usage_by_model(window),
        "by_bot": list_usage_by_bot(window),
        "all_kinds": everything,
        "by_kind": [
            _sum_kind(kind, [each for each in by_kind if each.kind == kind]) for kind in UsageKind
        ],
    }


def _project(spent: list[Spent]) -> Row:
    total, active = (
        sum((each.cost_usd for each in spent), Decimal(0)),
        len({each.day for each in spent}),
    )
    average = _dollars(total / active) if active else 0.0
    return {
        "total_cost_usd": _dollars(total),
        "daily_avg_cost_usd": average,
        "projected_monthly_usd": round(30 * average, 2),
        "active_days": active,
    }


def _sum_kind(kind: UsageKind, spent: list[Spent]) -> Row:
    fields = ("prompt_tokens", "completion_tokens", "total_tokens", "request_count")
    sums = {name: sum(getattr(each, name) for each in spent) for name in fields}
    return {"kind": kind, **sums, "cost_usd": sum((each.cost_usd for each in spent), Decimal(0))}


def describe_latency(window: Window, bot_profile_id: uuid.UUID | None = None) -> Row:
    """Percentiles of the time to first token and of the whole turn, in milliseconds; of all, by bot and by model."""
    counted = count_times(window, bot_profile_id=bot_profile_id)
    everything = _Times()
    by_bot: defaultdict[uuid.UUID, _Times] = defaultdict(_Times)
    by_model: defaultdict[str, _Times] = defaultdict(_Times)
    for bot, model, measure, bucket, count in counted:
        for times in (everything, by_bot[bot], by_model[model]):
            times[Measure(measure)][bucket] += count
    names = _names_of(by_bot)
    return {
        "error_limit_percent": ERROR_LIMIT_PERCENT,
        **_sum_up_times(everything),
        "by_bot": [
            {**_bot(bot, names), **_sum_up_times(by_bot[bot])} for bot in sorted(by_bot, key=str)
        ],
        "by_model": [
            {"model": model, **_sum_up_times(by_model[model])} for model in sorted(by_model)
        ],
    }


class _Times(dict[Measure, Counter[int]]):
    def __missing__(self, measure: Measure) -> Counter[int]:
        return self.setdefault(measure, Counter())


def _sum_up_times(times: _Times) -> Row:
    return {
        "time_to_first_token_ms": summarise_times(times[Measure.FIRST_TOKEN]),
        "duration_ms": summarise_times(times[Measure.DURATION]),
    }


def describe_feedback(window: Window, bot_profile_id: uuid.UUID | None = None) -> Row:
    """What readers thought of the answers, in sum and by bot, the one with most answers first."""
    rows = _count_opinions(_answers(window, bot_profile_id).values("chat__bot_profile_id"))
    rows.sort(key=lambda row: (-row["total_messages"], str(row["chat__bot_profile_id"])))
    names = _names_of(row["chat__bot_profile_id"] for row in rows)
    total, positive, negative = (
        sum(row[name] for row in rows)
        for name in ("total_messages", "positive_count", "negative_count")
    )
    return {
        "total_messages": total,
        "total_with_feedback": positive + negative,
        "positive_count": positive,
        "negative_count": negative,
        "feedback_rate": _percent(positive + negative, total),
        "by_bot": [_sum_opinions(row, names) for row in rows],
    }


def _sum_opinions(row: Row, names: dict[uuid.UUID, str]) -> Row:
    return {
        **_bot(row["chat__bot_profile_id"], names),
        "positive_count": row["positive_count"],
        "negative_count": row["negative_count"],
        "total_messages": row["total_messages"],
        "feedback_rate": _percent(
            row["positive_count"] + row["negative_count"], row["total_messages"]
        ),
    }


def list_feedback_trend(window: Window, bot_profile_id: uuid.UUID | None = None) -> list[Row]:
    """One row per day that has answers, the oldest first."""
    answers = _answers(window, bot_profile_id).annotate(
        day=TruncDate("created_at", tzinfo=window.zone)
    )
    rows = sorted(_count_opinions(answers.values("day")), key=lambda row: row["day"])
    names = ("positive_count", "negative_count", "total_messages")
    return [{name: row[name] for name in ("day", *names)} for row in rows]


def describe_refusals(window: Window, bot_profile_id: uuid.UUID | None = None) -> Row:
    """How many answers were refusals, and for which reasons: in sum, by reason and by day.

    A question that was asked back is neither answered nor refused: it is counted by itself.
    """
    answers = _answers(window, bot_profile_id).annotate(
        day=TruncDate("created_at", tzinfo=window.zone)
    )
    asked_back = answers.filter(is_asked_back=True).order_by().values("day")
    back = dict(asked_back.annotate(count=Count(_COUNTED)).values_list("day", "count"))
    refused = Q(outcome=Outcome.REFUSED)
    groups = answers.order_by().values("day", "refusal_reason")
    counted = groups.annotate(total=Count(_COUNTED), no=Count(_COUNTED, filter=refused))
    reasons: Counter[str] = Counter()
    days: defaultdict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for row in counted:
        days[row["day"]][0] += row["total"]
        days[row["day"]][1] += row["no"]
        if row["no"]:
            reasons[row["refusal_reason"] or "unknown"] += row["no"]
    for day, count in back.items():  # apart from the others, whose index knows nothing of it
        days[day][0] -= count
    total, refusals = (sum(pair[index] for pair in days.values()) for index in (0, 1))
    by_reason = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return {
        **_count_refusals(total, refusals),
        "asked_back_count": sum(back.values()),
        "curated_count": _answers(window, bot_profile_id).exclude(curated_answer_id=None).count(),
        "by_reason": [
            {"reason": reason, "refused_count": count, "share": _percent(count, refusals)}
            for reason, count in by_reason
        ],
        "by_day": [
            {"day": day, **_count_refusals(*days[day]), "asked_back_count": back.get(day, 0)}
            for day in sorted(days)
        ],
    }


def _count_refusals(total: int, refused: int) -> Row:
    return {
        "total_messages": total,
        "refused_count": refused,
        "refusal_rate": _percent(refused, total),
    }


def _answers(window: Window, bot_profile_id: uuid.UUID | None) -> QuerySet[Message]:
    if window.is_empty:
        return Message.objects.none()
    answers = Message.objects.filter(role=MessageRole.ASSISTANT, created_at__gte=window.starts_at)
    return answers.filter(chat__bot_profile_id=bot_profile_id) if bot_profile_id else answers


def _count_opinions(answers: Any) -> list[Row]:
    return list(
        answers.order_by().annotate(
            total_messages=Count(_COUNTED),
            positive_count=Count(_COUNTED, filter=Q(feedback=Feedback.POSITIVE)),
            negative_count=Count(_COUNTED, filter=Q(feedback=Feedback.NEGATIVE)),
        )
    )


def _bot(bot_profile_id: uuid.UUID | None, names: dict[uuid.UUID, str]) -> Row:
    name = names.get(bot_profile_id, DELETED_BOT) if bot_profile_id else DELETED_BOT
    return {"bot_profile_id": bot_profile_id, "bot_name": name}


def _names_of(ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    return dict(
        BotProfile.objects.filter(pk__in={each for each in ids if each}).values_list("pk", "name")
    )


def _ordinal(spent: Spent) -> int:
    return spent.day.toordinal() if spent.day else 0


def _dollars(amount: Decimal) -> float:
    return float(round(amount, 6))


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0

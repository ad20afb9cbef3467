"""Two configurations on one question: what each found, said and cost, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bots.configurations import changed_fields, snapshot
from bots.models import BotProfile
from conversations.explaining.explaining import Explanation, Trial, explain


@dataclass(frozen=True)
class Moved:
    """A candidate of either, with its place and score in each; None where it is none."""

    chunk_id: str
    title: str
    heading: str
    places: tuple[int | None, int | None]
    scores: tuple[float | None, float | None]
    fates: tuple[str, str]


@dataclass(frozen=True)
class Comparison:
    """Two explanations of one question. `configuration` is field by field what the bots differ in."""

    first: Explanation
    second: Explanation
    configuration: Mapping[str, list[Any]]
    figures: Mapping[str, tuple[Any, Any]]
    passages: tuple[Moved, ...]


async def compare(bot: BotProfile, other: BotProfile, trial: Trial) -> Comparison:
    """Try a question on two bots, or on a bot and the same with other values (see with_configuration)."""
    first, second = await explain(bot, trial), await explain(other, trial)
    return set_side_by_side(first, second)


def set_side_by_side(first: Explanation, second: Explanation) -> Comparison:
    """What differs. Pure."""
    changed = changed_fields(snapshot(first.bot), snapshot(second.bot))
    pair = (_list_figures(first), _list_figures(second))
    figures = {name: (pair[0][name], pair[1][name]) for name in pair[0]}
    return Comparison(first, second, changed, figures, tuple(_list_moved(first, second)))


def _list_figures(found: Explanation) -> dict[str, Any]:
    search = found.told["search"] or {}
    return {
        "outcome": found.outcome,
        "verdict": found.verdict.code,
        "confidence": search.get("confidence"),
        "threshold": search.get("threshold"),
        "language": search.get("language"),
        "passages": sum(each["fate"] in ("cited", "read") for each in found.told["candidates"]),
        "cited": len(found.citations),
        "prompt_tokens": sum(call["prompt_tokens"] for call in found.told["calls"]),
        "completion_tokens": sum(call["completion_tokens"] for call in found.told["calls"]),
        "cost_usd": found.cost_usd,
        "latency_ms": found.told["latency_ms"],
    }


def _list_moved(first: Explanation, second: Explanation) -> list[Moved]:
    sides: Sequence[dict[str, dict[str, Any]]] = [
        {each["chunk_id"]: each for each in found.told["candidates"]} for found in (first, second)
    ]
    moved = []
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        one, two = sides[0].get(key), sides[1].get(key)
        known = one or two or {}
        moved.append(
            Moved(
                key, known["title"], known["heading"],
                (one["place"] if one else None, two["place"] if two else None),
                (one["score"] if one else None, two["score"] if two else None),
                (one["fate"] if one else "", two["fate"] if two else ""),
            )
        )  # fmt: skip
    return moved

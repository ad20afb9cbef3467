"""Two runs side by side: what their configurations differ in, their figures, and which questions went another way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext

from bots.configurations import changed_fields
from conversations.models import EvaluationResult, EvaluationRun
from minirag.lib.errors import BadInput

COMPARED: Final = (
    "questions", "right", "declined_right", "cites_expected", "ndcg", "recall", "reciprocal_rank", "facts",
    "citation_valid", "support", "judged_right", "failed", "declined", "duration_ms_p50", "duration_ms_p95",
    "prompt_tokens", "completion_tokens", "cost_usd",
)  # fmt: skip


@dataclass(frozen=True)
class Changed:
    """A question that is right in one run and wrong in the other."""

    question: str
    before: EvaluationResult
    after: EvaluationResult


@dataclass(frozen=True)
class Comparison:
    """`before` and `after` are runs of one bot; what only one of them asked is counted and in no list."""

    before: EvaluationRun
    after: EvaluationRun
    figures: list[dict[str, Any]]
    configuration: dict[str, list[Any]]
    surroundings: dict[str, list[Any]]
    better: list[Changed]
    worse: list[Changed]
    asked_in_both: int
    asked_in_one: int


def compare_runs(before: EvaluationRun, after: EvaluationRun) -> Comparison:
    """Compare two runs of one bot. Raises BadInput (`runs_not_comparable`)."""
    if before.bot_profile_id != after.bot_profile_id:
        raise BadInput(gettext("These are runs of two bots."), code="runs_not_comparable")
    old, new = _load(before), _load(after)
    both = [name for name in old if name in new]
    pairs = [Changed(new[name].question, old[name], new[name]) for name in both]
    return Comparison(
        before,
        after,
        compare_figures(before.figures, after.figures),
        changed_fields(before.configuration, after.configuration),
        changed_fields(before.surroundings, after.surroundings),
        [each for each in pairs if each.after.is_right and not each.before.is_right],
        [each for each in pairs if each.before.is_right and not each.after.is_right],
        len(both),
        len(set(old) ^ set(new)),
    )


def _load(run: EvaluationRun) -> dict[str, EvaluationResult]:
    return {each.name_hash: each for each in run.results.all()}


def compare_figures(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each figure of both with the difference; None where one of them has none. Pure."""
    rows = []
    for name in COMPARED:
        old, new = before.get(name), after.get(name)
        if old is None and new is None:
            continue
        difference = None if old is None or new is None else round(new - old, 6)
        rows.append({"name": name, "before": old, "after": new, "difference": difference})
    return rows

"""How well documents were ordered, by `ir-measures`, which lets trec_eval itself count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ir_measures
from ir_measures import R, nDCG


@dataclass(frozen=True)
class Order:
    """Means over all questions, each from 0 to 1, at ten results."""

    ndcg: float
    recall: float


def measure_orders(
    ranked: Mapping[str, Sequence[str]], judgements: Mapping[str, Mapping[str, int]]
) -> Order:
    """For each question the keys of what was found, best first, and how relevant which keys are.

    Questions that found nothing count 0; those in `judgements` alone were not asked and do not count.
    """
    run = {
        question: {key: float(-place) for place, key in enumerate(keys)}
        for question, keys in ranked.items()
    }
    asked = {question: dict(judgements[question]) for question in ranked}
    figures = ir_measures.calc_aggregate([nDCG @ 10, R @ 10], asked, run)
    return Order(figures[nDCG @ 10], figures[R @ 10])

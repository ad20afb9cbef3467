"""How good a search is: nDCG, recall and reciprocal rank over a folder of judged questions. Pure but for the files.

A folder holds `corpus.jsonl` ({"_id", "title", "text"}), `queries.jsonl` ({"_id", "text"}) and `qrels.tsv` (query-id,
corpus-id, score; one heading line), as BEIR has them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

DEPTH = 10


class BadFolder(ValueError):
    """The folder is not what it should be; the message says what is missing."""


@dataclass(frozen=True)
class JudgedSet:
    """`judgements`: for each query id, how relevant (from 1) which documents are."""

    documents: tuple[tuple[str, str, str], ...]  # id, title, text
    queries: tuple[tuple[str, str], ...]  # id, text
    judgements: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Figures:
    """Means over all questions, each from 0 to 1, at ten results."""

    ndcg: float
    recall: float
    reciprocal_rank: float


def measure_ndcg(ranked: Sequence[str], relevant: Mapping[str, int], depth: int = DEPTH) -> float:
    """Normalised discounted cumulative gain with linear gains, as trec_eval has it."""
    gains = [relevant.get(found, 0) for found in ranked[:depth]]
    ideal = sorted(relevant.values(), reverse=True)[:depth]
    best = _discount(ideal)
    return _discount(gains) / best if best else 0.0


def _discount(gains: Iterable[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def measure_recall(ranked: Sequence[str], relevant: Mapping[str, int], depth: int = DEPTH) -> float:
    """The share of the relevant documents that are among the first."""
    wanted = {found for found, gain in relevant.items() if gain > 0}
    return len(wanted.intersection(ranked[:depth])) / len(wanted) if wanted else 0.0


def measure_reciprocal_rank(
    ranked: Sequence[str], relevant: Mapping[str, int], depth: int = DEPTH
) -> float:
    """One divided by the rank of the first relevant document, 0 if there is none among the first."""
    ranks = (
        rank for rank, found in enumerate(ranked[:depth], start=1) if relevant.get(found, 0) > 0
    )
    first = next(ranks, None)
    return 1 / first if first else 0.0


def measure_all(
    runs: Mapping[str, Sequence[str]], judgements: Mapping[str, Mapping[str, int]]
) -> Figures:
    """Average over the questions of `runs`: for each query id the documents found, best first."""
    pairs = [(ranked, judgements[query_id]) for query_id, ranked in runs.items()]
    if not pairs:
        return Figures(0.0, 0.0, 0.0)
    return Figures(
        ndcg=fmean(measure_ndcg(*pair) for pair in pairs),
        recall=fmean(measure_recall(*pair) for pair in pairs),
        reciprocal_rank=fmean(measure_reciprocal_rank(*pair) for pair in pairs),
    )


def find_percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1 if share else 0)]


def load_judged_set(folder: Path, *, limit: int | None = None) -> JudgedSet:
    """Read a folder; with `limit`, that many of its judged questions, spread evenly. Raises BadFolder."""
    judgements = _read_judgements(folder / "qrels.tsv")
    queries = [(str(row["_id"]), row["text"]) for row in _read_lines(folder / "queries.jsonl")]
    judged = [query for query in queries if query[0] in judgements]
    if limit and limit < len(judged):
        judged = [judged[number * len(judged) // limit] for number in range(limit)]
    documents = [
        (str(row["_id"]), row.get("title") or "", row["text"])
        for row in _read_lines(folder / "corpus.jsonl")
    ]
    return JudgedSet(tuple(documents), tuple(judged), judgements)


def _read_lines(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.strip()]
    except OSError:
        raise BadFolder(f"There is no {path}.") from None
    except ValueError as error:
        raise BadFolder(f"{path} is not JSON, one object a line: {error}") from None


def _read_judgements(path: Path) -> dict[str, dict[str, int]]:
    judgements: dict[str, dict[str, int]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        raise BadFolder(f"There is no {path}.") from None
    for number, line in enumerate(lines, start=2):
        parts = line.split("\t")
        if len(parts) < 3 or not parts[2].strip().lstrip("-").isdigit():
            raise BadFolder(
                f"{path}, line {number}: a query id, a document id and a number are needed."
            )
        if int(parts[2]) > 0:
            judgements.setdefault(parts[0], {})[parts[1]] = int(parts[2])
    return judgements

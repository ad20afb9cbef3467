"""What an answer to a golden question is worth, by arithmetic that needs no judge. Pure.

Each measure is from 0 to 1, or None where there is nothing to measure: no expected source that exists, nothing cited.
Ranking is counted over sources, in the order of their first passage.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from statistics import fmean
from typing import Any, Final

from knowledge.retrieval.evaluation import (
    find_percentile,
    measure_ndcg,
    measure_recall,
    measure_reciprocal_rank,
)
from minirag.lib.text.analysis import analyse
from minirag.lib.text.languages import detect_language
from minirag.lib.text.sentences import split_sentences

_MARKS = re.compile(r"\s*\[\d{1,3}\]")
_NUMBER = re.compile(r"\d+(?:[.,'’\u00a0\u202f]\d+)*")
_SYMBOLS: Final = {"€": " euro ", "$": " dollar ", "£": " pound ", "%": " percent "}
_SAME: Final = {"eur": "euro", "euros": "euro", "dollars": "dollar", "usd": "dollar", "prozent": "percent"}  # fmt: skip


@dataclass(frozen=True)
class Expected:
    """What is right. `sources` are those of the expected that exist; `gone` names the others."""

    must_decline: bool = False
    facts: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    sources: frozenset[str] = frozenset()
    gone: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """What the bot said, and from where. `found` and `cited` are ids of sources, the best first."""

    text: str
    is_answered: bool
    is_declined: bool
    found: tuple[str, ...] = ()
    cited: tuple[str, ...] = ()
    citation_valid: bool | None = None
    supported: tuple[bool, ...] = ()
    language: str = ""


@dataclass(frozen=True)
class Measured:
    is_right: bool
    measures: Mapping[str, Any] = field(default_factory=dict)


def measure(expected: Expected, given: Given) -> Measured:
    """Judge one answer. Right is: declined where it must be; else answered, with each fact, none of the forbidden ones,
    and citing one of the expected sources, if there is one left."""
    missing = [fact for fact in expected.facts if not says(given.text, fact, given.language)]
    said = [fact for fact in expected.forbidden if says(given.text, fact, given.language)]
    relevant = dict.fromkeys(expected.sources, 1)
    order = list(dict.fromkeys(given.found))
    is_cited = bool(expected.sources & set(given.cited)) if expected.sources else None
    is_declined_right = given.is_declined == expected.must_decline
    if expected.must_decline:
        is_right = given.is_declined
    else:
        is_right = given.is_answered and not missing and not said and is_cited is not False
    asks_facts = bool(expected.facts) and not expected.must_decline
    measures = {
        "declined_right": is_declined_right and (given.is_answered or given.is_declined),
        "cites_expected": is_cited,
        "ndcg": measure_ndcg(order, relevant) if relevant else None,
        "recall": measure_recall(order, relevant) if relevant else None,
        "reciprocal_rank": measure_reciprocal_rank(order, relevant) if relevant else None,
        "facts": 1 - len(missing) / len(expected.facts) if asks_facts else None,
        "missing_facts": missing if asks_facts else [],
        "forbidden_facts": said,
        "citation_valid": given.citation_valid,
        "support": fmean(given.supported) if given.supported else None,
        "sources_gone": list(expected.gone),
    }
    return Measured(is_right, measures)


# --- Facts --------------------------------------------------------------------------------------------------------
def says(answer: str, fact: str, language: str = "") -> bool:
    """Whether one sentence of an answer holds a fact, or one of its readings that `|` separates.

    Each word of it has to stand there in some form, in any order, and each number in any spelling (1,000.5, 1.000,50).
    """
    language = language or detect_language(answer)
    parts = [_read(each, language) for each in _cut(answer)]
    return any(
        _holds(part, wanted)
        for each in fact.split("|")
        if (wanted := _read(each, language)).is_something
        for part in parts
    )


@dataclass(frozen=True)
class _Read:
    words: frozenset[str]
    numbers: tuple[frozenset[Decimal], ...]

    @property
    def is_something(self) -> bool:
        return bool(self.words or self.numbers)


def _cut(answer: str) -> list[str]:
    """Its sentences, and rows of tables, which are none."""
    plain = _MARKS.sub("", answer)
    return [*split_sentences(plain), *(line for line in plain.splitlines() if "|" in line)]


def _read(text: str, language: str) -> _Read:
    text = unicodedata.normalize("NFKC", text).casefold()
    numbers = tuple(_values(match.group()) for match in _NUMBER.finditer(text))
    rest = _NUMBER.sub(" ", text)
    for symbol, word in _SYMBOLS.items():
        rest = rest.replace(symbol, word)
    plain = [_SAME.get(word, word) for word in re.findall(r"[^\W\d_]+", rest)]
    words = frozenset(analyse(" ".join(plain), language)) or frozenset(plain)
    return _Read(words, numbers)


def _values(text: str) -> frozenset[Decimal]:
    """What a number may mean: a single separator before three digits may be one of thousands or of a fraction."""
    plain = re.sub(r"['’\u00a0\u202f]", "", text)
    marks = [mark for mark in plain if mark in ".,"]
    readings = {re.sub(r"[.,]", "", plain)} if _is_grouped(plain) else set()
    if marks:
        whole, _, fraction = plain.rpartition(marks[-1])
        readings.add(f"{re.sub(r'[.,]', '', whole)}.{fraction}")
    found = set()
    for reading in readings or {plain}:
        try:
            found.add(Decimal(reading).normalize())
        except InvalidOperation:
            continue
    return frozenset(found)


def _is_grouped(text: str) -> bool:
    groups = re.split(r"[.,]", text)[1:]
    return len(set(re.findall(r"[.,]", text))) <= 1 and all(len(each) == 3 for each in groups)


def _holds(part: _Read, wanted: _Read) -> bool:
    return wanted.words <= part.words and all(
        any(number & other for other in part.numbers) for number in wanted.numbers
    )


# --- A run's figures ----------------------------------------------------------------------------------------------
MEANS: Final = (
    "declined_right", "cites_expected", "ndcg", "recall", "reciprocal_rank", "facts", "citation_valid", "support",
    "judged_right",
)  # fmt: skip
SUMS: Final = ("prompt_tokens", "completion_tokens", "cost_usd")


def sum_up(results: Sequence[tuple[bool, str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The figures of a run from (is_right, outcome, measures) of its questions; None where nothing was measured."""
    rows = [measures for _, _, measures in results]
    figures: dict[str, Any] = {
        "questions": len(results),
        "right": _mean(is_right for is_right, _, _ in results),
        "failed": sum(outcome == "failed" for _, outcome, _ in results),
        "declined": sum(outcome == "refused" for _, outcome, _ in results),
    }
    figures |= {name: _mean(_of(rows, name)) for name in MEANS}
    figures |= {name: sum(_of(rows, name)) for name in SUMS}
    times = [*_of(rows, "duration_ms")]
    figures["duration_ms_p50"] = find_percentile(times, 0.5) if times else None
    figures["duration_ms_p95"] = find_percentile(times, 0.95) if times else None
    figures["not_judged"] = sum("judge" in row and row.get("judged_right") is None for row in rows)
    figures["sources_gone"] = sum(bool(row.get("sources_gone")) for row in rows)
    return figures


def _of(rows: Iterable[Mapping[str, Any]], name: str) -> list[Any]:
    return [value for row in rows if (value := row.get(name)) is not None]


def _mean(values: Iterable[Any]) -> float | None:
    found = [float(value) for value in values]
    return round(fmean(found), 4) if found else None

"""The table that `make bench` prints: figure, measured, budget, verdict."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.processes import measure_core_share

HEADINGS = ("figure", "measured", "budget", "verdict")


@dataclass(frozen=True)
class Budget:
    """A bound of design §12: `limit` in the figure's unit, from above unless `at_least`."""

    limit: float
    at_least: bool = False
    why: str = ""

    def holds(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def describe(self, unit: str) -> str:
        bound = f"{'>=' if self.at_least else '<='} {render(self.limit, unit)}"
        return f"{bound} {self.why}".rstrip()


@dataclass(frozen=True)
class Figure:
    """One line. `baseline` is what the same run measured without the product, in the same unit."""

    name: str
    value: float
    unit: str
    budget: Budget | None = None
    baseline: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        words = []
        if self.budget is not None:
            share = f" ({self.value / self.budget.limit:.2f} of it)" if self.budget.limit else ""
            words.append(f"{'holds' if self.budget.holds(self.value) else 'MISSED'}{share}")
        if self.baseline:
            words.append(f"{self.value / self.baseline:.1f} x {render(self.baseline, self.unit)}")
        return ", ".join([*words, self.note] if self.note else words)

    @property
    def cells(self) -> tuple[str, str, str, str]:
        budget = self.budget.describe(self.unit) if self.budget else ""
        return self.name, render(self.value, self.unit), budget, self.verdict


@dataclass
class Report:
    """Collects figures by section; says each as soon as it is known, and all of them in the end."""

    started: float = field(default_factory=time.monotonic)
    sections: dict[str, list[Figure]] = field(default_factory=dict)

    def add(
        self, section: str, name: str, value: float, unit: str, budget: Budget | None = None, *,
        baseline: float | None = None, note: str = "",
    ) -> None:  # fmt: skip
        figure = Figure(name, value, unit, budget, baseline, note)
        self.sections.setdefault(section, []).append(figure)
        print(
            f"  {time.monotonic() - self.started:6.1f} s  {section}: {' | '.join(figure.cells)}",
            flush=True,
        )

    def note_machine(self, section: str) -> None:
        """Say how busy the machine is with others as a section begins."""
        self.add(
            section,
            "(one busy thread, before)",
            measure_core_share(),
            "%",
            note="of a core; 100 % if quiet",
        )

    def render_table(self) -> str:
        """All figures as one Markdown table, padded so that it is readable as plain text."""
        rows = [HEADINGS]
        for section, figures in self.sections.items():
            rows.append((f"**{section}**", "", "", ""))
            rows += [figure.cells for figure in figures]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
                 for row in rows]  # fmt: skip
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join(lines)

    def missed(self) -> list[str]:
        """The figures that break their budget."""
        return [
            f"{section}: {figure.name} is {render(figure.value, figure.unit)}, budget {figure.cells[2]}"
            for section, figures in self.sections.items()
            for figure in figures
            if figure.budget is not None and not figure.budget.holds(figure.value)
        ]

    def misses(self, section: str) -> bool:
        """Whether a figure of this section breaks its budget."""
        return any(line.startswith(f"{section}: ") for line in self.missed())


def render(value: float, unit: str) -> str:
    """A number with three significant digits and its unit."""
    if unit == "%":
        return f"{value * 100:.2f} %"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    digits = 3 if unit == "" and abs(value) < 10 else digits
    return f"{value:,.{digits}f} {unit}".rstrip()


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` of them do not exceed; nan for none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def describe_machine() -> str:
    """Where and under what load this ran: figures of a busy machine are worth less."""
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{time.strftime('%Y-%m-%d %H:%M')}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"load average {load}, one busy thread gets {measure_core_share():.0%} of a core"
    )

"""What a turn takes, with every embedding computed again."""

from __future__ import annotations

import asyncio
from statistics import median

from bench.quality.asking import ask, make_bot, make_tenant, search, teach_pages
from bench.quality.questions import load_base
from bench.quality.vectors import asked_anew
from bench.report import Report, quantile
from tenants.context import tenant_context


def measure_times(report: Report, *, quick: bool) -> None:
    """A whole offline turn of the shop's bot, from the call to the stored answer, and its search alone."""
    base = load_base("shop")
    texts = [each.text for each in base.questions if each.kind in ("plain", "typo")]
    texts = texts[:12] if quick else texts
    with tenant_context(make_tenant("times")):
        bot = make_bot(base.bot_name)
        teach_pages(bot, base.pages)

        async def run() -> tuple[list[float], list[float]]:
            turns = [(await ask(bot, text)).milliseconds for text in texts]
            return turns, [(await search(bot, text)).milliseconds for text in texts]

        with asked_anew():
            asyncio.run(run())
            times, searches = asyncio.run(run())
    report.add(
        "times", "a whole offline turn, p50", median(times), "ms", baseline=median(searches),
        note=f"its search alone; {len(times)} turns; p95 {quantile(times, 0.95):.0f} ms",
    )  # fmt: skip

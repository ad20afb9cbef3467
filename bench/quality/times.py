"""What a turn takes, with every embedding computed again."""

from __future__ import annotations

import asyncio
from statistics import median

from bench.quality.asking import Reply, ask, make_bot, make_tenant, search, teach_pages
from bench.quality.questions import load_base
from bench.quality.vectors import asked_anew
from bench.report import Budget, Report, quantile
from tenants.context import tenant_context


def measure_times(report: Report, *, quick: bool) -> None:
    """A whole offline turn of the shop's bot, from the call to the stored answer, and its search alone."""
    base = load_base("shop")
    texts = [each.text for each in base.questions if each.kind in ("plain", "typo")]
    texts = texts[:12] if quick else texts
    with tenant_context(make_tenant("times")):
        bot = make_bot(base.bot_name)
        teach_pages(bot, base.pages)

        async def run() -> tuple[list[Reply], list[float]]:
            turns = [await ask(bot, text) for text in texts]
            return turns, [(await search(bot, text)).milliseconds for text in texts]

        with asked_anew():
            asyncio.run(run())
            turns, searches = asyncio.run(run())
    times = [each.milliseconds for each in turns]
    understood = [each.trace["stages"]["understand"] for each in turns]
    report.add(
        "times", "a whole offline turn, p50", median(times), "ms", baseline=median(searches),
        note=f"its search alone; {len(times)} turns; p95 {quantile(times, 0.95):.0f} ms",
    )  # fmt: skip
    report.add(
        "times", "understand, p50", median(understood), "ms", Budget(3.0),
        note=f"of the same turns; p95 {quantile(understood, 0.95):.1f} ms",
    )  # fmt: skip

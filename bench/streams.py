"""Many slow streams at once, on one web process and on all cores: whose tokens come late, and what a token costs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import accumulate

from bench.clients import HttpClient, Turn
from bench.processes import read_memory_bytes
from bench.product import BenchProduct, House, Meter
from bench.report import Budget, Report, quantile
from bench.turns import QUESTIONS
from minirag.local.supervision.web import AUTO, count_web_processes

STREAMS, PAUSE_MS, LATE_SECONDS = 200, 50, 0.25
TOKENS_PER_SECOND = 1000 / PAUSE_MS
MOST_MEASURED, LONG_TOKENS = 4, 1200
TOKEN = Budget(150)
RAMP_SECONDS = 8.0  # people do not all ask in the same instant; shorter than a stream, so that all are open at once


@dataclass(frozen=True)
class Held:
    """What became of so many streams; `late` is the share of tokens that came too late after they were due."""

    late: float
    late_after_sent: float
    cpu_us: float
    total_us: float
    delay_p50_ms: float
    delay_p99_ms: float
    busy: float
    at_once: int


def measure_streams(house: House, report: Report, *, quick: bool) -> None:
    """200 streams, and fewer, which shows where it begins to break."""
    tokens = 240 if quick else 400
    bot_id = house.make_taught_bot(f"openai/d0-n{tokens}-i{PAUSE_MS}")
    house.settle()
    asyncio.run(hold_streams(house, bot_id, 4, ramp_seconds=0.5))
    for streams in (25, STREAMS) if quick else (25, 50, 100, STREAMS):
        budget = Budget(0.01) if streams == STREAMS else None
        report_held(report, streams, hold(house, bot_id, streams), budget)
    report.add(
        "streams",
        "web process, resident memory",
        read_memory_bytes(house.product.web_pid) / 2**20,
        "MiB",
    )
    measure_all_cores(house, report)


def measure_all_cores(house: House, report: Report) -> None:
    """200 streams more for each of the first four web processes that `auto` starts; nothing where it starts one."""
    processes = count_web_processes(AUTO)
    if processes == 1:
        return
    streams, product = STREAMS * min(processes, MOST_MEASURED), house.product
    # Their beginning takes longer, and all are to be open at once.
    bot_id = house.make_taught_bot(f"openai/d0-n{LONG_TOKENS}-i{PAUSE_MS}")
    one, product.options = product.options, ()
    try:
        restart(product)
        house.settle()
        asyncio.run(hold_streams(house, bot_id, 4, ramp_seconds=0.5))
        budget = Budget(0.01) if processes >= MOST_MEASURED else None
        report_held(report, streams, hold(house, bot_id, streams), budget, processes)
    finally:
        product.options = one
        restart(product)


def restart(product: BenchProduct) -> None:
    product.stop()
    product.start()


def report_held(
    report: Report, streams: int, held: Held, budget: Budget | None, processes: int = 1
) -> None:
    on = "" if processes == 1 else f" on {processes} web processes"
    report.add(
        "streams", f"{streams} streams of 20 tokens/s{on}: tokens late by 250 ms",
        held.late, "%", budget,
        note=f"{held.at_once} at once; delay p50 {held.delay_p50_ms:.0f} ms, p99 {held.delay_p99_ms:.0f} ms; "
             f"late after the model sent them {held.late_after_sent:.1%}; web process {held.busy:.0%} busy",
    )  # fmt: skip
    report.add(
        "streams", f"{streams} streams{on}: CPU per token, turns included", held.cpu_us, "us", budget and TOKEN,
        note=f"web process; {held.total_us:.0f} us over all processes; "
             f"the wanted pace takes {streams * TOKENS_PER_SECOND * held.cpu_us / 1e6:.2f} cores",
    )  # fmt: skip


def hold(house: House, bot_id: str, streams: int) -> Held:
    with Meter(house.product) as meter:
        turns = asyncio.run(
            hold_streams(house, bot_id, streams, ramp_seconds=RAMP_SECONDS * streams / STREAMS)
        )
    seen = [token for turn in turns for token in turn.tokens]
    delays = [now - stamp.due for now, stamp in seen]
    return Held(
        late=sum(delay > LATE_SECONDS for delay in delays) / len(delays),
        late_after_sent=sum(now - stamp.sent > LATE_SECONDS for now, stamp in seen) / len(seen),
        cpu_us=meter.web_ms * 1000 / len(seen),
        total_us=meter.total_ms * 1000 / len(seen),
        delay_p50_ms=quantile(delays, 0.5) * 1000,
        delay_p99_ms=quantile(delays, 0.99) * 1000,
        busy=meter.web_ms / meter.seconds / 1000,
        at_once=count_at_once(turns),
    )


def count_at_once(turns: list[Turn]) -> int:
    """The greatest number of turns that were speaking at the same moment."""
    changes = sorted(
        [(turn.first_token, 1) for turn in turns] + [(turn.ended, -1) for turn in turns]
    )
    return max(accumulate(change for _, change in changes))


async def hold_streams(
    house: House, bot_id: str, streams: int, *, ramp_seconds: float
) -> list[Turn]:
    """Start `streams` turns evenly over `ramp_seconds` and read each to its end."""

    async def read_one(number: int) -> Turn:
        await asyncio.sleep(ramp_seconds * number / streams)
        async with HttpClient(house.product.base_url, house.account.token) as client:
            question = QUESTIONS[number % len(QUESTIONS)]
            return await client.ask(
                "/v1/chat", {"bot_profile_id": bot_id, "message": question, "stream": True}
            )

    return await asyncio.gather(*(read_one(number) for number in range(streams)))

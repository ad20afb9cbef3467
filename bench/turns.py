"""Chat turns in a closed loop: our time before the first token, and the CPU of a whole turn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from statistics import median

from bench.clients import HttpClient, SocketClient, Turn
from bench.product import DEMO, DOCUMENTS, House, Meter
from bench.reads import measure_hello
from bench.report import Budget, Report, quantile

TOKENS = 32
MODEL = f"openai/d0-n{TOKENS}-i0"
QUESTIONS = [
    entry["question"]
    for entry in json.loads((DEMO.parent / "questions.json").read_text())["acme"]["answerable"]
    if entry["file"] in DOCUMENTS
]
ALONE = Budget(25)
CROWD = Budget(1600 / 3, why="(a third of the best peer)")
CPU = 12.0  # times a bare asynchronous view

Ask = Callable[[str], Awaitable[Turn]]


def measure_turns(house: House, report: Report, *, quick: bool) -> None:
    """1, 10 and 50 clients, over Server-Sent Events and over WebSocket, with a fast model and with the offline one."""
    direct = median(asyncio.run(ask_provider(house, 20)))
    report.add(
        "turn", "the fast model alone, first token", direct, "ms", note="asked without the product"
    )
    remote = house.make_taught_bot(MODEL)
    offline = house.make_taught_bot("minirag/extractive")
    house.settle()
    bare = measure_hello("/async", 300)
    repeats = 1 if quick else 3
    for channel in ("SSE", "WebSocket"):
        for clients, turns in ((1, 25), (50, 100)) if quick else ((1, 40), (10, 120), (50, 200)):
            measure_crowd(house, report, remote, channel, clients, turns, repeats, bare=bare)
    for clients, turns in ((1, 10),) if quick else ((1, 20), (10, 50), (50, 100)):
        measure_crowd(
            house,
            report,
            offline,
            "SSE",
            clients,
            turns,
            1 if clients > 1 else repeats,
        )


def measure_crowd(
    house: House, report: Report, bot_id: str, channel: str, clients: int, turns: int, repeats: int, *,
    bare: float | None = None,
) -> None:  # fmt: skip
    """`bare` is a bare view's CPU, which bounds that of a turn; the offline model's own work has no bound."""
    is_offline = bare is None
    asyncio.run(run_crowd(house, bot_id, channel, min(clients, 8), 8))
    typical, late, web, total, rate = [], [], [], [], []
    for _ in range(repeats):
        seen, meter = asyncio.run(run_crowd(house, bot_id, channel, clients, turns))
        waits = [turn.first_token_ms if is_offline else turn.overhead_ms for turn in seen]
        typical.append(quantile(waits, 0.5))
        late.append(quantile(waits, 0.95))
        web.append(meter.web_ms / len(seen))
        total.append(meter.total_ms / len(seen))
        rate.append(len(seen) / meter.seconds)
    kind = "offline" if is_offline else "fast model"
    name = f"{kind}, {channel}, {clients} client{'s' if clients > 1 else ''}"
    budget = None if is_offline else {1: ALONE, 50: CROWD}.get(clients)
    what = "question to first token" if is_offline else "our time to first token"
    report.add("turn", f"{name}: {what}, p50", median(typical), "ms", budget,
               note=f"p95 {median(late):.0f} ms, {median(rate):.1f} turns/s")  # fmt: skip
    if clients in (1, 10):
        cpu = None if bare is None else Budget(CPU * bare, why=f"({CPU:.0f} x)")
        report.add("turn", f"{name}: CPU of a turn", median(total), "ms", cpu, baseline=bare,
                   note=f"web process alone {median(web):.1f} ms")  # fmt: skip


async def run_crowd(
    house: House, bot_id: str, channel: str, clients: int, turns: int
) -> tuple[list[Turn], Meter]:
    """`clients` ask one question after the other until `turns` were answered, each turn in a new chat."""
    seen: list[Turn] = []
    left = iter(range(turns))

    async def keep_asking(ask: Ask) -> None:
        for number in left:
            seen.append(await ask(QUESTIONS[number % len(QUESTIONS)]))

    async with AsyncExitStack() as stack:
        asks = [await open_client(house, stack, bot_id, channel) for _ in range(clients)]
        with Meter(house.product) as meter:
            await asyncio.gather(*(keep_asking(ask) for ask in asks))
    return seen, meter


async def open_client(house: House, stack: AsyncExitStack, bot_id: str, channel: str) -> Ask:
    product = house.product
    if channel == "WebSocket":
        token = await asyncio.to_thread(house.open_widget_session, bot_id)
        return (await stack.enter_async_context(SocketClient(product.base_url, token))).ask
    client = await stack.enter_async_context(HttpClient(product.base_url, house.account.token))
    return lambda question: client.ask(
        "/v1/chat", {"bot_profile_id": bot_id, "message": question, "stream": True}
    )


async def ask_provider(house: House, turns: int) -> list[float]:
    body = {"model": MODEL.rpartition("/")[2], "messages": [], "stream": True}
    async with HttpClient(house.provider.base_url) as client:
        return [
            (await client.stream_raw("/v1/chat/completions", body)).first_token_ms
            for _ in range(turns)
        ]

"""What a read of the API costs under Daphne, next to the least a Django view costs there."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from statistics import median

from bench.clients import HttpClient
from bench.processes import read_cpu_seconds
from bench.product import House, Meter
from bench.report import Budget, Report
from minirag.local.embedded.processes import find_free_port
from tests.product import CHECKOUT

READ, LIST = 2.5, 3.0  # times what the bare view takes
CLIENTS = 8


def measure_reads(house: House, report: Report, *, quick: bool) -> None:
    """One bot, and a list of sources, by 8 clients; then "hello world" on a bare project under the same server."""
    requests = 300 if quick else 800
    repeats = 1 if quick else 3
    bare = measure_hello("/sync", requests)
    report.add(
        "read",
        "bare Django, sync view without a database: CPU",
        bare,
        "ms",
        note="the floor under Daphne",
    )
    report.add("read", "bare Django, async view: CPU", measure_hello("/async", requests), "ms")
    bot_id = house.product.make_bot(house.account, name="Read me")
    for name, path, times in (
        ("one bot", f"/v1/bot-profiles/{bot_id}", READ),
        ("list of sources", "/v1/sources?limit=50", LIST),
    ):
        asyncio.run(fetch(house.product.base_url, house.account.token, path, 50))
        web, total, rate = [], [], []
        for _ in range(repeats):
            with Meter(house.product) as meter:
                asyncio.run(fetch(house.product.base_url, house.account.token, path, requests))
            web.append(meter.web_ms / requests)
            total.append(meter.total_ms / requests)
            rate.append(requests / meter.seconds)
        budget = Budget(times * bare, why=f"({times} x)")
        report.add("read", f"GET /v1, {name}: CPU of the web process", median(web), "ms", budget, baseline=bare,
                   note=f"all processes {median(total):.1f} ms, {median(rate):.0f} requests/s")  # fmt: skip


async def fetch(base_url: str, token: str, path: str, requests: int) -> None:
    left = iter(range(requests))

    async def keep_fetching() -> None:
        async with HttpClient(base_url, token) as client:
            for _ in left:
                await client.get(path)

    await asyncio.gather(*(keep_fetching() for _ in range(CLIENTS)))


def measure_hello(path: str, requests: int) -> float:
    """CPU milliseconds of a request to the bare project."""
    port = find_free_port()
    command = [
        sys.executable,
        "-m",
        "daphne",
        "-p",
        str(port),
        "--verbosity",
        "0",
        "bench.hello:application",
    ]
    server = subprocess.Popen(command, cwd=CHECKOUT)
    try:
        asyncio.run(wait_for(port))
        asyncio.run(fetch(f"http://127.0.0.1:{port}", "", path, 50))
        before = read_cpu_seconds([server.pid])
        asyncio.run(fetch(f"http://127.0.0.1:{port}", "", path, requests))
        return (read_cpu_seconds([server.pid]) - before) * 1000 / requests
    finally:
        server.terminate()
        server.wait(20)


async def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            await fetch(f"http://127.0.0.1:{port}", "", "/sync", 1)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            return

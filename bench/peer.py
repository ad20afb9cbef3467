"""Another server that keeps the contract of MiniRAG 1.0, asked in turns with ours: who does the same for less.

An adapter file (bench/peers) says where it listens, how it is started if it is not running, and which processes are
its own. Both are signed up at, taught the same page and asked the same questions over the contract alone, and both
have their models from the same fake provider.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.clients import HttpClient
from bench.processes import find_by_command, list_descendants, read_cpu_seconds
from bench.product import DEMO, House
from bench.report import Budget, Report, render
from bench.turns import QUESTIONS
from minirag.local.embedded.processes import die_with_parent, find_free_port
from tests.product import CHECKOUT

MODEL = "openai/d0-n32-i20"  # 50 tokens a second
SHARE = Budget(0.5, why="(twice ahead)")
READS = {"a bot": "/v1/bot-profiles/{bot}", "a list of sources": "/v1/sources"}
SOURCES = 50


@dataclass(frozen=True)
class Adapter:
    """An adapter file. Its strings may hold `{port}`, `{directory}`, `{checkout}`, `{python}` and `{provider}`."""

    name: str
    base_url: str
    start: tuple[str, ...] = ()
    directory: str = "{directory}"
    environment: dict[str, str] = field(default_factory=dict)
    processes: tuple[str, ...] = ()
    provider_port: int | None = None
    bot: dict[str, Any] = field(default_factory=dict)
    ready_seconds: float = 300

    @classmethod
    def read(cls, path: Path) -> Adapter:
        """Raises ValueError for a key that means nothing here."""
        told = tomllib.loads(path.read_text())
        if unknown := told.keys() - cls.__dataclass_fields__.keys():
            raise ValueError(f"{path}: nothing is called {', '.join(sorted(unknown))} here")
        for name in ("start", "processes"):
            told[name] = tuple(told.get(name, ()))
        return cls(**told)


@dataclass
class Side:
    """One of the two: where it is, and of which processes it consists."""

    name: str
    base_url: str
    roots: tuple[int, ...]
    words: tuple[str, ...] = ()
    token: str = ""
    bot_id: str = ""

    def read_cpu_ms(self) -> float:
        """Of all its processes, databases included."""
        own = {pid for root in self.roots for pid in list_descendants(root)}
        return read_cpu_seconds(sorted(own | set(find_by_command(self.words)))) * 1000

    def teach(self, provider_url: str, fields: dict[str, Any]) -> None:
        """Sign up, make a bot and let it learn a page, by what the contract has."""
        slug = f"bench-{secrets.token_hex(4)}"
        owner = {"tenant_name": slug, "tenant_slug": slug, "owner_email": f"owner@{slug}.example.com"}  # fmt: skip
        with httpx.Client(base_url=self.base_url, timeout=120) as client:
            made = _expect(
                client.post("/v1/tenants", json={**owner, "owner_password": secrets.token_hex()})
            )
            self.token = made["api_token"]
            client.headers["Authorization"] = f"Bearer {self.token}"
            key = {"api_key": "bench", "api_base": provider_url}
            bot = {"name": "Bench", "model": MODEL, "credentials": key, **fields}
            self.bot_id = _expect(client.post("/v1/bot-profiles", json=bot))["id"]
            # Ours may decline, which would be a turn without a model; the contract knows no such thing.
            client.patch(f"/v1/bot-profiles/{self.bot_id}/settings", json={"refuses": False})
            page = (DEMO / "product-handbook.md").read_text()
            for number in range(SOURCES):
                text = {"source_type": "text", "content": page if not number else f"Note {number}."}
                source = {"bot_profile_id": self.bot_id, "name": f"Source {number}", **text}
                source_id = _expect(client.post("/v1/sources", json=source))["id"]
                if not number:
                    _learn(client, source_id)

    async def time_turn(self, client: HttpClient, number: int, *, is_stream: bool) -> float:
        """Ask in a new chat; returns the milliseconds that were not the model's: to its first token, or altogether."""
        asked = {"bot_profile_id": self.bot_id, "message": QUESTIONS[number % len(QUESTIONS)]}
        if is_stream:
            return (await client.ask("/v1/chat", {**asked, "stream": True})).overhead_ms
        return (await client.ask_whole("/v1/chat", asked)).rest_ms


def _expect(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise RuntimeError(f"{answer.request.url}: {answer.status_code} {answer.text[:500]}")
    return answer.json()


def _learn(client: httpx.Client, source_id: str) -> None:
    _expect(client.post(f"/v1/sources/{source_id}/ingest"))
    deadline = time.monotonic() + 300
    while (told := _expect(client.get(f"/v1/sources/{source_id}")))["status"] != "ready":
        if told["status"] == "error" or time.monotonic() > deadline:
            raise RuntimeError(f"The page was not learned: {told}")
        time.sleep(0.2)


@contextmanager
def peer_running(adapter: Adapter, provider_url: str) -> Iterator[Side]:
    """Start the peer, or find it running, and wait until it answers at `/health`."""
    with tempfile.TemporaryDirectory(prefix="minirag-peer-") as directory:
        Path(directory).chmod(0o711)  # as for ours, whose PostgreSQL may run as another user
        facts = {
            "port": find_free_port(), "directory": directory, "checkout": CHECKOUT,
            "python": sys.executable, "provider": provider_url,
        }  # fmt: skip
        server = None
        if adapter.start:
            server = subprocess.Popen(
                [part.format(**facts) for part in adapter.start],
                cwd=adapter.directory.format(**facts), stdin=subprocess.DEVNULL,
                stdout=(Path(directory) / "output.log").open("wb"), stderr=subprocess.STDOUT,
                env=os.environ | {k: v.format(**facts) for k, v in adapter.environment.items()},
                start_new_session=True, preexec_fn=die_with_parent(signal.SIGINT),
            )  # fmt: skip
        roots = (server.pid,) if server else ()
        try:
            side = Side(adapter.name, adapter.base_url.format(**facts), roots, adapter.processes)
            _wait_for(side, adapter.ready_seconds, server)
            yield side
        finally:
            if server is not None and server.poll() is None:
                server.send_signal(signal.SIGINT)
                server.wait(120)


def _wait_for(side: Side, seconds: float, server: subprocess.Popen[bytes] | None) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if httpx.get(f"{side.base_url}/health", timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
        if time.monotonic() > deadline or (server is not None and server.poll() is not None):
            raise RuntimeError(f"{side.name} does not answer at {side.base_url}/health")


def measure_peer(house: House, report: Report, *, adapter: Adapter, quick: bool) -> None:
    """Rounds in turns, each begun by another one; medians of the rounds, as a share of the peer's."""
    provider_url = house.provider.base_url
    with peer_running(adapter, provider_url) as theirs:
        ours = Side("ours", house.product.base_url, (house.product.root_pid,))
        ours.teach(provider_url, {})
        theirs.teach(provider_url, adapter.bot)
        house.settle()
        seen: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for number in range(2 if quick else 4):  # the first warms up
            for side in (ours, theirs) if number % 2 else (theirs, ours):
                for row, value in measure_side(side, quick=quick):
                    if number:
                        seen[row][side.name].append(value)
    for row, values in seen.items():
        own, other = median(values[ours.name]), median(values[theirs.name])
        report.add("peer", row, own / other, "", SHARE,
                   note=f"{render(own, 'ms')}; {theirs.name} {render(other, 'ms')}")  # fmt: skip


def measure_side(side: Side, *, quick: bool) -> Iterator[tuple[str, float]]:
    """The rows of one round."""
    for clients, turns in ((1, 10), (10, 30)) if quick else ((1, 20), (10, 60), (50, 150)):
        for kind in ("streamed", "JSON"):
            waits, cpu_ms = asyncio.run(
                run_turns(side, clients, turns, is_stream=kind == "streamed")
            )
            name = f"{kind} turn, {clients} client{'s' if clients > 1 else ''}"
            wait = "first token over the model's" if kind == "streamed" else "time over the model's"
            yield f"{name}: CPU of all processes", cpu_ms
            yield f"{name}: {wait}, p50", median(waits)
    for what, path in READS.items():
        requests = 100 if quick else 300
        yield f"read of {what}: CPU of all processes", asyncio.run(run_reads(side, path, requests))


async def run_turns(
    side: Side, clients: int, turns: int, *, is_stream: bool
) -> tuple[list[float], float]:
    """What each of so many turns took beside the model, and the CPU milliseconds of one."""
    waits: list[float] = []
    left = iter(range(turns))

    async def keep_asking(client: HttpClient) -> None:
        for number in left:
            waits.append(await side.time_turn(client, number, is_stream=is_stream))

    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(HttpClient(side.base_url, side.token))
            for _ in range(clients)
        ]
        before = side.read_cpu_ms()
        await asyncio.gather(*map(keep_asking, opened))
        return waits, (side.read_cpu_ms() - before) / turns


async def run_reads(side: Side, path: str, requests: int) -> float:
    """CPU milliseconds of one read."""
    async with HttpClient(side.base_url, side.token) as client:
        before = side.read_cpu_ms()
        for _ in range(requests):
            json.loads(await client.get(path.format(bot=side.bot_id)))
        return (side.read_cpu_ms() - before) / requests

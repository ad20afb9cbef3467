"""Killing one part after the other, and how long each is away: until somebody outside sees it at work again.

Where the installation has a clock of its own, that one jumps by a day in between, ahead or back.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from bench.chaos.machine import CLOCK_SECONDS, DAY_SECONDS
from bench.chaos.scene import ChaosProduct, Member
from bench.processes import list_commands, read_start

PARTS = ("web", "worker", "beat", "valkey", "postgres")
CLOCK = "clock"
AWAY_SECONDS = 240.0


@dataclass
class Killer:
    """Chooses a part at random, kills it with SIGKILL, waits until it is well again, and rests a little."""

    product: ChaosProduct
    witness: Member
    dice: random.Random
    rest_seconds: tuple[float, float]
    outages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    troubles: list[str] = field(default_factory=list)

    def run(self, over: threading.Event, *, least: int = 1) -> None:
        """Goes on until `over`, and until each part was killed `least` times."""
        parts = (*PARTS, CLOCK) if self.product.clock else PARTS
        left = [part for part in parts for _ in range(least)]
        self.dice.shuffle(left)
        while left or not over.is_set():
            part = left.pop() if left else self.dice.choice(parts)
            self.jump() if part == CLOCK else self.kill(part)
            over.wait(self.dice.uniform(*self.rest_seconds))
        if self.product.clock and self.product.clock.is_away:
            self.jump()

    def jump(self) -> None:
        """Put the clock a day ahead or back, or right again."""
        clock = self.product.clock
        assert clock is not None
        clock.set(0 if clock.is_away else self.dice.choice((DAY_SECONDS, -DAY_SECONDS)))
        jumped_at = time.monotonic()
        time.sleep(CLOCK_SECONDS)  # until all processes have it
        self._wait_until_well(CLOCK, "worker", jumped_at)

    def kill(self, part: str) -> None:
        chosen = self._choose(part)
        if chosen is None:
            self.troubles.append(f"{part} was not there for {AWAY_SECONDS:.0f} s")
            return
        killed_at = time.monotonic()
        started = read_start(chosen)
        with suppress(ProcessLookupError):
            os.kill(chosen, signal.SIGKILL)
        while started and read_start(chosen) == started:
            time.sleep(0.005)
        self._wait_until_well(part, part, killed_at)

    def _wait_until_well(self, part: str, seen_by: str, killed_at: float) -> None:
        is_well = self._checks()[seen_by]
        while not is_well():
            if time.monotonic() - killed_at > AWAY_SECONDS:
                self.troubles.append(f"{part} was not well again after {AWAY_SECONDS:.0f} s")
                return
            time.sleep(0.05)
        self.outages[part].append(time.monotonic() - killed_at)
        print(f"  {part} was away for {self.outages[part][-1]:.1f} s", flush=True)

    def _choose(self, part: str) -> int | None:
        """One that runs; where the end of another part has ended it, once it is started again."""
        given_up_at = time.monotonic() + AWAY_SECONDS
        while not (pids := self._find(part)):
            if time.monotonic() > given_up_at:
                return None
            time.sleep(0.05)
        return self.dice.choice(pids)

    def _find(self, part: str) -> list[int]:
        words = {"web": "minirag.asgi", "worker": "--quiet worker", "beat": "--quiet beat",
                 "valkey": "valkey-server", "postgres": "bin/postgres"}[part]  # fmt: skip
        found = [pid for pid, command in list_commands(self.product.root_pid) if words in command]
        # Of a worker and of PostgreSQL the first is the parent of the others.
        return found if part == "web" else found[:1]

    def _checks(self) -> dict[str, Callable[[], bool]]:
        return {
            "web": lambda: self._is_answered("/health"),
            "worker": self._teach_and_see(),
            "beat": lambda: bool(self._find("beat")),
            "valkey": lambda: self._is_answered("/v1/system/health", '"redis": {"status": "ok"'),
            "postgres": lambda: self._is_answered("/v1/bot-profiles"),
        }

    def _is_answered(self, path: str, words: str = "") -> bool:
        headers = {"Authorization": f"Bearer {self.witness.account.token}"}
        try:
            answer = httpx.get(f"{self.product.base_url}{path}", headers=headers, timeout=10)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and words.replace(" ", "") in answer.text.replace(" ", "")

    def _teach_and_see(self) -> Callable[[], bool]:
        """Whether a page that is sent after the death of a worker is ready."""
        source: list[str] = []
        client = self.witness.account.client

        def is_ready() -> bool:
            try:
                if not source:
                    body = {
                        "bot_profile_id": self.witness.bot_id, "name": "Seen", "source_type": "text",
                        "content": f"{self.witness.ledger.mark} {time.monotonic()}",
                    }  # fmt: skip
                    made = client.post("/v1/sources", json=body).raise_for_status().json()["id"]
                    client.post(f"/v1/sources/{made}/ingest").raise_for_status()
                    source.append(made)
                return bool(client.get(f"/v1/sources/{source[0]}").json().get("status") == "ready")
            except httpx.HTTPError:
                return False

        return is_ready

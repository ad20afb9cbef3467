"""`python -m bench.chaos [--minutes 15] [--tenants 20] [--seed N] [--clock]`: exit code 1 unless every count is 0.

See docs/operations.md.
"""

from __future__ import annotations

import argparse
import random
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.chaos.counting import KINDS, Counts, count, wait_for_quiet
from bench.chaos.kills import Killer
from bench.chaos.ledger import Troubles
from bench.chaos.load import Visitor
from bench.chaos.machine import Clock, find_library
from bench.chaos.scene import ChaosProduct, Member, Receiver, settle_in
from bench.report import describe_machine
from tests.fakes.openai_server import FakeOpenAI

VISITORS = 12
QUIET_SECONDS = 420.0


@dataclass(frozen=True)
class Plan:
    """How much is done: `rest_seconds` are the pauses between two kills."""

    minutes: float
    tenants: int
    seed: int
    visitors: int = VISITORS
    rest_seconds: tuple[float, float] = (2.0, 12.0)
    quiet_seconds: float = QUIET_SECONDS
    jumps: bool = False


def read_arguments(arguments: Sequence[str] | None = None) -> Plan:
    parser = argparse.ArgumentParser(
        prog="python -m bench.chaos", description="Kill parts of the product under load, and count."
    )
    parser.add_argument("--minutes", type=float, default=15.0, help="of load and kills; default 15")
    parser.add_argument("--tenants", type=int, default=20)
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(10**6), help="of what is done and killed"
    )
    parser.add_argument(
        "--clock",
        action="store_true",
        help="let the clock jump by a day as well; takes Debian's faketime",
    )
    chosen = parser.parse_args(arguments)
    if chosen.clock and find_library() is None:
        parser.error("No libfaketime here: apt-get install faketime")
    return Plan(chosen.minutes, max(1, chosen.tenants), chosen.seed, jumps=chosen.clock)


def run(
    plan: Plan,
    product: ChaosProduct,
    *,
    before_quiet: Callable[[list[Member]], None] = lambda _: None,
) -> tuple[Counts, Killer, Troubles]:
    """Load and kills on a product that was started, and what they left. It is left running."""
    troubles, over = Troubles(), threading.Event()
    with FakeOpenAI() as provider, Receiver() as receiver:
        members = settle_in(product, provider, receiver, plan.tenants)
        killer = Killer(product, members[0], random.Random(plan.seed), plan.rest_seconds)
        visitors = [
            Visitor(members, troubles, over, plan.seed + number) for number in range(plan.visitors)
        ]
        timer = threading.Timer(plan.minutes * 60, over.set)
        timer.start()
        try:
            with ThreadPoolExecutor(plan.visitors) as pool:
                running = [pool.submit(visitor.run) for visitor in visitors]
                killer.run(over)
                over.set()
                for each in running:
                    each.result()
        finally:
            timer.cancel()
            over.set()
        before_quiet(members)
        seconds = wait_for_quiet(product.database_url, members, plan.quiet_seconds)
        print(f"  quiet after {seconds:.0f} s", flush=True)
        return count(product.database_url, members, receiver), killer, troubles


def summarise(counts: Counts, killer: Killer, troubles: Troubles) -> str:
    lines = ["", "outages, from the kill until it did its work again:"]
    for part, seconds in sorted(killer.outages.items()):
        lines.append(
            f"  {part:<9} killed {len(seconds):>3} times   median {median(seconds):>5.1f} s   "
            f"longest {max(seconds):>5.1f} s"
        )
    lines.append(f"\n{troubles.calls} calls, of which some had to be made again:")
    lines += [f"  {number:>6}  {why}" for why, number in troubles.seen.most_common(15)]
    lines.append("")
    lines += [f"  {kind:<13} {counts.found[kind]}" for kind in KINDS]
    lines += [f"  ! {example}" for example in [*counts.examples, *killer.troubles]]
    return "\n".join(lines)


def main() -> int:
    plan = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or nothing below would be cleaned up
    print(
        f"MiniRAG chaos: {plan.tenants} tenants, {plan.minutes:g} minutes, --seed {plan.seed}; "
        f"{describe_machine()}",
        flush=True,
    )
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="minirag-chaos-") as directory:
        Path(directory).chmod(0o711)  # PostgreSQL runs as another user where we are root
        with Clock(Path(directory)) if plan.jumps else nullcontext() as clock:
            product = ChaosProduct(Path(directory), clock)
            try:
                product.start()
                counts, killer, troubles = run(plan, product)
            finally:
                product.stop()
        print(summarise(counts, killer, troubles))
    print(f"\ntook {time.monotonic() - started:.0f} s")
    return int(bool(counts.found.total() or killer.troubles))


if __name__ == "__main__":
    sys.exit(main())

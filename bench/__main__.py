"""`python -m bench [section …] [--quick]`: see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.peer import Adapter, measure_peer
from bench.product import BenchProduct, House, Provider
from bench.reads import measure_reads
from bench.report import Report, describe_machine
from bench.sharing import measure_sharing
from bench.starting import measure_starts, start_product
from bench.streams import measure_streams
from bench.turns import measure_turns
from minirag.local.embedded.processes import find_free_port

SECTIONS = (
    "start", "turn", "streams", "read", "ingestion", "retrieval", "tenants", "stats", "exports", "lists", "chats",
    "limits", "sharing", "crawl",
)  # fmt: skip


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure the product next to its budgets."
    )
    parser.add_argument("sections", nargs="*", help=f"only these: {', '.join(SECTIONS)}")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer repeats and smaller tenants; below three minutes",
    )
    parser.add_argument(
        "--tenants", type=int, default=200, help="how many tenants `migrate` goes over"
    )
    parser.add_argument(
        "--rows", type=int, help="usage events and messages: 1,000,000, or 100,000 with --quick"
    )
    parser.add_argument(
        "--peer", type=Path, help="adapter file of the server that section `peer` compares with"
    )
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.sections) - {*SECTIONS, "peer"}
    if "peer" in chosen.sections and chosen.peer is None:
        parser.error("peer needs --peer FILE, such as bench/peers/second.toml")
    chosen.peer = None if chosen.peer is None else Adapter.read(chosen.peer)
    if unknown:
        parser.error(
            f"unknown sections: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}"
        )
    chosen.sections = set(chosen.sections) or {*SECTIONS, *(["peer"] if chosen.peer else [])}
    chosen.tenants = (
        min(chosen.tenants, 50) if chosen.quick and chosen.tenants == 200 else chosen.tenants
    )
    chosen.rows = chosen.rows or (100_000 if chosen.quick else 1_000_000)
    return chosen


def run_sections(
    product: BenchProduct, provider: Provider, report: Report, chosen: argparse.Namespace
) -> None:
    first_seconds = start_product(product)

    def run(measures: Mapping[str, Callable[..., None]], *given: Any, **options: Any) -> None:
        for name, measure in measures.items():
            if name in chosen.sections:
                report.note_machine(name)
                measure(*given, report, **options, quick=chosen.quick)

    run({"start": measure_starts}, product, first_seconds=first_seconds)
    house = House(product, provider, product.sign_up("bench"))
    outside = {
        "turn": measure_turns,
        "streams": measure_streams,
        "read": measure_reads,
        "sharing": measure_sharing,
    }
    run(outside, house)
    run({"peer": measure_peer}, house, adapter=chosen.peer)
    if not chosen.sections - {"start", "peer", *outside}:
        return
    product.connect_here()
    # Only now: these read Django's settings when they are imported.
    from bench.chats import measure_chats
    from bench.crawling import measure_crawl
    from bench.exports import measure_exports
    from bench.ingestion import measure_ingestion
    from bench.limits import measure_limits
    from bench.lists import measure_lists
    from bench.retrieval import measure_retrieval
    from bench.stats import measure_stats
    from bench.tenants import measure_tenants

    run({"ingestion": measure_ingestion, "crawl": measure_crawl}, house)
    run({"retrieval": measure_retrieval})
    counted = {
        "stats": measure_stats,
        "exports": measure_exports,
        "lists": measure_lists,
        "chats": measure_chats,
    }
    run(counted, house, rows=chosen.rows)
    run({"limits": measure_limits}, house)
    run({"tenants": measure_tenants}, product, tenants=chosen.tenants)


def summarise(report: Report, seconds: float) -> str:
    """The table and what missed its budget; also of a run that was cut short."""
    missed = "".join(f"\n- {line}" for line in report.missed())
    verdict = f"Budgets missed:{missed}" if missed else "No budget was missed by what was measured."
    return f"\n{report.render_table()}\n\n{describe_machine()}; took {seconds:.0f} s\n\n{verdict}"


def main() -> int:
    chosen, report = read_arguments(), Report()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or nothing below would be cleaned up
    print(f"MiniRAG bench: {describe_machine()}", flush=True)
    started = time.monotonic()
    port = (chosen.peer and chosen.peer.provider_port) or find_free_port()
    with (
        tempfile.TemporaryDirectory(prefix="minirag-bench-") as directory,
        Provider(port) as provider,
    ):
        Path(directory).chmod(0o711)  # PostgreSQL runs as another user where we are root
        product = BenchProduct(Path(directory))
        try:
            run_sections(product, provider, report, chosen)
        finally:
            print(summarise(report, time.monotonic() - started), flush=True)
            product.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())

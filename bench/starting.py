"""How long `manage.py up` takes: on an empty data directory, and again on its data."""

from __future__ import annotations

import time
from statistics import median

from bench.product import BenchProduct
from bench.report import Budget, Report


def start_product(product: BenchProduct) -> float:
    """Start the product; returns the seconds until it was ready for work."""
    started = time.monotonic()
    product.start()
    return time.monotonic() - started


def measure_starts(
    product: BenchProduct, report: Report, *, first_seconds: float, quick: bool
) -> None:
    """Stop and start a running product; `first_seconds` is what its first start took."""
    report.add("start", "first start, packages installed, with the demo", first_seconds, "s")
    ups, downs = [], []
    for _ in range(1 if quick else 3):
        started = time.monotonic()
        product.stop()
        downs.append(time.monotonic() - started)
        ups.append(start_product(product))
    report.add("start", "second start, until it is ready", median(ups), "s", Budget(15))
    report.add("start", "stop", median(downs), "s")

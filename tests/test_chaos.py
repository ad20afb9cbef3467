"""`make chaos` in short: each part is killed once under load, and nothing is lost, doubled or crossed."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest

from bench.chaos.__main__ import Plan, run, summarise
from bench.chaos.scene import ChaosProduct
from tests.migrated import fill_data_directory

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]


def test_each_part_is_killed_under_load_and_every_count_is_0() -> None:
    plan = Plan(
        minutes=0.2, tenants=4, seed=random.SystemRandom().randrange(10**6), visitors=6, rest_seconds=(0.5, 2.0)
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="minirag-chaos-") as name:
        Path(name).chmod(0o711)
        product = ChaosProduct(Path(name))
        fill_data_directory(product.data_directory)
        try:
            product.start()
            counts, killer, troubles = run(plan, product)
        finally:
            product.stop()
    told = f"seed {plan.seed}{summarise(counts, killer, troubles)}"
    assert set(killer.outages) == {"web", "worker", "beat", "valkey", "postgres"}, told
    assert not counts.found and not killer.troubles, told

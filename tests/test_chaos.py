"""`make chaos` in short: each part is killed once under load, and nothing is lost, doubled or crossed."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest

from bench.chaos import counting
from bench.chaos.__main__ import Plan, run, summarise
from bench.chaos.ledger import Asked, Ledger, Taught
from bench.chaos.scene import ChaosProduct, Member, Receiver
from tests.product import Product

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]


def test_each_part_is_killed_under_load_and_every_count_is_0() -> None:
    plan = Plan(
        minutes=0.2, tenants=4, seed=random.SystemRandom().randrange(10**6), visitors=6, rest_seconds=(0.5, 2.0)
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="minirag-chaos-") as name:
        Path(name).chmod(0o711)
        product = ChaosProduct(Path(name))
        try:
            product.start()
            counts, killer, troubles = run(plan, product)
        finally:
            product.stop()
    told = f"seed {plan.seed}{summarise(counts, killer, troubles)}"
    assert set(killer.outages) == {"web", "worker", "beat", "valkey", "postgres"}, told
    assert not counts.found and not killer.troubles, told


def test_what_is_wrong_is_counted(product: Product) -> None:
    """The counting itself: a promise that was not kept, and another tenant's words."""
    account = product.sign_up("chaos-counted")
    bot_id = product.make_bot(account)
    ledger = Ledger("mark-00000000")
    source_id = product.teach_text(account, bot_id, "What mark-11111111 wrote.", name="Notes")
    ledger.asked.append(Asked("never stored", is_accepted=True))
    ledger.taught.append(Taught("Notes", source_id, is_ordered=True, deletion="done"))
    ledger.look_at("an answer", "mark-00000000 mark-22222222")
    counts = counting.count(
        product.settings["DATABASE_URL"], [Member(account, bot_id, ledger)], Receiver()
    )
    assert dict(counts.found) == {"lost": 1, "half-visible": 1, "crossing": 2}, counts.examples

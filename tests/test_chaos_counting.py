"""What `make chaos` counts, on the running product: its test in `test_chaos.py` finds nothing to count."""

from __future__ import annotations

import psycopg
import pytest

from bench.chaos import counting
from bench.chaos.ledger import Asked, Ledger, Taught
from bench.chaos.scene import Member, Receiver
from tests.product import Product

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]


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


def test_a_source_that_a_worker_has_taken_is_waited_for(product: Product) -> None:
    """Its message is gone by then; it was told as lost once, and was ready a second later."""
    account = product.sign_up("chaos-waited")
    bot_id = product.make_bot(account)
    source_id = product.teach_text(account, bot_id, "What is read just now.", name="Notes")
    url = product.settings["DATABASE_URL"]
    member = Member(account, bot_id, Ledger("mark-00000000"))
    assert counting.wait_for_quiet(url, [member], 60) < 60
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f'UPDATE "{member.schema}".knowledge_source SET status = %s, queued_at = NULL,'
            " claim_id = gen_random_uuid(), heartbeat_at = now() WHERE id = %s",
            ["processing", source_id],
        )
    assert counting.wait_for_quiet(url, [member], 0.5) >= 0.5

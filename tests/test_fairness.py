"""One tenant's backlog does not keep another tenant's small source waiting."""

from __future__ import annotations

import time

import pytest

from tests.product import Product, TenantAccount
from tests.test_crash import query

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]

BACKLOG = 120


def add(account: TenantAccount, bot_id: str, text: str) -> str:
    body = {"bot_profile_id": bot_id, "name": "x", "source_type": "text", "content": text}
    source_id = account.client.post("/v1/sources", json=body).json()["id"]
    assert account.client.post(f"/v1/sources/{source_id}/ingest").status_code == 202
    return source_id


def count_ready(product: Product, schema: str) -> int:
    [(ready,)] = query(
        product, f"SELECT count(*) FROM \"{schema}\".knowledge_source WHERE status = 'ready'"
    )
    return ready


def test_a_small_source_does_not_wait_for_another_tenants_backlog(product):
    busy, small = product.sign_up("fair-busy"), product.sign_up("fair-small")
    bot_id, small_bot = product.make_bot(busy), product.make_bot(small)
    backlog = []
    for n in range(BACKLOG):
        parts = (
            f"# Part {n}.{m}\n\n" + f"Machine {n}-{m} is robust and weighs {m} kg. " * 20
            for m in range(30)
        )
        backlog.append(add(busy, bot_id, "\n\n".join(parts)))
    started = time.monotonic()
    before = count_ready(product, "t_fair_busy")
    source_id = add(small, small_bot, "# Warranty\n\nThe warranty lasts for 36 months.")
    product.wait_until_ready(small, source_id, seconds=400)
    after = count_ready(product, "t_fair_busy")
    waited = time.monotonic() - started
    told = f"{waited:.1f} s, meanwhile {after - before} of {BACKLOG} of the other tenant's"
    for (
        source_id
    ) in backlog:  # or its ingestion would go on for minutes beside the tests that follow
        assert busy.client.delete(f"/v1/sources/{source_id}").status_code == 204
    assert after - before < 10 and after < BACKLOG, told

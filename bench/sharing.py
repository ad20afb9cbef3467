"""Tenants beside each other: how long one page of a tenant takes while others import much, and on an idle system."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.product import House
from bench.report import Budget, Report
from bench.synthetic import make_text
from tests.product import TenantAccount

PAGE = "# Opening hours\n\nWe are open from 9 to 17, on Saturdays to noon. Closed on Sundays."
MOST_SECONDS = 400.0
SETTLE_SECONDS = 3.0


def measure_sharing(house: House, report: Report, *, quick: bool) -> None:
    """One page of a third tenant: alone, beside two very long sources, and beside 1,000 small ones of one tenant."""
    product = house.product
    big, other, small = (product.sign_up(f"share-{name}") for name in ("big", "other", "small"))
    for account in (big, other, small):
        product.make_bot(account)
    time_page(house, small)  # the worker loads what it needs
    idle = min(time_page(house, small) for _ in range(3))
    report.add("sharing", "one page ready, nobody else at work", idle, "s")

    long_ones = [
        (account, order(account, make_text(800 if quick else 3000, seed=seed)))
        for seed, account in ((1, big), (2, other))
    ]
    time.sleep(SETTLE_SECONDS)
    pages = [time_page(house, small) for _ in range(3)]
    report.add("sharing", "one page ready beside two tenants' very long sources, the slowest of three",
               max(pages), "s", Budget(15), note=list_seconds(pages))  # fmt: skip
    for account, source_id in long_ones:
        account.client.delete(f"/v1/sources/{source_id}")

    order_children(big, 200 if quick else 1000)
    time.sleep(SETTLE_SECONDS)
    pages = [time_page(house, small) for _ in range(3)]
    report.add("sharing", "one page ready beside many waiting sources of one tenant, the slowest of three",
               max(pages), "s", Budget(15), note=list_seconds(pages))  # fmt: skip
    report.add("sharing", "of them ready by then", count_ready(big), "")


def order(account: TenantAccount, text: str) -> str:
    """A text source that waits for a worker."""
    answer = account.client.post(
        "/v1/sources",
        json={"bot_profile_id": account.bot_id, "name": "Import", "source_type": "text", "content": text},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    source_id: str = answer.json()["id"]
    account.client.post(f"/v1/sources/{source_id}/ingest").raise_for_status()
    return source_id


def order_children(account: TenantAccount, count: int) -> None:
    """As many small sources in one call, all waiting."""
    children = [
        {"name": f"Page {number}", "source_type": "text", "content": make_text(3, seed=number)}
        for number in range(count)
    ]
    answer = account.client.post(
        "/v1/sources/batch",
        json={"bot_profile_id": account.bot_id, "name": "Import", "source_type": "text", "children": children},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    parent_id = answer.json()["parent"]["id"]
    account.client.post(f"/v1/sources/{parent_id}/ingest-children").raise_for_status()


def time_page(house: House, account: TenantAccount) -> float:
    """Seconds from the call that asks for one page's ingestion until it is ready."""
    started = time.monotonic()
    source_id = order(account, f"{PAGE}\n\nAsked at {started}.")
    return wait(lambda: is_ready(account, source_id)) - started


def is_ready(account: TenantAccount, source_id: str) -> bool:
    source = account.client.get(f"/v1/sources/{source_id}").json()
    assert source["status"] != "error", source
    return bool(source["status"] == "ready")


def wait(is_over: Callable[[], bool]) -> float:
    """When it was over, or MOST_SECONDS from now, since a figure of hours says no more."""
    deadline = time.monotonic() + MOST_SECONDS
    while not is_over() and time.monotonic() < deadline:
        time.sleep(0.05)
    return time.monotonic()


def count_ready(account: TenantAccount) -> int:
    listed = account.client.get("/v1/sources", params={"include_children": "true"}).json()
    return sum(source["status"] == "ready" for source in listed)


def list_seconds(found: list[float]) -> str:
    return ", ".join(f"{seconds:.1f}" for seconds in found)

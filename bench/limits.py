"""Are rate limits exact when everybody calls at once, and what does counting cost?"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from statistics import median

import httpx

from bench.product import House, Meter
from bench.reads import fetch
from bench.report import Budget, Report
from tenants.models import ApiToken, Tenant
from tests.product import TenantAccount

CALLERS = 200
ALLOWED = 50
EXACT = Budget(0, why="off the limit")


def measure_limits(house: House, report: Report, *, quick: bool) -> None:
    """200 calls at once of which 50 may pass, some times over; then a read with every limit counted and with none."""
    account = house.product.sign_up("bench-limits")
    bot_id = house.product.make_bot(account)
    path = f"/v1/bot-profiles/{bot_id}"
    token = ApiToken.objects.get(tenant_id=account.tenant_id)
    rounds = 2 if quick else 5
    wrong, passed = 0, []
    for number in range(rounds):
        _, raw_token = ApiToken.objects.mint(
            user=token.user, name=f"round {number}", rate=f"{ALLOWED}/minute"
        )
        answers = asyncio.run(call_at_once(account, raw_token, path))
        passed.append(answers[200])
        wrong = max(wrong, abs(answers[200] - ALLOWED), CALLERS - answers[200] - answers[429])
    report.add(
        "limits", f"{CALLERS} calls at once, {ALLOWED} allowed: the worst of {rounds} rounds", wrong, "calls", EXACT,
        note=f"passed {', '.join(str(count) for count in passed)}",
    )  # fmt: skip
    requests = 300 if quick else 1000
    counted, free = [], []
    for _ in range(1 if quick else 3):
        counted.append(measure_read(house, account, path, requests, rate="1000000/minute"))
        free.append(measure_read(house, account, path, requests, rate="0"))
    for number, name in ((0, "CPU of all processes"), (1, "time of a call by 8 clients")):
        value, baseline = (median(each[number] for each in some) for some in (counted, free))
        report.add(
            "limits", f"read with its limits counted: {name}", value, "ms", baseline=baseline
        )


async def call_at_once(account: TenantAccount, raw_token: str, path: str) -> Counter[int]:
    """The statuses of CALLERS calls that are all on their way before the first is answered."""
    headers = {"Authorization": f"Bearer {raw_token}"}
    limits = httpx.Limits(max_connections=CALLERS)
    client = httpx.AsyncClient(
        base_url=account.client.base_url, headers=headers, limits=limits, timeout=60
    )
    async with client:
        answers = await asyncio.gather(*(client.get(path) for _ in range(CALLERS)))
    return Counter(answer.status_code for answer in answers)


def measure_read(
    house: House, account: TenantAccount, path: str, requests: int, *, rate: str
) -> tuple[float, float]:
    """CPU and wall milliseconds of a read whose token and tenant have this rate; `0` counts nothing."""
    ApiToken.objects.filter(tenant_id=account.tenant_id, name="default").update(rate=rate)
    Tenant.objects.filter(pk=account.tenant_id).update(rate=rate)
    asyncio.run(fetch(house.product.base_url, account.token, path, 50))
    with Meter(house.product) as meter:
        started = time.monotonic()
        asyncio.run(fetch(house.product.base_url, account.token, path, requests))
        seconds = time.monotonic() - started
    return meter.total_ms / requests, seconds * 1000 / requests

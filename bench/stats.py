"""Statistics over a million usage events: each endpoint over HTTP, next to the naive GROUP BY over the events.

The events are synthetic: 90 days with quiet nights, 20 bots with a model each and now and then a fallback out of five,
times like a lognormal. Their numbers are compared before anything is timed: the fast way has to say the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from django.db import connection

from bench.product import House
from bench.report import Budget, Report, quantile
from bots.models import UsageEvent
from bots.usage.rollup import roll_up_usage
from tenants.context import tenant_context
from tenants.models import Tenant

DAYS, BOTS, MODELS = 90, 20, 5
ZONE = "Asia/Kolkata"  # half an hour beside the clock of UTC
BUDGET = Budget(150)
TAIL = 500  # events of the last minute, that nobody has added up yet

_MAKE = """
WITH bots AS (SELECT id, row_number() OVER (ORDER BY id) AS number FROM bots_botprofile WHERE name LIKE 'Bench %%'),
     random_facts AS (
    SELECT n, 1 + (random() * %(bots)s - 0.5)::int AS bot, random() AS luck, random() AS a, random() AS b,
           exp(6.2 + 0.7 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS ms,
           now() - random() * interval '1 day' * %(days)s AS moment
      FROM generate_series(1, %(rows)s) AS n
)
INSERT INTO bots_usageevent (id, kind, bot_profile_id, chat_id, message_id, model, prompt_tokens, completion_tokens,
    total_tokens, cost_usd, is_stream, time_to_first_token_ms, duration_ms, outcome, is_rolled_up, created_at)
SELECT gen_random_uuid(), CASE WHEN f.luck < 0.25 THEN 'embedding' ELSE 'chat' END, bots.id, gen_random_uuid(),
       gen_random_uuid(), 'bench/model-' || CASE WHEN f.a < 0.95 THEN bots.number %% %(models)s
       ELSE (f.a * 1000)::int %% %(models)s END, (200 + 3000 * f.a)::int, (20 + 600 * f.b)::int,
       (200 + 3000 * f.a)::int + (20 + 600 * f.b)::int, round((0.0001 + f.a * 0.01)::numeric, 8), true,
       CASE WHEN f.luck < 0.25 THEN NULL ELSE least(f.ms, 60000)::int END,
       CASE WHEN f.luck < 0.25 THEN NULL ELSE least(f.ms * 5, 200000)::int END,
       CASE WHEN f.b < 0.05 THEN 'refused' ELSE 'answered' END, false, f.moment
  FROM random_facts f JOIN bots ON bots.number = least(greatest(f.bot, 1), %(bots)s)"""
_MAKE_ANSWERS = """
WITH made AS (
    INSERT INTO conversations_chat (id, bot_profile_id, visitor_id, origin, title, message_count, total_prompt_tokens,
                                    total_completion_tokens, created_at, updated_at)
    SELECT DISTINCT ON (chat_id) chat_id, bot_profile_id, '', '', '', 2, 0, 0, created_at, created_at
      FROM bots_usageevent WHERE kind = 'chat'
)
INSERT INTO conversations_message (id, chat_id, role, content, prompt_tokens, completion_tokens, feedback, outcome,
                                   error_code, cut_reason, feedback_reason, refusal_reason, request_id, is_asked_back,
                                   created_at)
SELECT message_id, chat_id, 'assistant', repeat('An answer of some length. ', 8), 0, 0,
       CASE WHEN prompt_tokens %% 20 = 0 THEN 'positive' WHEN prompt_tokens %% 50 = 1 THEN 'negative' END,
       outcome, '', '', '',
       CASE WHEN outcome = 'refused' THEN 'low_confidence' ELSE '' END, '', false, created_at
  FROM bots_usageevent WHERE kind = 'chat'"""

_DAY = "(created_at AT TIME ZONE %(zone)s)::date"
_SUMS = "sum(prompt_tokens), sum(completion_tokens), sum(total_tokens), count(*), sum(cost_usd)"
_SINCE = f"{_DAY} > (now() AT TIME ZONE %(zone)s)::date - 30"
_CHATS = "FROM bots_usageevent WHERE kind = 'chat'"
_ANSWERS = """FROM conversations_message m JOIN conversations_chat c ON c.id = m.chat_id
 WHERE role = 'assistant' AND (m.created_at AT TIME ZONE %(zone)s)::date > (now() AT TIME ZONE %(zone)s)::date - 30"""
_PERCENTILES = "percentile_disc(array[0.5, 0.9, 0.95, 0.99]) WITHIN GROUP (ORDER BY"
NAIVE = {
    "overview": [f"SELECT {_SUMS} {_CHATS}", "SELECT count(*) FROM conversations_chat"],
    "usage": [f"SELECT {_DAY}, model, {_SUMS} {_CHATS} GROUP BY 1, 2"],
    "usage?days=7": [
        f"SELECT {_DAY}, model, {_SUMS} {_CHATS} AND {_SINCE.replace('30', '7')} GROUP BY 1, 2"
    ],
    "usage/by-bot": [f"SELECT bot_profile_id, model, {_SUMS} {_CHATS} GROUP BY 1, 2"],
    "usage/by-model": [f"SELECT model, {_SUMS} {_CHATS} GROUP BY 1"],
    "cost-estimate": [
        f"SELECT {_DAY}, model, bot_profile_id, {_SUMS} {_CHATS} AND {_SINCE} GROUP BY 1, 2, 3"
    ],
    "pricing": ["SELECT DISTINCT model FROM bots_usageevent"],
    "latency": [
        f"SELECT bot_profile_id, model, {_PERCENTILES} time_to_first_token_ms), {_PERCENTILES} duration_ms) {_CHATS} "
        f"AND {_SINCE} GROUP BY GROUPING SETS ((), (bot_profile_id), (model))"
    ],
    "latency?days=90": [
        f"SELECT bot_profile_id, model, {_PERCENTILES} time_to_first_token_ms), {_PERCENTILES} duration_ms) {_CHATS} "
        "GROUP BY GROUPING SETS ((), (bot_profile_id), (model))"
    ],
    "feedback": [f"SELECT bot_profile_id, count(*), count(feedback) {_ANSWERS} GROUP BY 1"],
    "feedback/trend": [
        f"SELECT (m.created_at AT TIME ZONE %(zone)s)::date, count(*), count(feedback) {_ANSWERS} GROUP BY 1"
    ],
    "refusals": [
        f"SELECT (m.created_at AT TIME ZONE %(zone)s)::date, refusal_reason, count(*) {_ANSWERS} GROUP BY 1, 2"
    ],
}


@dataclass(frozen=True)
class Timed:
    """Milliseconds of calls, one after the other."""

    all: list[float]

    @property
    def p50(self) -> float:
        return quantile(self.all, 0.5)

    @property
    def p95(self) -> float:
        return quantile(self.all, 0.95)


def measure_stats(house: House, report: Report, *, rows: int, quick: bool) -> None:
    """Fill a tenant with `rows` events, add them up, check the sums, time every endpoint and its naive statement."""
    product = house.product
    account = product.sign_up("statistics")
    with tenant_context(None):
        Tenant.objects.filter(slug=account.slug).update(time_zone=ZONE)
        tenant = Tenant.objects.get(slug=account.slug)
    for number in range(BOTS):
        product.make_bot(account, name=f"Bench {number}")
    with tenant_context(tenant):
        seconds = time_it(lambda: fill(rows - TAIL))
        report.add("stats", f"making {rows:,} events, with their answers", seconds, "s")
        seconds = time_it(add_up)
        report.add(
            "stats",
            "adding them all up from nothing",
            seconds,
            "s",
            note=f"{rows / seconds:,.0f} events/s",
        )
        execute(_MAKE, rows=TAIL, days=0.001, bots=BOTS, models=MODELS)
        for table in ("bots_usageevent", "bots_usageday", "bots_usagetiming", "conversations_message",
                      "conversations_chat"):  # fmt: skip
            execute(f"VACUUM ANALYZE {tenant.schema_name}.{table}")
        report.add("stats", "days and steps of times kept for them", count("bots_usageday"), "rows",
                   note=f"and {count('bots_usagetiming'):,} steps")  # fmt: skip
    with httpx.Client(base_url=product.base_url, headers={"Authorization": f"Bearer {account.token}"}, timeout=120,
                      ) as client:  # fmt: skip
        compare(client, tenant)
        for path in NAIVE:
            fetch = client.get(f"/v1/stats/{path}")
            assert fetch.status_code == 200, fetch.text
            timed = repeat(lambda path=path: client.get(f"/v1/stats/{path}"), 10 if quick else 40)
            naive = repeat(lambda path=path: run_naive(tenant, path), 2 if quick else 5)
            report.add("stats", f"GET /v1/stats/{path}, p50", timed.p50, "ms", baseline=naive.p50)
            report.add(
                "stats", f"GET /v1/stats/{path}, p95", timed.p95, "ms", BUDGET, baseline=naive.p95
            )


def fill(rows: int) -> None:
    execute(_MAKE, rows=rows, days=DAYS, bots=BOTS, models=MODELS)
    execute(_MAKE_ANSWERS)


def add_up() -> None:
    """With the product's own worker, which may be at it already."""
    while UsageEvent.objects.filter(is_rolled_up=False).exists():
        if not roll_up_usage(batches=10**6):
            time.sleep(0.2)


def compare(client: httpx.Client, tenant: Tenant) -> None:
    """The sums by bot and model that the API tells are those of the events, the tail included."""
    told = {
        (row["bot_profile_id"], row["model"]): (
            row["prompt_tokens"],
            row["completion_tokens"],
            row["request_count"],
        )
        for row in client.get("/v1/stats/usage/by-bot").json()
    }
    with tenant_context(tenant):
        found = execute(NAIVE["usage/by-bot"][0], zone=ZONE)
    exact = {
        (str(bot), model): (prompt, completion, calls)
        for bot, model, prompt, completion, _, calls, _ in found
    }
    assert told == exact, json.dumps([len(told), len(exact)])


def run_naive(tenant: Tenant, path: str) -> None:
    with tenant_context(tenant):
        for statement in NAIVE[path]:
            execute(statement, zone=ZONE)


def repeat(call: Callable[[], Any], times: int) -> Timed:
    call()
    return Timed([time_it(call) * 1000 for _ in range(times)])


def time_it(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def count(table: str) -> int:
    return int(execute(f"SELECT count(*) FROM {table}")[0][0])


def execute(statement: str, **values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

"""The admin's list of 100,000 chats over HTTP: each filter, the worst of them together, the first page and the last.

The chats are made up, three turns each: a fifth declined for one of four reasons, some disliked, some uncited, one in
fifty answered by a person, in four languages. One word is in every message, one in every tenth chat, one in one chat.
"""

from __future__ import annotations

import importlib
import re
from urllib.parse import urlencode

import httpx
from django.db import connection

from bench.dialogues import BOTS
from bench.lists import time_calls
from bench.product import House, Meter
from bench.report import Budget, Report, quantile
from tenants.context import tenant_context
from tenants.models import Tenant
from tests.product import TenantAccount

BUDGET = Budget(300)
TURNS = 3
_CALLS = 10
_CHATS = """
INSERT INTO conversations_chat (id, bot_profile_id, visitor_id, origin, title, message_count, total_prompt_tokens,
                                total_completion_tokens, created_at, updated_at)
SELECT gen_random_uuid(), (%(bots)s::uuid[])[1 + n %% %(bot_count)s], 'visitor-' || n / 2, 'https://shop.example.com',
       'What is the warranty of part ' || n || '?', 2 * %(turns)s, 900, 180,
       now() - interval '1 day' - (%(chats)s - n) * interval '150 seconds', now()
  FROM generate_series(1, %(chats)s) AS n"""
_QUESTIONS = """
INSERT INTO conversations_message (id, chat_id, role, content, prompt_tokens, completion_tokens, outcome, error_code,
                                   cut_reason, feedback_reason, refusal_reason, request_id, citation_valid, trace,
                                   is_asked_back, created_at)
SELECT gen_random_uuid(), c.id, 'user',
       'What is the warranty of part ' || c.n || ', ' || turn || CASE WHEN c.n %% 10 = 0 THEN ' refund?' ELSE '?' END,
       0, 0, CASE WHEN (c.n + turn) %% 5 = 0 THEN 'refused' WHEN c.n %% 997 = 0 THEN 'failed' ELSE 'answered' END,
       '', '', '', '',
       md5(c.id::text || turn), CASE WHEN (c.n + turn) %% 5 > 0 THEN (c.n + turn) %% 50 <> 1 END,
       jsonb_build_object('understood', jsonb_build_object('language',
           CASE WHEN c.n %% 100 = 0 THEN 'fi' WHEN c.n %% 10 = 1 THEN 'fr' WHEN c.n %% 3 = 0 THEN 'de' ELSE 'en' END)),
       false, c.created_at + turn * interval '1 second'
  FROM (SELECT id, created_at, row_number() OVER (ORDER BY created_at) AS n FROM conversations_chat) AS c,
       generate_series(1, %(turns)s) AS turn"""
_ANSWERS = """
INSERT INTO conversations_message (id, chat_id, role, content, prompt_tokens, completion_tokens, outcome, error_code,
                                   cut_reason, feedback_reason, refusal_reason, request_id, question_id, feedback,
                                   confidence, threshold, is_asked_back, created_at)
SELECT gen_random_uuid(), q.chat_id, CASE WHEN hashtext(q.chat_id::text) %% 50 = 0 THEN 'person' ELSE 'assistant' END,
       'The warranty lasts for 36 months, as agreed. It begins on the day of the delivery and covers the motor [1].',
       300, 60, q.outcome, '', '', '',
       CASE WHEN q.outcome = 'refused' THEN (ARRAY['low_confidence', 'off_topic', 'no_passages', 'not_in_sources'])
            [1 + abs(hashtext(q.request_id)) %% 4] ELSE '' END, q.request_id, q.id,
       CASE hashtext(q.request_id) %% 20 WHEN 0 THEN 'positive' WHEN 1 THEN 'negative' END, 0.5, 0.3,
       false, q.created_at + interval '500 milliseconds'
  FROM conversations_message q WHERE q.role = 'user'"""
_COSTS = "UPDATE conversations_chat SET cost_usd = (abs(hashtext(id::text)) % 10000) / 100000.0"


def measure_chats(house: House, report: Report, *, rows: int, quick: bool) -> None:
    """p95 of each list against the budget; p50 beside it."""
    count = 10_000 if quick else 100_000
    account = fill_chats(house, "bench-chats", chats=count)
    browser = log_in(account)
    admin = f"/t/{account.slug}/admin/conversations/chat/"
    calls = [
        (name, browser, f"{admin}?{urlencode(query)}")
        for name, query in list_queries(account, count).items()
    ]
    together = "language=de&outcome=refused&feedback=negative&q=warranty"
    calls += [
        ("API, all", account.client, "/v1/chat?limit=50&extended=true"),
        ("API, four conditions", account.client, f"/v1/chat?limit=50&{together}"),
    ]
    for name, client, path in calls:
        with Meter(house.product) as meter:
            times = time_calls(client, path, _CALLS)
        note = f"p50 {quantile(times, 0.5):.0f}; {meter.total_ms / (_CALLS + 1):.0f} ms of CPU"
        report.add("chats", f"{name}: p95", quantile(times, 0.95), "ms", BUDGET, note=note)


def list_queries(account: TenantAccount, count: int) -> dict[str, dict[str, str]]:
    bot_id = account.client.get("/v1/bot-profiles?limit=1").json()[0]["id"]
    last, found = (str((min(count, most) - 1) // 50 + 1) for most in (100_000, 2_000))
    return {
        "all": {},
        "all, last page that is counted": {"p": last},
        "sorted by cost": {"o": "-6"},
        "of a bot": {"bot_profile__id__exact": bot_id},
        "of some days": {"from_date": "2026-11-01", "to_date": "2026-11-02"},
        "declined": {"outcome": "refused"},
        "declined, off topic": {"refusal_reason": "off_topic"},
        "failed, which is rare": {"outcome": "failed"},
        "disliked": {"feedback": "negative"},
        "uncited": {"uncited": "true"},
        "in Finnish, 1 of 100": {"language": "fi"},
        "in a language that nobody writes": {"language": "is"},
        "cost of from to": {"min_cost": "0.05", "max_cost": "0.06"},
        "cost that nobody had": {"min_cost": "50"},
        "answered by a person": {"answered_by": "person"},
        "answered by the bot": {"answered_by": "bot"},
        "word of every message": {"q": "warranty"},
        "word of every message, last page that is counted": {"q": "warranty", "p": found},
        "word of every tenth chat": {"q": "refund"},
        "word of one chat": {"q": f"{count // 2 + 1}"},
        "word that is nowhere": {"q": "zeppelin"},
        "two words, one everywhere": {"q": "warranty refund"},
        "four of them": {"q": "warranty refund", "language": "de", "outcome": "refused", "feedback": "negative"},
        "nothing fits, word of every message": {"q": "warranty", "language": "is"},
        "nothing fits, of a bot": {"bot_profile__id__exact": bot_id, "q": "warranty", "min_cost": "50"},
    }  # fmt: skip


def fill_chats(house: House, slug: str, *, chats: int) -> TenantAccount:
    account = house.product.sign_up(slug)
    bots = [house.product.make_bot(account, name=f"Bot {number}") for number in range(BOTS)]
    facts = {"bots": bots, "bot_count": BOTS, "chats": chats, "turns": TURNS}
    carry_over = importlib.import_module("conversations.migrations.0021_chat_traits").CARRY_OVER
    with tenant_context(Tenant.objects.get(slug=slug)), connection.cursor() as cursor:
        for statement in (_CHATS, _QUESTIONS, _ANSWERS):
            cursor.execute(statement, facts)
        cursor.execute(carry_over)
        cursor.execute(_COSTS)
        cursor.execute("ANALYZE conversations_chat")
        cursor.execute("ANALYZE conversations_message")
    return account


def log_in(account: TenantAccount) -> httpx.Client:
    """A browser in the tenant's admin."""
    browser = httpx.Client(base_url=account.client.base_url, timeout=120, follow_redirects=True)
    path = f"/t/{account.slug}/admin/login/"
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(path).text)
    assert found is not None
    form = {
        "username": account.email, "password": account.password, "csrfmiddlewaretoken": found[1],
        "next": f"/t/{account.slug}/admin/",
    }  # fmt: skip
    answer = browser.post(path, data=form, headers={"Referer": f"{account.client.base_url}{path}"})
    assert "/login/" not in str(answer.url), answer.url
    return browser

"""A tenant full of made-up chats, written by SQL: questions, their answers, a fifth of them refused."""

from __future__ import annotations

from django.db import connection

from bench.product import House
from bots.models import BotProfile
from tenants.context import tenant_context
from tenants.models import Tenant
from tests.product import TenantAccount

BOTS = 10
_CHATS = """
INSERT INTO conversations_chat (id, bot_profile_id, visitor_id, origin, title, message_count, total_prompt_tokens,
                                total_completion_tokens, created_at, updated_at)
SELECT gen_random_uuid(), (%(bots)s::uuid[])[1 + n %% %(bot_count)s], '', '', 'Chat number ' || n, %(each)s, 0, 0,
       now() - interval '1 day' - (%(chats)s - n) * interval '30 seconds', now()
  FROM generate_series(1, %(chats)s) AS n"""
_QUESTIONS = """
INSERT INTO conversations_message (id, chat_id, role, content, prompt_tokens, completion_tokens, outcome, error_code,
                                   cut_reason, feedback_reason, refusal_reason, request_id,
                                   citation_valid, trace, is_asked_back, created_at)
SELECT gen_random_uuid(), c.id, 'user', 'What is the warranty of part ' || n || '?', 0, 0,
       CASE WHEN n %% 5 = 0 THEN 'refused' ELSE 'answered' END, '', '', '', '', md5(c.id::text || n),
       CASE WHEN n %% 5 > 0 THEN hashtext(c.id::text || n) %% 50 <> 0 END,
       '{"model": "bench/model", "prompt_tokens": 300, "completion_tokens": 60, "cost_usd": 0.0012, "latency_ms": 900,
         "first_token_ms": 210, "is_stream": true, "retrieval": {"mode": "hybrid", "passages": []}}',
       false, c.created_at + n * interval '1 second'
  FROM conversations_chat c, generate_series(1, %(turns)s) AS n"""
_ANSWERS = """
INSERT INTO conversations_message (id, chat_id, role, content, prompt_tokens, completion_tokens, outcome, error_code,
                                   cut_reason, feedback_reason, refusal_reason, request_id, question_id, feedback,
                                   confidence, threshold, is_asked_back, created_at)
SELECT gen_random_uuid(), q.chat_id, 'assistant', repeat('The warranty lasts for 36 months, "as agreed", [1]. ', 5),
       300, 60, q.outcome, '', '', '', CASE WHEN q.outcome = 'refused' THEN 'low_confidence' ELSE '' END, q.request_id,
       q.id,
       CASE hashtext(q.request_id) %% 20 WHEN 0 THEN 'positive' WHEN 1 THEN 'negative' END, 0.5, 0.3,
       false, q.created_at + interval '500 milliseconds'
  FROM conversations_message q WHERE q.role = 'user'"""


def fill_tenant(house: House, slug: str, *, messages: int, chats: int) -> TenantAccount:
    """Make a tenant with so many chats of the same length, which have so many messages between them."""
    account = house.product.sign_up(slug)
    bots = [house.product.make_bot(account, name=f"Bot {number}") for number in range(BOTS)]
    with tenant_context(Tenant.objects.get(slug=slug)):
        assert BotProfile.objects.count() >= BOTS
        facts = {"bots": bots, "bot_count": BOTS, "chats": chats, "each": messages // chats,
                 "turns": messages // chats // 2}  # fmt: skip
        with connection.cursor() as cursor:
            for statement in (_CHATS, _QUESTIONS, _ANSWERS):
                cursor.execute(statement, facts)
            cursor.execute("ANALYZE conversations_chat")
            cursor.execute("ANALYZE conversations_message")
    return account

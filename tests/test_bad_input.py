"""Hostile bodies for every route of `/v1` that takes one: always a 4xx with a detail, and nothing is stored or changed.

The routes come from the URLconf: one that takes a body and has no valid example here fails the first test. What single
odd values in single fields do besides is in test_api_never_500.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import URLResolver, get_resolver

from bots.models import BotDraft, BotProfile, BotVersion, ProviderCredential
from bots.quotas.models import Quota
from conftest import Party
from conversations.exports.models import ExportJob
from conversations.models import (
    CannedAnswer,
    ChatNote,
    EvaluationRun,
    Gap,
    GapQuestion,
    GoldenQuestion,
    Handoff,
    Message,
)
from knowledge.curated.changing import create_answer
from knowledge.models import Chunk, Correction, Dataset, Document, DocumentVersion, SiteSync
from knowledge.tests.api import make_draft, make_edit
from knowledge.tests.conftest import make_bot, teach
from knowledge.versions.texts import pack
from tenants.context import tenant_context
from tenants.models import Plan, User
from tenants.platform.operators import mint_operator_token
from tests.fakes.chat_model import FakeChatModel
from tests.isolation_rows import LOGO
from webhooks.models import Delivery

JSON = "application/json"
ORIGIN = "http://testserver"
METHODS = ("post", "put", "patch", "delete")

Body = dict[str, Any]
BOT = {
    "name": "x",
    "description": "",
    "model": "m",
    "embedding_model": "minirag/hash",
    "system_prompt": "s",
    "temperature": 0.7,
    "max_tokens": 9,
    "credentials": {"api_key": "k"},
}
SETTINGS = {
    "refuses": True,
    "refusal_floor": 0.5,
    "refusal_text": "",
    "dense_weight": 0.5,
    "source_filter": {"tags": ["x"]},
    "recency_days": 30,
    "rerank_model": "",
    "query_variations": 1,
    "masking": {"kinds": ["email"]},
    "fusion": "rrf",
    "passage_count": 5,
    "history_turns": 5,
    "greeting": "",
    "starter_questions": ["x"],
    "allowed_origins": ["https://a.example.com"],
    "is_public": True,
    "is_indexed": True,
    "contact": "",
    "asks_back": True,
    "follow_up_questions": True,
    "condense_mode": "auto",
    "condense_model": "",
}
SCOPE = {
    "name": "x",
    "description": "",
    "is_active": True,
    "strictness": "strict",
    "allowed_topics": ["x"],
    "forbidden_topics": ["y"],
    "refusal_text": "",
    "guidelines": {
        "max_words": 9,
        "require_citations": True,
        "tone": "plain",
        "step_by_step": True,
    },
}
SOURCE = {
    "bot_profile_id": "{bot}",
    "name": "x",
    "description": "",
    "source_type": "text",
    "config": {},
    "content": "c",
    "parent_id": None,
    "refresh_schedule": "daily",
}
CHANGES = {
    "name": "x",
    "description": "",
    "config": {},
    "content": "c",
    "is_active": True,
    "refresh_schedule": "daily",
}
BATCH = {
    "bot_profile_id": "{bot}",
    "name": "x",
    "description": "",
    "source_type": "url",
    "children": [
        {"name": "x", "description": "", "source_type": "text", "config": {}, "content": "c"}
    ],
}
SIGN_UP = {
    "tenant_name": "x",
    "tenant_slug": "initech",
    "owner_email": "a@b.example.com",
    "owner_password": "a long pass phrase",
    "owner_display_name": "",
}
# A valid body of every route and method that reads one.
VALID: dict[tuple[str, str], Body] = {
    ("tenants", "post"): SIGN_UP,
    ("auth/login", "post"): {"email": "a@b.example.com", "password": "x", "tenant_slug": "acme"},
    ("auth/forgotten-password", "post"): {"email": "a@b.example.com", "tenant_slug": "acme"},
    ("auth/set-password", "post"): {"link": "x", "password": "a long pass phrase"},
    ("invitations", "post"): {"email": "e@b.example.com", "display_name": "", "role": "member"},
    ("api-tokens", "post"): {"name": "x", "scopes": ["chat"], "expires_at": "2099-01-01T00:00:00"},
    ("api-tokens/<str:token_id>/rotate", "post"): {"overlap_seconds": 60},
    ("users", "post"): {
        "email": "c@b.example.com",
        "password": "a long pass phrase",
        "display_name": "",
        "role": "admin",
    },
    ("users/<str:user_id>", "patch"): {
        "email": "d@b.example.com",
        "password": "a long pass phrase",
        "display_name": "",
        "role": "admin",
        "is_active": True,
        "revoke_tokens": True,
    },
    ("bot-profiles", "post"): BOT,
    ("bot-profiles/<str:bot_profile_id>", "patch"): {**BOT, "is_active": True},
    ("bot-profiles/<str:bot_profile_id>/settings", "patch"): SETTINGS,
    ("bot-profiles/<str:bot_profile_id>/scopes", "post"): SCOPE | {"template": "sales"},
    ("bot-profiles/<str:bot_profile_id>/scopes/<str:scope_id>", "patch"): SCOPE | {"name": "y"},
    ("bot-profiles/<str:bot_profile_id>/scopes/check", "post"): {"question": "x", "history": ["y"]},
    ("sources", "post"): SOURCE,
    ("sources/batch", "post"): BATCH,
    ("sources/<str:source_id>", "patch"): CHANGES,
    ("sources/by-external-id/<path:external_id>", "put"): {**SOURCE, "is_active": True},
    ("sources/reindex", "post"): {"dry_run": True, "limit": 5},
    ("sources/preview", "post"): {
        "bot_profile_id": "{bot}",
        "config": {"url": "https://shop.example/"},
    },
    ("documents/<str:document_id>/edit/decision", "post"): {"decision": "take_theirs"},
    ("documents/<str:document_id>", "patch"): {"title": "x"},
    ("chunks", "post"): {
        "document_id": "{document}",
        "content": "x",
        "heading": "y",
        "is_pinned": True,
        "note": "z",
    },
    ("chunks/<str:chunk_id>", "patch"): {
        "content": "x",
        "is_off": True,
        "is_pinned": True,
        "note": "z",
    },
    ("corrections/<str:correction_id>/decide", "post"): {"decision": "keep_mine"},
    ("datasets", "post"): {
        "name": "x",
        "description": "",
        "tags": [],
        "metadata": {},
        "is_active": True,
    },
    ("datasets/<str:dataset_id>", "patch"): {"name": "y", "tags": ["a"], "is_active": True},
    ("datasets/<str:dataset_id>/bots", "post"): {
        "bot_profile_id": "{bot}",
        "priority": 2,
        "is_active": True,
    },
    ("datasets/<str:dataset_id>/bots/<str:bot_profile_id>", "patch"): {
        "priority": 3,
        "is_active": False,
    },
    ("bot-profiles/<str:bot_profile_id>/datasets", "put"): {"datasets": []},
    ("webhooks", "post"): {
        "url": "https://a.example.com/",
        "events": [],
        "description": "",
        "secret": "x",
    },
    ("webhooks/<str:webhook_id>", "patch"): {
        "url": "https://a.example.com/",
        "events": ["chat.message"],
        "description": "",
        "is_active": True,
    },
    ("chat", "post"): {
        "bot_profile_id": "{bot}",
        "message": "x",
        "chat_id": "{chat}",
        "stream": False,
        "extended": False,
    },
    ("chat/completions", "post"): {
        "model": "{bot}",
        "messages": [{"role": "user", "content": "x"}],
    },
    ("mcp", "post"): {"jsonrpc": "2.0", "id": 1, "method": "ping"},
    ("embeddings", "post"): {"model": "{bot}", "input": "x", "encoding_format": "base64"},
    ("responses", "post"): {"model": "{bot}", "input": "x"},
    ("bot-profiles/<str:bot_profile_id>/explain", "post"): {
        "question": "x",
        "history": [{"role": "user", "content": "x"}],
        "languages": ["en"],
        "text": "x",
        "configuration": {"passage_count": 2},
    },
    ("visitors/forget", "post"): {
        "visitor_id": "nobody-of-these",
        "subject": "",
        "golden_questions": False,
        "curated_answers": False,
    },
    ("tenants/me/retention", "put"): {"days": 30, "act": "delete", "takes_golden": False},
    ("canned-answers", "post"): {
        "name": "x",
        "text": "x",
        "language": "en",
    },
    ("canned-answers/<str:canned_answer_id>", "patch"): {
        "name": "x",
        "text": "x",
        "language": "en",
    },
    ("chat/<str:chat_id>/notes", "post"): {"text": "x"},
    ("chat/<str:chat_id>/tags", "put"): {"tags": ["x"]},
    ("handoffs", "post"): {"chat_id": "{chat}"},
    ("handoffs/<str:handoff_id>/join", "post"): {"takes_over": False},
    ("handoffs/<str:handoff_id>/messages", "post"): {"content": "x"},
    ("bot-profiles/<str:bot_profile_id>/handoff-rules", "put"): {
        "is_offered": True,
        "on_wish": True,
        "on_declined_twice": False,
        "on_disliked": False,
        "hours": {},
        "takes_messages": True,
    },
    # Before its question is answered well, and it is none.
    ("gaps/<str:gap_id>/answer", "post"): {"answer": "x", "questions": ["When do you open?"]},
    ("chat/<str:chat_id>/messages/<str:message_id>/feedback", "patch"): {"feedback": "positive"},
    ("platform/tenants", "post"): {
        "slug": "initech",
        "name": "x",
        "plan": "free",
        "description": "",
        "metadata": {},
        "owner_email": "a@example.com",
        "owner_password": "long enough",
        "owner_display_name": "",
    },
    ("platform/tenants/<str:slug>", "patch"): {
        "name": "x",
        "plan": "team",  # no plan of the installation's: it bounds nothing of what follows
        "description": "",
        "metadata": {},
        "time_zone": "UTC",
        "rate": "",
    },
    ("platform/plans", "post"): {
        "key": "pro",
        "name": "Pro",
        "features": ["sites"],
        "most_bots": 2,
    },
    ("platform/plans/<str:key>", "patch"): {
        "name": "Pro",
        "description": "",
        "features": ["sites"],
        "most_bots": 2,
        "most_people": 2,
        "most_sources": 2,
        "messages_per_month": 10,
        "tokens_per_month": 10,
        "cost_usd_per_month": 1,
        "stored_bytes": 10,
    },
    ("platform/tenants/<str:slug>", "delete"): {"confirm": "acme"},
    ("platform/bulk/<str:act>", "post"): {"slugs": ["acme"], "reason": "x"},
    ("platform/bulk/<str:act>-matching", "post"): {
        "q": "acme",
        "status": "",
        "plan": "",
        "expected_total": 1,
        "confirm": True,
        "reason": "x",
    },
    ("bot-profiles/<str:bot_profile_id>/golden-questions", "post"): {
        "question": "x",
        "before": [{"role": "user", "content": "x"}],
        "expected_facts": ["x"],
        "groups": ["x"],
        "tags": ["x"],
    },
    ("chat/<str:chat_id>/messages/<str:message_id>/golden-question", "post"): {"tags": ["x"]},
    ("golden-questions/<str:golden_question_id>", "patch"): {"tags": ["x"]},
    ("bot-profiles/<str:bot_profile_id>/evaluation-runs", "post"): {"tag": "x"},
    ("bot-profiles/<str:bot_profile_id>/gate", "put"): {"least_right": 0.9},
    ("bot-profiles/<str:bot_profile_id>/draft/runs", "post"): {},
    ("bot-profiles/<str:bot_profile_id>/draft/publish", "post"): {"reason": "x"},
    ("bot-profiles/<str:bot_profile_id>/versions/<str:version_id>/roll-back", "post"): {
        "reason": "x"
    },
    ("curated-answers", "post"): {
        "bot_profile_ids": ["{bot}"],
        "question": "When do you close?",
        "answer": "x",
    },
    ("curated-answers/<str:curated_answer_id>", "patch"): {"answer": "x"},
    ("exports", "post"): {
        "export_type": "messages",
        "format": "csv",
        "filters": {"from_date": "2026-11-01"},
    },
    ("providers", "post"): {
        "name": "Ours",
        "provider": "openai",
        "api_key": "sk-0123456789abcdef",
        "api_base": "https://llm.example.com/v1",
    },
    ("providers/<str:provider_id>", "patch"): {"name": "Yours", "api_key": "sk-0123456789abcdef"},
    ("providers/<str:provider_id>/test", "post"): {"model": "gpt-4o-mini"},
    ("bot-profiles/<str:bot_profile_id>/providers", "put"): {"provider_ids": ["{provider}"]},
    ("quotas", "post"): {
        "subject": "tenant",
        "resource": "messages",
        "period": "month",
        "limit": 100,
        "warning_percent": 80,
    },
    ("tenants/me/settings", "patch"): {
        "name": "Acme",
        "shown_name": "Acme Help",
        "accent": "#8a1c4a",
        "dark_accent": "#f2a0c0",
        "languages": ["de"],
        "time_zone": "UTC",
        "contact": "help@acme.example.com",
        "default_model": "minirag/extractive",
        "masking": {"kinds": ["phone"]},
    },
    ("tenants/me/logo", "put"): {"content": LOGO},
    ("tenants/me/hosts", "post"): {"host": "help.acme.example.com"},
    ("quotas/<str:quota_id>", "patch"): {"limit": 200, "warning_percent": 90},
    ("stats/pricing", "put"): {
        "model": "openai/gpt-test",
        "prompt_cost_per_1m": 1,
        "completion_cost_per_1m": 2,
    },
    ("bot-profiles/<str:bot_profile_id>/identity-secret", "post"): {"overlap_seconds": 3600},
    ("widget/sessions", "post"): {
        "bot_profile_id": "{bot}",
        "visitor_id": "visitor-0001",
        "chat_id": "{chat}",
    },
    ("widget/frames", "post"): {"session_token": "{widget_session}", "frame": {"type": "reset"}},
    ("platform/tenants/<str:slug>/export", "post"): {"passphrase": "correct horse battery"},
    ("platform/tenants/<str:slug>/erase", "post"): {"confirm": "acme"},
    ("platform/tenants/<str:slug>/clone", "post"): {
        "new_slug": "acme-two",
        "name": "x",
        "with_webhooks": False,
    },
    # Last, since they refuse what changes anything.
    ("platform/tenants/<str:slug>/maintenance", "put"): {"message": "x", "minutes": 5},
    ("platform/maintenance", "put"): {"message": "x", "minutes": 5},
}
# No JSON body: a form (test_api_uploads.py has its bad parts), or none at all.
BODILESS = {
    ("turns/<str:turn_id>/stop", "post"),
    ("platform/imports", "post"),
    ("platform/transfers/<str:transfer_id>/cancel", "post"),
    ("platform/maintenance", "delete"),
    ("platform/tenants/<str:slug>/maintenance", "delete"),
    ("platform/tenants/<str:slug>/<str:act>", "post"),  # a reason may be given
    ("bot-profiles/<str:bot_profile_id>/golden-questions/import", "post"),
    ("golden-questions/<str:golden_question_id>", "delete"),
    ("bot-profiles/<str:bot_profile_id>/gate", "delete"),
    ("bot-profiles/<str:bot_profile_id>/draft", "delete"),
    ("evaluation-runs/<str:evaluation_run_id>", "delete"),
    ("evaluation-runs/<str:evaluation_run_id>/cancel", "post"),
    ("evaluation-runs/<str:evaluation_run_id>/retry", "post"),
    ("curated-answers/<str:curated_answer_id>", "delete"),
    ("chat/<str:chat_id>", "delete"),
    ("chat/<str:chat_id>/notes/<str:note_id>", "delete"),
    ("canned-answers/<str:canned_answer_id>", "delete"),
    ("handoffs/<str:handoff_id>/hand-back", "post"),
    ("handoffs/<str:handoff_id>/release", "post"),
    ("handoffs/<str:handoff_id>/close", "post"),
    ("bot-profiles/<str:bot_profile_id>/handoff-rules", "delete"),
    ("gaps/<str:gap_id>/draft", "post"),
    ("gaps/<str:gap_id>/dismiss", "post"),
    ("gaps/<str:gap_id>/reopen", "post"),
    ("exports/<str:export_id>", "delete"),
    ("exports/<str:export_id>/retry", "post"),
    ("sources/upload", "post"),
    ("sources/upload-many", "post"),
    ("sources/validate-file", "post"),
    ("sources/by-external-id/<path:external_id>", "delete"),
    ("documents/<str:document_id>", "delete"),
    ("documents/<str:document_id>/reprocess", "post"),
    ("chunks/<str:chunk_id>", "delete"),
    ("corrections/<str:correction_id>", "delete"),
    ("datasets/<str:dataset_id>", "delete"),
    ("datasets/<str:dataset_id>/bots/<str:bot_profile_id>", "delete"),
    ("sources/<str:source_id>/cancel", "post"),
    ("sources/<str:source_id>/syncs/<str:sync_id>/approve", "post"),
    ("sources/<str:source_id>/syncs/<str:sync_id>/reject", "post"),
    ("sources/<str:source_id>/ingest", "post"),
    ("sources/<str:source_id>/ingest-children", "post"),
    ("api-tokens/<str:token_id>", "delete"),
    ("auth/sessions/<str:session_id>", "delete"),
    # Of people and for people; tests beside their code send them bodies.
    ("auth/second-factor", "post"),
    ("auth/second-factor/confirm", "post"),
    ("auth/second-factor/recovery-codes", "post"),
    ("auth/second-factor/remove", "post"),
    ("platform/plans/<str:key>", "delete"),
    ("tenants/me/logo", "delete"),
    ("tenants/me/hosts/<str:host>", "delete"),
    ("tenants/me/hosts/<str:host>/check", "post"),
    ("tenants/me/hosts/<str:host>/primary", "post"),
    ("tenants/me/sso", "put"),
    ("tenants/me/sso", "delete"),
    ("tenants/me/second-factor", "put"),
    ("users/<str:user_id>/second-factor", "delete"),
    ("users/<str:user_id>/sessions", "delete"),
    ("invitations/<str:invitation_id>", "delete"),
    ("invitations/<str:invitation_id>/send-again", "post"),
    ("users/<str:user_id>", "delete"),
    ("stats/pricing", "delete"),
    ("quotas/<str:quota_id>", "delete"),
    ("providers/<str:provider_id>", "delete"),
    ("bot-profiles/<str:bot_profile_id>", "delete"),
    ("bot-profiles/<str:bot_profile_id>/identity-secret", "delete"),
    ("documents/<str:document_id>/versions/<str:version_id>/restore", "post"),
    ("bot-profiles/<str:bot_profile_id>/scopes/<str:scope_id>", "delete"),
    ("sources/<str:source_id>", "delete"),
    ("webhooks/<str:webhook_id>", "delete"),
    ("webhooks/<str:webhook_id>/test", "post"),
    ("webhooks/<str:webhook_id>/rotate-secret", "post"),
    ("webhooks/<str:webhook_id>/redeliver-failed", "post"),
    ("webhooks/<str:webhook_id>/deliveries/<str:delivery_id>/redeliver", "post"),
}
# What a GET has to be asked with.
QUERIES = {
    "evaluation-runs/<str:evaluation_run_id>/comparison": f"?before={uuid4()}",
}
UNREQUIRED = {
    ("sources/reindex", "post"),  # an empty body is a dry run of everything
    ("chat/<str:chat_id>/messages/<str:message_id>/golden-question", "post"),
    ("bot-profiles/<str:bot_profile_id>/evaluation-runs", "post"),
    ("bot-profiles/<str:bot_profile_id>/draft/runs", "post"),
    ("bot-profiles/<str:bot_profile_id>/draft/publish", "post"),
    ("bot-profiles/<str:bot_profile_id>/versions/<str:version_id>/roll-back", "post"),
    ("bot-profiles/<str:bot_profile_id>/identity-secret", "post"),
    ("mcp", "post"),  # refused in the words of JSON-RPC: conversations/tests/test_mcp.py
    ("visitors/forget", "post"),  # one of two names
    ("handoffs/<str:handoff_id>/join", "post"),
    ("providers/<str:provider_id>/test", "post"),  # a model is found
    ("platform/tenants/<str:slug>/export", "post"),  # without a passphrase, without secrets
}
# Where the contract has null mean "none" or "clear".
NULLABLE = {
    "title",
    "days",
    "scopes",
    "template",
    "expires_at",
    "embedding_model",
    "credentials",
    "parent_id",
    "refresh_schedule",
    "content",
    "chat_id",
    "frame",
    "feedback",
    "tenant_slug",
    "secret",
    "refusal_floor",
    "dense_weight",
    "recency_days",
    "configuration",
    "least_right",
    "questions",
    *("most_bots", "most_people", "most_sources", "messages_per_month", "tokens_per_month"),
    *("cost_usd_per_month", "stored_bytes"),
}
WRONG_EVERYWHERE = [
    "\0",
    "a\0b",
    "\ud800",
    [[]],
    [None],
    {"\0": 1},
    {"a": "\0"},
    [["\0"]],
    10**400,
    "x" * 70_000,
]
UNLIMITED = {"system_prompt", "content"}  # long texts are theirs to take

RAW: dict[str, bytes] = {
    "empty": b"",
    "spaces": b"  \n ",
    "half an object": b'{"name": "x"',
    "a trailing comma": b'{"name": "x",}',
    "two objects": b"{}{}",
    "single quotes": b"{'name': 'x'}",
    "a comment": b'{"name": "x"} // x',
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"temperature": Infinity}',
    "an array": b"[]",
    "a string": b'"x"',
    "a number": b"7",
    "null": b"null",
    "true": b"true",
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "latin-1": '{"name": "é"}'.encode("latin-1"),
    "a NUL byte": b'{"name": "a\x00b"}',
    "an escaped NUL": b'{"name": "\\u0000"}',
    "a NUL in an unknown field": b'{"zzz": "\\u0000"}',
    "half a surrogate": b'{"name": "\\ud800"}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep in a field": b'{"name": ' + b"[" * 60_000 + b"]" * 60_000 + b"}",
    "a huge number": b'{"name": ' + b"9" * 50_000 + b"}",
    "a huge exponent": b'{"name": 1e999999}',
    "a control character": b'{"name": "a\x01b"}',
    "a form": b"name=x&bot_profile_id=x",
    "random bytes": bytes(range(256)),
}


def walk_api() -> Iterator[str]:
    def walk(resolver: URLResolver, prefix: str) -> Iterator[str]:
        for entry in resolver.url_patterns:
            path = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from walk(entry, path)
            elif path.startswith("v1/") and "(?P<rest>" not in path:
                yield path.removeprefix("v1/")

    yield from walk(get_resolver("minirag.urls"), "")


class Api:
    """acme's API with a bot, a source and a chat in it, and a record of what is stored."""

    def __init__(self, acme: Party, ids: dict[str, str]) -> None:
        self.client = Client(**acme.bearer, HTTP_ORIGIN=ORIGIN)
        Plan.objects.create(key="first", name="First")
        olga = User.objects.create_superuser("olga@operator.example.com", None)
        self.operator = Client(
            headers={"authorization": f"Bearer {mint_operator_token(olga, 'tests')[1]}"}
        )
        self.operator.get("/v1/platform/tenants")  # notes its use, once a minute
        self.ids = ids

    def path(self, route: str, ids: dict[str, str] | None = None) -> str:
        route = route.replace("<str:slug>", "acme").replace("<str:act>", "restore")
        route = route.replace("<str:host>", "bots.acme.example.com").replace("<str:key>", "first")
        return "/v1/" + re.sub(
            r"<\w+:(\w+?)(?:_profile)?_id>", lambda match: (ids or self.ids)[match[1]], route
        )

    def send(self, route: str, method: str, raw: bytes, content_type: str = JSON) -> Any:
        client = self.operator if route.startswith("platform/") else self.client
        return client.generic(method.upper(), self.path(route), raw, content_type=content_type)

    def body(self, route: str, method: str) -> Body:
        body = deepcopy(VALID[route, method])
        return {name: self._fill_in(value) for name, value in body.items()}

    def _fill_in(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._fill_in(each) for each in value]
        is_id = isinstance(value, str) and value.startswith("{")
        return value.format(**self.ids) if is_id else value

    def stored(self) -> dict[str, str]:
        """A hash of every table of acme's schema and of the public one, by one statement."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_schema || '.' || table_name FROM information_schema.tables"
                " WHERE table_schema IN ('public', 't_acme') AND table_type = 'BASE TABLE'"
            )
            # When a token was used last may be noted at any call.
            row = "(to_jsonb(t) - 'last_used_at')::text"
            hashes = (
                f"SELECT '{table}', md5(coalesce(string_agg({row}, '|' ORDER BY {row}), '')) FROM {table} t"
                for (table,) in cursor.fetchall()
            )
            cursor.execute(" UNION ALL ".join(hashes))
            return dict(cursor.fetchall())


@pytest.fixture(scope="module")
def _made_api(_parties, django_db_setup, django_db_blocker) -> Iterator[Api]:
    """What all tests here reach for, in a transaction around them: each rolls back what it did inside of it."""
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        model = FakeChatModel()
        model.enqueue("It lasts 36 months [1].")
        model.take_over(patch)
        yield make_api(deepcopy(_parties["acme"]))
        transaction.set_rollback(True)


@pytest.fixture
def api(_made_api, db, monkeypatch, settings) -> Api:
    settings.ALLOW_TENANT_SIGNUP = True
    FakeChatModel().take_over(monkeypatch)
    return _made_api


def make_api(acme: Party) -> Api:
    with tenant_context(acme.tenant):
        bot, ids = make_knowledge_rows()
    made = Api(acme, ids)
    question = {
        "bot_profile_id": ids["bot"],
        "message": "How long is the warranty of the Aeris One?",
    }
    answer = made.client.post("/v1/chat", question, content_type=JSON).json()
    token = made.client.post("/v1/api-tokens", {"name": "x"}, content_type=JSON).json()
    hook = made.client.post("/v1/webhooks", VALID["webhooks", "post"], content_type=JSON).json()
    with tenant_context(acme.tenant):
        asked = Message.objects.get(chat_id=answer["chat_id"], role="user")
        ping = Delivery.objects.create(
            webhook_id=hook["id"], event_type="test.ping", body="{}", status="failed"
        )
    made.ids |= {
        "chat": answer["chat_id"],
        "message": answer["message"]["id"],
        "token": token["id"],
        "turn": str(asked.pk),
    }
    made.ids |= {"webhook": hook["id"], "delivery": str(ping.pk)}
    made.ids["user"] = str(User.objects.get(email="bob@acme.example.com").pk)
    made.ids["session"], made.ids["invitation"] = str(uuid4()), str(uuid4())
    made.ids["transfer"] = str(uuid4())
    house = {"name": "House", "forbidden_topics": ["chess"]}
    scope = made.client.post(
        f"/v1/bot-profiles/{ids['bot']}/scopes", house, content_type=JSON
    ).json()
    made.ids["scope"] = scope["id"]
    visitor = {"bot_profile_id": ids["bot"], "visitor_id": "visitor-0001"}
    session = made.client.post("/v1/widget/sessions", visitor, content_type=JSON).json()
    made.ids["widget_session"] = session["session_token"]
    with tenant_context(acme.tenant):
        made.ids |= make_quality_rows(bot, asked)
    return made


def make_knowledge_rows() -> tuple[BotProfile, dict[str, str]]:
    """A bot of the present tenant, and ids of what it answers from."""
    bot = make_bot(model="openai/gpt-test", refusal_mode="strict")
    source = teach(bot)
    export = ExportJob.objects.create(export_type="messages", status="failed")
    document = Document.objects.get(source=source)
    dataset = Dataset.objects.create(name="Shared", embedding_model="minirag/hash")
    quota = Quota.objects.create(resource="tokens", limit=10**9)
    provider = ProviderCredential(name="House", provider="openai")
    provider.set_key("sk-of-the-house-0123456789", "http://127.0.0.1:9/v1")
    provider.save()
    sync = SiteSync.objects.create(source=source, state="waiting", setup="0")
    chunk, said = Chunk.objects.filter(source=source).order_by("ordinal")[:2]
    correction = Correction.objects.create(
        source=source,
        document_id=document.pk,
        is_off=True,
        state="vanished",
        anchor_content=said.content,
    )
    make_edit(document)
    version = DocumentVersion.objects.create(
        document=document, number=1, title="Warranty", content_at=document.created_at,
        replaced_at=document.created_at, body=pack([make_draft("Warranty", "It lasts a year.")]),
    )  # fmt: skip
    kept = {"pk": version.pk, "configuration": {"name": "Support"}, "came_from": "api"}
    BotVersion.objects.create(bot_profile=bot, number=1, **kept)
    ids = {"bot": str(bot.pk), "source": str(source.pk), "export": str(export.pk)}
    return bot, ids | {
        "document": str(document.pk),
        "chunk": str(chunk.pk),
        "correction": str(correction.pk),
        "version": str(version.pk),
        "dataset": str(dataset.pk),
        "sync": str(sync.pk),
        "external": "page-1",
        "quota": str(quota.pk),
        "provider": str(provider.pk),
    }


def make_quality_rows(bot: BotProfile, asked: Message) -> dict[str, str]:
    """Ids of what a bot is measured by and corrected with."""
    BotDraft.objects.create(bot_profile=bot, changes={"passage_count": 8})
    golden = GoldenQuestion.objects.create(bot_profile=bot, question="When do you deliver?")
    run = EvaluationRun.objects.create(bot_profile=bot, status="failed")
    curated = create_answer(
        {"answer": "At nine.", "owner_id": User.objects.first().pk},
        questions=["When do you open on Monday?"], bot_profile_ids=[bot.pk],
    )  # fmt: skip
    gap = Gap.objects.create(
        bot_profile=bot, language="en", embedding_model="minirag/hash", emb=[0.5] * 384,
        first_asked_at=asked.created_at, last_asked_at=asked.created_at,
    )  # fmt: skip
    GapQuestion.objects.create(
        gap=gap, message_id=asked.pk, bot_profile=bot, language="en", text=asked.content,
        reason="low_confidence", week=asked.created_at.date(), asked_at=asked.created_at,
    )  # fmt: skip
    return {
        "golden_question": str(golden.pk), "evaluation_run": str(run.pk), "curated_answer": str(curated.pk),
        "gap": str(gap.pk),
        "handoff": str(Handoff.objects.create(chat=asked.chat, bot_profile=bot).pk),
        "canned_answer": str(CannedAnswer.objects.create(name="hours", text="From 9").pk),
        "note": str(ChatNote.objects.create(chat=asked.chat, text="Called back.").pk),
    }  # fmt: skip


@pytest.fixture
def unchanged(api) -> Iterator[Callable[[], None]]:
    before = api.stored()
    yield api
    after = api.stored()
    assert [table for table in before if after[table] != before[table]] == []


def ids_in(route: str) -> list[str]:
    """The kinds of our ids in a path; an integrator's own id may be anything."""
    return [
        name for name in re.findall(r"<\w+:(\w+?)(?:_profile)?_id>", route) if name != "external"
    ]


def takes(route: str, method: str) -> bool:
    return (route, method) in VALID or (route, method) in BODILESS


def check(response: Any, case: object, allowed: range = range(400, 500)) -> None:
    assert response.status_code in allowed, (case, response.status_code, response.content[:500])
    answered = response.json()
    assert answered["error"]["message"] if "error" in answered else answered["detail"], case
    assert len(response.content) < 100_000, f"{case}: echoed at length"


def test_every_route_that_changes_something_has_a_valid_body_here(api):
    taking = set()
    for route in walk_api():
        path = api.path(route, {name: str(uuid4()) for name in api.ids})
        for method in METHODS:
            if api.client.generic(method.upper(), path).status_code != 405:
                taking.add((route, method))
    assert taking == set(VALID) | BODILESS, "give the new route a valid body, or drop the stale one"


def test_the_valid_bodies_are_valid(api):
    """Or all that follows would be refused for another reason."""
    for route, method in VALID:
        if route == "chat":
            continue  # asks the model
        status = api.send(route, method, json.dumps(api.body(route, method)).encode()).status_code
        expected = {
            ("auth/login", "post"): (401,),
            ("platform/tenants/<str:slug>", "delete"): (409,),
            ("platform/tenants/<str:slug>/erase", "post"): (409,),
            ("visitors/forget", "post"): (404,),
            ("auth/set-password", "post"): (410,),
        }
        assert status in expected.get((route, method), (200, 201, 202)), (route, method, status)


@pytest.mark.parametrize("case", RAW)
def test_what_is_no_json_object_is_refused(unchanged, case):
    """One parser reads for all routes, so that they take turns: each is sent a third of the cases."""
    for route, method in list(VALID)[list(RAW).index(case) % 3 :: 3]:
        check(unchanged.send(route, method, RAW[case]), (route, method, case))


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data; boundary=x", "application/xml", "", "json"]
)
def test_json_of_another_type_is_refused(unchanged, content_type):
    for route, method in VALID:
        raw = json.dumps(unchanged.body(route, method)).encode()
        check(unchanged.send(route, method, raw, content_type), (route, method, content_type))


def test_a_body_over_the_limit_is_a_413(unchanged, settings):
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 20_000
    for route, method in VALID:
        raw = json.dumps(unchanged.body(route, method) | {"zzz": "x" * 30_000}).encode()
        response = unchanged.send(route, method, raw)
        assert response.status_code == 413, (route, method, response.content)


def test_null_is_refused_in_every_field_that_must_have_a_value(unchanged):
    tried = 0
    for route, method in VALID:
        for name in VALID[route, method].keys() - NULLABLE:
            raw = json.dumps(unchanged.body(route, method) | {name: None}).encode()
            check(unchanged.send(route, method, raw), (route, method, name))
            tried += 1
    assert tried >= 40


@pytest.mark.parametrize("value", WRONG_EVERYWHERE, ids=lambda value: repr(value)[:20])
def test_what_no_field_can_be_is_refused_in_every_field(unchanged, value):
    tried = 0
    for route, method in VALID:
        for name in VALID[route, method]:
            if (
                isinstance(value, str)
                and len(value) > 1000
                and (name in UNLIMITED or route == "auth/login")
            ):
                continue
            raw = json.dumps(unchanged.body(route, method) | {name: value}).encode()
            check(unchanged.send(route, method, raw), (route, method, name))
            tried += 1
    assert tried >= 50


def test_a_missing_required_field_is_named(unchanged):
    for route, method in VALID:
        if method == "post" and (route, method) not in UNREQUIRED:
            response = unchanged.send(route, method, b"{}")
            answered = response.json()
            assert response.status_code == 422, (route, method)
            if "error" in answered:  # OpenAI's shape
                assert answered["error"]["message"].endswith(": Field required"), (route, method)
            else:
                assert answered["detail"][0]["type"] == "missing", (route, method)


@pytest.mark.parametrize(
    "text", ["not-a-uuid", "%00", "..", "1", "'--", "0" * 5000, "%F0%9F%98%80"]
)
def test_a_malformed_id_in_a_path_is_a_4xx(unchanged, text):
    tried = 0
    for route in walk_api():
        for name in ids_in(route):
            path = unchanged.path(route, {**unchanged.ids, name: text})
            # What a method that the route lacks makes of an id is asked once, with an unknown one.
            for method in ("get", *(method for method in METHODS if takes(route, method))):
                raw = json.dumps(unchanged.body(route, method)) if (route, method) in VALID else ""
                response = unchanged.client.generic(method.upper(), path, raw, content_type=JSON)
                assert 400 <= response.status_code < 500, (method, path[:200], response.status_code)
                tried += 1
    assert tried >= 50


def test_an_unknown_id_in_a_path_is_a_404(unchanged):
    for route in walk_api():
        for name in ids_in(route):
            path = unchanged.path(route, {**unchanged.ids, name: str(uuid4())})
            for method in ("get", *METHODS):
                raw = json.dumps(unchanged.body(route, method)) if (route, method) in VALID else ""
                query = QUERIES.get(route, "") if method == "get" else ""
                caller = unchanged.operator if route.startswith("platform/") else unchanged.client
                status = caller.generic(
                    method.upper(), path + query, raw, content_type=JSON
                ).status_code
                # People alone have sessions, and no token has a look at them.
                known = (403, 405) if name == "session" else (404, 405)
                assert status in known, (method, path, status)


def test_an_unknown_id_in_a_body_is_a_4xx(unchanged):
    for route, method in VALID:
        for name in VALID[route, method].keys() & {"bot_profile_id", "parent_id"}:
            raw = json.dumps(unchanged.body(route, method) | {name: str(uuid4())}).encode()
            check(unchanged.send(route, method, raw), (route, method, name))
    raw = json.dumps(unchanged.body("chat", "post") | {"chat_id": str(uuid4())}).encode()
    check(unchanged.send("chat", "post", raw), "chat_id", range(404, 405))


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=x",
        "limit=1.5",
        "limit=",
        "offset=-1",
        f"offset={10**30}",
        "bot_profile_id=x",
        "bot_profile_id=%00",
        "limit=%00",
        "offset=1e3",
        "bot_profile_id=%ff",
    ],
)
def test_a_bad_page_of_chats_is_a_422(unchanged, query):
    check(unchanged.client.get(f"/v1/chat?{query}"), query, range(422, 423))


def test_a_stream_is_refused_before_it_begins(unchanged):
    for change in (
        {"message": ""},
        {"message": "x" * 32_001},
        {"bot_profile_id": str(uuid4())},
        {"message": None},
    ):
        raw = json.dumps(unchanged.body("chat", "post") | {"stream": True} | change).encode()
        response = unchanged.send("chat", "post", raw)
        check(response, change)
        assert response["content-type"] == JSON

"""Everything of acme, tried with globex's credentials: each route, admin page, socket, task, key, file and log line.

What is tried comes from the product's own registries, and each entry there needs an expectation here: a new route,
admin page, task, socket or secret column fails these tests until somebody has said how it is kept apart, and so does
an expectation whose subject is gone.
"""

from __future__ import annotations

import ast
import base64
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import psycopg
import pytest
import redis
from asgiref.sync import async_to_sync
from celery.states import REJECTED, SUCCESS
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from bots.models import BotProfile, ProviderCredential, Scope
from conftest import PASSWORD, Party
from conversations.exports.models import ExportJob
from conversations.models import Chat
from conversations.widget.routing import websocket_urlpatterns
from conversations.widget.sessions import issue_session
from knowledge.indexing.lexicon import lock_knowledge
from knowledge.models import Dataset, Document, Source, SourceFile, SourceStatus
from knowledge.models.states import SECRET_OF
from knowledge.sources.configs import prepare_config, reveal_secret
from minirag.asgi import application
from minirag.celery import app as celery_app
from minirag.lib.security.crypto import DecryptionFailed
from minirag.logs import make_formatter
from tenants.admin_site.sites import platform_site, tenant_site
from tenants.authentication import issue_jwt
from tenants.context import NoTenant, current_schema, make_cache_key, scoped_name, tenant_context
from tenants.due import DueKind, DueWork, claim_due, make_due
from tenants.models import BrowserSession, EmailLink, SecondFactor, SsoProvider, Tenant
from tenants.tasks import TENANT_HEADER, PlatformTask, TenantTask
from tests.admin_sessions import log_in_to_admin, replay_session, start_session
from tests.fakes.chat_model import FakeChatModel, provider_down
from tests.isolation_checks import Scene
from tests.isolation_marks import IDENTITY, OPEN, PRIVATE, tenant_models
from tests.isolation_rows import (
    ACME_HOST,
    ACME_PAGE,
    ACME_VISITOR,
    API_KEY,
    GIT_TOKEN,
    GLOBEX_HOST,
    GLOBEX_PAGE,
    GLOBEX_VISITOR,
    JSON,
    NYXCORE_TOKEN,
)
from tests.isolation_scene import make_scene
from tests.isolation_stored import find_marker, take_fingerprint
from tests.patient_socket import PatientSocket
from webhooks.models import Delivery, Webhook

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
PACKAGES = ("minirag", "tenants", "bots", "webhooks", "knowledge", "conversations")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def model(monkeypatch) -> FakeChatModel:
    return FakeChatModel().take_over(monkeypatch)


@pytest.fixture(scope="class")
def _made_scene(_parties, django_db_setup, django_db_blocker) -> Iterator[Scene]:
    """The scene in a transaction around all tests of a class: each test rolls back what it did inside of it."""
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        fake = FakeChatModel().take_over(patch)
        yield make_scene(deepcopy(_parties["acme"]), deepcopy(_parties["globex"]), fake)
        transaction.set_rollback(True)


@pytest.fixture
def scene(_made_scene, db, model) -> Scene:
    return deepcopy(_made_scene)  # what a test writes on it ends with the test


@pytest.fixture
def untouched(scene) -> Iterator[Scene]:
    """The scene, with nothing of acme's changed and nothing of acme's copied to globex by what the test did."""
    before = take_fingerprint(scene.acme.party.tenant)
    yield scene
    after = take_fingerprint(scene.acme.party.tenant)
    assert after == before, [name for name in before if after.get(name) != before[name]]
    assert find_marker(scene.globex.party.tenant.schema_name, PRIVATE) == []
    assert find_marker("public", PRIVATE, but_in_log_of=scene.acme.party.tenant) == []


def walk_routes(urlconf: str) -> dict[str, URLPattern]:
    def walk(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
        for entry in resolver.url_patterns:
            path = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from walk(entry, path)
            else:
                yield path, entry

    return dict(walk(get_resolver(urlconf)))


def all_routes() -> set[str]:
    return set(walk_routes("minirag.urls")) | set(walk_routes("minirag.tenant_urls"))


# --- The API ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Try:
    """One request of globex that reaches for what is acme's, and the status it must end with."""

    method: str
    status: int
    query: str = ""
    body: Callable[[Scene], dict[str, Any]] | None = None
    ids: Callable[[Scene], dict[str, str]] | None = None
    is_form: bool = False
    headers: dict[str, str] = field(default_factory=dict)


def rpc(method: str, **params: Any) -> dict[str, Any]:
    """A message for the MCP server."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def own_bot(scene: Scene, **more: Any) -> dict[str, Any]:
    return {
        "bot_profile_id": scene.globex.bot,
        "name": "x",
        "source_type": "text",
        "content": "x",
        **more,
    }


def acme_bot(scene: Scene, **more: Any) -> dict[str, Any]:
    return own_bot(scene, **more) | {"bot_profile_id": scene.acme.bot}


MESSAGES = {"resource": "messages", "limit": 1}
SITE = {"source_type": "site", "config": {"url": "https://help.example/"}}
CHILD = {"name": "x", "source_type": "text", "content": "x"}
NAME = lambda scene: {"name": "taken over", "is_active": False}  # noqa: E731
OTHERS_CHAT = lambda scene: {"chat_id": scene.globex.chat}  # noqa: E731
OTHERS_WEBHOOK = lambda scene: {"webhook_id": scene.globex.webhook}  # noqa: E731
OTHERS_MESSAGE = lambda scene: {"message_id": scene.globex.message}  # noqa: E731

SAID = [{"role": "user", "content": "x"}]
OWN_DATASET = lambda scene: {"dataset_id": scene.globex.dataset}  # noqa: E731

# The pattern below /v1/ → every method that the route has, each reaching for acme with its ids wherever one fits.
# A method that is not named here must be a 405.
API: dict[str, list[Try]] = {
    "tenants": [
        Try(
            "post",
            409,
            body=lambda s: {
                "tenant_name": "x",
                "tenant_slug": "acme",
                "owner_email": "g@x.example.com",
                "owner_password": "a long pass phrase",
            },
        ),
    ],
    "tenants/me": [Try("get", 200)],
    "auth/login": [
        Try(
            "post",
            401,
            body=lambda s: {
                "email": "gina@globex.example.com",
                "password": PASSWORD,
                "tenant_slug": "acme",
            },
        ),
        Try(
            "post",
            401,
            body=lambda s: {"email": "alice@acme.example.com", "password": "guessed it"},
        ),
    ],
    "auth/me": [Try("get", 200)],
    "auth/forgotten-password": [
        Try("post", 202, body=lambda s: {"email": s.acme.party.owner.email, "tenant_slug": "acme"}),
    ],
    "auth/set-password": [
        Try("post", 410, body=lambda s: {"link": "x", "password": "a long pass phrase"})
    ],
    # Only for somebody who is logged in, never with a token.
    "auth/second-factor": [Try("post", 403)],
    "auth/second-factor/confirm": [Try("post", 403, body=lambda s: {"otp": "123456"})],
    "auth/second-factor/recovery-codes": [Try("post", 403, body=lambda s: {"otp": "123456"})],
    "auth/second-factor/remove": [Try("post", 403, body=lambda s: {"otp": "123456"})],
    "auth/sessions": [Try("get", 403)],
    "auth/sessions/<str:session_id>": [Try("delete", 403)],
    "tenants/me/second-factor": [
        Try("get", 200),
        Try("put", 200, body=lambda s: {"required": False}),
    ],
    "tenants/me/settings": [
        Try("get", 200),
        Try("patch", 200, body=lambda s: {"slug": "acme", "shown_name": "Globex Help"}),
    ],
    "tenants/me/logo": [Try("put", 422, body=lambda s: {"content": "eA=="}), Try("delete", 204)],
    "tenants/me/hosts": [
        Try("get", 200),
        Try("post", 409, body=lambda s: {"host": ACME_HOST}),
    ],
    "tenants/me/hosts/<str:host>": [Try("get", 404), Try("delete", 404)],
    "tenants/me/hosts/<str:host>/check": [Try("post", 404)],
    "tenants/me/hosts/<str:host>/primary": [Try("post", 404)],
    "tenants/me/plan": [Try("get", 200)],
    "tenants/me/sso": [Try("get", 200), Try("put", 422, body=lambda s: {}), Try("delete", 204)],
    "invitations": [
        Try("get", 200),
        Try("post", 201, body=lambda s: {"email": "iva@globex.example.com", "tenant_slug": "acme"}),
    ],
    "invitations/<str:invitation_id>": [Try("get", 404), Try("delete", 404)],
    "invitations/<str:invitation_id>/send-again": [Try("post", 404)],
    "users/<str:user_id>/second-factor": [Try("delete", 404)],
    "users/<str:user_id>/sessions": [Try("get", 404), Try("delete", 404)],
    "api-tokens": [
        Try("get", 200),
        Try(
            "post",
            201,
            body=lambda s: {
                "name": "x",
                "tenant_id": str(s.acme.party.tenant.pk),
                "user_id": str(s.acme.party.owner.pk),
                "tenant": s.acme.party.slug,
            },
        ),
        Try("post", 422, body=lambda s: {"name": "x", "bot_profile_id": s.acme.bot}),
    ],
    "api-tokens/<str:token_id>": [Try("get", 404), Try("delete", 404)],
    "api-tokens/<str:token_id>/rotate": [Try("post", 404, body=lambda s: {"overlap_seconds": 60})],
    "users": [
        Try("get", 200),
        Try(
            "post",
            201,
            body=lambda s: {
                "email": s.acme.party.owner.email,  # free to use in another tenant
                "password": "a long pass phrase",
                "role": "owner",
                "tenant_id": str(s.acme.party.tenant.pk),
                "id": str(s.acme.party.owner.pk),
            },
        ),
    ],
    "users/<str:user_id>": [
        Try("get", 404),
        Try(
            "patch",
            404,
            body=lambda s: {
                "password": "a long pass phrase",
                "is_active": False,
                "revoke_tokens": True,
            },
        ),
        Try("delete", 404),
    ],
    "bot-profiles": [
        Try("get", 200),
        Try(
            "post",
            201,
            body=lambda s: {
                "name": "x",
                "tenant_id": str(s.acme.party.tenant.pk),
                "id": s.acme.bot,
            },
        ),
    ],
    "bot-profiles/<str:bot_profile_id>": [
        Try("get", 404),
        Try("patch", 404, body=NAME),
        Try("delete", 404),
    ],
    "bot-profiles/<str:bot_profile_id>/settings": [
        Try("get", 404),
        Try("patch", 404, body=lambda s: {"greeting": "x"}),
    ],
    "providers": [
        Try("get", 200),
        Try(
            "post",
            201,
            body=lambda s: {
                "name": "x",
                "provider": "openai",
                "api_key": "k",
                "id": s.acme.provider,
            },
        ),
    ],
    "providers/catalogue": [Try("get", 200)],
    "providers/<str:provider_id>": [
        Try("get", 404),
        Try("patch", 404, body=lambda s: {"name": "x", "api_key": "k"}),
        Try("delete", 404),
    ],
    "providers/<str:provider_id>/test": [Try("post", 404, body=lambda s: {"model": "gpt-4o-mini"})],
    "bot-profiles/<str:bot_profile_id>/readiness": [Try("get", 404)],
    "bot-profiles/<str:bot_profile_id>/providers": [
        Try("get", 404),
        Try("put", 404, body=lambda s: {"provider_ids": [s.globex.provider]}),
        Try(
            "put",
            422,
            body=lambda s: {"provider_ids": [s.acme.provider]},
            ids=lambda s: {"bot_profile_id": s.globex.bot},
        ),
    ],
    "quotas": [
        Try("get", 200),
        Try("get", 200, "subject=bot&subject_id={bot}"),
        Try("post", 422, body=lambda s: {**MESSAGES, "subject": "bot", "subject_id": s.acme.bot}),
        Try(
            "post", 422, body=lambda s: {**MESSAGES, "subject": "token", "subject_id": s.acme.token}
        ),
    ],
    "quotas/<str:quota_id>": [
        Try("get", 404),
        Try("patch", 404, body=lambda s: {"limit": 1}),
        Try("delete", 404),
    ],
    "bot-profiles/<str:bot_profile_id>/identity-secret": [
        Try("get", 404),
        Try("post", 404, body=lambda s: {}),
        Try("delete", 404),
    ],
    "bot-profiles/<str:bot_profile_id>/scopes": [
        Try("get", 404),
        Try("post", 404, body=lambda s: {"name": "x", "allowed_topics": ["x"]}),
    ],
    "bot-profiles/<str:bot_profile_id>/explain": [
        Try("post", 404, body=lambda s: {"question": f"Where is the {PRIVATE}?"}),
        Try(
            "post",
            404,
            ids=lambda s: {"bot_profile_id": s.globex.bot},
            body=lambda s: {"question": f"Where is the {PRIVATE}?", "against": s.acme.bot},
        ),
    ],
    "bot-profiles/<str:bot_profile_id>/scopes/check": [
        Try("post", 404, body=lambda s: {"question": f"Where is the {PRIVATE}?"}),
    ],
    "bot-profiles/<str:bot_profile_id>/scopes/<str:scope_id>": [
        Try("get", 404),
        Try("get", 404, ids=lambda s: {"bot_profile_id": s.globex.bot}),
        Try("patch", 404, body=NAME),
        Try("patch", 404, body=NAME, ids=lambda s: {"bot_profile_id": s.globex.bot}),
        Try("delete", 404),
        Try("delete", 404, ids=lambda s: {"bot_profile_id": s.globex.bot}),
    ],
    "scope-templates": [Try("get", 200)],
    "sources": [
        Try("get", 200),
        Try("get", 200, "include_children=true"),
        Try("get", 200, "bot_profile_id={bot}"),
        Try("get", 200, "parent_id={source}"),
        Try("post", 422, body=acme_bot),
        Try("post", 404, body=lambda s: own_bot(s, parent_id=s.acme.source)),
        Try("get", 200, "dataset_id={dataset}"),
        Try("post", 404, body=lambda s: own_bot(s, dataset_id=s.acme.dataset)),
    ],
    "sources/batch": [Try("post", 422, body=lambda s: acme_bot(s, children=[CHILD]))],
    "sources/upload": [
        Try("post", 422, body=acme_bot, is_form=True),
        Try("post", 404, body=lambda s: own_bot(s, parent_id=s.acme.source), is_form=True),
    ],
    "sources/upload-many": [
        Try("post", 422, body=acme_bot, is_form=True),
        Try("post", 404, body=lambda s: own_bot(s, parent_id=s.acme.source), is_form=True),
    ],
    "sources/<str:source_id>": [
        Try("get", 404),
        Try("patch", 404, body=NAME),
        Try("delete", 404),
        Try("get", 404, ids=lambda s: {"source_id": s.acme.upload}),
        Try("get", 404, ids=lambda s: {"source_id": s.acme.nyxcore}),
    ],
    "sources/formats": [Try("get", 200)],
    "sources/validate-file": [Try("post", 200, body=acme_bot, is_form=True)],
    "sources/preview": [
        Try("post", 422, body=lambda s: acme_bot(s, **SITE)),
        Try("post", 404, body=lambda s: own_bot(s, dataset_id=s.acme.dataset, **SITE)),
    ],
    "sources/tree": [
        Try("get", 200),
        Try("get", 404, "source_id={source}"),
        Try("get", 404, "dataset_id={dataset}"),
    ],
    "sources/reindex": [
        Try("post", 200, body=lambda s: {}),
        Try("post", 404, body=lambda s: {"source_id": s.acme.source, "dry_run": False}),
        Try("post", 404, body=lambda s: {"dataset_id": s.acme.dataset, "dry_run": False}),
    ],
    "sources/by-external-id/<path:external_id>": [
        Try("get", 404),
        Try("get", 404, "bot_profile_id={bot}"),
        Try("get", 404, "dataset_id={dataset}"),
        Try("put", 422, body=acme_bot),
        Try("put", 404, body=lambda s: own_bot(s, dataset_id=s.acme.dataset)),
        Try("put", 404, body=lambda s: own_bot(s, parent_id=s.acme.source)),
        Try("delete", 404),
        Try("delete", 404, "bot_profile_id={bot}"),
    ],
    "documents": [
        Try("get", 200),
        Try("get", 200, "source_id={source}"),
        Try("get", 200, "dataset_id={dataset}"),
        Try("get", 200, "bot_profile_id={bot}"),
        Try("get", 200, "q=zqpriv"),
    ],
    "documents/<str:document_id>": [
        Try("get", 404),
        Try("patch", 404, body=lambda s: {"title": "taken over"}),
        Try("patch", 404, body=lambda s: {"content": "Taken over."}),
        Try("delete", 404),
    ],
    "documents/<str:document_id>/reprocess": [Try("post", 404)],
    "documents/<str:document_id>/edit": [Try("get", 404)],
    "documents/<str:document_id>/edit/decision": [
        Try("post", 404, body=lambda s: {"decision": "take_theirs"})
    ],
    "documents/<str:document_id>/versions": [Try("get", 404)],
    "documents/<str:document_id>/versions/<str:version_id>": [Try("get", 404)],
    "documents/<str:document_id>/versions/<str:version_id>/comparison": [Try("get", 404)],
    "documents/<str:document_id>/versions/<str:version_id>/restore": [Try("post", 404)],
    "chunks": [
        Try("get", 200),
        Try("get", 200, "q=zqpriv"),
        Try("get", 200, "source_id={source}&document_id={document}"),
        Try("get", 200, "dataset_id={dataset}"),
        Try("get", 200, "bot_profile_id={bot}"),
        Try("post", 404, body=lambda s: {"document_id": s.acme.document, "content": "x"}),
        Try("post", 404, body=lambda s: {"source_id": s.acme.source, "content": "x"}),
    ],
    "chunks/<str:chunk_id>": [
        Try("get", 404),
        Try("patch", 404, body=lambda s: {"is_off": True}),
        Try("delete", 404),
        Try("get", 404, ids=lambda s: {"chunk_id": s.acme.correction}),
        Try("delete", 404, ids=lambda s: {"chunk_id": s.acme.correction}),
    ],
    "corrections": [
        Try("get", 200),
        Try("get", 200, "q=zqpriv"),
        Try("get", 200, "source_id={source}&document_id={document}"),
        Try("get", 200, "dataset_id={dataset}"),
        Try("get", 200, "bot_profile_id={bot}"),
    ],
    "corrections/<str:correction_id>": [Try("get", 404), Try("delete", 404)],
    "corrections/<str:correction_id>/decide": [
        Try("post", 404, body=lambda s: {"decision": "take_theirs"})
    ],
    "datasets": [
        Try("get", 200),
        Try("get", 200, "include_private=true&q=zq"),
        Try(
            "post",
            201,
            body=lambda s: {"name": "x", "id": s.acme.dataset, "bot_profile_id": s.acme.bot},
        ),
    ],
    "datasets/overview": [Try("get", 200)],
    "datasets/<str:dataset_id>": [
        Try("get", 404),
        Try("patch", 404, body=NAME),
        Try("delete", 404, "force=true"),
    ],
    "datasets/<str:dataset_id>/statistics": [Try("get", 404)],
    "datasets/<str:dataset_id>/bots": [
        Try("get", 404),
        Try("post", 404, body=lambda s: {"bot_profile_id": s.globex.bot}),
        Try("post", 422, body=lambda s: {"bot_profile_id": s.acme.bot}, ids=OWN_DATASET),
    ],
    "datasets/<str:dataset_id>/bots/<str:bot_profile_id>": [
        Try("patch", 404, body=lambda s: {"is_active": False}),
        Try("delete", 404),
        Try("patch", 404, body=lambda s: {"is_active": False}, ids=OWN_DATASET),
        Try("delete", 404, ids=OWN_DATASET),
    ],
    "bot-profiles/<str:bot_profile_id>/datasets": [
        Try("get", 404),
        Try("put", 404, body=lambda s: {"datasets": []}),
        Try(
            "put",
            404,
            body=lambda s: {"datasets": [{"dataset_id": s.acme.dataset}]},
            ids=lambda s: {"bot_profile_id": s.globex.bot},
        ),
    ],
    "sources/<str:source_id>/children": [Try("get", 404)],
    "sources/<str:source_id>/pages": [
        Try("get", 404),
        Try("get", 404, ids=lambda s: {"source_id": s.globex.site}, query="sync_id={sync}"),
        Try("get", 404, ids=lambda s: {"source_id": s.acme.git}),
    ],
    "sources/<str:source_id>/syncs": [
        Try("get", 404),
        Try("get", 404, ids=lambda s: {"source_id": s.acme.git}),
    ],
    **{
        f"sources/<str:source_id>/syncs/<str:sync_id>{act}": [
            Try(verb, 404, ids=lambda s: {"source_id": s.acme.site}),
            Try(verb, 404, ids=lambda s: {"source_id": s.globex.site}),
        ]
        for act, verb in (("", "get"), ("/approve", "post"), ("/reject", "post"))
    },
    "sources/<str:source_id>/ingest": [Try("post", 404)],
    "sources/<str:source_id>/cancel": [Try("post", 404)],
    "sources/<str:source_id>/ingest-children": [Try("post", 404)],
    "chat": [
        Try("get", 200),
        Try("get", 200, "bot_profile_id={bot}"),
        Try("get", 200, "limit=100&offset=0"),
        Try("post", 404, body=lambda s: {"bot_profile_id": s.acme.bot, "message": "x"}),
        Try(
            "post",
            404,
            body=lambda s: {"bot_profile_id": s.acme.bot, "message": "x", "stream": True},
        ),
        Try(
            "post",
            404,
            body=lambda s: {"bot_profile_id": s.globex.bot, "message": "x", "chat_id": s.acme.chat},
        ),
        Try(
            "post",
            404,
            body=lambda s: {
                "bot_profile_id": s.globex.bot,
                "message": "x",
                "chat_id": s.acme.chat,
                "stream": True,
                "extended": True,
            },
        ),
        Try(
            "post",
            404,
            body=lambda s: {"bot_profile_id": s.acme.bot, "message": "x", "chat_id": s.globex.chat},
        ),
    ],
    "chat/completions": [
        Try("post", 404, body=lambda s: {"model": s.acme.bot, "messages": SAID}),
        Try("post", 404, body=lambda s: {"model": s.acme.bot, "messages": SAID, "stream": True}),
        Try(
            "post",
            404,
            body=lambda s: {
                "model": s.globex.bot,
                "messages": SAID,
                "metadata": {"chat_id": s.acme.chat},
            },
        ),
    ],
    "mcp": [
        Try("post", 200, body=lambda s: rpc("resources/list")),
        Try("post", 200, body=lambda s: rpc("tools/list")),
        Try("post", 200, body=lambda s: rpc("tools/call", name="list_sources", arguments={})),
        Try(
            "post",
            200,
            body=lambda s: rpc("resources/read", uri=f"minirag://documents/{s.acme.pks[Document]}"),
        ),
    ],
    "embeddings": [Try("post", 404, body=lambda s: {"model": s.acme.bot, "input": "x"})],
    "responses": [
        Try("post", 404, body=lambda s: {"model": s.acme.bot, "input": "x"}),
        Try("post", 404, body=lambda s: {"model": s.acme.bot, "input": "x", "stream": True}),
        Try(
            "post",
            404,
            body=lambda s: {
                "model": s.globex.bot,
                "input": "x",
                "previous_response_id": f"resp_{s.acme.message.replace('-', '')}{'0' * 16}",
            },
        ),
    ],
    "models": [Try("get", 200)],
    "models/<str:model>": [Try("get", 404, ids=lambda s: {"model": s.acme.bot})],
    "chat/<str:chat_id>": [Try("get", 404), Try("delete", 404)],
    "visitors/forget": [
        Try("post", 404, body=lambda s: {"visitor_id": ACME_VISITOR}),
        Try("post", 404, body=lambda s: {"subject": "zqprivatezq"}),
    ],
    "chat/export": [
        Try("get", 200),
        Try("get", 200, "format=csv&limit=1000"),
        Try("get", 200, "bot_profile_id={bot}"),
    ],
    "chat/<str:chat_id>/export": [Try("get", 404), Try("get", 404, "format=csv")],
    "chat/<str:chat_id>/logs": [Try("get", 404)],
    "chat-logs": [
        Try("get", 200),
        Try("get", 200, "q=house"),
        Try("get", 200, "bot_profile_id={bot}"),
    ],
    "gaps": [
        Try("get", 200),
        Try("get", 200, "bot_profile_id={bot}"),
        Try("get", 200, "state=open&language=en"),
    ],
    "gaps/<str:gap_id>": [Try("get", 404)],
    "gaps/<str:gap_id>/draft": [Try("post", 404)],
    "gaps/<str:gap_id>/answer": [Try("post", 404, body=lambda s: {"answer": "x"})],
    "gaps/<str:gap_id>/dismiss": [Try("post", 404)],
    "gaps/<str:gap_id>/reopen": [Try("post", 404)],
    "chat/<str:chat_id>/notes": [
        Try("get", 404),
        Try("post", 404, body=lambda s: {"text": "x"}),
    ],
    "chat/<str:chat_id>/notes/<str:note_id>": [Try("delete", 404)],
    "chat/<str:chat_id>/tags": [
        Try("get", 404),
        Try("put", 404, body=lambda s: {"tags": ["x"]}),
    ],
    "tenants/me/retention": [
        Try("get", 200),
        Try("put", 200, body=lambda s: {"days": None}),
    ],
    "tenants/me/retention/preview": [Try("get", 200, "days=1")],
    "canned-answers": [
        Try("get", 200),
        Try("post", 404, body=lambda s: {"name": "x", "text": "x", "bot_profile_id": s.acme.bot}),
    ],
    "canned-answers/<str:canned_answer_id>": [
        Try("get", 404),
        Try("patch", 404, body=lambda s: {"text": "x"}),
        Try("delete", 404),
    ],
    "chat-tags": [Try("get", 200), Try("get", 200, "q=a")],
    "handoffs": [
        Try("get", 200),
        Try("get", 200, "state=waiting&bot_profile_id={bot}&chat_id={chat}"),
        Try("post", 404, body=lambda s: {"chat_id": s.acme.chat}),
    ],
    "handoffs/<str:handoff_id>": [Try("get", 404)],
    "handoffs/<str:handoff_id>/join": [Try("post", 404, body=lambda s: {"takes_over": True})],
    "handoffs/<str:handoff_id>/messages": [Try("post", 404, body=lambda s: {"content": "x"})],
    "handoffs/<str:handoff_id>/hand-back": [Try("post", 404)],
    "handoffs/<str:handoff_id>/release": [Try("post", 404)],
    "handoffs/<str:handoff_id>/close": [Try("post", 404)],
    "bot-profiles/<str:bot_profile_id>/handoff-rules": [
        Try("get", 404),
        Try("put", 404, body=lambda s: {}),
        Try("delete", 404),
    ],
    "curated-answers": [
        Try("get", 200),
        Try("get", 200, "q=attic"),
        Try("get", 200, "bot_profile_id={bot}"),
        Try(
            "post",
            422,
            body=lambda s: {"bot_profile_ids": [s.acme.bot], "question": "x", "answer": "y"},
        ),
        Try(
            "post",
            422,
            body=lambda s: {
                "bot_profile_ids": [s.globex.bot],
                "question": "x",
                "answer": "y",
                "owner_id": str(s.acme.party.owner.pk),
            },
        ),
    ],
    "curated-answers/<str:curated_answer_id>": [
        Try("get", 404),
        Try("patch", 404, body=lambda s: {"title": "x"}),
        Try("delete", 404),
        Try("patch", 404, ids=lambda s: {"curated_answer_id": s.acme.bot}, body=lambda s: {}),
    ],
    "bot-profiles/<str:bot_profile_id>/golden-questions": [
        Try("get", 404),
        Try("post", 404, body=lambda s: {"question": "x"}),
    ],
    "bot-profiles/<str:bot_profile_id>/golden-questions/import": [
        Try("post", 404, body=lambda s: {}, is_form=True),
    ],
    "bot-profiles/<str:bot_profile_id>/evaluation-runs": [
        Try("get", 404),
        Try("post", 404, body=lambda s: {}),
    ],
    "bot-profiles/<str:bot_profile_id>/gate": [
        Try("get", 404),
        Try("put", 404, body=lambda s: {"least_right": 0.5}),
        Try("delete", 404),
    ],
    "bot-profiles/<str:bot_profile_id>/draft": [Try("get", 404), Try("delete", 404)],
    "bot-profiles/<str:bot_profile_id>/versions": [Try("get", 404)],
    "bot-profiles/<str:bot_profile_id>/versions/<str:version_id>": [Try("get", 404)],
    "bot-profiles/<str:bot_profile_id>/versions/<str:version_id>/comparison": [Try("get", 404)],
    "bot-profiles/<str:bot_profile_id>/versions/<str:version_id>/roll-back": [
        Try("post", 404, body=lambda s: {})
    ],
    "bot-profiles/<str:bot_profile_id>/draft/runs": [Try("post", 404, body=lambda s: {})],
    "bot-profiles/<str:bot_profile_id>/draft/publish": [
        Try("post", 404, body=lambda s: {"reason": "x"}),
    ],
    "evaluation-runs/<str:evaluation_run_id>": [Try("get", 404), Try("delete", 404)],
    "evaluation-runs/<str:evaluation_run_id>/results": [Try("get", 404)],
    "evaluation-runs/<str:evaluation_run_id>/cancel": [Try("post", 404)],
    "evaluation-runs/<str:evaluation_run_id>/retry": [Try("post", 404)],
    "evaluation-runs/<str:evaluation_run_id>/comparison": [
        Try("get", 404, "before={run}"),
        Try("get", 404, "before={run}", ids=lambda s: {"evaluation_run_id": s.globex.run}),
    ],
    "golden-questions/<str:golden_question_id>": [
        Try("get", 404),
        Try("patch", 404, body=lambda s: {"tags": ["x"]}),
        Try("delete", 404),
    ],
    "chat/<str:chat_id>/messages/<str:message_id>/golden-question": [
        Try("post", 404, body=lambda s: {"tags": ["x"]}),
        Try("post", 404, body=lambda s: {"tags": ["x"]}, ids=lambda s: {"chat_id": s.globex.chat}),
    ],
    "exports": [
        Try("get", 200),
        Try(
            "post",
            202,
            body=lambda s: {"export_type": "messages", "user_id": str(s.acme.party.owner.pk)},
        ),
        Try(
            "post",
            422,
            body=lambda s: {"export_type": "messages", "filters": {"bot_profile_id": s.acme.bot}},
        ),
    ],
    "exports/<str:export_id>": [Try("get", 404), Try("delete", 404)],
    "exports/<str:export_id>/download": [Try("get", 404)],
    "exports/<str:export_id>/retry": [Try("post", 404)],
    "chat/<str:chat_id>/messages": [Try("get", 404)],
    "chat/<str:chat_id>/messages/<str:message_id>": [
        Try("get", 404),
        Try("get", 404, ids=OTHERS_CHAT),
        Try("get", 404, ids=OTHERS_MESSAGE),
    ],
    "chat/<str:chat_id>/messages/<str:message_id>/feedback": [
        Try("patch", 404, body=lambda s: {"feedback": "negative"}),
        Try("patch", 404, body=lambda s: {"feedback": "negative"}, ids=OTHERS_CHAT),
        Try("patch", 404, body=lambda s: {"feedback": "negative"}, ids=OTHERS_MESSAGE),
    ],
    "chat/<str:chat_id>/messages/<str:message_id>/trace": [
        Try("get", 404),
        Try("get", 404, ids=OTHERS_CHAT),
        Try("get", 404, ids=OTHERS_MESSAGE),
    ],
    "turns/<str:turn_id>/events": [Try("get", 404), Try("get", 404, "after=1&extended=true")],
    "turns/<str:turn_id>/stop": [Try("post", 404)],
    "webhooks": [
        Try("get", 200),
        Try(
            "post",
            201,
            body=lambda s: {
                "url": "https://x.example.com/",
                "events": [],
                "id": s.acme.webhook,
                "tenant_id": str(s.acme.party.tenant.pk),
            },
        ),
    ],
    "webhooks/<str:webhook_id>": [
        Try("get", 404),
        Try("patch", 404, body=lambda s: {"description": "taken over", "is_active": False}),
        Try("delete", 404),
    ],
    "webhooks/<str:webhook_id>/test": [Try("post", 404)],
    "webhooks/<str:webhook_id>/rotate-secret": [Try("post", 404)],
    "webhooks/<str:webhook_id>/redeliver-failed": [Try("post", 404)],
    "webhooks/<str:webhook_id>/deliveries": [Try("get", 404), Try("get", 404, "status=pending")],
    "webhooks/<str:webhook_id>/deliveries/<str:delivery_id>": [
        Try("get", 404),
        Try("get", 404, ids=OTHERS_WEBHOOK),
    ],
    "webhooks/<str:webhook_id>/deliveries/<str:delivery_id>/redeliver": [
        Try("post", 404),
        Try("post", 404, ids=OTHERS_WEBHOOK),
    ],
    # How acme's widget looks is in its pages; globex's own path and host know its own bots only.
    "widget/bots/<str:bot_profile_id>/appearance": [Try("get", 200)],
    # Whose it is only a session says: conversations/tests/test_fetching.py tries others'.
    "widget/frames": [Try("post", 401, body=lambda s: {"session_token": "x", "chat_id": None})],
    "widget/sessions": [
        # On the platform's own host a bot is found by its id, which is in its pages; globex's page is refused.
        Try(
            "post",
            403,
            body=lambda s: {"bot_profile_id": s.acme.bot, "visitor_id": GLOBEX_VISITOR},
            headers={"HTTP_ORIGIN": GLOBEX_PAGE},
        ),
        # The chat of acme's visitor is not one of globex's bot: the session begins without one.
        Try(
            "post",
            201,
            body=lambda s: {
                "bot_profile_id": s.globex.bot,
                "visitor_id": GLOBEX_VISITOR,
                "chat_id": s.acme.chat,
            },
            headers={"HTTP_ORIGIN": GLOBEX_PAGE},
        ),
    ],
    "stats/overview": [Try("get", 200)],
    "stats/usage": [Try("get", 200), Try("get", 200, "kind=all")],
    "stats/usage/by-bot": [Try("get", 200, "kind=all")],
    "stats/usage/by-model": [Try("get", 200, "kind=all")],
    "stats/cost-estimate": [Try("get", 200)],
    "stats/pricing": [
        Try("get", 200),
        Try("put", 200, body=lambda s: {"model": "x/y", "prompt_cost_per_1m": 1}),
        Try("delete", 404, "model=z/acme-only"),
    ],
    "stats/feedback": [Try("get", 200), Try("get", 200, "bot_profile_id={bot}")],
    "stats/feedback/trend": [Try("get", 200), Try("get", 200, "bot_profile_id={bot}")],
    "stats/latency": [Try("get", 200), Try("get", 200, "bot_profile_id={bot}")],
    "stats/refusals": [Try("get", 200), Try("get", 200, "bot_profile_id={bot}")],
    "audit-events": [Try("get", 200), Try("get", 200, "action=tenant.provisioned&actor=")],
    "audit-events/export": [Try("get", 200), Try("get", 200, "format=jsonl&q=zq")],
    # The platform's own: a tenant's credential opens nothing, and on its path or host there is no such thing.
    "platform/audit-events": [Try("get", 401)],
    "platform/audit-events/export": [Try("get", 401)],
    "platform/tenants": [Try("get", 401), Try("post", 401, body=lambda s: {"slug": "x"})],
    "platform/queues": [Try("get", 401)],
    "platform/plans": [
        Try("get", 401),
        Try("post", 401, body=lambda s: {"key": "mine", "name": "x"}),
    ],
    "platform/plans/<str:key>": [
        Try("get", 401),
        Try("patch", 401, body=lambda s: {"name": "x"}),
        Try("delete", 401),
    ],
    "platform/maintenance": [
        Try("put", 401, body=lambda s: {"minutes": 5}),
        Try("delete", 401),
    ],
    "platform/tenants/<str:slug>/maintenance": [
        Try("put", 401, body=lambda s: {"minutes": 5}),
        Try("delete", 401),
    ],
    "platform/tenants/<str:slug>/export": [Try("post", 401, body=lambda s: {})],
    "platform/tenants/<str:slug>/erase": [
        Try("post", 401, body=lambda s: {"confirm": s.acme.party.tenant.slug})
    ],
    "platform/tenants/<str:slug>/clone": [
        Try("post", 401, body=lambda s: {"new_slug": "mine"}),
    ],
    "platform/imports": [Try("post", 401, body=lambda s: {"slug": "mine"})],
    "platform/transfers": [Try("get", 401)],
    "platform/transfers/<str:transfer_id>": [Try("get", 401)],
    "platform/transfers/<str:transfer_id>/cancel": [Try("post", 401)],
    "platform/transfers/<str:transfer_id>/download": [Try("get", 401)],
    "platform/receipts": [Try("get", 401)],
    "platform/bulk/preview": [Try("get", 401)],
    "platform/bulk/<str:act>": [
        Try("post", 401, body=lambda s: {"slugs": [s.acme.party.tenant.slug]})
    ],
    "platform/bulk/<str:act>-matching": [
        Try("post", 401, body=lambda s: {"expected_total": 2, "confirm": True})
    ],
    "platform/tenants/<str:slug>": [
        Try("get", 401),
        Try("patch", 401, body=lambda s: {"name": "x"}),
        Try("delete", 401, body=lambda s: {"confirm": s.acme.party.tenant.slug}),
    ],
    "platform/tenants/<str:slug>/<str:act>": [Try("post", 401, body=lambda s: {"reason": "x"})],
    "health": [Try("get", 200)],
    "system/health": [Try("get", 200)],
    "system/health/detailed": [Try("get", 200)],
    "openapi.json": [Try("get", 200)],
    "postman.json": [Try("get", 200)],
    "docs": [Try("get", 200)],
    # What is not a route: with a slash it may lead to one, else it is unknown to everybody.
    "^(?P<rest>.*)/$": [Try("get", 307, ids=lambda s: {"rest": f"sources/{s.acme.source}"})],
    "^(?P<rest>.*)$": [
        Try("get", 404, ids=lambda s: {"rest": f"tenants/{s.acme.party.tenant.pk}/sources"})
    ],
}
# Routes that anybody may call: what they answer on acme's own path and host, to globex.
ANYBODYS = {
    "tenants": {409},
    "auth/login": {401},
    "auth/forgotten-password": {202},
    "auth/set-password": {410},
    "widget/sessions": {403, 404},
    "widget/frames": {401},
    "widget/bots/<str:bot_profile_id>/appearance": {200},
    "health": {200},
    "system/health": {200},
    "openapi.json": {200},
    "postman.json": {200},
    "docs": {200},
    "^(?P<rest>.*)/$": {307},
    "^(?P<rest>.*)$": {404},
}
# What acme shows to everybody who opens a page of its own.
SHOWN_TO_ANYBODY = {"widget/bots/<str:bot_profile_id>/appearance"}
# What is for somebody who is logged in, and not for a token: gina's own, whatever it names.
LOGGED_IN = {
    "auth/second-factor": 200,
    "auth/second-factor/confirm": 401,
    "auth/second-factor/recovery-codes": 401,
    "auth/second-factor/remove": 401,
    "auth/sessions": 200,
    "auth/sessions/<str:session_id>": 404,
}
EVERY_METHOD = {
    "^(?P<rest>.*)/$",
    "^(?P<rest>.*)$",
}  # answered before it is asked which method it is

OWN_PLACES = {
    "platform": {},
    "path": {"SCRIPT_NAME": "/t/globex"},
    "host": {"HTTP_HOST": GLOBEX_HOST},
}
ACME_PLACES = {"path": {"SCRIPT_NAME": "/t/acme"}, "host": {"HTTP_HOST": ACME_HOST}}


def forge(header: dict[str, str], claims: dict[str, Any], signature: str = "") -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in (header, claims)
    ]
    return ".".join([*parts, signature])


def good_credentials(globex: Party) -> dict[str, str]:
    return {"token": globex.raw_token, "jwt": issue_jwt(globex.owner)}


def bad_credentials(scene: Scene) -> dict[str, str]:
    """What a member of globex could make of what it has, to pass for somebody of acme."""
    globex, acme = scene.globex.party, scene.acme.party
    good = issue_jwt(globex.owner)
    signature = good.split(".")[2]
    claims = jwt.decode(good, options={"verify_signature": False})
    changed = claims | {"tid": str(acme.tenant.pk)}
    alices = changed | {"sub": str(acme.owner.pk)}
    with tenant_context(globex.tenant):
        session, _ = issue_session(
            BotProfile.objects.get(pk=scene.globex.bot), GLOBEX_VISITOR, GLOBEX_PAGE
        )
    with tenant_context(acme.tenant):
        acmes_session, _ = issue_session(
            BotProfile.objects.get(pk=scene.acme.bot), GLOBEX_VISITOR, ACME_PAGE
        )
    return {
        "jwt with another tenant and the old signature": forge(
            {"alg": "HS256", "typ": "JWT"}, changed, signature
        ),
        "jwt with another tenant and no signature": forge({"alg": "none", "typ": "JWT"}, changed),
        "jwt of alice without a signature": forge({"alg": "none"}, alices),
        "jwt of alice signed with another key": jwt.encode(alices, "x" * 32, algorithm="HS256"),
        "jwt of alice signed with the public name of the key": jwt.encode(
            alices, "JWT_SECRET_KEY", algorithm="HS256"
        ),
        # Not to be had by anybody without our key; refused all the same, since Gina is not of acme.
        "jwt of gina that we signed for acme": jwt.encode(
            changed, django_settings.JWT_SECRET_KEY, algorithm="HS256"
        ),
        "session of globex's widget": session,
        "session of acme's widget": acmes_session,
        "hash of acme's token": scene.secrets[3],
        "id of acme's token": scene.acme.token,
    }


def fill_path(pattern: str, scene: Scene, ids: dict[str, str] | None = None) -> str:
    acme = scene.acme
    known = {
        "token_id": acme.token,
        "quota_id": acme.quota,
        "provider_id": acme.provider,
        "golden_question_id": acme.golden,
        "curated_answer_id": acme.curated,
        "sync_id": acme.sync,
        "evaluation_run_id": acme.run,
        "gap_id": acme.gap,
        "handoff_id": acme.handoff,
        "note_id": acme.note,
        "canned_answer_id": acme.canned,
        "user_id": str(acme.party.owner.pk),
        "invitation_id": str(acme.pks[EmailLink]),
        "session_id": str(acme.pks[BrowserSession]),
        "transfer_id": str(uuid4()),  # the platform's: none belongs to a tenant
        "bot_profile_id": acme.bot,
        "source_id": acme.source,
        "dataset_id": acme.dataset,
        "document_id": acme.document,
        "chunk_id": acme.chunk,
        "correction_id": acme.correction,
        "version_id": acme.version,
        "external_id": acme.external_id,
        "chat_id": acme.chat,
        "message_id": acme.message,
        "turn_id": acme.turn,
        "slug": acme.party.tenant.slug,
        "host": ACME_HOST,
        "key": "pro",
        "form": "csv",
        "model": acme.bot,
        "act": "archive",
        "webhook_id": acme.webhook,
        "delivery_id": str(acme.pks[Delivery]),
        "export_id": str(acme.pks[ExportJob]),
        "scope_id": str(acme.pks[Scope]),
        **(ids or {}),
    }
    path = re.sub(r"<\w+:(\w+)>", lambda match: known[match[1]], pattern)
    path = re.sub(r"\(\?P<(\w+)>.*\)", lambda match: known[match[1]], path)
    return path.replace("^", "").replace("$", "")


def send(scene: Scene, pattern: str, attempt: Try, **defaults: str) -> tuple[int, str]:
    """Send a request to `/v1/<pattern>`, check that nothing of acme's comes back, return its status and text."""
    ids = attempt.ids(scene) if attempt.ids else {}
    path = "/v1/" + fill_path(pattern, scene, ids)
    query = attempt.query.format(
        bot=scene.acme.bot,
        source=scene.acme.source,
        dataset=scene.acme.dataset,
        run=scene.acme.run,
        sync=scene.acme.sync,
        document=scene.acme.document,
        chat=scene.acme.chat,
    )
    body: Any = attempt.body(scene) if attempt.body else None
    sent = f"{attempt.method} {defaults.get('SCRIPT_NAME', '')}{path}?{query} {json.dumps(body)}"
    options: dict[str, Any] = {**defaults, **attempt.headers}
    if attempt.is_form:
        body = {
            name: value
            for name, value in body.items()
            if name in ("bot_profile_id", "name", "parent_id")
        }
        for name in ("file", "files"):  # as one route or the other has it
            body[name] = SimpleUploadedFile("x.txt", b"Some text of globex.")
        response = Client().post(path, body, **options)
    else:
        raw = json.dumps(body) if body is not None else ""
        url = f"{path}?{query}" if query else path
        response = Client().generic(attempt.method.upper(), url, raw, content_type=JSON, **options)
    allow = [ACME_HOST.split(".")[0]] if options.get("HTTP_HOST") == ACME_HOST else []
    if pattern in SHOWN_TO_ANYBODY:
        allow.append(OPEN)
    return response.status_code, scene.check(response, sent=sent, allow=allow)


def text_of(attempt: Try, scene: Scene) -> str:
    return json.dumps(attempt.body(scene)) if attempt.body else ""


def routes_for(kind: str, place: str, places: dict[str, Any]) -> Iterator[tuple[str, list[Try]]]:
    """Every route at each place with the token; with the JWT at one of them, since none of them looks at the route."""
    for number, (pattern, attempts) in enumerate(API.items()):
        if kind == "token" or (number + list(places).index(place)) % len(places) == 0:
            yield pattern, attempts


class TestRoutes:
    def test_every_route_of_the_api_has_an_expectation_and_no_expectation_is_stale(self):
        for urlconf in ("minirag.urls", "minirag.tenant_urls"):
            routes = {
                path.removeprefix("v1/") for path in walk_routes(urlconf) if path.startswith("v1/")
            }
            assert routes - set(API) == set(), "say in API how the new route is kept apart"
            assert set(API) - routes == set(), "stale entries"

    def test_every_other_route_has_an_expectation(self):
        rest = {path for path in all_routes() if not path.startswith(("v1/", "admin/"))}
        leading = {
            "dashboard",
            "dashboard/",
            "dashboard/widget/minirag-widget.js",
            "dashboard/widget/minirag-widget.css",
            "docs",
            "redoc",
            "openapi.json",
        }  # to what is everybody's
        # What everybody may see of a tenant, and a word that only tells that a host leads here (tenants/tests).
        shown = {"branding/logo", "branding/colours.css", ".well-known/minirag-host"}
        shown.add("chat/<uuid:bot_id>/")  # a public bot's own page: tests/test_hosted_page.py
        shown.add("metrics")  # counts of all, for who has its token: tests/test_metrics.py
        known = {"", "health"} | leading | shown
        assert rest == known, "say in TestRoutes how the new route is kept apart"

    @pytest.mark.parametrize("place", OWN_PLACES)
    @pytest.mark.parametrize("kind", ["token", "jwt"])
    def test_globex_reaches_nothing_of_acme_with_ids_in_paths_queries_and_bodies(
        self, untouched, settings, kind, place
    ):
        settings.ALLOW_TENANT_SIGNUP = True
        credential = good_credentials(untouched.globex.party)[kind]
        defaults = {"HTTP_AUTHORIZATION": f"Bearer {credential}", **OWN_PLACES[place]}
        for pattern, attempts in routes_for(kind, place, OWN_PLACES):
            for attempt in attempts:
                status, text = send(untouched, pattern, attempt, **defaults)
                expected = attempt.status
                if kind == "jwt":
                    expected = LOGGED_IN.get(pattern, expected)
                if pattern.startswith("widget/bots/") and place != "platform":
                    expected = 404
                if pattern == "widget/sessions" and expected == 403 and place != "platform":
                    expected = 404  # a tenant's own path and host know its own bots only
                if (
                    pattern == "auth/login"
                    and "slug" in text_of(attempt, untouched)
                    and place != "platform"
                ):
                    expected = 200  # and its own people only, whatever slug the body names
                if pattern.startswith("platform/") and place != "platform":
                    expected = 404
                assert status == expected, (pattern, attempt, text)
        assert untouched.checked >= 45

    def test_a_method_that_the_table_does_not_name_is_a_405(self, scene):
        defaults = {"HTTP_AUTHORIZATION": f"Bearer {scene.globex.party.raw_token}"}
        for pattern in API.keys() - EVERY_METHOD:
            named = {attempt.method for attempt in API[pattern]}
            others = set(METHODS) - named - ({"head"} if "get" in named else set())
            for method in others:
                status, _ = send(scene, pattern, Try(method, 405), **defaults)
                assert status == 405, f"{method} {pattern} is not in the table"

    @pytest.mark.parametrize("place", ACME_PLACES)
    @pytest.mark.parametrize("kind", ["token", "jwt"])
    def test_on_acmes_own_path_and_host_globex_is_not_known(self, untouched, settings, kind, place):
        settings.ALLOW_TENANT_SIGNUP = True
        credential = good_credentials(untouched.globex.party)[kind]
        defaults = {"HTTP_AUTHORIZATION": f"Bearer {credential}", **ACME_PLACES[place]}
        for pattern, attempts in routes_for(kind, place, ACME_PLACES):
            for attempt in attempts:
                status, text = send(untouched, pattern, attempt, **defaults)
                unknown = {404} if pattern.startswith("platform/") else {401}
                assert status in ANYBODYS.get(pattern, unknown), (pattern, attempt, text)

    @pytest.mark.parametrize("place", ["platform", "acme's path", "globex's host"])
    def test_no_forged_or_foreign_credential_opens_anything(self, untouched, settings, place):
        settings.ALLOW_TENANT_SIGNUP = True
        places = {
            "platform": {},
            "acme's path": ACME_PLACES["path"],
            "globex's host": OWN_PLACES["host"],
        }
        tried = 0
        for turn, (name, credential) in enumerate(bad_credentials(untouched).items()):
            defaults = {"HTTP_AUTHORIZATION": f"Bearer {credential}", **places[place]}
            for route, pattern in enumerate(sorted(API.keys() - ANYBODYS.keys())):
                # Every credential with every route, at one of the places; every route at each place.
                if (route + turn + list(places).index(place)) % len(places):
                    continue
                for attempt in {attempt.method: attempt for attempt in API[pattern]}.values():
                    status, text = send(untouched, pattern, attempt, **defaults)
                    is_nowhere = pattern.startswith("platform/") and place != "platform"
                    assert status == (404 if is_nowhere else 401), (name, pattern, attempt, text)
                    tried += 1
        assert tried >= 200

    def test_lists_of_globex_hold_its_own_rows(self, scene):
        """Or their being without acme's would prove nothing."""
        client = Client(**scene.globex.party.bearer)
        for path, key in (
            ("bot-profiles", scene.globex.bot),
            ("sources", scene.globex.source),
            ("datasets", scene.globex.dataset),
            ("documents", scene.globex.document),
            (f"bot-profiles/{scene.globex.bot}/datasets", scene.globex.dataset),
            ("chat", scene.globex.chat),
            ("api-tokens", scene.globex.token),
        ):
            assert key in client.get(f"/v1/{path}").content.decode(), path

    def test_acme_itself_reads_every_marker_that_globex_must_not(self, scene):
        client, acme = Client(**scene.acme.party.bearer), scene.acme
        for path in (
            f"sources/{acme.source}",
            f"sources/by-external-id/{acme.external_id}",
            f"documents/{acme.document}",
            f"documents/{acme.document}/edit",
            f"documents/{acme.document}/versions/{acme.version}",
            f"datasets/{acme.dataset}",
            f"datasets/{acme.dataset}/bots",
            f"chat/{acme.chat}",
            f"chat/{acme.chat}/messages",
            f"chat/{acme.chat}/logs",
            f"chat/{acme.chat}/messages/{acme.message}",
            f"bot-profiles/{acme.bot}",
            "audit-events",
        ):
            response = client.get(f"/v1/{path}")
            assert response.status_code == 200 and PRIVATE in response.content.decode(), path

    def test_a_tenants_page_shows_what_is_open_and_no_more(self, scene):
        for defaults in ACME_PLACES.values():
            text = Client(**defaults).get("/").content.decode()
            assert OPEN in text and PRIVATE not in text and scene.acme.party.raw_token not in text
        for defaults in OWN_PLACES.values():
            page = Client(**defaults).get("/")
            # The platform's page lists the demo's tenants by name.
            scene.check(page, sent="", allow=(OPEN,))
        scene.check(Client().get("/health"), sent="")

    def test_a_session_for_acmes_widget_tells_a_stranger_what_is_open_only(self, scene):
        body = {
            "bot_profile_id": scene.acme.bot,
            "visitor_id": GLOBEX_VISITOR,
            "chat_id": scene.acme.chat,
        }
        response = Client().post(
            "/v1/widget/sessions", body, content_type=JSON, headers={"origin": ACME_PAGE}
        )
        assert response.status_code == 201 and response.json()["messages"] == []
        assert OPEN in response.content.decode() and PRIVATE not in response.content.decode()

    def test_an_unknown_tenant_and_host_are_nobodys(self, scene):
        assert (
            Client(SCRIPT_NAME="/t/initech", **scene.globex.party.bearer)
            .get("/v1/sources")
            .status_code
            == 404
        )
        assert (
            Client(HTTP_HOST="evil.example.com", **scene.globex.party.bearer)
            .get("/v1/sources")
            .status_code
            == 400
        )


# --- The admins ---------------------------------------------------------------------------------------------------
# Pages that belong to no model: the queries and forms to try them with.
ADMIN_PAGES: dict[str, list[str]] = {
    "admin/": [""],
    "admin/search/": ["?s=zq", "?s=house"],
    "admin/login/": ["", "?next=/t/acme/admin/"],
    "admin/password_change/": [""],
    "admin/password_change/done/": [""],
    "admin/jsi18n/": [""],
    "admin/autocomplete/": ["?term=zq&app_label={app}&model_name={model}&field_name={field}"],
    "admin/(?P<url>.*)$": [""],
    "admin/logout/": [""],
    **{
        f"admin/{page}/": [""]
        for page in (
            "language",
            "forgotten",
            "set-password",
            "second-factor",
            "second-factor/set-up",
            "prove",
            "account",
            "enter",
            "leave",
            "settings",
            "sso",
            "sso/start",
            "sso/callback",
        )
    },
    "admin/account/<slug:act>/": [""],
    "admin/help/<slug:page>/": [""],
}
MODEL_PAGES = {
    "",
    "add/",
    "<path:object_id>/history/",
    "<path:object_id>/delete/",
    "<path:object_id>/change/",
    "<path:object_id>/",
}
# Pages of one model beyond Django's own. Each is tried by GET and by POST with acme's rows.
EXTRA_MODEL_PAGES = {
    *(
        ("tenants", "user", f"<path:object_id>/{act}/")
        for act in (
            "set_password",
            "invite_again",
            "revoke_invitation",
            "reset_second_factor",
            "end_sessions",
        )
    ),
    ("tenants", "apitoken", "<path:object_id>/revoke/"),
    ("tenants", "apitoken", "<path:object_id>/rotate/"),
    ("knowledge", "source", "preview/"),
    ("knowledge", "source", "tree/"),
    ("knowledge", "source", "tree/act/"),
    ("knowledge", "source", "upload/"),
    ("knowledge", "source", "<path:object_id>/ingest/"),
    ("knowledge", "source", "<path:object_id>/cancel/"),
    ("knowledge", "source", "<path:object_id>/replace/"),
    *(
        ("knowledge", "document", f"<path:object_id>/{act}/")
        for act in ("edit_text", "keep_edit", "take_from_source", "undo_edit")
    ),
    ("knowledge", "document", "of/<uuid:chunk_id>/"),
    ("knowledge", "document", "<path:object_id>/read/"),
    ("knowledge", "document", "<path:object_id>/read/act/"),
    ("knowledge", "documentversion", "<path:object_id>/bring_back/"),
    ("knowledge", "sitesync", "<path:object_id>/approve/"),
    ("knowledge", "sitesync", "<path:object_id>/reject/"),
    ("knowledge", "chunk", "add-by-hand/"),
    *(
        ("knowledge", "chunk", f"<path:object_id>/{act}/")
        for act in ("correct", "switch_off", "pin")
    ),
    *(
        ("knowledge", "correction", f"<path:object_id>/{act}/")
        for act in ("keep_mine", "take_theirs", "drop", "change_text", "switch_on", "undo")
    ),
    *(
        ("webhooks", "webhook", f"<path:object_id>/{act}/")
        for act in ("test", "rotate", "redeliver_failed")
    ),
    ("webhooks", "delivery", "<path:object_id>/redeliver/"),
    ("conversations", "exportjob", "<path:object_id>/download/"),
    ("conversations", "exportjob", "<path:object_id>/retry/"),
    ("conversations", "goldenquestion", "import/"),
    ("conversations", "evaluationrun", "order/"),
    ("conversations", "chat", "explain/"),
    ("conversations", "chat", "export/"),
    ("conversations", "chat", "retention/"),
    *(
        ("conversations", "chat", f"<path:object_id>/{act}/")
        for act in ("note", "tags", "note/<uuid:note_id>/delete")
    ),
    ("conversations", "chat", "<path:object_id>/delete_chat/"),
    ("conversations", "chat", "<path:object_id>/delete_visitor/"),
    *(
        ("conversations", "gap", f"<path:object_id>/{act}/")
        for act in ("answer", "draft", "dismiss", "reopen")
    ),
    *(
        ("conversations", "handoff", f"<path:object_id>/{act}/")
        for act in ("join", "take-over", "say", "hand-back", "release", "close")
    ),
    ("conversations", "handoff", "<path:object_id>/curate/<uuid:message_id>/"),
    *(
        ("bots", "botprofile", f"<path:object_id>/{act}/")
        for act in ("new_identity_secret", "forget_identity_secret")
    ),
    *(("bots", "providercredential", f"<path:object_id>/{act}/") for act in ("try_key",)),
    ("bots", "botprofile", "models/"),
    ("bots", "botprofile", "<uuid:bot_id>/appearance/"),
    ("bots", "botprofile", "<uuid:bot_id>/appearance/preview/"),
    ("bots", "quota", "plan/"),
    ("tenants", "auditevent", "export/<slug:form>/"),
    *(
        ("bots", "botdraft", f"try/<uuid:bot_id>/{rest}")
        for rest in ("", "<str:name>/<str:request_id>/", "<str:name>/<str:request_id>/golden/")
    ),
    ("bots", "botdraft", "of/<uuid:bot_id>/"),
    ("bots", "botversion", "<path:object_id>/bring_back/"),
    *(
        ("bots", "botdraft", f"<path:object_id>/{act}/")
        for act in ("measure", "publish", "discard")
    ),
    *(
        ("conversations", "evaluationrun", f"<path:object_id>/{act}/")
        for act in ("cancel", "retry", "remove")
    ),
    ("conversations", "chat", "<path:object_id>/golden/<uuid:message_id>/"),
    *(
        ("tenants", "tenant", f"<path:object_id>/{act}/")
        for act in (
            "suspend",
            "archive",
            "restore",
            "erase",
            "copy",
            "export",
            "pause",
            "resume",
        )
    ),
    *(("tenants", "tenant", f"{page}/") for page in ("figures", "pause-all", "resume-all")),
    ("tenants", "tenanttransfer", "import_tenant/"),
    *(
        ("tenants", "tenanttransfer", f"<path:object_id>/{act}/")
        for act in ("download", "receipt", "cancel", "remove")
    ),
    ("tenants", "erasurereceipt", "<path:object_id>/download/"),
    ("tenants", "operatorentry", "<path:object_id>/end/"),
    ("django_celery_beat", "periodictask", "health/"),
    ("django_celery_beat", "periodictask", "slow-statements/"),
}
ACTIONS = {
    "tenants.User": {"deactivate_chosen", "activate_chosen"},
    "tenants.ApiToken": {"revoke_chosen"},
    "tenants.OperatorToken": {"revoke_chosen"},
    "bots.BotProfile": {"activate", "deactivate"},
    "conversations.EvaluationRun": {"compare_two"},
    "conversations.ExportJob": {"retry_chosen"},
    "knowledge.Source": {"ingest_chosen", "cancel_chosen", "deactivate_chosen", "activate_chosen"},
    "webhooks.Delivery": {"redeliver_chosen"},
    "tenants.Tenant": {"suspend_chosen", "archive_chosen", "restore_chosen", "plan_chosen"},
}
MODEL_ROUTE = re.compile(r"admin/(?P<app>\w+)/(?P<model>\w+)/(?P<rest>.*)")
APP_LIST = re.compile(r"admin/\^\(\?P<app_label>([\w|]+)\)/\$")
SITES = {"minirag.urls": platform_site, "minirag.tenant_urls": tenant_site}


def admin_routes(urlconf: str) -> list[str]:
    return [path for path in walk_routes(urlconf) if path.startswith("admin/")]


def expand_admin_route(path: str, scene: Scene, site: Any) -> list[str]:
    """The URLs by which a route reaches for acme's rows; an unknown kind of route fails."""
    if (apps_listed := APP_LIST.fullmatch(path)) is not None:
        return [f"/admin/{label}/" for label in apps_listed[1].split("|")]
    if path in ADMIN_PAGES:
        return [
            url
            for query in ADMIN_PAGES[path]
            for url in expand_plain_page(path, query, scene, site)
        ]
    match = MODEL_ROUTE.fullmatch(path)
    assert match is not None, f"{path}: say in ADMIN_PAGES how it is kept apart"
    known = (
        match["rest"] in MODEL_PAGES
        or (match["app"], match["model"], match["rest"]) in EXTRA_MODEL_PAGES
    )
    assert known, f"{path}: say in EXTRA_MODEL_PAGES that it is to be tried"
    pk = scene.acme.pks.get(apps.get_model(match["app"], match["model"]), 1)
    url = "/" + path.replace("<path:object_id>", str(pk))
    url = url.replace("<uuid:message_id>", scene.acme.message)
    url = url.replace("<uuid:bot_id>", scene.acme.bot)
    url = url.replace("<str:name>", "guessed").replace("<str:request_id>", "guessed")
    filters = [f"?bot_profile__id__exact={scene.acme.bot}", "?q=zqpriv", f"?q={pk}"]
    return [url, *[url + query for query in filters]] if match["rest"] == "" else [url]


def expand_plain_page(path: str, query: str, scene: Scene, site: Any) -> Iterator[str]:
    url = "/" + path.replace("(?P<url>.*)$", "nothing/here/").replace(
        "<slug:act>", "end-session"
    ).replace("<slug:page>", "people")
    if "{app}" in query:
        for model in site._registry:
            for column in model._meta.concrete_fields:
                if column.is_relation:
                    facts = {
                        "app": model._meta.app_label,
                        "model": model._meta.model_name,
                        "field": column.name,
                    }
                    yield url + query.format(**facts)
    else:
        yield url + query


def post_data(url: str, scene: Scene, site: Any) -> list[dict[str, Any]]:
    """What to post to an admin page: every action on acme's rows, and forms whose references are all acme's."""
    match = re.fullmatch(r"/admin/(\w+)/(\w+)/(.*)", url.partition("?")[0])
    if match is None or not any(
        (m._meta.app_label, m._meta.model_name) == match.groups()[:2] for m in site._registry
    ):
        return [{"username": "gina@globex.example.com", "password": PASSWORD}]
    model = apps.get_model(match[1], match[2])
    pk = scene.acme.pks.get(model, 1)
    if not match[3]:
        actions = [*(site._registry[model].actions or ()), "delete_selected"]
        return [{"action": name, "_selected_action": [str(pk)], "post": "yes"} for name in actions]
    form: dict[str, Any] = {
        "_save": "1",
        "post": "yes",
        "confirm": "acme",
        "slug": "acme",
        "password": "12345678new",
        "reason": "x",
        "overlap": "0",
        "email": "new@x.example.com",
        "role": "owner",
    }
    for column in model._meta.concrete_fields:
        related = column.related_model if column.is_relation else None
        if related is not None:
            form[column.name] = str(scene.acme.pks.get(related, ""))
        elif column.name not in form and not column.primary_key:
            form[column.name] = "taken over"
    return [form, {}]


class TestAdmins:
    def test_every_registered_model_and_action_is_known(self, scene):
        for site in SITES.values():
            for model, admin in site._registry.items():
                actions = {getattr(act, "__name__", act) for act in admin.actions or ()}
                assert actions == ACTIONS.get(model._meta.label, set()), (
                    f"{model._meta.label}: name its actions"
                )
                assert model in scene.acme.pks or site is platform_site, model
        registered = {model._meta.label for site in SITES.values() for model in site._registry}
        assert set(ACTIONS) <= registered, "stale entries"
        extra = {f"admin/{app}/{model}/{rest}" for app, model, rest in EXTRA_MODEL_PAGES} | set(
            ADMIN_PAGES
        )
        assert extra <= all_routes(), "stale entries"

    @pytest.mark.parametrize("place", ["acme's path", "acme's host", "the platform"])
    def test_a_session_of_globex_opens_no_page_and_no_action_of_another_admin(
        self, untouched, place
    ):
        urlconf = "minirag.urls" if place == "the platform" else "minirag.tenant_urls"
        where = {
            "acme's path": ACME_PLACES["path"],
            "acme's host": ACME_PLACES["host"],
            "the platform": {},
        }[place]
        tried = 0
        for number, route in enumerate(admin_routes(urlconf)):
            # Each page everywhere; each form of acme's admin by its path or by its host, which lead to the same.
            has_forms = urlconf == "minirag.urls" or number % 2 == (place == "acme's host")
            for url in expand_admin_route(route, untouched, SITES[urlconf]):
                thief = self.gina(untouched, **where)
                answers = [thief.get(url)]
                answers += [
                    self.gina(untouched, **where).post(url, data)
                    for data in (self.posts(url, untouched, urlconf) if has_forms else ())
                ]
                for response in answers:
                    self.check_refused(untouched, route, url, response)
                    tried += 1
        assert tried >= 200

    def test_in_its_own_admin_globex_reaches_no_row_of_acme(self, untouched):
        tried = 0
        own = {"SCRIPT_NAME": "/t/globex"}
        for route in admin_routes("minirag.tenant_urls"):
            for url in expand_admin_route(route, untouched, tenant_site):
                answers = [self.gina(untouched, **own).get(url)]
                answers += [
                    self.gina(untouched, **own).post(url, data)
                    for data in self.posts(url, untouched, "minirag.tenant_urls")
                ]
                for response in answers:
                    assert response.status_code in (200, 301, 302, 400, 403, 404, 405, 410), (
                        url,
                        response.status_code,
                    )
                    untouched.check(
                        response, sent=f"{url} {untouched.acme.pks.values()}{untouched.acme.bot}"
                    )
                    if "<path:object_id>" in route:
                        assert response.status_code != 200, url
                    tried += 1
        assert tried >= 200

    def test_globex_sees_its_own_rows_there(self, scene):
        """Or a list without acme's rows would prove nothing."""
        for path in (
            "bots/botprofile",
            "knowledge/source",
            "conversations/chat",
            "admin/logentry",
            "webhooks/webhook",
            "tenants/auditevent",
        ):
            text = self.gina(scene, SCRIPT_NAME="/t/globex").get(f"/admin/{path}/").content.decode()
            assert "gardening" in text, path

    def test_what_alice_does_is_logged_in_acme_alone(self, scene):
        alice = log_in_to_admin(scene.acme.party.owner, "sessionid_acme", SCRIPT_NAME="/t/acme")
        data = {"action": "deactivate", "_selected_action": [scene.acme.bot]}
        form = {
            "name": f"Bot {PRIVATE}",
            "_save": "1",
            "model": "m",
            "temperature": "0.5",
            "max_tokens": "10",
            "passage_count": "5",
            "history_turns": "5",
            "fusion": "max_norm",
            "unsupported_mode": "mark",
            "filter_tags": "",
            "recency_days": "",
            "rerank_model": "",
            "query_variations": "0",
            "refusal_mode": "balanced",
            "asks_back": "on",
            "follow_up_questions": "on",
            "condense_mode": "auto",
        }
        assert alice.post("/admin/bots/botprofile/", data).status_code == 302
        assert (
            alice.post(f"/admin/bots/botprofile/{scene.acme.bot}/change/", form).status_code == 302
        )
        with tenant_context(scene.acme.party.tenant):
            assert LogEntry.objects.exclude(pk=990_001).filter(object_id=scene.acme.bot).exists()
        for tenant in (None, scene.globex.party.tenant):
            with tenant_context(tenant):
                assert not LogEntry.objects.filter(object_id=scene.acme.bot).exists()

    @staticmethod
    def gina(scene: Scene, **where: str) -> Client:
        if not Session.objects.filter(pk=scene.session).exists():  # a log-out has ended it
            scene.session = start_session(scene.globex.party.owner)
        names = ("sessionid", "sessionid_acme", "sessionid_globex")
        return replay_session(scene.session, *names, **where)

    @staticmethod
    def posts(url: str, scene: Scene, urlconf: str) -> list[dict[str, Any]]:
        return post_data(url, scene, SITES[urlconf])

    @staticmethod
    def check_refused(scene: Scene, route: str, url: str, response: Any) -> None:
        host = (ACME_HOST.split(".")[0],)
        # Before one has logged in, acme's admin says whose it is: the tenant's name is open.
        scene.check(
            response, sent=f"{url} {scene.acme.pks.values()}{scene.acme.bot}", allow=(OPEN, *host)
        )
        # For people who are not logged in; which link and which provider is theirs, tenants/tests look at.
        guests = ("forgotten", "set-password", "sso/start", "sso/callback", "login", "logout")
        if route in (*(f"admin/{page}/" for page in guests), "admin/(?P<url>.*)$"):
            assert response.status_code in (200, 301, 302, 404, 405, 410), url
            if response.status_code == 200 and route == "admin/login/":
                assert 'name="password"' in response.content.decode()
            return
        at_the_door = response.status_code in (301, 302) and "/admin/login/" in response["Location"]
        redirects_home = response.status_code in (301, 302) and route.endswith("<path:object_id>/")
        assert at_the_door or redirects_home or response.status_code in (403, 404), (
            url,
            response.status_code,
        )


# --- The socket ---------------------------------------------------------------------------------------------------
SOCKETS = {r"^(?:t/[a-z0-9-]+/)?ws/chat/$"}


def talk(path: str, host: str, origin: str, frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send frames over one socket, read after each until its turn ends, return all that came back."""

    async def run() -> list[dict[str, Any]]:
        headers = [(b"origin", origin.encode()), (b"host", host.encode())]
        socket, seen = PatientSocket(application, path, headers=headers), []
        connected, _ = await socket.connect()
        if not connected:
            return [{"type": "closed"}]
        for frame in frames:
            await socket.send_to(text_data=json.dumps(frame))
            while True:
                event = await socket.receive_output()
                if event["type"] == "websocket.close":
                    return [*seen, {"type": "closed", "code": event["code"]}]
                seen.append(json.loads(event["text"]))
                if (
                    seen[-1]["type"] not in ("sources", "delta")
                    and seen[-1].get("code") != "session_invalid"
                ):
                    break  # what is not a session ends the socket
        await socket.disconnect()
        return seen

    with tenant_context(None):
        return async_to_sync(run)()


class TestSockets:
    PLACES = {
        "platform": ("/ws/chat/", "localhost"),
        "acme's path": ("/t/acme/ws/chat/", "localhost"),
        "acme's host": ("/ws/chat/", ACME_HOST),
        "globex's path": ("/t/globex/ws/chat/", "localhost"),
        "globex's host": ("/ws/chat/", GLOBEX_HOST),
    }

    def session(self, party: Party, bot: str, visitor: str, page: str) -> str:
        with tenant_context(party.tenant):
            return issue_session(BotProfile.objects.get(pk=bot), visitor, page)[0]

    def test_every_socket_has_an_expectation(self):
        assert {str(route.pattern) for route in websocket_urlpatterns} == SOCKETS

    @pytest.mark.parametrize("place", PLACES)
    def test_globexs_session_finds_nothing_of_acme_anywhere(self, untouched, place, model):
        scene, (path, host) = untouched, self.PLACES[place]
        token = self.session(scene.globex.party, scene.globex.bot, GLOBEX_VISITOR, GLOBEX_PAGE)
        opening = {"type": "authenticate", "session_token": token, "chat_id": scene.acme.chat}
        frames = [
            {
                "type": "question",
                "message": "What is the zq of the house?",
                "bot_profile_id": scene.acme.bot,
            },
            {"type": "feedback", "message_id": scene.acme.message, "feedback": "negative"},
        ]
        seen = talk(path, host, GLOBEX_PAGE, [opening, *frames])
        scene.check_text(json.dumps(seen), sent=json.dumps([opening, *frames]))
        assert not any(
            event["type"] in ("sources", "delta", "done", "feedback_saved") for event in seen
        ), seen
        if place.startswith("acme"):
            assert [event.get("code") for event in seen] == ["session_invalid", 4401]
        else:
            assert [event["type"] for event in seen] == ["authenticated", "error", "error"], seen
            assert {event["code"] for event in seen[1:]} == {"not_found"}
        assert model.requests == model.requests[:2]  # the two of the scene, none of this test

    @pytest.mark.parametrize("place", ["globex's path", "globex's host"])
    def test_acmes_session_is_worth_nothing_on_globexs_path_and_host(self, untouched, place):
        scene, (path, host) = untouched, self.PLACES[place]
        token = self.session(scene.acme.party, scene.acme.bot, "zq-visitor", ACME_PAGE)
        for page in (ACME_PAGE, GLOBEX_PAGE):
            seen = talk(path, host, page, [{"type": "authenticate", "session_token": token}])
            assert [event.get("code") for event in seen] == ["session_invalid", 4401]
            scene.check_text(json.dumps(seen))

    @pytest.mark.parametrize("place", PLACES)
    def test_no_forged_session_and_no_other_credential_opens_a_socket(self, untouched, place):
        scene, (path, host) = untouched, self.PLACES[place]
        token = self.session(scene.globex.party, scene.globex.bot, GLOBEX_VISITOR, GLOBEX_PAGE)
        claims = jwt.decode(token, options={"verify_signature": False})
        changed = claims | {"tid": str(scene.acme.party.tenant.pk), "bot": scene.acme.bot}
        forged = [
            forge({"alg": "HS256", "typ": "JWT"}, changed, token.split(".")[2]),
            forge({"alg": "none"}, changed),
            jwt.encode(changed, "x" * 32, algorithm="HS256"),
            *good_credentials(scene.globex.party).values(),
            *[value for name, value in bad_credentials(scene).items() if "session" not in name],
        ]
        for credential in forged:
            seen = talk(
                path, host, GLOBEX_PAGE, [{"type": "authenticate", "session_token": credential}]
            )
            assert [event.get("code") for event in seen] == ["session_invalid", 4401], credential
            scene.check_text(json.dumps(seen))

    def test_a_session_that_we_signed_for_globex_with_acmes_bot_finds_no_bot(self, untouched):
        scene = untouched
        token = self.session(scene.globex.party, scene.globex.bot, GLOBEX_VISITOR, GLOBEX_PAGE)
        claims = jwt.decode(token, options={"verify_signature": False}) | {"bot": scene.acme.bot}
        token = jwt.encode(claims, django_settings.JWT_SECRET_KEY, algorithm="HS256")
        frames = [
            {"type": "authenticate", "session_token": token},
            {"type": "question", "message": "zq?"},
        ]
        seen = talk("/ws/chat/", "localhost", GLOBEX_PAGE, frames)
        assert {event["type"] for event in seen} <= {"authenticated", "error", "closed"}
        assert {event["code"] for event in seen if event["type"] == "error"} <= {
            "not_found",
            "session_invalid",
        }
        assert any(event["type"] == "error" for event in seen)
        scene.check_text(json.dumps(seen))


# --- Tasks --------------------------------------------------------------------------------------------------------
TENANT_TASKS: dict[str, Callable[[Scene], tuple[str, ...]]] = {
    "knowledge.tasks.ingest_source": lambda scene: (scene.acme.source,),
    "knowledge.tasks.apply_edit": lambda scene: (scene.acme.document,),
    "knowledge.tasks.purge_source": lambda scene: (scene.acme.source,),
    "webhooks.tasks.deliver": lambda scene: (scene.acme.webhook,),
    "conversations.tasks.write_export": lambda scene: (str(scene.acme.pks[ExportJob]),),
    "conversations.tasks.evaluate_bot": lambda scene: (scene.acme.run,),
    "knowledge.tasks.reembed": lambda scene: (str(scene.acme.pks[Dataset]),),
    "minirag.tasks.do_due_work": lambda scene: ("exports", claim_of(scene)),
}


def claim_of(scene: Scene) -> list[int]:
    """A reminder of acme's, taken to be worked off."""
    with tenant_context(scene.acme.party.tenant):
        make_due({DueKind.EXPORTS: timezone.now()})
    return claim_due()[scene.acme.party.tenant.pk, DueKind.EXPORTS.value]


PLATFORM_TASKS: dict[str, list[Any]] = {  # with what they are called
    "tenants.tasks.send_password_link": [
        "nobody@example.com",
        str(uuid4()),
        "https://a.example.com",
    ],
    "minirag.tasks.run_due_work": [],
    "minirag.tasks.mark_new_schemas": [],
    "minirag.tasks.repair_due_work": [],
    "minirag.tasks.look_at_everything": [],
    "minirag.tasks.measure_tenants": [],
    "minirag.tasks.back_up": [],
    "tenants.tasks.transfer_tenant": [str(uuid4())],
    "tenants.tasks.tend_transfers": [],
}


def own_tasks() -> dict[str, Any]:
    celery_app.loader.import_default_modules()
    foreign = ("celery.", "tests.")  # the library's, and those that other tests make
    return {name: task for name, task in celery_app.tasks.items() if not name.startswith(foreign)}


@pytest.fixture
def queue() -> Iterator[Callable[[], dict[str, Any]]]:
    """Reads the next message from the real queue, without its body's being run."""
    client = redis.Redis.from_url(django_settings.REDIS_URL)
    key = "minirag:celery:celery"
    client.delete(key)

    def read() -> dict[str, Any]:
        raw = client.brpop(key, timeout=60)
        assert raw is not None, "nothing was published"
        message = json.loads(raw[1])
        return {
            "headers": message["headers"],
            "body": base64.b64decode(message["body"]).decode(),
            "raw": raw[1],
        }

    yield read
    client.delete(key)


class TestTasks:
    def test_every_task_has_an_expectation(self):
        tasks = own_tasks()
        assert set(tasks) == set(TENANT_TASKS) | set(PLATFORM_TASKS), (
            "name the new task, or drop the stale one"
        )
        assert all(isinstance(tasks[name], TenantTask) for name in TENANT_TASKS)
        assert all(isinstance(tasks[name], PlatformTask) for name in PLATFORM_TASKS)

    @pytest.mark.parametrize("name", TENANT_TASKS)
    def test_a_task_runs_in_the_tenant_that_published_it(self, scene, queue, monkeypatch, name):
        task, arguments, seen = own_tasks()[name], TENANT_TASKS[name](scene), []
        with tenant_context(scene.acme.party.tenant):
            # A tenant that the caller names itself counts for nothing.
            task.apply_async(arguments, headers={TENANT_HEADER: str(scene.globex.party.tenant.pk)})
        message = queue()
        assert message["headers"][TENANT_HEADER] == str(scene.acme.party.tenant.pk)
        assert PRIVATE.encode() not in message["raw"] and PRIVATE not in message["body"], (
            "tasks carry ids, no texts"
        )
        monkeypatch.setattr(task, "run", lambda *args: seen.append((current_schema(), args)))
        with tenant_context(
            scene.globex.party.tenant
        ):  # what an earlier task might have left behind
            assert task.apply(arguments, headers=message["headers"]).state == SUCCESS
            assert current_schema() == scene.globex.party.tenant.schema_name
        assert seen == [(scene.acme.party.tenant.schema_name, arguments)]

    @pytest.mark.parametrize("name", TENANT_TASKS)
    def test_a_task_of_globex_with_acmes_ids_does_nothing(self, untouched, name):
        arguments = TENANT_TASKS[name](untouched)
        waiting = DueWork.objects.count()
        headers = {TENANT_HEADER: str(untouched.globex.party.tenant.pk)}
        assert own_tasks()[name].apply(arguments, headers=headers).state == SUCCESS
        assert DueWork.objects.count() == waiting

    @pytest.mark.parametrize("name", TENANT_TASKS)
    @pytest.mark.parametrize("tenant_id", [None, "", "gone", "suspended"])
    def test_a_task_without_a_live_tenant_is_refused(self, scene, monkeypatch, name, tenant_id):
        task, ran = own_tasks()[name], []
        monkeypatch.setattr(task, "run", lambda *args: ran.append(args))
        if tenant_id == "gone":
            tenant_id = str(uuid4())
        elif tenant_id == "suspended":
            scene.acme.party.tenant.change_status("suspended", "x")
            tenant_id = str(scene.acme.party.tenant.pk)
        headers = {} if tenant_id is None else {TENANT_HEADER: tenant_id}
        before = scene.acme.party.tenant.status
        state = task.apply(TENANT_TASKS[name](scene), headers=headers).state
        if before == "suspended" and task.runs_when_inactive:
            assert (state, len(ran)) == (SUCCESS, 1)
        else:
            assert (state, ran) == (REJECTED, [])
        if before == "suspended":
            scene.acme.party.tenant.change_status("active")

    @pytest.mark.parametrize("name", TENANT_TASKS)
    def test_outside_of_a_tenant_nothing_is_published(self, scene, name):
        with tenant_context(None), pytest.raises(NoTenant):
            own_tasks()[name].apply_async(TENANT_TASKS[name](scene))

    def test_a_platform_task_starts_outside_of_any_tenant_and_works_in_each(self, scene, queue):
        long_ago = timezone.now() - timedelta(hours=1)
        for rows in (scene.acme, scene.globex):
            with tenant_context(rows.party.tenant):
                Source.objects.filter(pk=rows.source).update(
                    queued_at=long_ago, status=SourceStatus.PENDING
                )
                make_due({DueKind.INGESTION: long_ago})
        with tenant_context(scene.acme.party.tenant):
            for name, arguments in PLATFORM_TASKS.items():
                assert own_tasks()[name].apply(arguments).state == SUCCESS, name
        missing = {str(rows.party.tenant.pk): "ingestion" for rows in (scene.acme, scene.globex)}
        while missing:  # among what else was due; the queue's running dry is the failure
            message = queue()
            tenant = message["headers"][TENANT_HEADER]
            if missing.get(tenant, "none") in message["body"]:
                del missing[tenant]


# --- What lies outside the database's schemas ---------------------------------------------------------------------
class TestSharedPlaces:
    def test_nothing_of_a_tenant_is_in_the_public_schema_or_in_another_tenants(self, scene):
        schema = scene.acme.party.tenant.schema_name
        holding = set(find_marker(schema, PRIVATE))
        textless = {"lex_stats", "chunk_index", "knowledge_botdataset"}
        textless |= {"bots_sharedstorage", "bots_quota", "bots_quotause", "bots_qualitygate"}
        textless.add("bots_providerchoice")
        textless |= {"conversations_handoffrules", "conversations_chatretention"}
        textless |= {"knowledge_curatedvector"}
        texts = {model._meta.db_table for model in tenant_models()} - textless
        assert holding == texts, "the scan must find the marker in every table that has texts"
        for other in (scene.globex.party.tenant.schema_name, "tenant_template"):
            assert find_marker(other, PRIVATE) == []
        # Known and meant: the audit log outlives its tenant, so it is one public table, read through the tenant only
        # (AuditEvent.of_tenant). It tells the names of acme's things, in acme's rows and in no others.
        assert find_marker("public", PRIVATE) == ["tenants_auditevent"]
        assert find_marker("public", PRIVATE, but_in_log_of=scene.acme.party.tenant) == []
        who_may_enter = {
            "tenants_user",
            "tenants_tenant",
            "tenants_apitoken",
            "tenants_domain",
            "tenants_auditevent",
        }
        assert set(find_marker("public", IDENTITY)) == who_may_enter
        assert find_marker("public", scene.acme.party.raw_token) == []
        assert find_marker("public", "It is gardening") == []

    def test_no_other_tenants_ids_but_the_bots_stand_in_the_public_schema(self, scene):
        ids = {
            scene.acme.source: [],
            scene.acme.chat: [],
            scene.acme.message: [],
            scene.acme.bot: ["tenants_botaddress"],
        }
        for key, tables in ids.items():
            # Known and meant: the audit log, one public table that is read through the tenant only, tells to what
            # something was done, in the rows of the tenant whose it is.
            assert find_marker("public", key, but_in_log_of=scene.acme.party.tenant) == tables
        for key in (scene.acme.source, scene.acme.bot):
            assert "tenants_auditevent" in find_marker("public", key), (
                "or leaving it out is no test"
            )

    def test_cache_keys_of_two_tenants_differ_whatever_the_slug(self, scene):
        assert all(
            entry["KEY_FUNCTION"] == "tenants.context.make_cache_key"
            for entry in django_settings.CACHES.values()
        )
        keys = set()
        for tenant in (None, scene.acme.party.tenant, scene.globex.party.tenant):
            with tenant_context(tenant):
                keys.add(make_cache_key("answer", "", 1))
                cache.set("answer", str(tenant), 30)
        assert len(keys) == 3
        for tenant in (None, scene.acme.party.tenant, scene.globex.party.tenant):
            with tenant_context(tenant):
                assert cache.get("answer") == str(tenant)
                assert cache.get_many(["answer"]) == {"answer": str(tenant)}
        with tenant_context(scene.globex.party.tenant):
            cache.delete("answer")
            cache.incr("visits") if cache.add("visits", 1) else None
        with tenant_context(scene.acme.party.tenant):
            assert cache.get("answer") is not None and cache.get("visits") is None

    def test_names_of_groups_and_locks_carry_the_tenant_and_need_one(self, scene):
        names = set()
        for party in (scene.acme.party, scene.globex.party):
            with tenant_context(party.tenant):
                names.add(scoped_name("chat", 1))
        assert names == {"t_acme.chat.1", "t_globex.chat.1"}
        with tenant_context(None), pytest.raises(NoTenant):
            scoped_name("chat", 1)

    def test_every_group_lock_and_redis_key_in_the_code_is_a_scoped_name(self):
        """A call that names something shared must take its name from scoped_name, or be listed here with a reason."""
        shared = {"group_add", "group_send", "group_discard", "lock", "blocking_lock"}
        # Handed a name that telling.py beside it makes, of scoped_name; told once the tenant is left, too.
        handed = {"conversations/handoffs/listening.py"}
        found = set()
        for path in source_files():
            text = path.read_text()
            for node in ast.walk(ast.parse(text)):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in shared
                ):
                    first = ast.unparse(node.args[0]) if node.args else ""
                    if "scoped_name" not in first and str(path.relative_to(ROOT)) not in handed:
                        found.add(f"{path.relative_to(ROOT)}: {ast.unparse(node)[:80]}")
            # lib/saving knows no tenants: its lock has the schema's name, by the database's word.
            # A backup is of the whole installation, and so is its lock.
            if path.match("minirag/operations/backing_up/backups.py"):
                continue
            if "pg_advisory" in text and not (
                "scoped_name" in text or "current_schema() ||" in text
            ):
                found.add(str(path.relative_to(ROOT)))
        assert found == set()

    def test_nothing_of_a_tenant_is_in_redis_but_under_its_own_name(self, scene):
        client = redis.Redis.from_url(django_settings.REDIS_URL)
        readers = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"set": client.smembers,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"zset": lambda key: client.zrange(key, 0, -1),
        }
        for key in client.scan_iter("*"):
            text = f"{key!r} {readers[client.type(key)](key)!r}"
            for secret in (PRIVATE, scene.acme.party.raw_token, PASSWORD, API_KEY):
                assert secret not in text, key

    def test_uploaded_bytes_lie_in_the_tenants_schema_and_in_no_file(self, scene):
        with tenant_context(scene.acme.party.tenant):
            assert PRIVATE.encode() in bytes(SourceFile.objects.get(pk=scene.acme.upload).data)
        with tenant_context(scene.globex.party.tenant):
            assert not SourceFile.objects.filter(pk=scene.acme.upload).exists()
            assert PRIVATE.encode() not in b"".join(
                bytes(file.data) for file in SourceFile.objects.all()
            )
        for directory in (django_settings.DATA_DIR, django_settings.MEDIA_ROOT):
            for path in Path(directory).rglob("*"):
                assert not (path.is_file() and PRIVATE.encode() in path.read_bytes()), path

    def test_a_secret_that_is_moved_to_another_tenants_row_does_not_open(self, scene):
        sealed = {
            "bots.BotProfile.encrypted_credentials": self.move_credentials,
            "bots.ProviderCredential.encrypted_key": self.move_provider_key,
            "bots.BotProfile.encrypted_identity_secret": self.move_identity_secret,
            "bots.BotProfile.encrypted_previous_identity_secret": None,  # opened with the one above
            "tenants.SecondFactor.encrypted_key": self.move_second_factor,
            "tenants.SsoProvider.encrypted_secret": self.move_provider_secret,
            "webhooks.Webhook.encrypted_secret": self.move_webhook_secret,
            "webhooks.Webhook.encrypted_previous_secret": None,  # a copy of the one above, opened in the same way
        }
        columns = {
            f"{model._meta.label}.{column.name}"
            for model in apps.get_models()
            for column in model._meta.concrete_fields
            if column.name.startswith("encrypted")
        }
        assert columns == set(sealed), "say here how the new secret is moved"
        for move in sealed.values():
            if move is not None:
                move(scene)
        self.move_nyxcore_token(scene)
        self.move_connectors_secrets(scene)

    def move_credentials(self, scene: Scene) -> None:
        with tenant_context(scene.acme.party.tenant):
            bot = BotProfile.objects.get(pk=scene.acme.bot)
            assert bot.credentials.api_key == API_KEY
        with tenant_context(scene.globex.party.tenant):
            thief = BotProfile.objects.get(pk=scene.globex.bot)
            for pk in (scene.globex.bot, scene.acme.bot):  # under its own id, and under acme's
                thief.pk, thief.encrypted_credentials = pk, bot.encrypted_credentials
                with pytest.raises(DecryptionFailed) as refusal:
                    _ = thief.credentials
                assert API_KEY not in str(refusal.value)

    def move_provider_key(self, scene: Scene) -> None:
        with tenant_context(scene.acme.party.tenant):
            row = ProviderCredential.objects.get(pk=scene.acme.provider)
            assert row.credentials.api_key == API_KEY
        with tenant_context(scene.globex.party.tenant):
            thief = ProviderCredential.objects.get(pk=scene.globex.provider)
            for pk in (scene.globex.provider, scene.acme.provider):
                thief.pk, thief.encrypted_key = pk, row.encrypted_key
                with pytest.raises(DecryptionFailed):
                    _ = thief.credentials

    def move_identity_secret(self, scene: Scene) -> None:
        with tenant_context(scene.acme.party.tenant):
            bot = BotProfile.objects.get(pk=scene.acme.bot)
            for secret in ("first-of-acme", "second-of-acme"):
                bot.replace_identity_secret(secret, timedelta(hours=1))
            assert bot.reveal_identity_secrets() == ["second-of-acme", "first-of-acme"]
        with tenant_context(scene.globex.party.tenant):
            thief = BotProfile.objects.get(pk=scene.globex.bot)
            for pk in (scene.globex.bot, scene.acme.bot):
                thief.pk, thief.encrypted_identity_secret = pk, bot.encrypted_identity_secret
                with pytest.raises(DecryptionFailed):
                    thief.reveal_identity_secrets()

    def move_webhook_secret(self, scene: Scene) -> None:
        with tenant_context(scene.acme.party.tenant):
            hook = Webhook.objects.get(pk=scene.acme.webhook)
            assert len(hook.reveal_secret()) == 43
        with tenant_context(scene.globex.party.tenant):
            thief = Webhook.objects.get(pk=scene.globex.webhook)
            for pk in (thief.pk, hook.pk):
                thief.pk, thief.encrypted_secret = pk, hook.encrypted_secret
                thief.encrypted_previous_secret = hook.encrypted_secret
                for reveal in (thief.reveal_secret, thief.reveal_previous_secret):
                    with pytest.raises(DecryptionFailed):
                        reveal()

    def move_second_factor(self, scene: Scene) -> None:
        theirs = SecondFactor.objects.get(user=scene.acme.party.owner)
        assert len(theirs.key) == 20
        thief = SecondFactor.objects.get(user=scene.globex.party.owner)
        thief.encrypted_key = theirs.encrypted_key
        with pytest.raises(DecryptionFailed):
            _ = thief.key

    def move_provider_secret(self, scene: Scene) -> None:
        theirs = SsoProvider.objects.get(tenant=scene.acme.party.tenant)
        assert theirs.secret == API_KEY
        thief = SsoProvider.objects.get(tenant=scene.globex.party.tenant)
        thief.encrypted_secret = theirs.encrypted_secret
        with pytest.raises(DecryptionFailed):
            _ = thief.secret

    def move_nyxcore_token(self, scene: Scene) -> None:
        with tenant_context(scene.acme.party.tenant):
            source = Source.objects.get(pk=scene.acme.nyxcore)
            assert reveal_secret(source) == NYXCORE_TOKEN
        with tenant_context(scene.globex.party.tenant), pytest.raises(DecryptionFailed):
            reveal_secret(source)

    def move_connectors_secrets(self, scene: Scene) -> None:
        configs = {
            "git": {"url": "https://codeberg.org/acme/docs"}, "s3": {"bucket": "kept"},
            "webdav": {"url": "https://cloud.example.com/dav"},
        }  # fmt: skip
        assert configs.keys() | {"nyxcore"} == SECRET_OF.keys(), "say here how its secret is moved"
        for source_type, config in configs.items():
            with tenant_context(scene.acme.party.tenant):
                source = Source.objects.get(pk=scene.acme.nyxcore)
                config |= {SECRET_OF[source_type]: NYXCORE_TOKEN}
                source.source_type = source_type
                source.config = prepare_config(source_type, config, source_id=source.pk)
                assert reveal_secret(source) == NYXCORE_TOKEN
                assert NYXCORE_TOKEN not in str(source.config)
            with tenant_context(scene.globex.party.tenant), pytest.raises(DecryptionFailed):
                reveal_secret(source)

    def test_events_of_acme_are_delivered_to_acmes_webhooks_only(self, scene):
        with tenant_context(scene.globex.party.tenant):
            chats = {str(key) for key in Chat.objects.values_list("pk", flat=True)}
            payloads = [delivery.payload for delivery in Delivery.objects.all()]
            assert payloads and all(
                payload.get("chat_id", next(iter(chats))) in chats for payload in payloads
            )
            assert scene.acme.chat not in json.dumps(payloads)


def source_files() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if not {"migrations", "tests"} & set(path.relative_to(ROOT).parts):
                yield path


# --- Logs ---------------------------------------------------------------------------------------------------------
class TestLocks:
    def test_acmes_lock_on_its_knowledge_does_not_keep_globex_waiting(self, acme, globex):
        with tenant_context(acme.tenant), transaction.atomic():
            lock_knowledge()
            facts = connection.settings_dict
            with psycopg.connect(
                host=facts["HOST"],
                port=facts["PORT"] or None,
                user=facts["USER"],
                dbname=facts["NAME"],
                password=facts["PASSWORD"] or None,
            ) as other:
                take = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
                assert other.execute(take, ["t_globex.knowledge"]).fetchone() == (True,)
                assert other.execute(take, ["t_acme.knowledge"]).fetchone() == (False,)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that the product would have printed, formatted as it formats it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(make_formatter("json"))
    root = logging.getLogger()
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


class TestLogs:
    def test_no_log_line_holds_a_text_a_secret_or_a_password_and_each_names_its_schema(
        self, acme, globex, model, log
    ):
        scene = make_scene(acme, globex, model)
        client = Client(**acme.bearer)
        question = f"Where is the {PRIVATE} of the house?"
        for body in (
            {"email": "alice@acme.example.com", "password": PASSWORD},
            {"email": "x@y.example.com", "password": 7},
            {"email": "alice@acme.example.com", "password": PRIVATE},
        ):
            client.post("/v1/auth/login", body, content_type=JSON)
        model.enqueue(f"It is {PRIVATE}", provider_down())
        client.post(
            "/v1/chat", {"bot_profile_id": scene.acme.bot, "message": question}, content_type=JSON
        )
        client.post("/v1/chat", f'{{"message": "{question}"', content_type=JSON)
        client.post(
            "/v1/bot-profiles", {"name": 7, "credentials": {"api_key": API_KEY}}, content_type=JSON
        )
        client.get(f"/v1/sources?bot_profile_id={PRIVATE}")
        Client(HTTP_AUTHORIZATION=f"Bearer {PRIVATE}").get("/v1/sources")
        session = TestSockets().session(acme, scene.acme.bot, "visitor-0001", ACME_PAGE)
        model.enqueue(f"It is {PRIVATE}", provider_down())
        frames = [
            {"type": "authenticate", "session_token": session},
            {"type": "question", "message": question},
        ]
        assert talk("/ws/chat/", "localhost", ACME_PAGE, frames)[-1]["type"] == "error"
        lines = [json.loads(line) for line in log.getvalue().splitlines()]
        assert len(lines) >= 20
        for secret in (
            PRIVATE,
            acme.raw_token,
            globex.raw_token,
            PASSWORD,
            API_KEY,
            GIT_TOKEN,
            NYXCORE_TOKEN,
            session,
            "house",
            "cellar",
        ):
            held = [line for line in lines if secret in json.dumps(line)]
            assert held == [], secret
        assert {line["schema"] for line in lines} <= {"public", "t_acme", "t_globex"}
        of_acme = [
            line
            for line in lines
            if line.get("path") == f"/v1/bot-profiles/{scene.acme.bot}/settings"
        ]
        assert {line["schema"] for line in of_acme} == {"t_acme"}
        ingested = [line for line in lines if line.get("source_id") == scene.acme.source]
        assert {line["schema"] for line in ingested} <= {"t_acme"}
        assert all(
            line.get("schema") != "t_globex"
            for line in lines
            if scene.acme.chat in json.dumps(line)
        )


def test_a_suspended_tenant_leaves_no_credential_that_works(scene):
    """The live row decides: no cache keeps a tenant, a token or a session alive."""
    globex = scene.globex.party
    credentials = good_credentials(globex)
    session = TestSockets().session(globex, scene.globex.bot, GLOBEX_VISITOR, GLOBEX_PAGE)
    Tenant.objects.filter(pk=globex.tenant.pk).update(status="suspended")
    for credential in credentials.values():
        response = Client(HTTP_AUTHORIZATION=f"Bearer {credential}").get("/v1/sources")
        assert response.status_code == 403 and response.json()["code"] == "tenant_disabled"
    seen = talk(
        "/ws/chat/", "localhost", GLOBEX_PAGE, [{"type": "authenticate", "session_token": session}]
    )
    assert seen[0]["code"] == "session_invalid"

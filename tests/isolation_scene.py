"""Two tenants full of rows, and one marker in every text that acme has, for the tests of isolation.

A new model needs one row of each tenant here, in the `_fill` function of its app. Every text column of it is marked
then; one that cannot be is named in `tests/isolation_marks.py`.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.test import Client
from django.utils import timezone

from bots.models import (
    BotDraft,
    BotProfile,
    PriceOverride,
    ProviderChoice,
    QualityGate,
    Scope,
)
from bots.quotas.models import Quota, QuotaUse
from bots.usage.rollup import roll_up_usage
from conftest import Party
from conversations.exports.models import ExportJob, ExportPart
from conversations.models import (
    CannedAnswer,
    Chat,
    ChatNote,
    ChatRetention,
    ChatTag,
    EvaluationResult,
    EvaluationRun,
    Gap,
    GapQuestion,
    GoldenQuestion,
    Handoff,
    HandoffRules,
    Message,
    MessageRole,
)
from knowledge.corrections.changing import add_chunk
from knowledge.curated.changing import create_answer
from knowledge.indexing.ingestion import ingest
from knowledge.models import (
    Chunk,
    CuratedVector,
    DocumentVersion,
    NextVector,
    Reembedding,
    RefusalFloors,
    RestrictedPart,
    SitePage,
    SiteSync,
    Source,
    StagedText,
    StagedVector,
)
from knowledge.tests.api import make_draft, make_edit
from knowledge.versions.texts import pack
from tenants.context import tenant_context
from tenants.models import BrowserSession, SecondFactor
from tenants.provisioning import add_domain
from tests.fakes.chat_model import FakeChatModel
from tests.isolation_checks import Scene, find_ids, find_rows
from tests.isolation_marks import IDENTITY, PRIVATE, mark_everything, tenant_models
from webhooks.models import Attempt, Delivery, Webhook
from webhooks.subscriptions import create_webhook

ACME_HOST, GLOBEX_HOST = f"{IDENTITY}.acme.example.com", "bots.globex.example.com"
ACME_PAGE, GLOBEX_PAGE = "https://www.acme.example.com", "https://www.globex.example.com"
API_KEY, NYXCORE_TOKEN = f"key-{PRIVATE}-0123456789", f"nyx-{PRIVATE}-0123456789"
GIT_TOKEN = f"git-{PRIVATE}-0123456789"
ACME_VISITOR, GLOBEX_VISITOR = f"{PRIVATE}-visitor", "gina-visitor"
JSON = "application/json"
LOGO = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@dataclass
class Rows:
    """What one tenant has: the ids that requests name, and the primary key of one row of every model."""

    party: Party
    bot: str = ""
    source: str = ""
    nyxcore: str = ""
    site: str = ""
    git: str = ""
    sync: str = ""
    upload: str = ""
    dataset: str = ""
    document: str = ""
    chunk: str = ""
    correction: str = ""
    version: str = ""
    external_id: str = ""
    chat: str = ""
    message: str = ""
    turn: str = ""
    token: str = ""
    webhook: str = ""
    quota: str = ""
    provider: str = ""
    golden: str = ""
    curated: str = ""
    run: str = ""
    gap: str = ""
    handoff: str = ""
    note: str = ""
    canned: str = ""
    pks: dict[type[models.Model], Any] = field(default_factory=dict)


def make_scene(acme: Party, globex: Party, chat_model: FakeChatModel) -> Scene:
    add_domain(acme.tenant, ACME_HOST)
    add_domain(globex.tenant, GLOBEX_HOST)
    scene = Scene(_fill(acme, PRIVATE, chat_model), _fill(globex, "gardening", chat_model))
    mark_everything(acme.tenant)
    for rows in (scene.acme, scene.globex):
        rows.pks = dict(find_rows(rows.party))
        missing = [model.__name__ for model in tenant_models() if model not in rows.pks]
        assert not missing, (
            f"The scene has no row of {missing}: add one in tests/isolation_scene.py."
        )
    ids = {str(key) for key in scene.acme.pks.values() if isinstance(key, UUID)}
    scene.acme_ids = frozenset(
        ids
        | {scene.acme.upload, scene.acme.nyxcore, scene.acme.site, scene.acme.git}
        | find_ids(acme)
    )
    return scene


def _fill(party: Party, word: str, chat_model: FakeChatModel) -> Rows:
    """Use a tenant as its owner would: a bot with a key, sources of several types, a chat, a webhook."""
    client, rows = Client(**party.bearer), Rows(party)
    _fill_accounts(client, party)
    _fill_bot(client, rows, word)
    _fill_sources(client, rows, word)
    with tenant_context(party.tenant):
        hook = _fill_webhook(rows, word)
        _ingest_sources(rows, word)
        _fill_logs(rows, word, hook)
    _fill_chat(client, rows, word, chat_model)
    with tenant_context(party.tenant):
        _fill_gaps(rows, word)
        _fill_figures(rows, word)
    name = f"token {word if word != PRIVATE else IDENTITY}"
    rows.token = _post(client, "/v1/api-tokens", {"name": name})["id"]
    return rows


def _post(client: Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = client.post(path, body, content_type=JSON)
    assert response.status_code in (200, 201), response.content
    return response.json()


def _fill_accounts(client: Client, party: Party) -> None:
    """Somebody who is invited, the owner's device and browser, and the tenant's provider."""
    _post(client, "/v1/invitations", {"email": f"ivy@{party.slug}.example.com"})
    provider = {
        "issuer": f"https://login.{party.slug}.example.com", "client_id": "web", "client_secret": API_KEY,
        "allowed_domains": [f"{party.slug}.example.com"], "is_active": False,
    }  # fmt: skip
    logo = {"content": LOGO}
    assert client.put("/v1/tenants/me/logo", logo, content_type=JSON).status_code == 200
    assert client.put("/v1/tenants/me/sso", provider, content_type=JSON).status_code == 200
    SecondFactor.begin(party.owner)
    key = party.slug.ljust(32, "x")
    BrowserSession.objects.create(user=party.owner, session_key=key, seen_at=timezone.now())


def _page_of(word: str) -> str:
    return ACME_PAGE if word == PRIVATE else GLOBEX_PAGE


def _fill_bot(client: Client, rows: Rows, word: str) -> None:
    bot = {
        "name": f"Bot {word}",
        "model": "openai/gpt-test",
        "embedding_model": "minirag/hash",
        "credentials": {"api_key": API_KEY if word == PRIVATE else "key-of-globex-0123456789"},
    }
    rows.bot = _post(client, "/v1/bot-profiles", bot)["id"]
    key = {"name": f"Key {word}", "provider": "openai", "api_key": bot["credentials"]["api_key"]}
    rows.provider = _post(client, "/v1/providers", key)["id"]
    client.put(
        f"/v1/bot-profiles/{rows.bot}/providers",
        {"provider_ids": [rows.provider]},
        content_type=JSON,
    )
    settings = {"allowed_origins": [_page_of(word)], "is_public": True}
    client.patch(f"/v1/bot-profiles/{rows.bot}/settings", settings, content_type=JSON)


def _fill_sources(client: Client, rows: Rows, word: str) -> None:
    text = {
        "bot_profile_id": rows.bot,
        "name": f"Notes {word}",
        "source_type": "text",
        "content": _text_of(word),
    }
    rows.source = _post(client, "/v1/sources", text)["id"]
    config = {"base_url": f"https://{word}.example.com", "api_token": NYXCORE_TOKEN}
    nyxcore = text | {"source_type": "nyxcore", "content": None, "config": config}
    rows.nyxcore = _post(client, "/v1/sources", nyxcore)["id"]
    site = text | {
        "source_type": "site",
        "content": None,
        "config": {"url": f"https://{word}.example.com"},
    }
    rows.site = _post(client, "/v1/sources", site)["id"]
    config = {"url": f"https://github.com/{word}/docs", "token": GIT_TOKEN}
    rows.git = _post(client, "/v1/sources", site | {"source_type": "git", "config": config})["id"]
    shared = {"name": f"Shared {word}", "embedding_model": "minirag/hash"}
    rows.dataset = _post(client, "/v1/datasets", shared)["id"]
    _post(client, f"/v1/datasets/{rows.dataset}/bots", {"bot_profile_id": rows.bot})
    _post(client, "/v1/sources", text | {"bot_profile_id": None, "dataset_id": rows.dataset})
    file = _named_file(f"{word}.txt", _text_of(word).encode())
    upload = client.post("/v1/sources/upload", {"bot_profile_id": rows.bot, "file": file})
    assert upload.status_code == 201, upload.content
    rows.upload = upload.json()["id"]


def _fill_webhook(rows: Rows, word: str) -> Webhook:
    hook, _ = create_webhook(
        url=f"https://{word}.example.com/hook", events=["chat.message", "source.ingested"]
    )
    rows.webhook = str(hook.pk)
    return hook


def _ingest_sources(rows: Rows, word: str) -> None:
    for source_id in (rows.source, rows.upload):
        ingest(UUID(source_id))
    assert Source.objects.get(pk=rows.source).status == "ready"
    rows.external_id = f"{word}-42"
    Source.objects.filter(pk=rows.source).update(external_id=rows.external_id)
    chunk = Chunk.objects.select_related("source", "document").filter(source_id=rows.source).first()
    assert chunk is not None
    rows.document, rows.chunk = str(chunk.document_id), str(chunk.pk)
    added = add_chunk(
        document_id=chunk.document_id, source_id=None, content=f"The {word} is red.", heading=word, is_pinned=False,
        note=word, author=rows.party.owner.email,
    )  # fmt: skip
    assert added.correction is not None
    rows.correction = str(added.correction.pk)
    moment = timezone.now()
    version = DocumentVersion.objects.create(
        document_id=rows.document, number=1, title=word, content_at=moment, replaced_at=moment,
        body=pack([make_draft(word, f"The {word} was in the attic.")]),
    )  # fmt: skip
    make_edit(chunk.document, f"The {word} is in the garden.")
    rows.version = str(version.pk)
    NextVector.objects.create(
        chunk_id=chunk.pk,
        dataset_id=chunk.source.dataset_id,
        embedding_model="minirag/hash",
        emb=[0.5] * 384,
    )
    StagedText.objects.create(
        source_id=rows.source, embedding_model=f"{word}/embedder", facts={}, body=word.encode()
    )
    StagedVector.objects.create(
        chunk_id=chunk.pk, source_id=rows.source, embedding_model="minirag/hash", emb=[0.5] * 384
    )
    Reembedding.objects.create(
        dataset_id=chunk.source.dataset_id, embedding_model=f"{word}/embedder"
    )
    # Numbered from 1 in each tenant: an id of its own, so that acme's is not one of globex's.
    RefusalFloors.objects.create(
        pk=uuid4().int % 10**15, bot_profile_id=rows.bot, embedding_model=f"{word}/embedder",
        language="en", hopeless=0.1, balanced=0.2, strict=0.3, chunk_count=2,
    )  # fmt: skip
    sync = SiteSync.objects.create(source_id=rows.site, state="waiting", setup="0")
    rows.sync = str(sync.pk)
    SitePage.objects.create(pk=uuid4(), sync=sync, url=f"https://{word}.example.com/", title=word)
    pull = SiteSync.objects.create(source_id=rows.git, state="done", setup="0")
    file = SitePage(pk=uuid4(), sync=pull, url=f"docs/{word}.md", title=word, groups=[word])
    file.save(force_insert=True)
    RestrictedPart.objects.create(pk=uuid4(), source_id=rows.source, groups=[word])
    curated = create_answer(
        {"answer": f"The {word} is in the attic.", "owner_id": rows.party.owner.pk},
        questions=[f"Is the {word} in the attic?"], bot_profile_ids=[UUID(rows.bot)],
    )  # fmt: skip
    rows.curated = str(curated.pk)
    CuratedVector.objects.create(
        pk=uuid4().int % 10**15, question=curated.questions.get(), embedding_model="minirag/hash",
        emb=[0.5] * 384,
    )  # fmt: skip


def _fill_logs(rows: Rows, word: str, hook: Webhook) -> None:
    """What became of a delivery, and what was done in the admin."""
    delivery = Delivery.objects.filter(webhook=hook).first()
    Attempt.objects.create(
        delivery=delivery, number=1, response_body=word, started_at=timezone.now()
    )
    LogEntry.objects.create(
        pk=990_001 if word == PRIVATE else 990_002,
        user_id=rows.party.owner.pk,
        content_type=ContentType.objects.get_for_model(BotProfile),
        object_id=rows.bot,
        object_repr=word,
        action_flag=2,
        change_message=word,
    )


def _fill_chat(client: Client, rows: Rows, word: str, chat_model: FakeChatModel) -> None:
    chat_model.enqueue(f"It is {word} [1].")
    question = {"bot_profile_id": rows.bot, "message": f"What is the {word} of the house?"}
    answer = _post(client, "/v1/chat", question)
    rows.chat, rows.message = answer["chat_id"], answer["message"]["id"]
    with tenant_context(rows.party.tenant):
        asked = Message.objects.get(chat_id=rows.chat, role=MessageRole.USER)
        rows.turn = str(asked.pk)
        chat = Chat.objects.create(
            bot_profile_id=rows.bot,
            visitor_id=ACME_VISITOR if word == PRIVATE else GLOBEX_VISITOR,
            origin=_page_of(word),
            title=word,
        )
        Message.objects.create(
            chat=chat, role=MessageRole.ASSISTANT, content=f"{word} for a visitor"
        )
        rows.note = str(ChatNote.objects.create(chat_id=rows.chat, text=word).pk)
        rows.canned = str(CannedAnswer.objects.create(name=word, text=word).pk)
        ChatRetention.objects.get_or_create(pk=1, defaults={"days": 3_650})
        ChatTag.objects.create(chat_id=rows.chat, name=word)
        # Of another chat and another bot, so that it changes nothing for those of other tests.
        other = BotProfile.objects.create(name=f"Bot {word}", model="openai/gpt-test")
        asks = Chat.objects.create(bot_profile=other, title=word)
        rows.handoff = str(Handoff.objects.create(chat=asks, bot_profile=other).pk)
        HandoffRules.objects.create(pk=uuid4().int % 10**15, bot_profile=other)


def _fill_gaps(rows: Rows, word: str) -> None:
    """A question that was not answered well, and what it is grouped with."""
    moment = timezone.now()
    gap = Gap.objects.create(
        bot_profile_id=rows.bot, language="en", embedding_model="minirag/hash", emb=[0.5] * 384,
        first_asked_at=moment, last_asked_at=moment,
    )  # fmt: skip
    rows.gap = str(gap.pk)
    GapQuestion.objects.create(
        gap=gap, message_id=rows.turn, bot_profile_id=rows.bot, language="en", text=f"Is the {word} here?",
        reason="low_confidence", week=moment.date(), asked_at=moment,
    )  # fmt: skip


def _fill_figures(rows: Rows, word: str) -> None:
    """What was used and may be used, what was exported, and what the bot speaks of."""
    PriceOverride.objects.create(model=word, prompt_cost_per_1m=1)
    quota = Quota.objects.create(
        subject="bot", subject_id=rows.bot, resource="messages", limit=1000
    )
    # Numbered from 1 in each tenant: an id of its own, so that acme's is not one of globex's.
    ProviderChoice.objects.update(id=uuid4().int % 10**15)
    QuotaUse.objects.create(pk=uuid4().int % 10**15, quota=quota, starts_at=quota.created_at)
    rows.quota = str(quota.pk)
    roll_up_usage()
    # Of another bot: a gate of the first would hold its changes back, in tests of other things.
    measured = BotProfile.objects.create(name=f"Bot {word}", model="openai/gpt-test")
    QualityGate.objects.create(pk=uuid4().int % 10**15, bot_profile=measured)
    BotDraft.objects.create(
        pk=uuid4().int % 10**15, bot_profile=measured, changes={"system_prompt": word}
    )
    golden = GoldenQuestion.objects.create(bot_profile_id=rows.bot, question=f"Of {word}?")
    run = EvaluationRun.objects.create(bot_profile_id=rows.bot, status="failed")
    EvaluationResult.objects.create(
        pk=uuid4().int % 10**15,
        run=run,
        golden_question=golden,
        name_hash="0",
        question=word,
        is_right=True,
    )
    rows.golden, rows.run = str(golden.pk), str(run.pk)
    job = ExportJob.objects.create(export_type="messages", status="succeeded", part_count=1)
    ExportPart.objects.create(job=job, number=0, data=zlib.compress(word.encode()))
    # Inactive: `mark_everything` rewrites its topics, and it is not what a turn of acme's is tested for here.
    Scope.objects.create(bot_profile_id=rows.bot, name=word, allowed_topics=[word], is_active=False)


def _text_of(word: str) -> str:
    return f"# House\n\nThe {word} of the house is kept in the cellar. Whoever asks for the {word} is told so."


def _named_file(name: str, data: bytes) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, data, content_type="text/plain")

"""One row of everything that a tenant's admin shows, each function the rows of one app."""

from __future__ import annotations

import zlib
from typing import Any
from uuid import UUID

from django.utils import timezone

from bots.models import (
    BotDraft,
    BotProfile,
    BotVersion,
    Outcome,
    PriceOverride,
    ProviderCredential,
    QualityGate,
    Scope,
    UsageEvent,
)
from bots.profiles import create_bot
from bots.providers.changing import keep_key
from bots.quotas.models import Quota, QuotaUse
from conftest import Party
from conversations.exports.models import ExportJob, ExportPart
from conversations.models import (
    CannedAnswer,
    Chat,
    Citation,
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
from knowledge.curated.changing import create_answer
from knowledge.models import (
    Chunk,
    Correction,
    CuratedAnswer,
    Dataset,
    Document,
    DocumentVersion,
    SitePage,
    SiteSync,
    Source,
    SourceStatus,
)
from knowledge.sources.changing import create_source
from knowledge.tests.api import make_draft, make_edit
from knowledge.versions.texts import pack
from minirag.ai.credentials import Credentials
from tenants.models import ApiToken, AuditEvent, User
from webhooks.models import Delivery, Webhook

RowsByModel = dict[type, Any]


def make_rows(party: Party, api_key: str) -> RowsByModel:
    """Fill the tenant that is in context; a model that its admin does not list needs no row."""
    bot = create_bot(
        {"name": "Ava", "starter_questions": ["What is E24?"]},
        credentials=Credentials(api_key=api_key),
    )
    knowledge = _make_knowledge(bot, party.owner)
    return (
        _make_people(party)
        | _make_bots(bot)
        | knowledge
        | _make_conversations(party, bot, knowledge[Chunk])
        | _make_webhooks()
    )


def _make_people(party: Party) -> RowsByModel:
    return {
        User: party.owner,
        AuditEvent: AuditEvent.objects.of_tenant(party.tenant).first(),
        ApiToken: ApiToken.objects.filter(tenant=party.tenant).first(),
    }


def _make_bots(bot: BotProfile) -> RowsByModel:
    quota = Quota.objects.create(resource="messages", limit=100)
    measured = create_bot({"name": "Mia"})
    return {
        BotProfile: bot,
        Scope: Scope.objects.create(bot_profile=bot, name="House", forbidden_topics=["politics"]),
        PriceOverride: PriceOverride.objects.create(model="openai/gpt-4o", prompt_cost_per_1m=2),
        ProviderCredential: keep_key("House", "openai", "sk-of-the-house-0123456789"),
        Quota: quota,
        QualityGate: QualityGate.objects.create(bot_profile=measured, least_right=0.9),
        BotVersion: BotVersion.objects.get(bot_profile=measured),
        BotDraft: BotDraft.objects.create(bot_profile=measured, changes={"passage_count": 8}),
        QuotaUse: QuotaUse.objects.create(quota=quota, starts_at=quota.created_at, used=12),
    }


def theirs_of(document_id: UUID, chunk_id: UUID, content: str) -> dict[str, Any]:
    """What a correction keeps of a chunk of its source that does not answer because of it."""
    return {
        "id": str(chunk_id), "document_id": str(document_id), "ordinal": 0, "heading": "Handbook", "content": content,
        "page": None, "place": "", "token_count": 5, "content_hash": "0", "held": True, "echo": False, "made": None,
    }  # fmt: skip


def _make_knowledge(bot: BotProfile, owner: User) -> RowsByModel:
    fields = {
        "bot_profile_id": bot.pk,
        "source_type": "text",
        "name": "Handbook",
        "content": "Error E24: clean it.",
    }
    source = create_source(fields)
    Source.objects.filter(pk=source.pk).update(
        status=SourceStatus.ERROR, error_message="The page answered 404."
    )
    document = Document.objects.create(source=source, title="Handbook", content_hash="0")
    chunk = Chunk.objects.create(
        id=source.pk,
        document=document,
        source=source,
        ordinal=0,
        content="Error E24: clean it.",
        token_count=6,
        content_hash="0",
    )
    moment = timezone.now()
    make_edit(document)
    version = DocumentVersion.objects.create(
        document=document, number=1, title="Handbook", content_at=moment, replaced_at=moment,
        body=pack([make_draft("Handbook", "Error E24: look the other way.")]),
    )  # fmt: skip
    correction = Correction.objects.create(
        source=source, document_id=document.pk, state="changed", anchor_heading="Handbook",
        anchor_content="Error E24: look the other way.", content="Error E24: dust it.", author=owner.email,
        theirs=[theirs_of(document.pk, source.pk, "Error E24: clean it.")],
    )  # fmt: skip
    sync = SiteSync.objects.create(
        source=source, state="waiting", setup="0", error_message="4 of 11 pages are lost.",
        changes=[{"url": "https://a.example.com/", "change": "gone", "title": "A", "reason": "404"}],
    )  # fmt: skip
    page = SitePage.objects.create(
        id=source.pk, sync=sync, url="https://a.example.com/", state="gone", reason="404"
    )
    curated = create_answer(
        {"answer": "Clean it.", "owner_id": owner.pk},
        questions=["What is E24?"],
        bot_profile_ids=[bot.pk],
    )
    return {
        Source: source, Document: document, Chunk: chunk, Dataset: source.dataset, CuratedAnswer: curated,
        SiteSync: sync, SitePage: page, DocumentVersion: version, Correction: correction,
    }  # fmt: skip


def _make_conversations(party: Party, bot: BotProfile, chunk: Chunk) -> RowsByModel:
    chat = Chat.objects.create(
        bot_profile=bot, title="What is E24?", user_id=party.owner.pk, message_count=2
    )
    Message.objects.create(
        chat=chat, role=MessageRole.USER, content="What is E24?", outcome=Outcome.REFUSED
    )
    answer = Message.objects.create(
        chat=chat,
        role=MessageRole.ASSISTANT,
        content="Clean it. [1]",
        outcome=Outcome.REFUSED,
        feedback="negative",
        refusal_reason="low_confidence",
        confidence=0.1234,
        threshold=0.3456,
    )
    Citation.objects.create(
        message=answer,
        number=1,
        chunk_id=chunk.pk,
        source_id=chunk.source_id,
        title="Handbook",
        content="Error E24",
        score=0.87,
    )
    usage = UsageEvent.objects.create(
        bot_profile=bot, chat_id=chat.pk, message_id=answer.pk, model="minirag/extractive"
    )
    export = ExportJob.objects.create(
        export_type="messages", status="succeeded", part_count=1, size_bytes=3
    )
    ExportPart.objects.create(job=export, number=0, data=zlib.compress(b"{}\n"))
    golden = GoldenQuestion.objects.create(
        bot_profile=bot, question="What is E25?", must_decline=True, tags=["errors"]
    )
    run = EvaluationRun.objects.create(
        bot_profile=bot, status="failed", figures={"right": 0.5}, questions_total=1
    )
    EvaluationResult.objects.create(
        run=run, golden_question=golden, question="What is E25?", outcome="answered", is_right=False
    )
    gap = Gap.objects.create(
        bot_profile=bot, language="en", embedding_model="minirag/hash", emb=[0.5] * 384,
        first_asked_at=chat.created_at, last_asked_at=chat.created_at,
    )  # fmt: skip
    GapQuestion.objects.create(
        gap=gap, message=chat.messages.get(role=MessageRole.USER), bot_profile=bot, language="en",
        text="What is E24?", reason="low_confidence", week=chat.created_at.date(), asked_at=chat.created_at,
    )  # fmt: skip
    return {
        Gap: gap,
        Handoff: Handoff.objects.create(chat=chat, bot_profile=bot),
        CannedAnswer: CannedAnswer.objects.create(name="hours", text="From 9 to 17."),
        HandoffRules: HandoffRules.objects.create(bot_profile=bot),
        Chat: chat, UsageEvent: usage, ExportJob: export, GoldenQuestion: golden, EvaluationRun: run,
    }  # fmt: skip


def _make_webhooks() -> RowsByModel:
    webhook = Webhook.objects.create(
        url="https://hooks.example.com/in", events=["chat.message"], encrypted_secret="v1:hook"
    )
    delivery = Delivery.objects.create(webhook=webhook, event_type="chat.message", body="{}")
    return {Webhook: webhook, Delivery: delivery}

"""The things that the examples of the API's description speak of, under the ids that they have there.

Also for a running product: `manage.py shell -c "from tests.openapi_scene import furnish; furnish('slug')"`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from bots.models import BotDraft, BotProfile, BotVersion, ProviderCredential, QualityGate, Scope
from bots.quotas.models import Quota
from conversations.exports.models import ExportJob, ExportType
from conversations.models import (
    CannedAnswer,
    Chat,
    ChatNote,
    ChatTag,
    EvaluationRun,
    Gap,
    GapQuestion,
    GoldenQuestion,
    Handoff,
    HandoffRules,
    HandoffState,
    Message,
    MessageRole,
)
from knowledge.curated.same_question import key_of
from knowledge.models import (
    BotDataset,
    Correction,
    CorrectionState,
    CuratedAnswer,
    CuratedQuestion,
    Dataset,
    Document,
    DocumentVersion,
    SiteSync,
    Source,
)
from knowledge.sources.homes import private_dataset
from knowledge.tests.api import make_draft, make_edit
from knowledge.versions.texts import pack
from minirag.lib.http_in.openapi import EXAMPLE_IDS
from tenants.context import tenant_context
from tenants.models import (
    ApiToken,
    BrowserSession,
    Domain,
    EmailLink,
    Plan,
    Role,
    SsoProvider,
    Tenant,
    TenantLogo,
    TenantTransfer,
    User,
)
from webhooks.models import Delivery, Webhook

MADE = {
    "user_id",
    "invitation_id",
    "session_id",
    "token_id",
    "bot_profile_id",
    "source_id",
    "parent_id",
    "chat_id",
    "message_id",
    "turn_id",
    "webhook_id",
    "delivery_id",
    "export_id",
    "dataset_id",
    "document_id",
    "chunk_id",
    "correction_id",
    "canned_answer_id",
    "note_id",
    "version_id",
    "sync_id",
    "external_id",
    "scope_id",
    "provider_id",
    "quota_id",
    "golden_question_id",
    "curated_answer_id",
    "evaluation_run_id",
    "gap_id",
    "handoff_id",
    "host",
    "key",
    "model",
    "transfer_id",
}


def furnish(slug: str) -> None:
    """Make one of everything in a tenant. What has a new kind of id is entered here with EXAMPLE_IDS."""
    tenant = Tenant.objects.get(slug=slug)
    user = User.objects.create(
        pk=EXAMPLE_IDS["user_id"], tenant=tenant, role=Role.MEMBER, email=f"dan@{slug}.example.com",
        display_name="Dan",
    )  # fmt: skip
    ApiToken.objects.create(
        pk=EXAMPLE_IDS["token_id"], tenant=tenant, user=user, name="shop", token_hash="x" * 64
    )
    _make_account(tenant, user)
    TenantTransfer.objects.create(
        pk=EXAMPLE_IDS["transfer_id"], kind="export", slug=slug, status="failed"
    )
    with tenant_context(tenant):
        bot = _make_bot()
        _make_knowledge(bot)
        _make_curated_answer(bot, user)
        _make_chat(bot)
        _make_handoff(bot, user)
        _make_quality(bot)
        _make_exports_and_webhooks()


@pytest.fixture(scope="module")
def furnished(_parties, django_db_setup, django_db_blocker) -> Iterator[None]:
    """One of everything in acme, in a transaction around all tests of the file, of which each rolls back its own."""
    with django_db_blocker.unblock(), transaction.atomic():
        furnish("acme")
        yield
        transaction.set_rollback(True)


def _make_account(tenant: Tenant, user: User) -> None:
    """Somebody who is invited, a browser that the user is logged in to, and the tenant's provider."""
    invited = User(tenant=tenant, email=f"ivy@{tenant.slug}.example.com", display_name="Ivy")
    invited.set_unusable_password()
    invited.save()
    now = timezone.now()
    EmailLink.objects.create(
        pk=EXAMPLE_IDS["invitation_id"], user=invited, purpose="invitation", token_hash="x" * 64,
        expires_at=now + timedelta(days=7),
    )  # fmt: skip
    BrowserSession.objects.create(
        pk=EXAMPLE_IDS["session_id"], user=user, session_key="x" * 32, seen_at=now
    )
    Domain.objects.create(tenant=tenant, domain=EXAMPLE_IDS["host"], is_primary=True)
    Plan.objects.get_or_create(key=EXAMPLE_IDS["key"], defaults={"name": "Pro"})
    TenantLogo.objects.create(tenant=tenant, data=b"x", content_type="image/png")
    Tenant.objects.filter(pk=tenant.pk).update(logo_hash="0")
    SsoProvider.objects.create(
        tenant=tenant,
        issuer="https://login.example.com",
        client_id="web",
        allowed_domains=["example.com"],
    )


def _make_bot() -> BotProfile:
    bot = BotProfile.objects.create(
        pk=EXAMPLE_IDS["bot_profile_id"], name="Support", model="minirag/extractive", is_public=True,
        embedding_model="minirag/hash",
    )  # fmt: skip
    Scope.objects.create(
        pk=EXAMPLE_IDS["scope_id"], bot_profile=bot, name="House", forbidden_topics=["politics"]
    )
    QualityGate.objects.create(bot_profile=bot)
    BotDraft.objects.create(bot_profile=bot, changes={"passage_count": 8})
    BotVersion.objects.create(
        pk=EXAMPLE_IDS["version_id"], bot_profile=bot, number=1, configuration={"name": "Support"}, came_from="api"
    )  # fmt: skip
    key = ProviderCredential(pk=EXAMPLE_IDS["provider_id"], name="House", provider="openai")
    key.set_key("sk-of-the-house-0123456789", "http://127.0.0.1:9/v1")  # where nobody may be called
    key.save()
    Quota.objects.create(pk=EXAMPLE_IDS["quota_id"], resource="tokens", limit=10**9)
    return bot


def _make_knowledge(bot: BotProfile) -> None:
    facts = {"bot_profile": bot, "dataset": private_dataset(bot), "source_type": "text"}
    parent = Source.objects.create(pk=EXAMPLE_IDS["parent_id"], name="Handbook", **facts)
    source = Source.objects.create(
        pk=EXAMPLE_IDS["source_id"], name="Hours", content="Open from 9 to 17.",
        external_id=EXAMPLE_IDS["external_id"], **facts,
    )  # fmt: skip
    SiteSync.objects.create(pk=EXAMPLE_IDS["sync_id"], source=source, state="waiting", setup="0")
    document = Document.objects.create(
        pk=EXAMPLE_IDS["document_id"], source=source, title="Hours", content_version=2
    )
    make_edit(document)
    DocumentVersion.objects.create(
        pk=EXAMPLE_IDS["version_id"], document=document, number=1, content_at=timezone.now(),
        replaced_at=timezone.now(), title="Hours", body=pack([make_draft("Hours", "Open from 9 to 16.")]),
    )  # fmt: skip
    _make_corrections(document)
    shared = Dataset.objects.create(
        pk=EXAMPLE_IDS["dataset_id"], name="Handbooks", embedding_model=bot.embedding_model
    )
    BotDataset.objects.create(bot_profile=bot, dataset=shared)
    Source.objects.create(name="Chapter", parent=parent, content="Closed on Mondays.", **facts)


def _make_corrections(document: Document) -> None:
    """A chunk that was added by hand, and a conflict."""
    about = {"source": document.source, "document_id": document.pk, "content": "Open to 18."}
    Correction.objects.create(pk=EXAMPLE_IDS["chunk_id"], is_added=True, is_off=True, **about)
    theirs = {
        "id": EXAMPLE_IDS["correction_id"], "document_id": str(document.pk), "ordinal": 0, "heading": "Hours",
        "content": "Open from 9 to 17.", "page": None, "place": "", "token_count": 5, "content_hash": "0",
        "held": True, "echo": False, "made": None,
    }  # fmt: skip
    Correction.objects.create(
        pk=EXAMPLE_IDS["correction_id"], state=CorrectionState.CHANGED, theirs=[theirs],
        anchor_content="Open from 9 to 16.", conflict_since=timezone.now(), **about,
    )  # fmt: skip


def _make_curated_answer(bot: BotProfile, owner: User) -> None:
    curated = CuratedAnswer.objects.create(
        pk=EXAMPLE_IDS["curated_answer_id"], answer="Yes, in the cellar.", owner_id=owner.pk
    )
    curated.bots.add(bot)
    question = "Is there a bicycle room?"
    CuratedQuestion.objects.create(answer=curated, place=0, text=question, key=key_of(question))


def _make_chat(bot: BotProfile) -> None:
    chat = Chat.objects.create(
        pk=EXAMPLE_IDS["chat_id"],
        bot_profile=bot,
        title="When are you open?",
        visitor_id="visitor-of-the-example",
    )
    CannedAnswer.objects.create(
        pk=EXAMPLE_IDS["canned_answer_id"], name="hours", text="From 9 to 17."
    )
    ChatNote.objects.create(pk=EXAMPLE_IDS["note_id"], chat=chat, text="Called back.")
    ChatTag.objects.create(chat=chat, name="refund")
    Message.objects.create(
        pk=EXAMPLE_IDS["turn_id"], chat=chat, role=MessageRole.USER, content="When are you open?"
    )
    Message.objects.create(
        pk=EXAMPLE_IDS["message_id"], chat=chat, role=MessageRole.ASSISTANT,
        content="Open from 9 to 17.", question_id=EXAMPLE_IDS["turn_id"],
    )  # fmt: skip


def _make_handoff(bot: BotProfile, user: User) -> None:
    """A chat that the owner of the tenant's token is in, so that every act on it does something."""
    owner = User.objects.filter(tenant=user.tenant, role=Role.OWNER).first()
    assert owner is not None
    chat = Chat.objects.create(bot_profile=bot, title="Is somebody there?")
    Handoff.objects.create(
        pk=EXAMPLE_IDS["handoff_id"], chat=chat, bot_profile=bot, state=HandoffState.JOINED,
        person_id=owner.pk, person_email=owner.email,
    )  # fmt: skip
    HandoffRules.objects.create(bot_profile=bot)


def _make_quality(bot: BotProfile) -> None:
    GoldenQuestion.objects.create(
        pk=EXAMPLE_IDS["golden_question_id"], bot_profile=bot, question="Are you open on Sunday?"
    )
    EvaluationRun.objects.create(
        pk=EXAMPLE_IDS["evaluation_run_id"], bot_profile=bot, status="failed"
    )
    moment = timezone.now()
    gap = Gap.objects.create(
        pk=EXAMPLE_IDS["gap_id"], bot_profile=bot, language="en", embedding_model="minirag/hash",
        emb=[0.5] * 384, first_asked_at=moment, last_asked_at=moment,
    )  # fmt: skip
    GapQuestion.objects.create(
        gap=gap, message_id=EXAMPLE_IDS["turn_id"], bot_profile=bot, language="en",
        text="When are you open?", reason="low_confidence", week=moment.date(), asked_at=moment,
    )  # fmt: skip


def _make_exports_and_webhooks() -> None:
    ExportJob.objects.create(
        pk=EXAMPLE_IDS["export_id"], export_type=ExportType.values[0], status="failed"
    )
    webhook = Webhook(
        pk=EXAMPLE_IDS["webhook_id"], url="http://127.0.0.1:9/hook", events=["source.ingested"]
    )
    webhook.set_secret("as it was agreed")
    webhook.save()
    Delivery.objects.create(
        pk=EXAMPLE_IDS["delivery_id"], webhook=webhook, event_type="source.ingested", body="{}",
        status="failed",
    )  # fmt: skip

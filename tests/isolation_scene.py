"""Two tenants full of rows, and one marker in every text that acme has, for the tests of isolation.

A new model needs one row of each tenant here, in the `_fill` function of its app, or in
`tests/isolation_knowledge.py`. Every text column of it is marked then; one that cannot be is named in
`tests/isolation_marks.py`.
"""

from __future__ import annotations

import zlib
from uuid import UUID, uuid4

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
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
from tenants.context import tenant_context
from tenants.models import BrowserSession, SecondFactor
from tenants.provisioning import add_domain
from tests.fakes.chat_model import FakeChatModel
from tests.isolation_checks import Scene, find_ids, find_rows
from tests.isolation_knowledge import fill_sources, ingest_sources
from tests.isolation_marks import IDENTITY, PRIVATE, mark_everything, tenant_models
from tests.isolation_rows import (
    ACME_HOST,
    ACME_PAGE,
    ACME_VISITOR,
    API_KEY,
    GLOBEX_HOST,
    GLOBEX_PAGE,
    GLOBEX_VISITOR,
    JSON,
    LOGO,
    Rows,
    post,
)
from webhooks.models import Attempt, Delivery, Webhook
from webhooks.subscriptions import create_webhook


def make_scene(acme: Party, globex: Party, chat_model: FakeChatModel) -> Scene:
    add_domain(acme.tenant, ACME_HOST)
    add_domain(globex.tenant, GLOBEX_HOST)
    scene = Scene(_fill(acme, PRIVATE, chat_model), _fill(globex, "gardening", chat_model))
    mark_everything(acme.tenant)
    for rows in (scene.acme, scene.globex):
        rows.pks = dict(find_rows(rows.party))
        missing = [model.__name__ for model in tenant_models() if model not in rows.pks]
        assert not missing, (
            f"The scene has no row of {missing}: add one in isolation_scene.py or isolation_knowledge.py."
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
    fill_sources(client, rows, word)
    with tenant_context(party.tenant):
        hook = _fill_webhook(rows, word)
        ingest_sources(rows, word)
        _fill_logs(rows, word, hook)
    _fill_chat(client, rows, word, chat_model)
    with tenant_context(party.tenant):
        _fill_gaps(rows, word)
        _fill_figures(rows, word)
    name = f"token {word if word != PRIVATE else IDENTITY}"
    rows.token = post(client, "/v1/api-tokens", {"name": name})["id"]
    return rows


def _fill_accounts(client: Client, party: Party) -> None:
    """Somebody who is invited, the owner's device and browser, and the tenant's provider."""
    post(client, "/v1/invitations", {"email": f"ivy@{party.slug}.example.com"})
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
    rows.bot = post(client, "/v1/bot-profiles", bot)["id"]
    key = {"name": f"Key {word}", "provider": "openai", "api_key": bot["credentials"]["api_key"]}
    rows.provider = post(client, "/v1/providers", key)["id"]
    client.put(
        f"/v1/bot-profiles/{rows.bot}/providers",
        {"provider_ids": [rows.provider]},
        content_type=JSON,
    )
    settings = {"allowed_origins": [_page_of(word)], "is_public": True}
    client.patch(f"/v1/bot-profiles/{rows.bot}/settings", settings, content_type=JSON)


def _fill_webhook(rows: Rows, word: str) -> Webhook:
    hook, _ = create_webhook(
        url=f"https://{word}.example.com/hook", events=["chat.message", "source.ingested"]
    )
    rows.webhook = str(hook.pk)
    return hook


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
    answer = post(client, "/v1/chat", question)
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

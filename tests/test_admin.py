"""Both admins from the outside: every page opens for the right people, for nobody else, and shows no secret.

Alice owns acme and Bob is a member of it; Gina owns globex; Olga operates the platform.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.test import Client
from django.urls import reverse, set_script_prefix
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from bots.models import BotProfile, PriceOverride, UsageEvent
from bots.profiles import create_bot
from conftest import PASSWORD, Party
from conversations.exports.models import ExportJob
from conversations.models import Chat, Message, MessageRole
from conversations.tasks import write_export
from knowledge.models import Chunk, Correction, Document, Source, SourceStatus
from knowledge.sources.changing import (
    create_source,
    delete_source,
)
from knowledge.sources.configs import reveal_secret
from tenants.admin_site.sites import platform_site, tenant_site
from tenants.authentication import issue_jwt
from tenants.context import tenant_context
from tenants.models import (
    ApiToken,
    AuditEvent,
    Domain,
    ErasureReceipt,
    OperatorEntry,
    OperatorToken,
    Plan,
    SchemaMigration,
    Tenant,
    TenantTransfer,
    User,
)
from tenants.platform.operators import mint_operator_token
from tenants.platform.receipts import sign_receipt
from tenants.provisioning import add_domain, archive_tenant, suspend_tenant
from tests.admin_rows import make_rows
from tests.admin_words import find_forgotten, marked, words_of_rows
from webhooks.models import Delivery, Webhook

API_KEY = "sk-acme-provider-key-0123456789"


class Browser(Client):
    """A browser that is in one admin: on the platform, or under a tenant's path."""

    def __init__(self, slug: str | None = None, **defaults: Any) -> None:
        super().__init__(**({"SCRIPT_NAME": f"/t/{slug}"} if slug else {}), **defaults)
        self.slug = slug

    @property
    def prefix(self) -> str:
        return f"/t/{self.slug}" if self.slug else ""

    def request(self, **request: Any) -> Any:
        set_script_prefix(
            f"{self.prefix}/"
        )  # which the ASGI handler does, and the test client does not
        try:
            return super().request(**request)
        finally:
            set_script_prefix("/")

    def log_in(self, email: str, password: str = PASSWORD) -> Any:
        # The client keeps cookies by name and ignores their paths, which is what a replayed cookie looks like.
        return self.post(
            "/admin/login/",
            {"username": email, "password": password, "next": f"{self.prefix}/admin/"},
        )

    def url(self, site: Any, model: Any, page: str, *args: Any) -> str:
        """The path below the prefix of a page, as this client wants it."""
        names = {platform_site: "minirag.urls", tenant_site: "minirag.tenant_urls"}
        return reverse(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}",
            urlconf=names[site],
            args=args,
        )


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    """Log-ins are counted in Redis, which outlives the test."""
    client = cache._cache.get_client()
    yield
    for key in client.scan_iter("minirag:limits:*"):
        client.delete(key)


def browser(email: str, slug: str | None = None) -> Browser:
    made = Browser(slug)
    assert made.log_in(email).status_code == 302, f"{email} could not log in"
    return made


@pytest.fixture
def alice(acme: Party) -> Browser:
    return browser("alice@acme.example.com", "acme")


@pytest.fixture
def member(acme: Party, bob: User) -> Browser:
    return browser("bob@acme.example.com", "acme")


@pytest.fixture
def operator(acme: Party, olga: User) -> Browser:
    return browser("olga@platform.example.com")


@pytest.fixture
def rows(in_acme: Party) -> dict[type, Any]:
    return make_rows(in_acme, API_KEY)


@pytest.fixture
def platform_rows(acme: Party, olga: User) -> dict[type, Any]:
    interval = IntervalSchedule.objects.create(every=30, period="seconds")
    return {
        Tenant: acme.tenant,
        User: acme.owner,
        ApiToken: ApiToken.objects.filter(tenant=acme.tenant).first(),
        Domain: add_domain(acme.tenant, "bots.acme.example.com"),
        AuditEvent: AuditEvent.objects.first(),
        OperatorToken: mint_operator_token(olga, "billing")[0],
        Plan: Plan.objects.create(key="pro", name="Pro"),
        SchemaMigration: SchemaMigration.objects.create(
            tenant=acme.tenant, to_version="1", started_at=acme.tenant.created_at
        ),
        OperatorEntry: acme.tenant.entries.first(),
        TenantTransfer: TenantTransfer.objects.create(kind="export", slug="acme", status="failed"),
        ErasureReceipt: ErasureReceipt.objects.create(
            slug="gone", receipt=sign_receipt({"slug": "gone"})
        ),
        IntervalSchedule: interval,
        CrontabSchedule: CrontabSchedule.objects.create(hour="4"),
        LogEntry: LogEntry.objects.create(
            user=olga, object_repr="x", action_flag=2, change_message="changed"
        ),
        PeriodicTask: PeriodicTask.objects.create(
            name="sweep", task="knowledge.tasks.sweep", interval=interval
        ),
    }


def pages_of(client: Browser, site: Any, rows: dict[type, Any]) -> Iterator[tuple[str, str]]:
    """Every page that every registered model has: list, search, add, change, history, delete."""
    for model in site._registry:
        yield "list", client.url(site, model, "changelist")
        yield "search", client.url(site, model, "changelist") + "?q=a"
        yield "add", client.url(site, model, "add")
        if model in rows:
            for page in ("change", "history", "delete"):
                yield page, client.url(site, model, page, rows[model].pk)


NAMED_BY_DJANGO = (
    "Curatedanswer-botprofile relationship",
    "” was changed successfully.",
    "Answers",
    "changed",
)
"""The table of a join, the tail of a message with a link in it, and what the rows of these tests say."""
FROM_ELSEWHERE = re.compile(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="(?:https?:)?//')


def check_pages(client: Browser, site: Any, rows: dict[type, Any], secrets: set[str]) -> None:
    """Open every page, in one walk since it is long: it is there, fetches nothing from elsewhere, shows no secret."""
    assert set(site._registry) == set(rows)
    data, forgotten = words_of_rows(rows), {}
    for page, url in pages_of(client, site, rows):
        with marked(pytest.MonkeyPatch()):
            answer = client.get(url)
        assert answer.status_code in ({200, 403} if page in ("add", "delete") else {200}), url
        html = answer.content.decode()
        assert not FROM_ELSEWHERE.findall(html), url
        assert not [secret for secret in secrets if secret in html], url
        assert "(&#x27;" not in html, f"{url} shows a pair as Python writes it"
        if (
            answer.status_code == 200 and "django_celery_beat" not in url
        ):  # whose rows are named by another package
            forgotten |= dict.fromkeys(find_forgotten(html, data), url)
    ours = {text for text in forgotten if not any(each in text for each in NAMED_BY_DJANGO)}
    assert not ours, f"say it with gettext (docs/extending.md): {sorted(ours)}"


class TestPages:
    @pytest.fixture
    def secrets(self, rows, acme) -> set[str]:
        bot = BotProfile.objects.get(name="Ava")
        assert bot.encrypted_credentials
        return {
            API_KEY,
            bot.encrypted_credentials,
            acme.raw_token,
            rows[ApiToken].token_hash,
            "v1:hook",
            acme.owner.password,
        }

    def test_every_page_of_the_platform_opens_for_its_operator(
        self, operator, platform_rows, secrets
    ):
        check_pages(operator, platform_site, platform_rows, secrets)

    def test_every_page_of_a_tenant_opens_for_its_owner(self, alice, rows, secrets):
        alice.post(
            alice.url(tenant_site, User, "change", rows[User].pk),
            {"email": "alice@acme.example.com"},
        )
        with tenant_context(rows_tenant(rows)):
            rows[LogEntry] = LogEntry.objects.create(
                user_id=rows[User].pk, object_repr="x", action_flag=2, change_message="changed"
            )
        check_pages(alice, tenant_site, rows, secrets)

    def test_the_first_page_says_what_waits_for_a_decision(self, alice, rows):
        page = alice.get("/admin/").content.decode()
        assert "waiting for your approval" in page and "state__exact=waiting" in page
        assert "in conflict with the source" in page and "waits=1" in page

    def test_the_button_to_add_a_chunk_leads_to_its_form(self, alice, rows):
        url = alice.url(tenant_site, Chunk, "changelist")
        assert 'knowledge/chunk/add-by-hand/"' in alice.get(url).content.decode()
        assert alice.get(f"{url}add-by-hand/").status_code == 200

    def test_a_chunk_says_who_corrected_it(self, alice, rows):
        chunk = rows[Chunk]
        with tenant_context(rows_tenant(rows)):
            Correction.objects.update(chunk_id=chunk.pk, state="live", theirs=[])
        page = alice.get(alice.url(tenant_site, Chunk, "change", chunk.pk)).content.decode()
        assert ">corrected</a>, alice@acme.example.com, 20" in page

    @pytest.mark.parametrize("model", [BotProfile, Source, User, ApiToken, Webhook, PriceOverride])
    def test_an_owner_may_add(self, alice, rows, model):
        assert alice.get(alice.url(tenant_site, model, "add")).status_code == 200

    @pytest.mark.parametrize(
        "path",
        [
            "/admin/",
            "/admin/jsi18n/",
            "/admin/password_change/",
            "/admin/search/?s=bot",
            "/admin/bots/",
        ],
    )
    def test_the_pages_around_them_open_too(self, alice, rows, path):
        assert alice.get(path).status_code == 200

    def test_autocompletion_knows_the_tenants_bots(self, alice, rows):
        query = "?app_label=knowledge&model_name=source&field_name=bot_profile&term=av"
        assert alice.get(f"/admin/autocomplete/{query}").json()["results"][0]["text"] == "Ava"

    def test_an_unknown_row_is_not_found(self, alice, rows):
        for model in (Chat, Source, User, ApiToken):
            url = alice.url(tenant_site, model, "change", "00000000-0000-0000-0000-000000000000")
            assert alice.get(url).status_code in (
                302,
                404,
            )  # Django's own answer is the way back to the index
        assert alice.get("/admin/knowledge/source/nonsense/ingest/").status_code == 404


def rows_tenant(rows: dict[type, Any]) -> Tenant:
    return rows[User].tenant


class TestLinks:
    def test_every_link_stays_under_the_tenants_path(self, alice, rows):
        for path in (
            "/admin/",
            "/admin/knowledge/source/",
            "/admin/login/?next=/t/acme/admin/",
            "/admin/password_change/",
        ):
            for link in re.findall(
                r'(?:href|action|src)="(/[^"]*)"', alice.get(path, follow=False).content.decode()
            ):
                assert link.startswith(("/t/acme/", "/static/")), (path, link)

    def test_log_in_without_next_leads_to_the_admin(self, acme):
        client = Browser("acme")
        done = client.post(
            "/admin/login/", {"username": "alice@acme.example.com", "password": PASSWORD}
        )
        assert done.status_code == 302 and done["Location"] == "/t/acme/admin/"


class TestStrangers:
    """Every page, opened by nobody and with another tenant's session: tests/test_admin_access.py; every form as well:
    `TestAdmins` of tests/test_isolation.py."""

    def test_the_anonymous_are_sent_to_the_log_in_of_the_same_site(self, rows, platform_rows):
        for slug, site, all_rows in (
            ("acme", tenant_site, rows),
            (None, platform_site, platform_rows),
        ):
            nobody = Browser(slug)
            for _, url in islice(pages_of(nobody, site, all_rows), 12):
                answer = nobody.get(url)
                assert answer.status_code == 302, url
                assert answer["Location"].startswith(
                    f"{nobody.prefix}/admin/login/?next={nobody.prefix}/admin/"
                ), url

    @pytest.mark.parametrize(
        ("email", "slug"),
        [
            ("gina@globex.example.com", "acme"),
            ("alice@acme.example.com", "globex"),
            ("alice@acme.example.com", None),
            ("bob@acme.example.com", None),
            ("nobody@acme.example.com", "acme"),
        ],
    )
    def test_nobody_logs_in_where_they_do_not_belong(self, acme, globex, email, slug):
        client = Browser(slug)
        assert client.log_in(email).status_code == 200
        assert client.get("/admin/").status_code == 302

    def test_a_tenants_session_cookie_lies_below_its_path(self, alice):
        assert alice.cookies["sessionid_acme"]["path"] == "/t/acme/"

    def test_gina_sees_nothing_of_acme_in_her_own_admin(self, rows, globex):
        gina = browser("gina@globex.example.com", "globex")
        for model in (BotProfile, Source, Document, Chunk, Chat, Webhook, User, ApiToken):
            html = gina.get(gina.url(tenant_site, model, "changelist")).content.decode()
            assert str(rows[model].pk) not in html and "acme.example.com" not in html, model
        for model in (BotProfile, Source, Document, Chunk, Chat, Webhook, User, ApiToken):
            answer = gina.get(gina.url(tenant_site, model, "change", rows[model].pk))
            assert answer.status_code == 404 or answer["Location"] == "/t/globex/admin/", model

    def test_guessing_passwords_is_slowed_down(self, acme, settings, fresh_limits):
        settings.LOGIN_RATE = "3/minute"
        client = Browser("acme")
        for _ in range(3):
            client.log_in("alice@acme.example.com", "wrong")
        assert (
            client.log_in("alice@acme.example.com").status_code == 429
        )  # right, and refused all the same
        assert Browser("acme").log_in("bob@acme.example.com").status_code == 302


class TestMembers:
    @pytest.fixture
    def rows(self, rows, bob):
        """What a member sees: everything, but only their own tokens."""
        return rows | {ApiToken: ApiToken.objects.mint(user=bob, name="Bob's")[0]}

    def test_a_member_reads_every_list_and_row(self, member, rows):
        for page, url in pages_of(member, tenant_site, rows):
            closed = page in ("add", "delete") and not url.endswith("apitoken/add/")
            expected = 403 if closed or "auditevent" in url else 200
            assert member.get(url).status_code == expected, url

    def test_a_member_makes_revokes_and_sees_tokens_of_his_own_alone(self, member, rows, acme, bob):
        url = member.url(tenant_site, ApiToken, "add")
        member.post(url, {"name": "more", "user": str(bob.pk)})
        assert (
            "not one of the available choices"
            in member.post(url, {"user": str(acme.owner.pk)}).content.decode()
        )
        assert set(ApiToken.objects.filter(user=bob).values_list("name", flat=True)) == {
            "Bob's",
            "more",
        }
        of_the_owner = ApiToken.objects.get(user=acme.owner)
        listed = member.get(member.url(tenant_site, ApiToken, "changelist")).content.decode()
        assert str(rows[ApiToken].pk) in listed and str(of_the_owner.pk) not in listed
        for act in ("revoke", "rotate"):
            assert (
                member.post(
                    f"/admin/tenants/apitoken/{of_the_owner.pk}/{act}/", {"overlap": "0"}
                ).status_code
                == 404
            )
        member.post(
            "/admin/tenants/apitoken/",
            {"action": "revoke_chosen", "_selected_action": [str(of_the_owner.pk)]},
        )
        assert (
            member.post(f"/admin/tenants/apitoken/{rows[ApiToken].pk}/revoke/").status_code == 302
        )
        active = ApiToken.objects.filter(tenant=acme.tenant, is_active=True)
        assert set(active.values_list("name", flat=True)) == {"default", "more"}

    def test_what_is_no_key_is_refused_with_a_sentence_where_rows_are_searched(self, alice, rows):
        searched = {
            model: page.autocomplete_fields
            for model, page in tenant_site._registry.items()
            if page.autocomplete_fields
        }
        assert len(searched) > 5
        for model, fields in searched.items():
            for page, args in (("add", ()), ("change", (rows[model].pk,))):
                url = alice.url(tenant_site, model, page, *args)
                if alice.get(url).status_code == 200:
                    answer = alice.post(url, dict.fromkeys(fields, "taken over"))
                    assert answer.status_code in (200, 302), (model, page)  # a gate keeps its bot
        bot = alice.url(tenant_site, BotProfile, "change", rows[BotProfile].pk)
        assert alice.post(bot, {"filter_sources": "x", "filter_datasets": "y"}).status_code == 200

    def test_a_member_changes_nothing(self, member, rows):
        for model in tenant_site._registry:
            if model in rows:
                for page in ("change", "delete"):
                    answer = member.post(
                        member.url(tenant_site, model, page, rows[model].pk),
                        {"post": "yes", "name": "X"},
                    )
                    assert answer.status_code == 403, (model, page)
            if model is not ApiToken:
                assert (
                    member.post(member.url(tenant_site, model, "add"), {"name": "X"}).status_code
                    == 403
                ), model
        assert (
            BotProfile.objects.get(name="Ava").name == "Ava"
            and Source.objects.filter(deleted_at=None).count() == 1
        )

    def test_a_member_runs_no_action(self, member, rows):
        actions = {
            BotProfile: ["activate", "deactivate"],
            Source: ["ingest_chosen", "deactivate_chosen", "delete_selected"],
            User: ["deactivate_chosen"],
        }
        for model, names in actions.items():
            for name in names:
                data = {"action": name, "_selected_action": [str(rows[model].pk)], "post": "yes"}
                member.post(member.url(tenant_site, model, "changelist"), data)
        for path in (
            f"knowledge/source/{rows[Source].pk}/ingest/",
            f"tenants/user/{rows[User].pk}/set_password/",
        ):
            assert member.get(f"/admin/{path}").status_code == 403, path
            assert (
                member.post(
                    f"/admin/{path}", {"password": "long enough", "again": "long enough"}
                ).status_code
                == 403
            )
        source = Source.objects.get()
        assert source.is_active and source.queued_at is None and source.deleted_at is None
        assert (
            BotProfile.objects.get(name="Ava").is_active
            and User.objects.get(pk=rows[User].pk).is_active
        )

    def test_a_member_is_told_so(self, member, rows):
        assert "You are a member here" in member.get("/admin/").content.decode()


class TestSecrets:
    def test_a_new_token_is_shown_once_and_works(self, alice, acme):
        url = alice.url(tenant_site, ApiToken, "add")
        answer = alice.post(
            url,
            {"name": "backend", "user": str(acme.owner.pk), "expires_at_0": "", "expires_at_1": ""},
        )
        secret = re.search(r'id="secret" value="([^"]{43})"', answer.content.decode())[1]
        assert "no-store" in answer["Cache-Control"]
        assert Client().get("/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {secret}").status_code == 200
        for page in (
            alice.url(tenant_site, ApiToken, "changelist"),
            "/admin/",
            "/admin/admin/logentry/",
        ):
            assert secret not in alice.get(page).content.decode()

    def test_a_tokens_owner_is_one_of_ours(self, alice, globex):
        answer = alice.post(
            alice.url(tenant_site, ApiToken, "add"), {"name": "x", "user": str(globex.owner.pk)}
        )
        assert "not one of the available choices" in answer.content.decode()
        assert ApiToken.objects.filter(user=globex.owner).count() == 1


def bot_form(**changes: Any) -> dict[str, Any]:
    fields = {
        "name": "Ava",
        "description": "",
        "is_active": "on",
        "system_prompt": "",
        "passage_count": 5,
        "history_turns": 10,
        "model": "minirag/extractive",
        "embedding_model": "",
        "temperature": 0.7,
        "max_tokens": 100,
        "new_api_key": "",
        "new_api_base": "",
        "unsupported_mode": "mark",
        "refusal_mode": "strict",
        "refusal_floor": "",
        "refusal_text": "",
        "fusion": "max_norm",
        "dense_weight": "",
        "filter_tags": "",
        "recency_days": "",
        "rerank_model": "",
        "query_variations": 0,
        "greeting": "Hi",
        "contact": "",
        "asks_back": "on",
        "follow_up_questions": "on",
        "condense_mode": "auto",
        "condense_model": "",
        "starter_questions": "What?\nHow?\n\n",
        "allowed_origins": "https://WWW.example.com/",
    }
    return {**fields, **changes}


class TestBots:
    def test_an_owner_makes_a_bot_and_the_log_says_so(self, alice, in_acme):
        answer = alice.post(alice.url(tenant_site, BotProfile, "add"), bot_form())
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        bot = BotProfile.objects.get()
        assert bot.starter_questions == ["What?", "How?"] and bot.allowed_origins == [
            "https://www.example.com"
        ]
        assert not bot.is_public
        assert LogEntry.objects.get().object_id == str(bot.pk)

    def test_an_owner_makes_a_bot_public(self, alice, in_acme):
        bot = create_bot({"name": "Ava"})
        url = alice.url(tenant_site, BotProfile, "change", bot.pk)
        assert alice.post(url, bot_form(is_public="on")).status_code == 302
        assert BotProfile.objects.get().is_public

    def test_the_api_key_is_written_kept_replaced_and_forgotten(self, alice, in_acme):
        bot = create_bot({"name": "Ava"})
        url = alice.url(tenant_site, BotProfile, "change", bot.pk)
        for data, expected in (
            ({"new_api_key": API_KEY}, API_KEY),
            ({}, API_KEY),
            ({"new_api_key": "sk-new"}, "sk-new"),
            ({"clear_api_key": "on"}, None),
        ):
            assert alice.post(url, bot_form(**data)).status_code == 302
            assert BotProfile.objects.get().credentials.api_key == expected
        assert alice.post(url, bot_form(new_api_key="a", clear_api_key="on")).status_code == 200

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("allowed_origins", "nonsense"),
            ("allowed_origins", "*"),
            ("starter_questions", "x\n" * 11),
            ("temperature", "3"),
            ("name", "a\x00b"),
        ],
    )
    def test_bad_values_are_refused_at_their_field(self, alice, in_acme, field, value):
        answer = alice.post(alice.url(tenant_site, BotProfile, "add"), bot_form(**{field: value}))
        assert answer.status_code == 200 and field in answer.context["adminform"].form.errors

    def test_an_owner_chooses_what_is_kept_from_models(self, alice, in_acme):
        chosen = {
            "masking_choice": "own", "masked_kinds": ["email", "iban"], "masks_passages": "on",
            "masked_patterns": "K-\\d{6}\n",
        }  # fmt: skip
        add = alice.url(tenant_site, BotProfile, "add")
        assert alice.post(add, bot_form(**chosen)).status_code == 302
        bot = BotProfile.objects.get()
        own = {"kinds": ["email", "iban"], "patterns": [r"K-\d{6}"], "passages": True}
        assert bot.masking == own
        change = alice.url(tenant_site, BotProfile, "change", bot.pk)
        page = alice.get(change).content.decode()
        assert "Credit card numbers" in page and r"K-\d{6}" in page
        assert alice.post(change, bot_form()).status_code == 302
        bot.refresh_from_db()
        assert bot.masking == own, "what is not sent stays"
        wrong = alice.post(change, bot_form(**{**chosen, "masked_patterns": "(?=a)b"}))
        assert wrong.status_code == 200 and "RE2" in wrong.content.decode()
        nothing, tenants = {"masking_choice": "own"}, {**chosen, "masking_choice": "tenant"}
        for sent, kept in ((nothing, {"kinds": []}), (tenants, {})):
            assert alice.post(change, bot_form(**sent)).status_code == 302
            bot.refresh_from_db()
            assert bot.masking == kept

    def test_bots_are_switched_off_and_on(self, alice, rows):
        url = alice.url(tenant_site, BotProfile, "changelist")
        for action, expected in (("deactivate", False), ("activate", True)):
            alice.post(url, {"action": action, "_selected_action": [str(rows[BotProfile].pk)]})
            assert BotProfile.objects.get(name="Ava").is_active is expected


class TestSources:
    def add(self, alice: Browser, bot: BotProfile, **fields: Any) -> Any:
        data = {
            "bot_profile": str(bot.pk),
            "name": "",
            "description": "",
            "content": "",
            "url": "",
            "refresh_schedule": "",
        }
        return alice.post(alice.url(tenant_site, Source, "add"), {**data, **fields})

    def test_a_text_is_added_and_queued(self, alice, rows):
        answer = self.add(
            alice, rows[BotProfile], source_type="text", name="Note", content="Wash your hands.",
            drop_lines="Draft *",
        )  # fmt: skip
        assert answer.status_code == 302
        source = Source.objects.get(name="Note")
        assert (
            source.queued_at
            and source.content == "Wash your hands."
            and source.config == {"clean": {"drop_lines": ["Draft *"]}}
            and source.dataset.bot_profile == rows[BotProfile]
        )

    def test_a_file_is_added_and_queued(self, alice, rows):
        file = BytesIO(b"# Manual\n\nPress the button.")
        file.name = "manual.md"
        fields = {"source_type": "upload", "file": file, "drop_lines": "Draft *"}
        assert self.add(alice, rows[BotProfile], **fields).status_code == 302
        source = Source.objects.get(name="manual.md")
        assert source.config["clean"] == {"drop_lines": ["Draft *"]}
        assert source.queued_at and bytes(source.file.data).startswith(b"# Manual")

    def test_a_web_page_is_added_and_queued(self, alice, rows):
        answer = self.add(
            alice,
            rows[BotProfile],
            source_type="url",
            url="https://www.example.com/faq",
            refresh_schedule="daily",
            keep_selector="main",
        )
        assert answer.status_code == 302
        source = Source.objects.get(source_type="url")
        assert (
            source.config["url"] == source.name == "https://www.example.com/faq"
            and source.config["clean"] == {"keep_selector": "main"}
            and source.refresh_schedule == "daily"
        )

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"source_type": "text", "name": "x"}, "content"),
            ({"source_type": "text", "content": "x"}, "name"),
            ({"source_type": "upload"}, "file"),
            ({"source_type": "url"}, "url"),
            ({"source_type": "url", "url": "http://127.0.0.1/"}, "url"),
            ({"source_type": "url", "url": "file:///etc/passwd"}, "url"),
            ({"source_type": "nyxcore", "base_url": "http://127.0.0.1/"}, "base_url"),
            ({"source_type": "nyxcore", "limit": "51"}, "limit"),
            ({"source_type": "nyxcore", "authority": "law"}, "authority"),
            ({"source_type": "nyxcore", "api_token": "two words"}, "api_token"),
            ({"source_type": "magic"}, "source_type"),
            (
                {"source_type": "text", "name": "x", "content": "x", "drop_selectors": "p[["},
                "drop_selectors",
            ),
            ({"source_type": "text", "name": "x", "content": "a\x00b"}, "content"),
        ],
    )
    def test_what_cannot_be_ingested_is_refused_at_its_field(self, alice, rows, fields, field):
        answer = self.add(alice, rows[BotProfile], **fields)
        assert answer.status_code == 200 and field in answer.context["adminform"].form.errors
        assert Source.objects.count() == 1

    def test_a_nyxcore_base_is_added_changed_and_its_token_never_shown(self, alice, rows):
        given = {
            "base_url": "https://axiom.example.com",
            "api_token": "nyx_ax_secret",
            "limit": "7",
        }
        answer = self.add(
            alice, rows[BotProfile], source_type="nyxcore", authority=["mandatory"], **given
        )
        assert answer.status_code == 302
        source = Source.objects.get(source_type="nyxcore")
        assert (
            source.queued_at
            and source.name == "nyxCore"
            and reveal_secret(source) == "nyx_ax_secret"
        )
        sealed = source.config["encrypted_token"]
        assert source.config == {
            "base_url": "https://axiom.example.com", "limit": 7, "authority": ["mandatory"], "encrypted_token": sealed,
        }  # fmt: skip
        Source.objects.update(queued_at=None, status=SourceStatus.READY)
        url = alice.url(tenant_site, Source, "change", source.pk)
        page = alice.get(url).content.decode()
        assert (
            "https://axiom.example.com" in page
            and "nyx_ax_secret" not in page
            and sealed not in page
        )
        data = {"name": "Rules", "description": "", "is_active": "on", "refresh_schedule": "daily"}
        same = {**data, "base_url": "https://axiom.example.com", "api_token": "", "limit": "9"}
        assert alice.post(url, same).status_code == 302
        source.refresh_from_db()
        assert (source.config["limit"], reveal_secret(source)) == (9, "nyx_ax_secret")
        assert (
            source.queued_at
            and source.refresh_schedule == "daily"
            and "authority" not in source.config
        )
        assert alice.post(url, {**same, "base_url": "https://other.example.com"}).status_code == 302
        source.refresh_from_db()
        assert reveal_secret(source) is None, "another server must not get it"

    def test_a_bucket_is_added_changed_and_its_secret_never_shown(self, alice, rows):
        given = {
            "bucket": "manuals",
            "access_key": "AKIA1",
            "secret_key": "s3cret/key",
            "folder": "public",
        }
        wrong = self.add(
            alice, rows[BotProfile], source_type="s3", **given | {"bucket": "no bucket"}
        )
        assert "bucket" in wrong.context["adminform"].form.errors
        assert self.add(alice, rows[BotProfile], source_type="s3", **given).status_code == 302
        source = Source.objects.get(source_type="s3")
        assert source.queued_at and source.name == "manuals"
        assert reveal_secret(source) == "s3cret/key" and "secret_key" not in source.config
        Source.objects.update(queued_at=None, status=SourceStatus.READY)
        url = alice.url(tenant_site, Source, "change", source.pk)
        page = alice.get(url).content.decode()
        assert (
            "AKIA1" in page
            and "s3cret" not in page
            and source.config["encrypted_token"] not in page
        )
        data = {
            "name": "Manuals",
            "description": "",
            "is_active": "on",
            "refresh_schedule": "daily",
        }
        same = {**data, **given, "secret_key": "", "folder": "manuals", "path_style": "False"}
        assert alice.post(url, same).status_code == 302
        source.refresh_from_db()
        assert source.queued_at and reveal_secret(source) == "s3cret/key"
        assert (source.config["folder"], source.config["path_style"]) == ("manuals", False)
        assert alice.post(url, {**same, "url": "https://s3.example.com"}).status_code == 302
        source.refresh_from_db()
        assert reveal_secret(source) is None, "another server must not get it"

    @pytest.mark.parametrize(
        ("name", "data"), [("virus.exe", b"MZ"), ("broken.pdf", b"%PDF-1.4 nonsense")]
    )
    def test_a_file_that_cannot_be_read_is_refused(self, alice, rows, name, data):
        file = BytesIO(data)
        file.name = name
        answer = self.add(alice, rows[BotProfile], source_type="upload", file=file)
        assert "file" in answer.context["adminform"].form.errors

    def test_changing_the_text_ingests_it_again_and_renaming_does_not(self, alice, rows):
        url = alice.url(tenant_site, Source, "change", rows[Source].pk)
        data = {
            "name": "Renamed",
            "description": "",
            "is_active": "on",
            "content": "Error E24: clean it.",
        }
        assert alice.post(url, data).status_code == 302
        source = Source.objects.get()
        assert source.name == "Renamed" and source.queued_at is None
        alice.post(url, {**data, "content": "Error E24: replace it."})
        source.refresh_from_db()
        assert source.queued_at and source.content.endswith("replace it.")

    def test_rules_of_cleaning_are_kept_checked_and_read_anew(self, alice, rows):
        url = alice.url(tenant_site, Source, "change", rows[Source].pk)
        assert 'name="drop_lines"' in alice.get(url).content.decode()
        data = {
            "name": "Handbook",
            "description": "",
            "is_active": "on",
            "content": "Error E24: clean it.",
        }
        answer = alice.post(url, {**data, "drop_selectors": "p[["})
        assert "not a CSS selector" in str(
            answer.context["adminform"].form.errors["drop_selectors"]
        )
        alice.post(
            url, {**data, "drop_lines": "Was this helpful? *\nDraft", "keep_selector": "main"}
        )
        source = Source.objects.get()
        rules = {"drop_lines": ["Was this helpful? *", "Draft"], "keep_selector": "main"}
        assert source.config["clean"] == rules and source.queued_at
        alice.post(url, {**data, "name": "What is not sent stays"})
        source.refresh_from_db()
        assert source.name == "What is not sent stays" and source.config["clean"] == rules
        alice.post(url, {**data, "drop_lines": "", "keep_selector": "", "drop_selectors": ""})
        source.refresh_from_db()
        assert "clean" not in source.config

    def test_saving_does_not_overwrite_what_the_worker_wrote_meanwhile(self, alice, rows):
        url = alice.url(tenant_site, Source, "change", rows[Source].pk)
        page = alice.get(url)
        assert page.status_code == 200
        Source.objects.update(status=SourceStatus.READY, chunk_count=7)
        alice.post(
            url,
            {
                "name": "New",
                "description": "",
                "is_active": "on",
                "content": "Error E24: clean it.",
            },
        )
        source = Source.objects.get()
        assert (source.name, source.status, source.chunk_count) == ("New", SourceStatus.READY, 7)

    def test_the_reason_of_a_failure_is_on_the_list_and_on_the_page(self, alice, rows):
        for url in (
            alice.url(tenant_site, Source, "changelist"),
            alice.url(tenant_site, Source, "change", rows[Source].pk),
            "/admin/",
        ):
            assert "The page answered 404." in alice.get(url).content.decode()

    def test_ingest_again_from_the_page_and_from_the_list(self, alice, rows):
        answer = alice.post(f"/admin/knowledge/source/{rows[Source].pk}/ingest/")
        assert answer.status_code == 302 and Source.objects.get().queued_at
        Source.objects.update(queued_at=None)
        data = {"action": "ingest_chosen", "_selected_action": [str(rows[Source].pk)]}
        alice.post(alice.url(tenant_site, Source, "changelist"), data)
        assert Source.objects.get().queued_at

    def test_a_link_alone_starts_nothing(self, alice, rows):
        assert alice.get(f"/admin/knowledge/source/{rows[Source].pk}/ingest/").status_code == 200
        assert Source.objects.get().queued_at is None

    def test_deleting_is_soft_from_the_page_and_from_the_list(self, alice, rows):
        other = create_source({**SOURCE, "bot_profile_id": rows[BotProfile].pk})
        alice.post(alice.url(tenant_site, Source, "delete", rows[Source].pk), {"post": "yes"})
        data = {"action": "delete_selected", "_selected_action": [str(other.pk)], "post": "yes"}
        alice.post(alice.url(tenant_site, Source, "changelist"), data)
        assert Source.objects.filter(deleted_at__isnull=False, is_active=False).count() == 2
        alice.get("/admin/")  # the notice of what was done names it once more
        assert (
            "Handbook"
            not in alice.get(alice.url(tenant_site, Source, "changelist")).content.decode()
        )

    def test_sources_are_switched_off_and_on(self, alice, rows):
        for action, expected in (("deactivate_chosen", False), ("activate_chosen", True)):
            data = {"action": action, "_selected_action": [str(rows[Source].pk)]}
            alice.post(alice.url(tenant_site, Source, "changelist"), data)
            assert Source.objects.get().is_active is expected

    def test_a_long_list_costs_no_query_per_row(self, alice, rows, django_assert_max_num_queries):
        for number in range(30):
            create_source({**SOURCE, "bot_profile_id": rows[BotProfile].pk, "name": f"S{number}"})
        with django_assert_max_num_queries(14):
            alice.get(alice.url(tenant_site, Source, "changelist"))


SOURCE = {"source_type": "text", "name": "Other", "content": "x"}


class TestChats:
    def test_the_whole_thread_is_on_one_page(self, alice, rows):
        html = alice.get(alice.url(tenant_site, Chat, "change", rows[Chat].pk)).content.decode()
        for text in (
            "What is E24?",
            "Clean it. [1]",
            "The sources say too little of it",
            "0.123",
            "0.346",
            "Negative feedback",
            "0.870",
        ):
            assert text in html
        assert (
            f"/t/acme/admin/knowledge/source/{rows[Source].pk}/change/" in html
            and "minirag/extractive" in html
        )

    def test_what_was_cited_stays_readable_when_its_source_is_gone(self, alice, rows):
        delete_source(rows[Source].pk)
        html = alice.get(alice.url(tenant_site, Chat, "change", rows[Chat].pk)).content.decode()
        assert "its source is gone" in html and "Error E24" in html

    def test_markup_in_a_message_is_text(self, alice, rows):
        Message.objects.create(
            chat=rows[Chat], role=MessageRole.USER, content="<script>alert(1)</script>"
        )
        html = alice.get(alice.url(tenant_site, Chat, "change", rows[Chat].pk)).content.decode()
        assert "<script>alert(1)" not in html and "&lt;script&gt;alert(1)" in html


class TestLongLists:
    """As many queries for thirty rows as for one."""

    def fill(self, rows: dict[type, Any]) -> None:
        for number in range(30):
            chat = Chat.objects.create(
                bot_profile=rows[BotProfile], title=f"C{number}", user_id=rows[User].pk
            )
            UsageEvent.objects.create(
                bot_profile=rows[BotProfile], chat_id=chat.pk, model="minirag/minilm"
            )
            Document.objects.create(source=rows[Source], title=f"D{number}", content_hash="0")
            Chunk.objects.create(
                id=chat.pk,
                document=rows[Document],
                source=rows[Source],
                ordinal=number,
                content="x",
                token_count=1,
                content_hash="0",
            )
            Delivery.objects.create(webhook=rows[Webhook], event_type="chat.message", body="{}")
            LogEntry.objects.create(
                user_id=rows[User].pk, object_repr="x", action_flag=2, change_message="changed"
            )
            Webhook.objects.create(url=f"https://hooks.example.com/{number}", events=[])
            ApiToken.objects.mint(user=rows[User], name=f"T{number}")
            User.objects.create(email=f"u{number}@acme.example.com", tenant=rows[User].tenant)

    @pytest.mark.parametrize(
        "model", [Chat, UsageEvent, Document, Chunk, Delivery, LogEntry, Webhook, ApiToken, User]
    )
    def test_cost_no_query_per_row(self, alice, rows, model, django_assert_max_num_queries):
        self.fill(rows)
        with django_assert_max_num_queries(14):
            assert alice.get(alice.url(tenant_site, model, "changelist")).status_code == 200

    def test_on_the_platform_neither(
        self, operator, platform_rows, rows, django_assert_max_num_queries
    ):
        self.fill(rows)
        for model in (User, ApiToken, AuditEvent, SchemaMigration, Domain, Tenant):
            with django_assert_max_num_queries(14):
                assert (
                    operator.get(operator.url(platform_site, model, "changelist")).status_code
                    == 200
                )


class TestPeople:
    def make(self, acme: Party, role: str) -> User:
        return User.objects.create_user(
            f"{role}2@acme.example.com", PASSWORD, tenant=acme.tenant, role=role
        )

    def test_a_new_user_belongs_to_the_tenant_and_has_no_password_yet(self, alice, acme):
        data = {"email": "Carl@ACME.example.com", "display_name": "Carl", "role": "member"}
        assert alice.post(alice.url(tenant_site, User, "add"), data).status_code == 302
        carl = User.objects.get(email="Carl@acme.example.com")
        assert carl.tenant == acme.tenant and not carl.is_superuser and carl.role == "member"
        assert not carl.has_usable_password()
        assert Browser("acme").log_in("Carl@acme.example.com", "").status_code == 200

    def test_a_tenant_cannot_be_chosen_in_a_tenant(self, alice, acme, globex):
        data = {
            "email": "eve@x.example.com",
            "role": "owner",
            "password": PASSWORD,
            "tenant": str(globex.tenant.pk),
        }
        alice.post(alice.url(tenant_site, User, "add"), {**data, "is_superuser": "on"})
        eve = User.objects.get(email="eve@x.example.com")
        assert eve.tenant == acme.tenant and not eve.is_superuser

    def test_an_address_is_there_once_and_is_one(self, alice, acme):
        url = alice.url(tenant_site, User, "add")
        for email in ("bob@acme.example.com", "bob@ACME.example.com", "bob", ""):
            assert alice.post(url, {"email": email, "role": "member"}).status_code == 200, email

    def test_an_admin_neither_makes_nor_touches_owners(self, acme):
        self.make(acme, "admin")
        admin = browser("admin2@acme.example.com", "acme")
        answer = admin.post(
            admin.url(tenant_site, User, "add"),
            {"email": "x@acme.example.com", "role": "owner", "password": PASSWORD},
        )
        assert answer.status_code == 200
        change = admin.url(tenant_site, User, "change", acme.owner.pk)
        assert (
            admin.post(change, {"email": "alice@acme.example.com", "role": "member"}).status_code
            == 403
        )
        assert (
            admin.post(f"/admin/tenants/user/{acme.owner.pk}/set_password/", {}).status_code == 403
        )
        token = ApiToken.objects.get(user=acme.owner)
        assert (
            admin.post(f"/admin/tenants/apitoken/{token.pk}/rotate/", {"overlap": "0"}).status_code
            == 403
        )
        answer = admin.post(
            admin.url(tenant_site, ApiToken, "add"), {"name": "x", "user": str(acme.owner.pk)}
        )
        assert "not one of the available choices" in answer.content.decode()
        admin.post(
            "/admin/tenants/user/",
            {"action": "deactivate_chosen", "_selected_action": [str(acme.owner.pk)]},
        )
        acme.owner.refresh_from_db()
        assert acme.owner.is_active and acme.owner.role == "owner"
        assert list(ApiToken.objects.filter(user=acme.owner)) == [token]

    def test_an_admin_revokes_any_token_an_owners_too(self, acme, as_acme):
        self.make(acme, "admin")
        token = ApiToken.objects.get(user=acme.owner)
        admin = browser("admin2@acme.example.com", "acme")
        assert admin.post(f"/admin/tenants/apitoken/{token.pk}/revoke/").status_code == 302
        assert as_acme.get("/v1/auth/me").status_code == 401

    def test_an_operator_cannot_take_the_last_owner_from_a_tenant_by_accident(self, operator, acme):
        url = operator.url(platform_site, User, "change", acme.owner.pk)
        page = operator.post(
            url, {"email": acme.owner.email, "display_name": "", "role": "member"}, follow=True
        )
        assert "The last active owner cannot be disabled or demoted" in page.content.decode()
        operator.post(
            "/admin/tenants/user/",
            {"action": "deactivate_chosen", "_selected_action": [str(acme.owner.pk)]},
        )
        owner = User.objects.get(pk=acme.owner.pk)
        assert (owner.role, owner.is_active, owner.display_name) == ("owner", True, "Alice")

    def test_who_changes_his_own_password_stays_and_his_other_browsers_go(self, alice, acme):
        other = browser("alice@acme.example.com", "acme")
        jwt = Client(HTTP_AUTHORIZATION=f"Bearer {issue_jwt(acme.owner)}")
        new = {"password": "a new password", "again": "a new password"}
        assert (
            alice.post(f"/admin/tenants/user/{acme.owner.pk}/set_password/", new).status_code == 302
        )
        assert [alice.get("/admin/").status_code, other.get("/admin/").status_code] == [200, 302]
        assert jwt.get("/v1/auth/me").status_code == 401
        own = {
            "old_password": "a new password",
            "new_password1": "a third one",
            "new_password2": "a third one",
        }
        assert alice.post("/admin/password_change/", own).status_code == 302
        assert (
            AuditEvent.objects.filter(action="user.password_set", actor=acme.owner.email).count()
            == 2
        )
        assert alice.get("/admin/").status_code == 200

    def test_what_happens_here_is_in_the_platforms_log_as_well(self, alice, acme, bob):
        changed = {"email": bob.email, "role": "admin", "is_active": "on"}
        alice.post(alice.url(tenant_site, User, "change", bob.pk), changed)
        alice.post(
            "/admin/tenants/user/",
            {"action": "deactivate_chosen", "_selected_action": [str(bob.pk)]},
        )
        acts = AuditEvent.objects.filter(tenant_slug="acme", action__startswith="user.").order_by(
            "id"
        )
        assert list(acts.values_list("action", "actor")) == [
            (f"user.{act}", acme.owner.email) for act in ("role_changed", "changed", "disabled")
        ]

    def test_nobody_locks_themselves_out(self, alice, acme):
        url = alice.url(tenant_site, User, "change", acme.owner.pk)
        alice.post(url, {"email": "alice@acme.example.com", "display_name": "Al", "role": "member"})
        alice.post(
            "/admin/tenants/user/",
            {"action": "deactivate_chosen", "_selected_action": [str(acme.owner.pk)]},
        )
        acme.owner.refresh_from_db()
        assert (acme.owner.display_name, acme.owner.role, acme.owner.is_active) == (
            "Al",
            "owner",
            True,
        )

    def test_setting_a_password_ends_the_sessions(self, alice, member, bob):
        url = f"/admin/tenants/user/{bob.pk}/set_password/"
        assert (
            alice.post(url, {"password": "a new password", "again": "another"}).status_code == 200
        )
        assert (
            alice.post(url, {"password": "a new password", "again": "a new password"}).status_code
            == 302
        )
        assert member.get("/admin/").status_code == 302
        assert Browser("acme").log_in("bob@acme.example.com", "a new password").status_code == 302

    def test_a_deactivated_user_is_out_at_once(self, alice, member, bob):
        alice.post(
            "/admin/tenants/user/",
            {"action": "deactivate_chosen", "_selected_action": [str(bob.pk)]},
        )
        assert member.get("/admin/").status_code == 302

    def test_a_token_is_made_with_scopes_a_bot_and_an_end(self, alice, acme, rows):
        bot = BotProfile.objects.get(name="Ava")
        data = {
            "name": "shop", "user": str(acme.owner.pk), "rights": ["chat", "read"], "bot_profile_id": str(bot.pk),
            "expires_at_0": "2099-01-01", "expires_at_1": "00:00",
        }  # fmt: skip
        assert alice.post(alice.url(tenant_site, ApiToken, "add"), data).status_code == 200
        token = ApiToken.objects.get(name="shop")
        assert (token.rights, token.bot_profile_id, token.expires_at.year) == (
            ["chat", "read"],
            bot.pk,
            2099,
        )
        page = alice.get(alice.url(tenant_site, ApiToken, "change", token.pk)).content.decode()
        assert "chat, read" in page and bot.name in page

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [({"bot_profile_id": str(uuid4())}, "Select a valid choice"), ({"bot_profile_id": "x"}, "not a valid UUID"),
         ({"user": "x"}, "not a valid UUID"), ({"rights": ["king"]}, "Select a valid choice"),
         ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}, "in the past")],
    )  # fmt: skip
    def test_a_token_that_the_rules_forbid_is_not_made(self, alice, acme, fields, sentence):
        answer = alice.post(
            alice.url(tenant_site, ApiToken, "add"),
            {"name": "shop", "user": str(acme.owner.pk), **fields},
        )
        assert sentence in answer.content.decode()
        assert not ApiToken.objects.filter(name="shop").exists()

    def test_rotating_shows_the_new_secret_once_and_ends_the_old_one(self, alice, acme, as_acme):
        token = ApiToken.objects.get(user=acme.owner)
        page = alice.post(
            f"/admin/tenants/apitoken/{token.pk}/rotate/", {"overlap": "0"}
        ).content.decode()
        secret = re.search(r'id="secret" value="([^"]{43})"', page)[1]
        assert Client().get("/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {secret}").status_code == 200
        assert as_acme.get("/v1/auth/me").status_code == 401

    def test_revoking_stops_a_token(self, alice, acme, as_acme):
        token = ApiToken.objects.get(user=acme.owner)
        assert alice.post(f"/admin/tenants/apitoken/{token.pk}/revoke/").status_code == 302
        assert as_acme.get("/v1/auth/me").status_code == 401


class TestOperators:
    def test_an_operators_entry_is_recorded_once_for_each_stay(self, olga, in_acme):
        visitor = browser("olga@platform.example.com", "acme")
        reason = {"reason": "to look", "role": "owner", "minutes": "30"}
        assert visitor.post("/admin/enter/", reason).status_code == 302
        for _ in range(3):
            assert visitor.get("/admin/").status_code == 200
        entry = LogEntry.objects.get()
        assert entry.user == olga and "entered" in entry.change_message
        browser("olga@platform.example.com", "acme").post("/admin/enter/", reason)
        assert LogEntry.objects.count() == 2
        assert (
            "A platform operator entered" in visitor.get("/admin/admin/logentry/").content.decode()
        )

    def test_an_owners_entry_is_not(self, alice, in_acme):
        alice.get("/admin/")
        assert not LogEntry.objects.exists()

    def test_a_tenant_is_made_with_its_token_shown_once(self, operator):
        data = {
            "name": "Initech",
            "slug": "initech",
            "owner_email": "i@initech.example.com",
            "owner_password": PASSWORD,
        }
        answer = operator.post("/admin/tenants/tenant/add/", data)
        secret = re.search(r'id="secret" value="([^"]{43})"', answer.content.decode())[1]
        assert (
            Client().get("/v1/tenants/me", HTTP_AUTHORIZATION=f"Bearer {secret}").json()["slug"]
            == "initech"
        )
        event = AuditEvent.objects.get(action="tenant.provisioned", tenant_slug="initech")
        assert event.actor == "olga@platform.example.com"

    @pytest.mark.parametrize(
        "changes",
        [{"slug": "acme"}, {"slug": "Bad Slug"}, {"owner_email": "x"}, {"owner_password": "short"}],
    )
    def test_a_bad_tenant_is_refused_with_a_sentence(self, operator, changes):
        data = {
            "name": "I",
            "slug": "initech",
            "owner_email": "i@initech.example.com",
            "owner_password": PASSWORD,
        }
        answer = operator.post("/admin/tenants/tenant/add/", {**data, **changes})
        assert answer.status_code == 200 and answer.context["form"].errors
        assert not Tenant.objects.filter(slug="initech").exists()

    def test_suspend_archive_and_restore_with_a_reason(self, operator, acme):
        for act, status in (
            ("suspend", "suspended"),
            ("archive", "archived"),
            ("restore", "active"),
        ):
            url = f"/admin/tenants/tenant/{acme.tenant.pk}/{act}/"
            assert operator.get(url).status_code == 200
            assert operator.post(url, {"reason": "unpaid"}).status_code == 302
            acme.tenant.refresh_from_db()
            assert acme.tenant.status == status
        detail = AuditEvent.objects.get(action="tenant.suspended").detail
        assert detail == {"reason": "unpaid", "address": "127.0.0.1"}
        assert operator.post(f"/admin/tenants/tenant/{acme.tenant.pk}/restore/").status_code == 403

    def test_the_same_from_the_list(self, operator, acme):
        for act, status in (
            ("suspend", "suspended"),
            ("archive", "archived"),
            ("restore", "active"),
        ):
            data = {"action": f"{act}_chosen", "_selected_action": [str(acme.tenant.pk)]}
            before = acme.tenant.status
            assert acme.slug in operator.post("/admin/tenants/tenant/", data).content.decode()
            acme.tenant.refresh_from_db()
            assert acme.tenant.status == before, "a look first"
            done = operator.post("/admin/tenants/tenant/", {**data, "post": "yes"})
            assert done.status_code == 302
            acme.tenant.refresh_from_db()
            assert acme.tenant.status == status

    def test_erasing_needs_the_slug_typed(self, operator):
        data = {
            "name": "Initech",
            "slug": "initech",
            "owner_email": "i@initech.example.com",
            "owner_password": PASSWORD,
        }
        operator.post("/admin/tenants/tenant/add/", data)
        tenant = Tenant.objects.get(slug="initech")
        change = operator.url(platform_site, Tenant, "change", tenant.pk)
        url = f"/admin/tenants/tenant/{tenant.pk}/erase/"
        assert url not in operator.get(change).content.decode()
        refused = operator.post(url, {"slug": "initech"})
        assert "archive it first" in refused.content.decode()
        assert not TenantTransfer.objects.filter(slug="initech").exists()
        archive_tenant(tenant, actor="test")
        assert url in operator.get(change).content.decode()
        assert operator.post(url, {"slug": "initec"}).status_code == 200
        assert Tenant.objects.filter(slug="initech").exists()
        done = operator.post(url, {"slug": "initech"})
        job = TenantTransfer.objects.get(slug="initech")
        assert done["Location"] == operator.url(platform_site, TenantTransfer, "change", job.pk)
        assert job.kind == "erasure" and Tenant.objects.filter(slug="initech").exists()

    def test_a_user_without_a_tenant_is_an_operator(self, operator, acme):
        url = operator.url(platform_site, User, "add")
        data = {
            "email": "new@platform.example.com",
            "role": "member",
            "password": PASSWORD,
            "tenant": "",
        }
        assert operator.post(url, data).status_code == 302
        operator.post(url, {**data, "email": "new@acme.example.com", "tenant": str(acme.tenant.pk)})
        assert User.objects.get(email="new@platform.example.com").is_superuser
        assert not User.objects.get(email="new@acme.example.com").is_superuser

    def test_a_host_is_checked_like_on_the_command_line(self, operator, acme):
        url = operator.url(platform_site, Domain, "add")
        data = {"tenant": str(acme.tenant.pk), "is_primary": "on"}
        assert (
            operator.post(url, {**data, "domain": "https://bots.acme.example.com"}).status_code
            == 200
        )
        assert operator.post(url, {**data, "domain": "Bots.ACME.example.com"}).status_code == 302
        assert Domain.objects.get().domain == "bots.acme.example.com"
        operator.post(
            operator.url(platform_site, Domain, "delete", Domain.objects.get().pk), {"post": "yes"}
        )
        assert not Domain.objects.exists()

    def test_beats_tasks_can_be_paused(self, operator, platform_rows):
        task = platform_rows[PeriodicTask]
        data = {"description": "", "interval": task.interval_id, "crontab": ""}
        assert (
            operator.post(
                operator.url(platform_site, PeriodicTask, "change", task.pk), data
            ).status_code
            == 302
        )
        task.refresh_from_db()
        assert not task.enabled and task.name == "sweep"


class TestTenantsPutAway:
    @pytest.mark.parametrize("put_away", [suspend_tenant, archive_tenant])
    def test_everything_can_be_read_and_nothing_written(self, alice, rows, acme, put_away):
        put_away(acme.tenant, reason="unpaid")
        for page, url in pages_of(alice, tenant_site, rows):
            if put_away is suspend_tenant or page in ("add", "delete"):
                expected = 403 if page in ("add", "delete") else 200
                assert alice.get(url).status_code == expected, url
        html = alice.get("/admin/knowledge/source/").content.decode()
        assert "everything can be read and nothing changed. Reason: unpaid" in html
        assert "/admin/knowledge/source/add/" not in html
        assert alice.post(alice.url(tenant_site, BotProfile, "add"), bot_form()).status_code == 409
        assert alice.post(f"/admin/knowledge/source/{rows[Source].pk}/ingest/").status_code == 409

    def test_its_people_still_log_in_and_out(self, acme):
        suspend_tenant(acme.tenant)
        client = browser("alice@acme.example.com", "acme")
        assert client.post("/admin/logout/").status_code == 200


class TestOwnHost:
    def test_a_tenants_host_has_the_same_admin(self, rows, acme):
        with tenant_context(None):
            add_domain(acme.tenant, "bots.acme.example.com")
        client = Browser(HTTP_HOST="bots.acme.example.com")
        assert client.log_in("alice@acme.example.com").status_code == 302
        html = client.get("/admin/knowledge/source/").content.decode()
        assert "Handbook" in html and "/t/acme/" not in html

    def test_gina_does_not_get_in_there(self, acme, globex):
        add_domain(acme.tenant, "bots.acme.example.com")
        client = Browser(HTTP_HOST="bots.acme.example.com")
        assert client.log_in("gina@globex.example.com").status_code == 200


def test_an_export_is_downloaded_by_everybody_and_retried_by_managers(
    rows, alice, member, monkeypatch
):
    sent = []
    monkeypatch.setattr(write_export, "apply_async", lambda *given, **_: sent.append(given))
    export = rows[ExportJob]
    for somebody in (alice, member):
        page = somebody.get(f"/admin/conversations/exportjob/{export.pk}/change/").content.decode()
        assert "Succeeded" in page and "/download/" in page
        response = somebody.get(f"/admin/conversations/exportjob/{export.pk}/download/")
        assert (response.status_code, b"".join(response)) == (200, b"{}\n")
    ExportJob.objects.update(status="failed")
    refused = alice.get(f"/admin/conversations/exportjob/{export.pk}/download/")
    assert refused.status_code == 302
    retry = f"/admin/conversations/exportjob/{export.pk}/retry/"
    assert member.post(retry).status_code == 403
    assert alice.get(retry).status_code == 200
    assert ExportJob.objects.get().status == "failed"
    assert alice.post(retry).status_code == 302
    assert ExportJob.objects.get().status == "pending"

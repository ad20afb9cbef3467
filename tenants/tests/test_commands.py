"""The commands that operate the platform: what they make, what they say, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from tenants.context import tenant_context
from tenants.models import ApiToken, AuditEvent, BotAddress, Domain, Tenant, User
from tenants.schemas import recorded_migrations


def run(name: str, *arguments: str, **options: object) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


@pytest.fixture
def initech(db: None) -> Iterator[Tenant]:
    run(
        "provision_tenant",
        "initech",
        "--owner-email",
        "ivan@initech.example.com",
        "--owner-password",
        "long enough",
    )
    return Tenant.objects.get(slug="initech")


def schema_exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [name])
        return cursor.fetchone() is not None


class TestBootstrap:
    def test_makes_an_operator_who_belongs_to_no_tenant(self, db):
        assert "was made" in run(
            "bootstrap", "--email", "root@platform.example.com", "--password", "long enough"
        )
        operator = User.objects.get(email="root@platform.example.com")
        assert (
            operator.is_superuser
            and operator.tenant is None
            and operator.check_password("long enough")
        )

    def test_says_so_the_second_time_and_leaves_the_password_alone(self, db):
        run("bootstrap", "--email", "root@platform.example.com", "--password", "long enough")
        said = run("bootstrap", "--email", "root@PLATFORM.example.com", "--password", "another one")
        assert "there already" in said
        assert User.objects.get(email="root@platform.example.com").check_password("long enough")

    def test_takes_the_password_from_the_environment(self, db, monkeypatch):
        monkeypatch.setenv("BOOTSTRAP_PASSWORD", "from the environment")
        run("bootstrap", "--email", "root@platform.example.com")
        assert User.objects.get(email="root@platform.example.com").check_password(
            "from the environment"
        )

    @pytest.mark.parametrize(
        ("email", "password", "sentence"),
        [
            ("nobody", "long enough", "not an e-mail"),
            ("root@platform.example.com", "short", "at least 8"),
        ],
    )
    def test_refuses_bad_accounts(self, db, email, password, sentence):
        with pytest.raises(CommandError, match=sentence):
            run("bootstrap", "--email", email, "--password", password)

    def test_without_password_and_terminal_says_where_to_put_one(self, db, monkeypatch):
        monkeypatch.delenv("BOOTSTRAP_PASSWORD", raising=False)
        monkeypatch.setattr("sys.stdin", StringIO())
        with pytest.raises(CommandError, match="BOOTSTRAP_PASSWORD"):
            run("bootstrap", "--email", "root@platform.example.com")


class TestProvision:
    def test_prints_a_token_that_works_and_a_password_if_it_made_one(self, db):
        said = run(
            "provision_tenant",
            "initech",
            "--name",
            "Initech",
            "--owner-email",
            "ivan@initech.example.com",
        )
        token = said.split("API token: ")[1].split()[0]
        password = said.split("Password:")[1].split()[0]
        assert (
            Client().get("/v1/tenants/me", HTTP_AUTHORIZATION=f"Bearer {token}").json()["name"]
            == "Initech"
        )
        assert User.objects.get(email="ivan@initech.example.com").check_password(password)

    def test_makes_a_schema_with_all_migrations(self, initech):
        assert schema_exists("t_initech") and recorded_migrations("t_initech")

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["acme", "--owner-email", "a@b.example.com"], "already taken"),
            (["Bad_Slug", "--owner-email", "a@b.example.com"], "1 to 100 characters"),
            (["initech", "--owner-email", "nobody"], "not an e-mail"),
            (
                ["initech", "--owner-email", "a@b.example.com", "--owner-password", "short"],
                "at least 8",
            ),
            (["initech", "--owner-email", "a@b.example.com", "--owner-password", ""], "at least 8"),
        ],
    )
    def test_refuses_with_a_sentence_and_makes_nothing(self, acme, arguments, sentence):
        before = Tenant.objects.count()
        with pytest.raises(CommandError, match=sentence):
            run("provision_tenant", *arguments)
        assert Tenant.objects.count() == before


class TestList:
    def test_shows_every_tenant(self, acme, globex):
        said = run("list_tenants")
        assert "acme" in said and "globex" in said and "behind" not in said

    def test_as_json_is_for_scripts(self, acme, globex):
        rows = {row["slug"]: row for row in json.loads(run("list_tenants", json=True))}
        assert rows["acme"]["status"] == "active" and rows["acme"]["users"] == 2
        assert rows["acme"]["schema_is_current"] is True and rows["globex"]["domains"] == []


class TestStatus:
    def test_suspending_stops_the_token_at_once_and_restoring_brings_it_back(self, acme, as_acme):
        assert "suspended now" in run("suspend_tenant", "acme", reason="unpaid")
        assert as_acme.get("/v1/tenants/me").status_code == 403
        assert Tenant.objects.get(slug="acme").status_reason == "unpaid"
        assert "already" in run("suspend_tenant", "acme")
        run("restore_tenant", "acme")
        assert as_acme.get("/v1/tenants/me").status_code == 200
        actors = dict(AuditEvent.objects.filter(tenant_slug="acme").values_list("action", "actor"))
        assert actors["tenant.suspended"] == "manage.py suspend_tenant"
        assert actors["tenant.restored"] == "manage.py restore_tenant"

    def test_archiving_makes_a_tenant_read_only(self, acme, as_acme):
        run("archive_tenant", "acme", reason="left")
        assert Tenant.objects.get(slug="acme").status == "archived"

    @pytest.mark.parametrize(
        "command", ["suspend_tenant", "archive_tenant", "restore_tenant", "erase_tenant"]
    )
    def test_an_unknown_slug_is_named(self, db, command):
        with pytest.raises(CommandError, match="no tenant 'nobody'"):
            run(command, "nobody")


class TestErase:
    def test_needs_the_slug_twice(self, initech):
        for wrong in ("", "acme"):
            with pytest.raises(CommandError, match="Nothing was erased"):
                run("erase_tenant", "initech", confirm=wrong)
        assert Tenant.objects.filter(slug="initech").exists() and schema_exists("t_initech")

    def test_leaves_nothing_but_the_audit_event(self, initech, acme):
        folder = Path(settings.MEDIA_ROOT) / initech.schema_name
        folder.mkdir(parents=True)
        (folder / "report.txt").write_text("theirs")
        with tenant_context(initech):
            cache.set("greeting", "hello")
        run("add_domain", "bots.initech.example.com", tenant="initech")
        with pytest.raises(CommandError, match="archive it first"):
            run("erase_tenant", "initech", confirm="initech")
        run("archive_tenant", "initech")
        run("erase_tenant", "initech", confirm="initech")
        assert not schema_exists("t_initech") and not folder.exists()
        with tenant_context(initech):
            assert cache.get("greeting") is None
        for model in (User, ApiToken, Domain):
            assert not model.objects.filter(tenant_id=initech.pk).exists()
        assert not Tenant.objects.filter(slug="initech").exists()
        assert AuditEvent.objects.get(action="tenant.erased").tenant_slug == "initech"

    def test_spares_the_keys_of_tenants_with_a_similar_name(self, initech, acme):
        for slug in ("initech-2", "a-t-initech"):
            run(
                "provision_tenant",
                slug,
                "--owner-email",
                "i@initech.example.com",
                "--owner-password",
                "long enough",
            )
        others = [Tenant.objects.get(slug=slug) for slug in ("initech-2", "a-t-initech", "acme")]
        for other in others:
            with tenant_context(other):
                cache.set("greeting", "hello")
        run("archive_tenant", "initech")
        run("erase_tenant", "initech", confirm="initech")
        for other in others:
            with tenant_context(other):
                assert cache.get("greeting") == "hello", other.slug

    def test_erases_nothing_while_redis_is_away(self, initech, settings):
        run("archive_tenant", "initech")
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        with pytest.raises(CommandError, match="Redis cannot be reached"):
            run("erase_tenant", "initech", confirm="initech")
        assert Tenant.objects.filter(slug="initech").exists() and schema_exists("t_initech")


class TestTokensAndDomains:
    def test_a_token_has_the_rights_of_its_user(self, acme, bob):
        secret = run(
            "create_token", tenant="acme", email="bob@acme.example.com", expires_days=7
        ).strip()
        me = Client().get("/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {secret}").json()
        assert me["user"]["email"] == "bob@acme.example.com"
        assert ApiToken.objects.get(user=bob).expires_at is not None

    def test_a_token_is_made_with_scopes_and_a_bot(self, acme, bob):
        bot = BotAddress.objects.create(bot_profile_id=uuid4(), tenant=acme.tenant)
        run("create_token", tenant="acme", email=bob.email, scopes="read, chat", bot=str(bot.pk))
        token = ApiToken.objects.get(user=bob)
        assert (token.rights, token.bot_profile_id) == (["chat", "read"], bot.pk)
        event = AuditEvent.objects.get(action="token.created")
        assert (event.actor, event.tenant_slug, event.detail["user"]) == (
            "manage.py create_token",
            "acme",
            bob.email,
        )

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (
                {"tenant": "acme", "email": "bob@acme.example.com", "scopes": "chat,king"},
                "chat, read or manage",
            ),
            (
                {"tenant": "acme", "email": "bob@acme.example.com", "scopes": ""},
                "chat, read or manage",
            ),
            ({"tenant": "acme", "email": "bob@acme.example.com", "bot": "x"}, "the id of a bot"),
            (
                {"tenant": "acme", "email": "bob@acme.example.com", "bot": str(uuid4())},
                "Bot profile not found",
            ),
            ({"tenant": "nobody", "email": "bob@acme.example.com"}, "no tenant 'nobody'"),
            ({"tenant": "acme", "email": "gina@globex.example.com"}, "no active user"),
            ({"tenant": "acme", "email": "bob@acme.example.com", "expires_days": 0}, "from 1 to"),
        ],
    )
    def test_a_token_needs_a_user_of_that_tenant(self, acme, globex, options, sentence):
        with pytest.raises(CommandError, match=sentence):
            run("create_token", **options)

    def test_a_host_leads_to_one_tenant(self, acme, globex):
        run("add_domain", "Bots.ACME.example.com.", tenant="acme")
        assert Domain.objects.get(domain="bots.acme.example.com").tenant == acme.tenant
        with pytest.raises(CommandError, match="already leads"):
            run("add_domain", "bots.acme.example.com", tenant="globex")

    @pytest.mark.parametrize(
        "host", ["https://a.example.com", "a.example.com/x", "a b", "", "a-.b", "a..b", "a:80"]
    )
    def test_a_host_is_a_bare_name(self, acme, host):
        with pytest.raises(CommandError, match="not a host name"):
            run("add_domain", host, tenant="acme")

"""Moving from MiniRAG 1.0: two tenants come with their people, bots, keys, knowledge and chats; nothing is guessed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.test import Client

from bots.models import BotProfile, UsageEvent
from conversations.models import Chat, Message
from knowledge.indexing.ingestion import ingest
from knowledge.models import Source
from knowledge.sources.configs import reveal_secret
from tenants.context import tenant_context
from tenants.models import AuditEvent, Tenant, User
from tests.predecessor import KEY, PASSWORD, THEN, Predecessor, fill_tenant, hash_password, seal
from webhooks.models import Webhook

BIKES, BOOKS = "b" * 43, "c" * 43
EVERYTHING = [Tenant, User, BotProfile, Source, Chat, Message, UsageEvent, Webhook]


@pytest.fixture(scope="module")
def filled(django_db_setup, django_db_blocker) -> Iterator[tuple[Predecessor, dict[str, Any]]]:
    """Two tenants of 1.0, and one whose slug is taken here."""
    with django_db_blocker.unblock():
        old = Predecessor()
        old.make_tables()
        ids = {
            slug: fill_tenant(old, slug, token)
            for slug, token in (("bikes", BIKES), ("books", BOOKS))
        }
        yield old, ids
        old.drop()


@pytest.fixture
def empty(db) -> Iterator[Predecessor]:
    old = Predecessor()
    yield old
    old.drop()


def move(old: Predecessor, *options: str, key: str = KEY) -> str:
    """Run the command; returns what it says, in one line."""
    out = StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIRAG1_DATABASE_URL", old.url.replace("postgresql:", "postgresql+asyncpg:"))
        patch.setenv("MINIRAG1_ENCRYPTION_KEY", key)
        call_command("import_minirag1", *options, stdout=out)
    return " ".join(out.getvalue().split())


def test_everything_comes_along_and_works(filled, acme, settings):
    old, ids = filled
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    told = move(old)
    assert "bikes (Bikes): moved" in told and "books (Books): moved" in told
    assert "chunks 2 0 2 made anew" in told
    assert "!" not in told

    program = Client(HTTP_AUTHORIZATION=f"Bearer {BIKES}")
    assert [bot["id"] for bot in program.get("/v1/bot-profiles").json()] == [
        str(ids["bikes"]["bot"])
    ]
    assert program.get(f"/v1/bot-profiles/{ids['books']['bot']}").status_code == 404
    said = program.get(f"/v1/chat/{ids['bikes']['chat']}/messages").json()
    assert [(each["role"], each["content"], each["feedback"]) for each in said] == [
        ("user", "When is the shop open?", None),
        ("assistant", "From 9 to 17.", "positive"),
    ]
    assert said[0]["created_at"] == THEN.isoformat()
    assert program.get(f"/v1/chat/{ids['books']['chat']}").status_code == 404
    login = {"email": "rosa@bikes.example.com", "password": PASSWORD}
    assert (
        Client().post("/v1/auth/login", login, content_type="application/json").status_code == 200
    )
    listed = {source["id"] for source in program.get("/v1/sources?include_children=true").json()}
    assert listed == {str(ids["bikes"][name]) for name in ("text", "file", "parent", "page", "nyx")}

    for slug in ("bikes", "books"):
        with tenant_context(Tenant.objects.get(slug=slug)):
            check_rows(slug, ids[slug])
    assert move(old).count("is here already: left alone") == 2
    assert (
        AuditEvent.objects.filter(action="tenant.imported", detail__from="MiniRAG 1.0").count() == 2
    )


def check_rows(slug: str, ids: dict[str, Any]) -> None:
    """All that one tenant has, in its own schema."""
    bot = BotProfile.objects.get()
    assert (bot.pk, bot.credentials.api_key) == (ids["bot"], f"sk-{slug}")
    assert reveal_secret(Source.objects.get(pk=ids["nyx"])) == f"nyx_ax_{slug}"
    assert Webhook.objects.get().reveal_secret() == "s" * 43
    chat, answer, usage = (
        Chat.objects.get(),
        Message.objects.get(pk=ids["answer"]),
        UsageEvent.objects.get(),
    )
    assert (chat.user_id, chat.traits, chat.updated_at) == (
        ids["owner"],
        ["liked"],
        THEN.replace(tzinfo=UTC),
    )
    assert answer.question_id == ids["question"]
    assert (usage.total_tokens, usage.duration_ms, usage.message_id) == (42, 2000, ids["answer"])
    assert usage.cost_usd > 0
    assert Source.objects.get(pk=ids["deleted"]).deleted_at is not None
    assert set(Source.objects.exclude(queued_at=None).values_list("pk", flat=True)) == {
        ids["text"], ids["file"], ids["page"], ids["nyx"],
    }  # fmt: skip
    for name, words in (
        ("text", "open from 9 to 17"),
        ("file", "12 euros"),
        ("page", "30 euros a day"),
    ):
        ingest(ids[name])
        source = Source.objects.get(pk=ids[name])
        assert (source.status, source.chunk_count) == ("ready", 1), source.error_message
        assert words in source.documents.get().chunks.get().content


def test_a_dry_run_tells_all_and_writes_nothing(filled, acme):
    before = [Tenant.objects.count(), User.objects.count(), AuditEvent.objects.count()]
    told = move(filled[0], "--dry-run", "--tenant", "books")
    assert "books (Books): would be moved" in told and "bikes" not in told
    assert "messages 2 2 0" in told
    assert [Tenant.objects.count(), User.objects.count(), AuditEvent.objects.count()] == before


def put_people_and_bots(empty: Predecessor, mine: dict[str, Any]) -> dict[str, Any]:
    """Some come along, others cannot; returns their ids."""
    rosa = {"email": "Rosa@Half.example.com", "password_hash": hash_password(PASSWORD)}
    first = empty.put("users", **mine, **rosa, role="OWNER")
    second = empty.put(
        "users", **mine, **{**rosa, "email": "Rosa@half.EXAMPLE.com"}, is_active=False
    )
    third = empty.put("users", **mine, email="old@half.example.com", password_hash="$2b$12$bcrypt")
    empty.put("users", **mine, email="", password_hash="x")
    empty.put(
        "api_tokens", **mine, user_id=second, token_hash="a" * 64, token_prefix="abcdefghijkl"
    )
    empty.put("api_tokens", **mine, user_id=third, token_hash="no hash", token_prefix="abc")
    good = empty.put(
        "bot_profiles", **mine, name="Good", encrypted_credentials=seal({"api_key": "sk-good"})
    )
    odd = empty.put(
        "bot_profiles",
        **mine,
        name="Odd",
        encrypted_credentials=seal({"api_key": "x"}, Fernet.generate_key().decode()),
    )
    hot = empty.put("bot_profiles", **mine, name="Hot", temperature=9)
    return {"first": first, "second": second, "good": good, "odd": odd, "hot": hot}


def put_knowledge(empty: Predecessor, mine: dict[str, Any], *, good: Any, hot: Any) -> None:
    bad_sources = [
        {"bot_profile_id": hot, "content": "Of a bot that stays behind."},
        {"bot_profile_id": good, "config": "not json"},
        {"bot_profile_id": good, "config": "[1]"},
        {
            "bot_profile_id": good,
            "source_type": "URL",
            "config": '{"url": "http://169.254.169.254/"}',
        },
    ]
    for fields in bad_sources:
        empty.put("sources", **mine, name="Bad", **fields)
    empty.put(
        "sources",
        **mine,
        name="Null",
        bot_profile_id=good,
        config="null",
        content="Kept.",
        refresh_schedule="yearly",
    )
    for url, events in (
        ("http://localhost/x", "[]"),
        ("https://a.example.com", '["no.such"]'),
        ("https://a.example.com", "{"),
    ):
        empty.put("webhooks", **mine, url=url, events=events)


def put_chats(
    empty: Predecessor, mine: dict[str, Any], *, first: Any, second: Any, good: Any, hot: Any
) -> dict[str, Any]:
    """Of the tenant's own, and across to another one; returns the ids of chats."""
    chat = empty.put("chats", **mine, bot_profile_id=good, user_id=second, message_count=-3)
    empty.put(
        "messages",
        **mine,
        chat_id=chat,
        role="ASSISTANT",
        content="An answer without a question.",
        feedback="great",
    )
    lost = empty.put("chats", **mine, bot_profile_id=hot, user_id=first)
    empty.put(
        "messages", **mine, chat_id=lost, role="USER", content="Asked of a bot that stays behind."
    )

    other = empty.put("tenants", name="Other", slug="other")
    stranger = empty.put("users", tenant_id=other, email="s@other.example.com", password_hash="x")
    foreign = empty.put("chats", **mine, bot_profile_id=good, user_id=stranger, title="Foreign")
    elsewhere = empty.put("bot_profiles", tenant_id=other, name="Elsewhere")
    empty.put("sources", **mine, bot_profile_id=elsewhere, name="Foreign", content="Not mine.")
    empty.put("messages", tenant_id=other, chat_id=chat, role="USER", content="Of another tenant.")
    return {"chat": chat, "lost": lost, "foreign": foreign}


def test_what_cannot_be_kept_is_named_and_stops_nothing_else(empty, acme):
    empty.make_tables()
    mine = {"tenant_id": empty.put("tenants", name="Half", slug="half")}
    ids = put_people_and_bots(empty, mine)
    first, second, odd = ids["first"], ids["second"], ids.pop("odd")
    put_knowledge(empty, mine, good=ids["good"], hot=ids["hot"])
    hot = ids["hot"]
    chat, lost, foreign = put_chats(empty, mine, **ids).values()

    told = move(empty)
    for reason in (
        f"users {second}: {first} has the same e-mail address",
        "it has no e-mail address",
        "its user does not come along",
        "what is kept of it is no SHA-256",
        f"bot_profiles {hot}: its temperature 9.0 is not from 0 to 2",
        f"provider keys {odd}: it does not open",
        "sources", "its bot does not come along", "its config is no JSON", "its config is no JSON object",
        "config.url cannot be used", "Invalid event type: no.such", "its events cannot be read",
        f"chats {lost}: its bot does not come along",
        "old@half.example.com has to ask for a new password",
    ):  # fmt: skip
        assert reason in told, reason
    with tenant_context(Tenant.objects.get(slug="half")):
        assert {bot.name: bot.credentials.api_key for bot in BotProfile.objects.all()} == {
            "Good": "sk-good",
            "Odd": None,
        }
        kept = Source.objects.get()
        assert (kept.name, kept.config, kept.refresh_schedule) == ("Null", {}, None)
        assert Chat.objects.get(pk=foreign).user_id is None
        moved = Chat.objects.get(pk=chat)
        assert (moved.user_id, moved.message_count) == (first, 0)
        assert Message.objects.get().feedback is None
        assert not Webhook.objects.exists()


def test_a_slug_that_is_taken_is_refused_and_can_be_another(empty, acme, globex):
    empty.make_tables()
    fill_tenant(empty, "acme", BIKES)
    off = empty.put("tenants", name="Off", slug="off", is_active=False)
    with pytest.raises(CommandError, match="1 of its tenants were refused"):
        move(empty)
    assert Tenant.objects.get(pk=off).status == "suspended"
    assert Tenant.objects.get(slug="acme").pk == acme.tenant.pk
    told = move(empty, "--slug", "acme=acme-1", "--members-become", "editor")
    assert "acme-1 (Acme): moved" in told and "off (Off): is here already" in told
    with tenant_context(acme.tenant):
        assert not Chat.objects.exists()


def test_what_is_no_database_of_1_or_has_another_key_is_refused_before_anything(
    empty, filled, acme
):
    before = Tenant.objects.count()

    def refuse(old: Predecessor, *options: str, key: str = KEY) -> str:
        with pytest.raises(CommandError) as refused:
            move(old, *options, key=key)
        return str(refused.value)

    assert "no database of MiniRAG 1.0: it has no table tenants" in refuse(empty)
    empty.connection.execute("CREATE TABLE tenants_tenant (id uuid)")
    assert "a database of MiniRAG 2" in refuse(empty)
    empty.connection.execute("DROP TABLE tenants_tenant")
    empty.make_tables()
    empty.connection.execute("ALTER TABLE chats DROP COLUMN title")
    assert "not a version of MiniRAG 1.0 that is known here: chats has no title" in refuse(empty)
    empty.connection.execute(
        "ALTER TABLE chats ADD COLUMN title varchar(500), ADD COLUMN mood text"
    )
    for table, column in (
        ("sources", "refresh_schedule"),
        ("sources", "parent_id"),
        ("messages", "feedback"),
    ):
        empty.connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    assert "chats.mood is not known here" in move(
        empty
    )  # earlier versions, without what came later

    full = filled[0]
    assert "not the ENCRYPTION_KEY of that installation" in refuse(
        full, key=Fernet.generate_key().decode()
    )
    assert "give the ENCRYPTION_KEY" in refuse(full, key="")
    assert "That is no ENCRYPTION_KEY" in refuse(full, key="short")
    assert "has no tenant nobody" in refuse(full, "--tenant", "nobody")
    assert "is not OLD=NEW" in refuse(full, "--slug", "bikes")
    for address in ("mysql://root@host/db", "postgresql://nobody:hunter2@127.0.0.1:1/none"):
        with pytest.raises(CommandError) as refused:
            call_command("import_minirag1", database_url=address, without_keys=True)
        assert "hunter2" not in str(refused.value)
    assert Tenant.objects.count() == before


def test_what_json_holds_and_postgresql_does_not_stops_no_row_but_its_own(empty, acme, settings):
    """A customer of 1.0 wrote a source's config as they liked, and must not be able to stop the move."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    empty.make_tables()
    slug = "x" * 100
    mine = {"tenant_id": empty.put("tenants", name="n" * 255, slug=slug)}
    cut = hash_password(PASSWORD)[:40]
    empty.put("users", **mine, email="cut@x.example.com", role="OWNER", password_hash=cut)
    huge = "$argon2id$v=19$m=2147483647,t=1,p=1$c2FsdHNhbHQ$" + "YWJj" * 8
    empty.put("users", **mine, email="huge@x.example.com", password_hash=huge)
    long = empty.put(
        "bot_profiles", **mine, name="<b>" + "b" * 252, model="m" * 100, description="d" * 1000
    )
    odd_key = empty.put(
        "bot_profiles", **mine, name="Odd key", encrypted_credentials=seal('{"api_key": "\\ud800"}')
    )
    of_bot = {**mine, "bot_profile_id": long}
    nil = empty.put("sources", **of_bot, id=uuid.UUID(int=0), name="Nil", content="Kept as well.")
    good = empty.put("sources", **of_bot, name="Good", content="Kept. " * 10)
    bad = [
        empty.put("sources", **of_bot, name="Bad", content="x", config=config, **fields)
        for config in (
            '{"a": "\\u0000"}', '{"a": "\\ud800"}', '{"a": NaN}', '{"a": 1e999}',
            '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        )
        for fields in ({}, {"source_type": "NYXCORE"})
    ]  # fmt: skip
    files = [
        empty.put("sources", **of_bot, name="F", content="x", source_type="UPLOAD", config=config)
        for config in (
            '{"original_filename": "\\u0000.md"}', '{"original_filename": "\\udfff.md"}',
            '{"original_filename": {"a": 1}}',
        )
    ]  # fmt: skip
    events = empty.put("webhooks", **mine, url="https://a.example.com", events="[" * 100_000)
    empty.put("tenants", name="After", slug="after")

    told = move(empty)
    assert "after (After): moved" in told
    for left in (*bad, *files[:2], events):
        assert str(left) in told
    with tenant_context(Tenant.objects.get(slug=slug)):
        kept = set(Source.objects.values_list("pk", flat=True))
        assert {good, nil} <= kept and not {*files[:2]} & kept
        assert BotProfile.objects.get(pk=odd_key).credentials.api_key is None
    for email in ("cut@x.example.com", "huge@x.example.com"):
        assert f"{email} has to ask for a new password" in told
        login = {"email": email, "password": PASSWORD}
        answer = Client().post("/v1/auth/login", login, content_type="application/json")
        assert answer.status_code == 401

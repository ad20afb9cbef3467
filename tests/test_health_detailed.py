"""`/v1/system/health/detailed`: the contract's keys, and nothing in them that is not the asking tenant's."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test import Client

from bots.models import BotProfile, UsageEvent
from conversations.models import Chat, Message
from knowledge.indexing.ingestion import ingest
from knowledge.models import Source
from knowledge.sources.homes import private_dataset
from minirag.operations import inventory
from tenants.context import tenant_context

PATH = "/v1/system/health/detailed"


def make_bot(name: str, texts: list[str]) -> BotProfile:
    bot = BotProfile.objects.create(name=name, embedding_model="minirag/hash")
    for text in texts:
        source = Source.objects.create(
            bot_profile=bot,
            dataset=private_dataset(bot),
            name="s",
            source_type="text",
            content=text,
        )
        if text:
            ingest(source.pk)
    return bot


@pytest.fixture
def filled(in_acme) -> list[BotProfile]:
    bots = [make_bot("Older", ["The kestrel hovers over meadows.", ""]), make_bot("Newer", [])]
    chat = Chat.objects.create(bot_profile=bots[0])
    for role in ("user", "assistant"):
        Message.objects.create(chat=chat, role=role, content="x")
    UsageEvent.objects.create(
        bot_profile=bots[0], model="m", prompt_tokens=11, completion_tokens=7, total_tokens=18
    )
    return bots


def test_it_has_the_contracts_keys_and_this_tenants_numbers(as_acme, filled):
    body = as_acme.get(PATH).json()
    assert list(body) == [
        "status", "postgres", "qdrant", "redis", "uptime_seconds", "python_version", "platform", "db_stats",
        "qdrant_stats", "redis_stats", "bot_sources", "config",
        "provider_failures",
        "queue",
    ]  # fmt: skip
    assert body["db_stats"] == {
        "sources_by_status": {"pending": 1, "processing": 0, "ready": 1, "error": 0}, "total_chunks": 1,
        "total_messages": 2, "total_chats": 1, "total_usage_events": 1, "total_prompt_tokens": 11,
        "total_completion_tokens": 7,
    }  # fmt: skip
    index = body["qdrant_stats"]
    assert (index["collection"], index["points_count"], index["vectors_count"]) == (
        "chunk_index",
        1,
        1,
    )
    assert index["disk_data_size_mb"] >= index["ram_data_size_mb"] > 0
    assert body["bot_sources"] == [
        {
            "bot_profile_id": str(filled[1].pk), "bot_name": "Newer", "model": filled[1].model, "is_active": True,
            "source_count": 0, "ready_sources": 0, "total_chunks": 0,
        },
        {
            "bot_profile_id": str(filled[0].pk), "bot_name": "Older", "model": filled[0].model, "is_active": True,
            "source_count": 2, "ready_sources": 1, "total_chunks": 1,
        },
    ]  # fmt: skip
    assert body["config"]["jwt_configured"] is body["config"]["encryption_configured"] is True


def test_another_tenant_sees_none_of_it(as_globex, filled):
    body = as_globex.get(PATH).json()
    assert body["db_stats"]["total_chunks"] == body["qdrant_stats"]["points_count"] == 0
    assert body["bot_sources"] == [] and body["db_stats"]["total_messages"] == 0
    # Both are on one Redis: what it holds is not theirs alone.
    assert set(body["redis_stats"]) == {
        "used_memory_human", "used_memory_peak_human", "connected_clients", "uptime_seconds", "db_keys",
    }  # fmt: skip
    assert [value for name, value in body["redis_stats"].items() if name != "uptime_seconds"] == [
        None
    ] * 4


def test_it_tells_no_address_and_no_secret(as_acme, in_acme, settings):
    settings.DATABASES["default"]["PASSWORD"] = (
        settings.DATABASES["default"].get("PASSWORD") or "a-password"
    )
    text = json.dumps(as_acme.get(PATH).json()["config"])
    database = settings.DATABASES["default"]
    secrets = [
        settings.SECRET_KEY, settings.JWT_SECRET_KEY, *settings.ENCRYPTION_KEYS, str(database["HOST"]),
        str(database["PORT"]), settings.REDIS_URL.partition("://")[2],
    ]  # fmt: skip
    assert [secret for secret in secrets if secret and secret in text] == []


def test_a_stranger_is_refused_and_every_role_is_not(as_bob, in_acme):
    assert Client().get(PATH).status_code == 401
    assert as_bob.get(PATH).status_code == 200
    assert Client().get("/v1/system/health").status_code == 200


def test_redis_that_is_down_is_said_and_breaks_nothing(as_acme, in_acme, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert as_acme.get(PATH).json()["redis_stats"] == {"error": "It does not answer."}


def test_it_costs_no_query_per_bot(as_acme, filled, django_assert_max_num_queries):
    as_acme.get(PATH)
    for number in range(10):
        make_bot(f"B{number}", [""])
    with django_assert_max_num_queries(23):
        as_acme.get(PATH)


def test_a_large_table_is_estimated_from_what_it_had_when_it_was_analysed(in_acme):
    # Pages that tests before this one filled and rolled back would thin the rows of a page.
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE conversations_message CASCADE")
    chat = Chat.objects.create(bot_profile=BotProfile.objects.create(name="x"))
    Message.objects.bulk_create(
        Message(chat=chat, role="user", content="x" * 200) for _ in range(2000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE conversations_message")
    Message.objects.bulk_create(
        Message(chat=chat, role="user", content="x" * 200) for _ in range(2000)
    )
    assert inventory.count_rows(Message) == 4000
    assert inventory.count_rows(Message, counted_bytes=0) == pytest.approx(4000, rel=0.05)


def test_the_single_tenant_of_an_installation_is_told_what_redis_says(
    as_acme, acme, in_acme, monkeypatch
):
    monkeypatch.setattr(
        inventory.Tenant.objects, "exclude", lambda **_: inventory.Tenant.objects.none()
    )
    with tenant_context(acme.tenant):
        shown = inventory.describe_redis()
    assert shown["connected_clients"] >= 1 and shown["db_keys"] >= 0 and shown["used_memory_human"]

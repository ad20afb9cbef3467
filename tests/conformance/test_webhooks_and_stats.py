"""§3.6 and §5 webhooks, §3.8 statistics, §3.9 system."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import date

import pytest

from tests.conformance.wire import (
    NOBODY,
    WEBHOOK,
    Receiver,
    assert_detail,
    assert_invalid,
    make_bot,
    make_source,
    read_stream,
    settled,
    sign_up,
    teach,
)

PUBLIC = "https://hooks.example.com/minirag"


def subscribe(client, url: str = PUBLIC, **fields) -> dict:
    made = client.post("/v1/webhooks", json={"url": url, "events": [], **fields})
    assert made.status_code == 201, made.text
    return made.json()


class TestWebhooks:
    def test_making_one_shows_the_secret_once(self, owner, acme):
        made = subscribe(owner, events=["chat.message"], description="CRM")
        assert set(made) >= WEBHOOK | {"secret"}
        assert (made["url"], made["events"], made["description"]) == (
            PUBLIC,
            ["chat.message"],
            "CRM",
        )
        assert (made["is_active"], made["has_secret"], made["tenant_id"]) == (
            True,
            True,
            acme.tenant["id"],
        )
        assert len(made["secret"]) == 43
        found = owner.get(f"/v1/webhooks/{made['id']}")
        assert set(found.json()) >= WEBHOOK
        assert made["secret"] not in found.text + owner.get("/v1/webhooks").text

    def test_a_given_secret_is_kept_and_an_empty_one_made(self, owner):
        assert subscribe(owner, secret="my own secret")["secret"] == "my own secret"
        assert len(subscribe(owner, secret="")["secret"]) == 43

    def test_no_events_at_all_is_allowed(self, owner):
        assert subscribe(owner)["events"] == []

    def test_an_unknown_event_is_422_with_a_sentence(self, owner):
        answer = owner.post("/v1/webhooks", json={"url": PUBLIC, "events": ["chat.exploded"]})
        assert answer.status_code == 422
        detail = answer.json()["detail"]
        assert detail.startswith("Invalid event type: chat.exploded. Valid: [")
        assert all(
            f"'{event}'" in detail for event in ("chat.message", "source.failed", "source.ingested")
        )

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("url", "https://x.example.com/" + "x" * 2048),
            ("description", "x" * 501),
            ("events", None),
        ],
    )
    def test_a_bad_field_is_422(self, owner, field, value):
        assert_invalid(
            owner.post("/v1/webhooks", json={"url": PUBLIC, "events": [], field: value}),
            "body",
            field,
        )

    @pytest.mark.parametrize(
        "url", ["ftp://example.com/", "https://user:secret@example.com/", "nonsense", ""]
    )
    def test_an_address_that_is_none_is_422(self, owner, url):
        assert owner.post("/v1/webhooks", json={"url": url, "events": []}).status_code == 422

    def test_the_list_is_newest_first(self, owner):
        made = [subscribe(owner)["id"] for _ in range(2)]
        assert [hook["id"] for hook in owner.get("/v1/webhooks").json()[:2]] == made[::-1]

    def test_deleting_is_for_good(self, owner):
        path = f"/v1/webhooks/{subscribe(owner)['id']}"
        assert owner.delete(path).status_code == 204
        assert_detail(owner.delete(path), 404, "Webhook not found")
        assert_detail(owner.get(path), 404, "Webhook not found")

    def test_one_of_another_tenant_is_404(self, owner, stranger):
        theirs = subscribe(stranger)["id"]
        assert_detail(owner.get(f"/v1/webhooks/{theirs}"), 404, "Webhook not found")
        assert_detail(owner.delete(f"/v1/webhooks/{theirs}"), 404, "Webhook not found")
        assert_detail(owner.post(f"/v1/webhooks/{theirs}/test"), 404, "Webhook not found")

    def test_it_can_be_paused_and_edited(self, owner):
        path = f"/v1/webhooks/{subscribe(owner)['id']}"
        changed = owner.patch(path, json={"is_active": False, "description": "later"}).json()
        assert (changed["is_active"], changed["description"]) == (False, "later")


class TestDeliveries:
    """Each receiver is one on this machine."""

    def test_the_ping_says_how_it_went(self, owner, receiver):
        hook = subscribe(owner, receiver.url)
        answer = owner.post(f"/v1/webhooks/{hook['id']}/test")
        assert answer.status_code == 200
        assert {"success": True, "status_code": 200}.items() <= answer.json().items()
        headers, body = receiver.await_event("test.ping")
        assert json.loads(body) == {"event": "test.ping", "webhook_id": hook["id"]}
        assert headers["content-type"] == "application/json"

    def test_a_failing_receiver_is_told(self, owner):
        with Receiver(status=500) as receiver:
            hook = subscribe(owner, receiver.url)
            assert {"success": False, "status_code": 500}.items() <= owner.post(
                f"/v1/webhooks/{hook['id']}/test"
            ).json().items()
        gone = owner.post(f"/v1/webhooks/{hook['id']}/test").json()
        assert {"success": False, "status_code": None}.items() <= gone.items()

    def test_the_signature_is_hex_hmac_sha256_of_the_raw_body(self, owner, receiver):
        hook = subscribe(owner, receiver.url, secret="s3cret of mine")
        owner.post(f"/v1/webhooks/{hook['id']}/test")
        headers, body = receiver.await_event("test.ping")
        assert (
            headers["x-minirag-signature"]
            == hmac.new(b"s3cret of mine", body, hashlib.sha256).hexdigest()
        )

    def test_the_standard_webhooks_headers_are_there_too(self, owner, receiver):
        hook = subscribe(owner, receiver.url)
        owner.post(f"/v1/webhooks/{hook['id']}/test")
        headers, _ = receiver.await_event("test.ping")
        assert headers["webhook-id"]
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 300
        assert headers["webhook-signature"].startswith("v1,")

    def test_an_ingestion_is_told(self, owner, receiver):
        bot = make_bot(owner)
        hook = subscribe(owner, receiver.url, events=["source.ingested"])
        source = teach(owner, bot, "The kestrel hovers over meadows.")
        body = receiver.await_event("source.ingested")[1]
        expected = {
            "source_id": source,
            "source_name": "Notes",
            "document_count": 1,
            "chunk_count": 1,
        }
        assert json.loads(body) == expected
        assert body == json.dumps(expected).encode(), "spaces after colon and comma, ASCII only"
        owner.delete(f"/v1/webhooks/{hook['id']}")

    def test_a_failed_ingestion_is_told(self, owner, receiver):
        hook = subscribe(owner, receiver.url, events=["source.failed"])
        source = make_source(
            owner,
            make_bot(owner),
            source_type="url",
            content=None,
            config={"url": "http://127.0.0.1:9/"},
        )
        owner.post(f"/v1/sources/{source['id']}/ingest")
        assert settled(owner, source["id"])["status"] == "error"
        told = json.loads(receiver.await_event("source.failed")[1])
        assert set(told) == {"source_id", "error"}
        assert told["source_id"] == source["id"]
        assert len(told["error"]) <= 500
        owner.delete(f"/v1/webhooks/{hook['id']}")

    @pytest.mark.parametrize("streamed", [False, True])
    def test_a_turn_is_told_streamed_or_not(self, owner, bot, receiver, streamed):
        hook = subscribe(owner, receiver.url, events=["chat.message"])
        question = {"bot_profile_id": bot, "message": "How fast does a peregrine falcon dive?"}
        if streamed:
            read_stream(owner, **question)
        else:
            assert owner.post("/v1/chat", json=question).status_code == 200
        told = json.loads(receiver.await_event("chat.message")[1])
        assert set(told) == {"chat_id", "message_id", "bot_profile_id"}
        assert told["bot_profile_id"] == bot
        owner.delete(f"/v1/webhooks/{hook['id']}")

    def test_another_tenants_events_are_not(self, owner, bot, stranger, receiver):
        subscribe(stranger, receiver.url, events=["chat.message"])
        owner.post(
            "/v1/chat",
            json={"bot_profile_id": bot, "message": "How fast does a peregrine falcon dive?"},
        )
        time.sleep(2)
        assert receiver.requests == []


@pytest.fixture(scope="module")
def counted(base_url):
    """A tenant of its own, whose numbers are known: two bots, three sources, three turns."""
    account = sign_up(base_url, "counted")
    busy, idle = make_bot(account.client, name="Busy"), make_bot(account.client, name="Idle")
    teach(account.client, busy, "The kestrel hovers over meadows.")
    parent = make_source(account.client, busy)
    make_source(account.client, busy, parent_id=parent["id"])
    answers = [
        account.client.post(
            "/v1/chat", json={"bot_profile_id": busy, "message": "Where does the kestrel hover?"}
        ).json()
        for _ in range(3)
    ]
    for answer, feedback in zip(answers, ("positive", "negative"), strict=False):
        path = f"/v1/chat/{answer['chat_id']}/messages/{answer['message']['id']}/feedback"
        assert account.client.patch(path, json={"feedback": feedback}).status_code == 200
    return {
        "client": account.client,
        "busy": busy,
        "idle": idle,
        "prompt": sum(answer["usage"]["prompt_tokens"] for answer in answers),
        "completion": sum(answer["usage"]["completion_tokens"] for answer in answers),
        "model": answers[0]["usage"]["model"],
    }


class TestStats:
    def test_the_overview(self, counted):
        assert counted["client"].get("/v1/stats/overview").json() == {
            "bot_profiles": 2,
            "sources": 3,
            "chats": 3,
            "total_prompt_tokens": counted["prompt"],
            "total_completion_tokens": counted["completion"],
            "total_tokens": counted["prompt"] + counted["completion"],
        }

    def test_the_overview_counts_what_is_deleted(self, base_url):
        client = sign_up(base_url, "deleting").client
        bot = make_bot(client)
        client.delete(f"/v1/sources/{make_source(client, bot)['id']}")
        client.delete(f"/v1/bot-profiles/{bot}")
        found = client.get("/v1/stats/overview").json()
        assert (found["bot_profiles"], found["sources"]) == (1, 1)

    def test_usage_by_day(self, counted):
        (day,) = counted["client"].get("/v1/stats/usage").json()
        assert set(day) == {
            "date",
            "model",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "request_count",
        }
        assert date.fromisoformat(day["date"])
        assert (day["model"], day["request_count"]) == (counted["model"], 3)
        assert (day["prompt_tokens"], day["completion_tokens"]) == (
            counted["prompt"],
            counted["completion"],
        )

    def test_usage_by_bot(self, counted):
        (row,) = counted["client"].get("/v1/stats/usage/by-bot").json()
        assert set(row) == {
            "bot_profile_id",
            "bot_name",
            "model",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "request_count",
            "cost_usd",
        }
        assert (row["bot_profile_id"], row["bot_name"], row["request_count"]) == (
            counted["busy"],
            "Busy",
            3,
        )

    def test_usage_by_model(self, counted):
        (row,) = counted["client"].get("/v1/stats/usage/by-model").json()
        assert set(row) == {
            "model",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "request_count",
            "cost_usd",
            "prompt_cost_per_1m",
            "completion_cost_per_1m",
        }
        assert row["total_tokens"] == counted["prompt"] + counted["completion"]

    def test_the_cost_estimate(self, counted):
        body = counted["client"].get("/v1/stats/cost-estimate").json()
        assert set(body) >= {
            "total_cost_usd",
            "daily_avg_cost_usd",
            "projected_monthly_usd",
            "active_days",
            "by_model",
            "by_bot",
        }
        assert body["active_days"] == 1
        assert body["projected_monthly_usd"] == round(30 * body["daily_avg_cost_usd"], 2)

    def test_the_pricing(self, counted):
        body = counted["client"].get("/v1/stats/pricing").json()
        assert set(body) == {"models", "default"}
        assert set(body["default"]) == {"prompt_cost_per_1m", "completion_cost_per_1m"}
        assert {"prompt_cost_per_1m": 2.5, "completion_cost_per_1m": 10.0}.items() <= body[
            "models"
        ]["gpt-4o"].items()

    def test_the_feedback(self, counted):
        body = counted["client"].get("/v1/stats/feedback").json()
        assert body["total_messages"] == 3 and body["total_with_feedback"] == 2
        assert (body["positive_count"], body["negative_count"]) == (1, 1)
        assert body["feedback_rate"] == 66.67
        (row,) = [row for row in body["by_bot"] if row["total_messages"]]
        assert set(row) == {
            "bot_profile_id",
            "bot_name",
            "positive_count",
            "negative_count",
            "total_messages",
            "feedback_rate",
        }
        assert row["bot_profile_id"] == counted["busy"]

    def test_the_feedback_of_one_bot(self, counted):
        params = {"bot_profile_id": counted["idle"]}
        assert (
            counted["client"].get("/v1/stats/feedback", params=params).json()["total_messages"] == 0
        )

    def test_the_trend_of_feedback(self, counted):
        (day,) = counted["client"].get("/v1/stats/feedback/trend").json()
        assert set(day) == {"date", "positive_count", "negative_count", "total_messages"}
        assert (day["positive_count"], day["negative_count"], day["total_messages"]) == (1, 1, 3)

    @pytest.mark.parametrize("path", ["usage", "usage/by-bot", "usage/by-model", "feedback/trend"])
    def test_negative_days_are_empty_and_huge_ones_no_500(self, counted, path):
        assert counted["client"].get(f"/v1/stats/{path}", params={"days": -1}).json() == []
        assert counted["client"].get(f"/v1/stats/{path}", params={"days": 10**9}).status_code in (
            200,
            422,
        )

    @pytest.mark.parametrize(
        "path",
        ["usage", "usage/by-bot", "usage/by-model", "cost-estimate", "feedback", "feedback/trend"],
    )
    def test_days_that_are_no_number_are_422(self, counted, path):
        assert_invalid(
            counted["client"].get(f"/v1/stats/{path}", params={"days": "many"}), "query", "days"
        )

    def test_members_may_look(self, member):
        assert member.get("/v1/stats/overview").status_code == 200


class TestSystem:
    def test_health_is_open(self, anyone):
        answer = anyone.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")

    def test_system_health_names_the_three_services(self, owner):
        body = owner.get("/v1/system/health").json()
        assert body["status"] in ("ok", "degraded")
        for service in ("postgres", "qdrant", "redis"):
            assert body[service]["status"] == "ok"
            assert set(body[service]) <= {"status", "detail", "version", "latency_ms"}

    def test_the_detailed_health_needs_a_credential(self, anyone):
        assert anyone.get("/v1/system/health/detailed").status_code == 401

    def test_the_detailed_health(self, owner, counted):
        body = counted["client"].get("/v1/system/health/detailed").json()
        assert {
            "status",
            "postgres",
            "qdrant",
            "redis",
            "uptime_seconds",
            "python_version",
            "platform",
            "db_stats",
            "qdrant_stats",
            "redis_stats",
            "bot_sources",
            "config",
        } <= set(body)
        assert set(body["db_stats"]) == {
            "sources_by_status",
            "total_chunks",
            "total_messages",
            "total_chats",
            "total_usage_events",
            "total_prompt_tokens",
            "total_completion_tokens",
        }
        assert (body["db_stats"]["total_chats"], body["db_stats"]["total_messages"]) == (3, 6)
        assert set(body["qdrant_stats"]) == {
            "collection",
            "vectors_count",
            "points_count",
            "segments_count",
            "status",
            "disk_data_size_mb",
            "ram_data_size_mb",
        }
        assert [row["bot_name"] for row in body["bot_sources"]] == ["Idle", "Busy"]
        assert set(body["bot_sources"][0]) == {
            "bot_profile_id",
            "bot_name",
            "model",
            "is_active",
            "source_count",
            "ready_sources",
            "total_chunks",
        }

    def test_its_configuration_has_no_password(self, owner):
        config = owner.get("/v1/system/health/detailed").json()["config"]
        assert set(config) == {
            "database_url",
            "redis_url",
            "qdrant_url",
            "encryption_configured",
            "jwt_configured",
            "jwt_expire_minutes",
            "default_llm_model",
            "default_embedding_model",
            "cors_origins",
        }

    def test_the_root_is_no_server_error(self, anyone):
        assert anyone.get("/", follow_redirects=True).status_code in (200, 404)

    def test_the_widgets_script_is_where_it_was(self, anyone):
        answer = anyone.get("/dashboard/widget/minirag-widget.js", follow_redirects=True)
        assert answer.status_code == 200
        assert "javascript" in answer.headers["content-type"]
        assert "minirag-widget" in answer.text

    def test_the_widgets_stylesheet_is_where_it_was(self, anyone):
        answer = anyone.get("/dashboard/widget/minirag-widget.css", follow_redirects=True)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/css")

    @pytest.mark.parametrize(
        "path",
        ["/dashboard/..%2fmanage.py", "/dashboard//etc/passwd", "/dashboard/%2e%2e/manage.py"],
    )
    def test_no_path_reads_the_servers_files(self, anyone, path):
        answer = anyone.get(path)
        assert "root:" not in answer.text and "django" not in answer.text.lower()

    def test_an_unknown_id_is_never_a_500(self, owner):
        for path in (f"/v1/webhooks/{NOBODY}", f"/v1/sources/{NOBODY}", f"/v1/chat/{NOBODY}"):
            assert owner.get(path).status_code == 404

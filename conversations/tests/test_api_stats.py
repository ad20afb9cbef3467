"""`/v1/stats`: the contract's shapes with numbers counted by hand, and what we added to them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from bots.models import BotProfile, PriceOverride, UsageEvent, UsageKind
from bots.tests.usage_scene import move_to, spend, utc
from bots.usage.metering import record_usage
from bots.usage.rollup import roll_up_usage
from conversations.models import Chat, Message
from conversations.tests.conftest import make_bot
from knowledge.models import Source
from knowledge.sources.homes import private_dataset
from tenants.context import tenant_context

JSON = "application/json"
LISTS = ["usage", "usage/by-bot", "usage/by-model", "feedback/trend"]
WITH_DAYS = [*LISTS, "cost-estimate", "feedback", "latency", "refusals"]


@pytest.fixture(autouse=True)
def acmes_own_zone(acme):
    yield
    acme.tenant.time_zone = "UTC"


@pytest.fixture
def get(as_acme):
    def fetch(path, **query):
        response = as_acme.get(f"/v1/stats/{path}", query)
        assert response.status_code == 200, response.content
        return response.json()

    return fetch


@pytest.fixture
def bot(in_acme) -> BotProfile:
    return make_bot()


def answer(bot, moment=None, *, feedback=None, reason="", chat=None) -> Message:
    chat = chat or Chat.objects.create(bot_profile=bot)
    outcome = "refused" if reason else "answered"
    Message.objects.create(chat=chat, role="user", content="?", outcome=outcome)
    message = Message.objects.create(
        chat=chat,
        role="assistant",
        content="!",
        feedback=feedback,
        outcome=outcome,
        refusal_reason=reason,
    )
    if moment is not None:
        Message.objects.filter(chat=chat).update(created_at=moment)
    return message


class TestOverview:
    def test_it_is_all_zero_in_the_beginning(self, get, in_acme):
        assert get("overview") == {
            "bot_profiles": 0, "sources": 0, "chats": 0, "total_prompt_tokens": 0, "total_completion_tokens": 0,
            "total_tokens": 0,
        }  # fmt: skip

    def test_it_counts_what_is_deleted_and_children_and_chat_tokens_only(self, get, bot):
        make_bot(is_active=False)
        parent = Source.objects.create(
            bot_profile=bot, dataset=private_dataset(bot), name="p", source_type="text"
        )
        Source.objects.create(
            bot_profile=bot, dataset=parent.dataset, name="c", source_type="text", parent=parent,
            deleted_at=timezone.now(),
        )  # fmt: skip
        answer(bot)
        spend(bot)
        roll_up_usage()
        spend(bot, prompt_tokens=100, completion_tokens=1)
        spend(bot, kind="embedding", prompt_tokens=5000)
        assert get("overview") == {
            "bot_profiles": 2, "sources": 2, "chats": 1, "total_prompt_tokens": 110, "total_completion_tokens": 6,
            "total_tokens": 116,
        }  # fmt: skip


class TestUsage:
    def test_days_come_newest_first_by_the_tenants_clock(self, get, acme, bot):
        move_to(acme.tenant, "Asia/Tokyo")
        spend(bot, utc(2026, 5, 1, 14, 59))
        spend(bot, utc(2026, 5, 1, 15))
        spend(bot, utc(2026, 5, 1, 16), model="b/y", prompt_tokens=1)
        expected = [
            ("2026-05-02", "b/y", 1, 5, 6, 1), ("2026-05-02", "openai/gpt-4o", 10, 5, 15, 1),
            ("2026-05-01", "openai/gpt-4o", 10, 5, 15, 1),
        ]  # fmt: skip
        names = (
            "date",
            "model",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "request_count",
        )
        for _ in range(2):
            assert get("usage") == [dict(zip(names, row, strict=True)) for row in expected]
            roll_up_usage()

    def test_by_bot_has_a_row_for_each_bot_and_model_with_most_tokens_first(self, get, bot):
        other = make_bot(name="Other")
        spend(bot)
        spend(bot, cost_usd=Decimal("0.0020004"))
        spend(bot, model="b/y", completion_tokens=500)
        spend(other, prompt_tokens=100)
        rows = get("usage/by-bot")
        assert rows[1] == {
            "bot_profile_id": str(other.pk), "bot_name": "Other", "model": "openai/gpt-4o", "prompt_tokens": 100,
            "completion_tokens": 5, "total_tokens": 105, "request_count": 1, "cost_usd": 0.001,
        }  # fmt: skip
        assert [(row["bot_name"], row["model"], row["cost_usd"]) for row in rows] == [
            ("Helper", "b/y", 0.001), ("Other", "openai/gpt-4o", 0.001), ("Helper", "openai/gpt-4o", 0.003),
        ]  # fmt: skip

    def test_by_model_shows_todays_prices_beside_what_was_really_spent(self, get, as_acme, bot):
        spend(bot)
        spend(make_bot(), model="unheard/of", prompt_tokens=1)
        body = {"model": "openai/gpt-4o", "prompt_cost_per_1m": 7, "completion_cost_per_1m": "8.5"}
        assert as_acme.put("/v1/stats/pricing", body, content_type=JSON).status_code == 200
        assert get("usage/by-model") == [
            {
                "model": "openai/gpt-4o", "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
                "request_count": 1, "cost_usd": 0.001, "prompt_cost_per_1m": 7.0, "completion_cost_per_1m": 8.5,
            },
            {
                "model": "unheard/of", "prompt_tokens": 1, "completion_tokens": 5, "total_tokens": 6,
                "request_count": 1, "cost_usd": 0.001, "prompt_cost_per_1m": 1.0, "completion_cost_per_1m": 3.0,
            },
        ]  # fmt: skip

    def test_the_lists_are_of_chats_unless_another_kind_is_asked_for(self, get, bot):
        spend(bot)
        for kind in ("embedding", "rewrite", "rerank"):
            spend(bot, kind=kind, model=f"x/{kind}")
        for path in ("usage", "usage/by-bot", "usage/by-model"):
            assert [row["model"] for row in get(path)] == ["openai/gpt-4o"]
            assert [row["model"] for row in get(path, kind="rerank")] == ["x/rerank"]
            assert len(get(path, kind="all")) == 4

    def test_a_deleted_bot_keeps_what_it_spent(self, get, bot):
        spend(bot)
        roll_up_usage()
        kept = str(bot.pk)
        bot.delete()
        (row,) = get("usage/by-bot")
        assert (row["bot_profile_id"], row["bot_name"], row["total_tokens"]) == (
            kept,
            "(deleted bot)",
            15,
        )

    def test_a_list_costs_few_queries_however_many_bots(
        self, get, bot, django_assert_max_num_queries
    ):
        for number in range(12):
            spend(make_bot(name=str(number)), model=f"m/{number}")
        for path in ("usage", "usage/by-bot", "usage/by-model", "cost-estimate", "latency"):
            with django_assert_max_num_queries(9):
                get(path)


class TestCostEstimate:
    def test_the_average_is_per_active_day_and_the_projection_thirty_of_them(self, get, bot):
        now = timezone.now()
        spend(bot, now, cost_usd=Decimal("0.1234567"))
        spend(bot, now, cost_usd=Decimal("0.1"))
        spend(bot, now - timedelta(days=3), cost_usd=Decimal("0.3"))
        spend(bot, now - timedelta(days=40), cost_usd=Decimal(99))
        spend(
            bot,
            now - timedelta(days=5),
            kind="embedding",
            cost_usd=Decimal("0.7"),
            completion_tokens=0,
        )
        body = get("cost-estimate")
        assert {name: body[name] for name in list(body)[:4]} == {
            "total_cost_usd": 0.523457, "daily_avg_cost_usd": 0.261728, "projected_monthly_usd": 7.85, "active_days": 2,
        }  # fmt: skip
        assert body["by_model"] == get("usage/by-model", days=30)
        assert body["by_bot"] == get("usage/by-bot", days=30)
        assert body["all_kinds"] == {
            "total_cost_usd": 1.223457, "daily_avg_cost_usd": 0.407819, "projected_monthly_usd": 12.23,
            "active_days": 3,
        }  # fmt: skip
        assert {row["kind"]: row["cost_usd"] for row in body["by_kind"]} == {
            "chat": 0.523457, "embedding": 0.7, "rewrite": 0.0, "rerank": 0.0, "evaluation": 0.0,
        }  # fmt: skip
        assert get("cost-estimate", days=100)["total_cost_usd"] == 99.523457

    def test_without_an_active_day_it_is_nothing(self, get, in_acme):
        body = get("cost-estimate", days=-3)
        assert (body["total_cost_usd"], body["active_days"], body["projected_monthly_usd"]) == (
            0,
            0,
            0,
        )
        assert body["by_model"] == body["by_bot"] == []


class TestPricing:
    def test_it_lists_the_contracts_models_the_tenants_own_and_the_default(self, get, bot):
        spend(bot, model="azure/gpt-4o")
        roll_up_usage()
        body = get("pricing")
        assert set(body) == {"models", "default"}
        assert body["default"] == {"prompt_cost_per_1m": 1.0, "completion_cost_per_1m": 3.0}
        assert body["models"]["gpt-4o"] == {
            "prompt_cost_per_1m": 2.5,
            "completion_cost_per_1m": 10.0,
        }
        assert body["models"]["gemini/gemini-1.5-flash"] == {
            "prompt_cost_per_1m": 0.075, "completion_cost_per_1m": 0.3,
        }  # fmt: skip
        assert {"o1-mini", "claude-opus-4-6", "azure/gpt-4o", bot.model, "minirag/hash"} <= set(
            body["models"]
        )
        assert body["models"]["minirag/hash"] == {
            "prompt_cost_per_1m": 0.0,
            "completion_cost_per_1m": 0.0,
        }

    def test_an_override_counts_for_calls_from_then_on_and_no_longer_than_it_stands(
        self, as_acme, get, bot
    ):
        def call():
            shared = {"bot_profile_id": bot.pk, "prompt_tokens": 1000, "completion_tokens": 100}
            listed = Decimal("0.0035")
            return record_usage(UsageKind.CHAT, model="gpt-4o", cost_usd=listed, **shared).cost_usd

        assert call() == Decimal("0.0035")
        body = {"model": "gpt-4o", "prompt_cost_per_1m": 1, "completion_cost_per_1m": 0.5}
        saved = as_acme.put("/v1/stats/pricing", body, content_type=JSON)
        assert saved.json() == {
            "model": "gpt-4o",
            "prompt_cost_per_1m": 1.0,
            "completion_cost_per_1m": 0.5,
        }
        assert call() == Decimal("0.00105")
        assert get("usage/by-model")[0]["cost_usd"] == 0.00455
        assert get("pricing")["models"]["gpt-4o"] == {
            "prompt_cost_per_1m": 1.0,
            "completion_cost_per_1m": 0.5,
        }
        assert (
            as_acme.put(
                "/v1/stats/pricing", {**body, "prompt_cost_per_1m": 0}, content_type=JSON
            ).status_code
            == 200
        )
        assert PriceOverride.objects.count() == 1
        assert as_acme.delete("/v1/stats/pricing?model=gpt-4o").status_code == 204
        assert as_acme.delete("/v1/stats/pricing?model=gpt-4o").status_code == 404
        assert call() == Decimal("0.0035")
        acts = as_acme.get("/v1/audit-events").json()["items"]
        assert [act["action"] for act in acts[:3]] == [
            "price.removed",
            "price.changed",
            "price.changed",
        ]
        assert acts[2]["detail"]["model"] == "gpt-4o"

    @pytest.mark.parametrize(
        ("kind", "model", "cost"),
        [
            (
                "chat",
                "openai/of-my-own",
                "0.0013",
            ),  # nobody knows its price: the default, 1 and 3 per million
            ("chat", "o1-mini", "0.0042"),  # the contract knows it where the map does not
            ("chat", "ollama/of-my-own", "0"),
            ("chat", "minirag/extractive", "0"),
            ("embedding", "openai/of-my-own", "0"),
        ],
    )
    def test_what_a_model_without_a_list_price_costs(self, bot, kind, model, cost):
        event = record_usage(
            UsageKind(kind),
            bot_profile_id=bot.pk,
            model=model,
            prompt_tokens=1000,
            completion_tokens=100,
        )
        assert event.cost_usd == Decimal(cost)

    @pytest.mark.parametrize(
        ("kind", "model"), [("embedding", "minirag/hash"), ("chat", "minirag/extractive")]
    )
    def test_a_price_of_ones_own_counts_for_offline_models_too(
        self, as_acme, get, bot, kind, model
    ):
        body = {"model": model, "prompt_cost_per_1m": 2}
        assert as_acme.put("/v1/stats/pricing", body, content_type=JSON).status_code == 200
        event = record_usage(
            UsageKind(kind), bot_profile_id=bot.pk, model=model, prompt_tokens=1_000_000
        )
        assert event.cost_usd == 2
        (row,) = get(f"usage/by-model?kind={kind}")
        assert (row["cost_usd"], row["prompt_cost_per_1m"]) == (2.0, 2.0)

    def test_an_embedding_model_without_a_price_is_shown_as_it_is_charged(self, get, bot):
        type(bot).objects.filter(pk=bot.pk).update(embedding_model="custom/embedder")
        record_usage(
            UsageKind.EMBEDDING,
            bot_profile_id=bot.pk,
            model="custom/embedder",
            prompt_tokens=1_000_000,
        )
        free = {"prompt_cost_per_1m": 0.0, "completion_cost_per_1m": 0.0}
        assert get("pricing")["models"]["custom/embedder"] == free
        (row,) = get("usage/by-model?kind=embedding")
        assert row.items() >= {**free, "cost_usd": 0.0}.items()

    def test_the_default_can_be_overridden_too(self, as_acme, get, bot):
        body = {"model": "default", "prompt_cost_per_1m": 0}
        assert as_acme.put("/v1/stats/pricing", body, content_type=JSON).status_code == 200
        assert get("pricing")["default"] == {
            "prompt_cost_per_1m": 0.0,
            "completion_cost_per_1m": 0.0,
        }
        assert (
            record_usage(
                UsageKind.CHAT, bot_profile_id=bot.pk, model="x/y", prompt_tokens=9
            ).cost_usd
            == 0
        )

    def test_members_look_and_do_not_change(self, as_bob, in_acme):
        body = {"model": "gpt-4o", "prompt_cost_per_1m": 0}
        assert as_bob.get("/v1/stats/pricing").status_code == 200
        assert as_bob.put("/v1/stats/pricing", body, content_type=JSON).status_code == 403
        assert as_bob.delete("/v1/stats/pricing?model=gpt-4o").status_code == 403

    @pytest.mark.parametrize(
        "body",
        [
            {}, {"model": "x"}, {"model": "", "prompt_cost_per_1m": 1}, {"model": None, "prompt_cost_per_1m": 1},
            {"model": "x", "prompt_cost_per_1m": -1}, {"model": "x", "prompt_cost_per_1m": None},
            {"model": "x", "prompt_cost_per_1m": 1e9}, {"model": "x", "prompt_cost_per_1m": "NaN"},
            {"model": "x", "prompt_cost_per_1m": 10**400}, {"model": "x", "prompt_cost_per_1m": 0.0000001},
            {"model": "x\0", "prompt_cost_per_1m": 1}, {"model": "x" * 101, "prompt_cost_per_1m": 1},
            {"model": "x", "prompt_cost_per_1m": 1, "completion_cost_per_1m": "Infinity"},
        ],
    )  # fmt: skip
    def test_a_price_that_is_none_is_a_422_and_nothing_is_kept(self, as_acme, in_acme, body):
        assert as_acme.put("/v1/stats/pricing", body, content_type=JSON).status_code == 422
        assert not PriceOverride.objects.exists()
        assert as_acme.delete("/v1/stats/pricing").status_code == 422


class TestFeedback:
    def test_it_counts_answers_and_what_readers_thought_of_them(self, get, bot):
        other = make_bot(name="Other")
        for feedback in ("positive", "negative", None):
            answer(bot, feedback=feedback)
        answer(other)
        assert get("feedback") == {
            "total_messages": 4, "total_with_feedback": 2, "positive_count": 1, "negative_count": 1,
            "feedback_rate": 50.0,
            "by_bot": [
                {
                    "bot_profile_id": str(bot.pk), "bot_name": "Helper", "positive_count": 1, "negative_count": 1,
                    "total_messages": 3, "feedback_rate": 66.67,
                },
                {
                    "bot_profile_id": str(other.pk), "bot_name": "Other", "positive_count": 0, "negative_count": 0,
                    "total_messages": 1, "feedback_rate": 0.0,
                },
            ],
        }  # fmt: skip
        assert get("feedback", bot_profile_id=other.pk)["total_messages"] == 1
        assert get("feedback", bot_profile_id=uuid.uuid4())["by_bot"] == []

    def test_the_trend_goes_forward_by_the_tenants_days(self, get, acme, bot):
        move_to(acme.tenant, "Europe/Berlin")
        answer(bot, utc(2026, 10, 24, 21, 59), feedback="positive")
        answer(bot, utc(2026, 10, 24, 22), feedback="negative")
        answer(bot, utc(2026, 10, 25, 22, 59))  # the 25th has 25 hours
        answer(bot, utc(2026, 10, 25, 23))
        names = ("date", "positive_count", "negative_count", "total_messages")
        rows = [("2026-10-24", 1, 0, 1), ("2026-10-25", 0, 1, 2), ("2026-10-26", 0, 0, 1)]
        assert get("feedback/trend", days=10**6) == [
            dict(zip(names, row, strict=True)) for row in rows
        ]

    def test_thirty_days_are_counted_unless_told_otherwise(self, get, bot):
        answer(bot, timezone.now() - timedelta(days=29))
        answer(bot, timezone.now() - timedelta(days=30))
        assert get("feedback")["total_messages"] == 1
        assert get("feedback", days=31)["total_messages"] == 2


class TestRefusals:
    def test_they_are_counted_by_reason_and_by_day(self, get, acme, bot):
        move_to(acme.tenant, "Australia/Lord_Howe")  # half an hour of summer time
        answer(bot, utc(2026, 6, 1, 13, 29), reason="weak_retrieval")
        answer(bot, utc(2026, 6, 1, 13, 30), reason="weak_retrieval")
        answer(bot, utc(2026, 6, 1, 14), reason="model_refused")
        answer(bot, utc(2026, 6, 1, 14))
        assert get("refusals", days=10_000) == {
            "total_messages": 4, "refused_count": 3, "refusal_rate": 75.0, "curated_count": 0,
            "asked_back_count": 0,
            "by_reason": [
                {"reason": "weak_retrieval", "refused_count": 2, "share": 66.67},
                {"reason": "model_refused", "refused_count": 1, "share": 33.33},
            ],
            "by_day": [
                {"date": "2026-06-01", "total_messages": 1, "refused_count": 1, "refusal_rate": 100.0,
                 "asked_back_count": 0},
                {"date": "2026-06-02", "total_messages": 3, "refused_count": 2, "refusal_rate": 66.67,
                 "asked_back_count": 0},
            ],
        }  # fmt: skip
        assert get("refusals", days=10_000, bot_profile_id=make_bot().pk)["total_messages"] == 0

    def test_a_real_refusal_has_its_reason_there(self, get, as_acme, acme_bot, model):
        body = {"bot_profile_id": str(acme_bot.pk), "message": "Who won the cup in 1987?"}
        assert as_acme.post("/v1/chat", body, content_type=JSON).status_code == 200
        found = get("refusals")
        assert (found["refused_count"], len(found["by_reason"])) == (1, 1)
        assert found["by_reason"][0]["reason"] not in ("", "unknown")


class TestLatency:
    def test_percentiles_are_of_all_by_bot_and_by_model(self, get, bot):
        other = make_bot(name="Other")
        for ms in range(100, 1100, 100):
            spend(bot, time_to_first_token_ms=ms, duration_ms=10 * ms)
        spend(other, model="b/y", time_to_first_token_ms=5000, duration_ms=50_000)
        body = get("latency")
        assert body["error_limit_percent"] == 2.5
        first, whole = body["time_to_first_token_ms"], body["duration_ms"]
        assert (first["count"], whole["count"]) == (11, 11)
        for key, ms in (("p50", 600), ("p90", 1000), ("p95", 5000), ("p99", 5000)):
            assert first[key] == pytest.approx(ms, rel=0.025)
            assert whole[key] == pytest.approx(10 * ms, rel=0.025)
        assert {row["bot_name"]: row["duration_ms"]["count"] for row in body["by_bot"]} == {
            "Helper": 10,
            "Other": 1,
        }
        assert [row["model"] for row in body["by_model"]] == ["b/y", "openai/gpt-4o"]
        roll_up_usage()
        assert get("latency") == body
        mine = get("latency", bot_profile_id=other.pk)
        assert [row["model"] for row in mine["by_model"]] == ["b/y"]

    def test_nothing_measured_is_null(self, get, in_acme):
        body = get("latency")
        assert body["duration_ms"] == {
            "count": 0,
            "p50": None,
            "p90": None,
            "p95": None,
            "p99": None,
        }
        assert body["by_bot"] == body["by_model"] == []


class TestDays:
    @pytest.mark.parametrize("path", WITH_DAYS)
    @pytest.mark.parametrize("days", ["many", "", "1.5", "null", "1e3", "0x10", "--1", "\0"])
    def test_what_is_no_number_is_a_422(self, as_acme, path, days):
        response = as_acme.get(f"/v1/stats/{path}", {"days": days})
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["query", "days"]

    @pytest.mark.parametrize("path", LISTS)
    @pytest.mark.parametrize("days", ["-1", "0", "-99999999999999999999", "-" + "9" * 5000])
    def test_none_and_fewer_are_empty(self, get, bot, path, days):
        spend(bot)
        answer(bot)
        assert get(path, days=days) == []

    @pytest.mark.parametrize("path", LISTS)
    @pytest.mark.parametrize("days", ["1", "36500", "10000000", str(2**63), "9" * 5000])
    def test_huge_ones_are_all_there_is(self, get, bot, path, days):
        spend(bot)
        answer(bot)
        assert len(get(path, days=days)) == 1

    def test_other_parameters_are_checked_too(self, as_acme):
        for query in ({"bot_profile_id": "x"}, {"bot_profile_id": ""}):
            assert as_acme.get("/v1/stats/feedback", query).status_code == 422
        for kind in ("", "Chat", "everything", "\0"):
            assert as_acme.get("/v1/stats/usage", {"kind": kind}).status_code == 422


def test_a_tenant_sees_its_own_numbers_only(as_globex, bot, globex):
    spend(bot)
    answer(bot, feedback="negative")
    roll_up_usage()
    with tenant_context(globex.tenant):
        assert as_globex.get("/v1/stats/overview").json()["chats"] == 0
        assert as_globex.get("/v1/stats/usage").json() == []
        assert (
            as_globex.get(f"/v1/stats/feedback?bot_profile_id={bot.pk}").json()["total_messages"]
            == 0
        )
        assert not UsageEvent.objects.exists()


def test_a_turn_is_metered_with_the_embedding_of_its_question(as_acme, get, acme_bot, model):
    model.enqueue("36 months [1].")
    body = {
        "bot_profile_id": str(acme_bot.pk),
        "message": "How many months of warranty does the Aeris One have?",
    }
    assert as_acme.post("/v1/chat", body, content_type=JSON).status_code == 200
    assert [(row["model"], row["total_tokens"]) for row in get("usage")] == [
        ("openai/gpt-test", 18)
    ]
    embedded = get("usage", kind="embedding")
    assert [(row["model"], row["request_count"]) for row in embedded] == [
        ("minirag/hash", 2)
    ]  # the source's, and its
    assert get("latency")["time_to_first_token_ms"]["count"] == 1

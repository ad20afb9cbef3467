"""The usage page and the prices of the tenant admin."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from bots.models import BotProfile, PriceOverride
from bots.tests.usage_scene import spend
from bots.usage.month import summarise_month
from bots.usage.rollup import roll_up_usage

PAGE, PRICES = "/admin/bots/usageevent/", "/admin/bots/priceoverride/"


@pytest.fixture
def alice(in_acme) -> Client:
    client = Client(SCRIPT_NAME="/t/acme")
    client.force_login(in_acme.owner, backend="tenants.authentication.EmailBackend")
    client.cookies["sessionid_acme"] = client.cookies.pop("sessionid").value
    return client


def test_a_month_is_summed_up_by_day_and_model(in_acme):
    bot, now = BotProfile.objects.create(name="x"), timezone.now()
    spend(bot, now, cost_usd=Decimal("0.3"))
    spend(bot, now - timedelta(days=29), cost_usd=Decimal("0.1"), prompt_tokens=25)
    spend(
        bot,
        now - timedelta(days=29),
        kind="embedding",
        model="e/m",
        cost_usd=Decimal("0.5"),
        completion_tokens=0,
    )
    spend(bot, now - timedelta(days=30), cost_usd=Decimal(99))
    for _ in range(2):
        month = summarise_month()
        assert month["cards"] == [
            ("Cost in 30 days", "$0.90"), ("Per 30 days with calls", "$13.50"), ("Tokens", "55"), ("Calls", "3"),
        ]  # fmt: skip
        assert (len(month["bars"]), month["bars"][0].percent, month["bars"][-1].percent) == (
            30,
            100.0,
            37.5,
        )
        assert sum(bar.percent for bar in month["bars"][1:-1]) == 0
        assert [(name, sums.calls) for name, sums in month["models"]] == [
            ("e/m", 1),
            ("openai/gpt-4o", 2),
        ]
        roll_up_usage()


def test_nothing_used_is_an_empty_page(alice):
    text = alice.get(PAGE).content.decode()
    assert "No model was called in the last 30 days." in text


def test_the_page_shows_the_month_and_the_calls_of_a_bot_that_is_gone(alice):
    bot = BotProfile.objects.create(name="Soon gone")
    event = spend(bot, model="m/<b>")
    bot.delete()
    text = alice.get(PAGE).content.decode()
    assert "Cost in 30 days" in text and "m/&lt;b&gt;" in text and "m/<b>" not in text
    assert f"{event.prompt_tokens} + {event.completion_tokens}" in text
    assert alice.get(f"{PAGE}{event.pk}/change/").status_code == 200


def test_the_page_costs_no_query_per_day_or_model(alice, in_acme, django_assert_max_num_queries):
    bot = BotProfile.objects.create(name="x")
    for number in range(25):
        spend(bot, timezone.now() - timedelta(days=number), model=f"m/{number}")
    with django_assert_max_num_queries(15):
        assert alice.get(PAGE).status_code == 200


def test_an_owner_sets_a_price_and_a_wrong_one_is_refused(alice, in_acme):
    form = {"model": "openai/x", "prompt_cost_per_1m": "0.5", "completion_cost_per_1m": "1.5"}
    assert alice.post(f"{PRICES}add/", form).status_code == 302
    assert PriceOverride.objects.get().completion_cost_per_1m == Decimal("1.5")
    for wrong in (
        {"prompt_cost_per_1m": "-1"},
        {"model": "openai/x"},
        {"prompt_cost_per_1m": "NaN"},
    ):
        assert (
            alice.post(f"{PRICES}add/", {**form, "model": "openai/y", **wrong}).status_code == 200
        )
    assert PriceOverride.objects.count() == 1

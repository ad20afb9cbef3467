"""What counts against a quota, when it refuses, and what is told of it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bots.models import BotProfile, UsageEvent, UsageKind
from bots.quotas.changing import change_quota, put_quota, remove_quotas
from bots.quotas.counting import (
    QUOTAS,
    count_storage,
    find_standings,
    require_spendable,
    reserve_turn,
    settle_turn,
    spend,
)
from bots.quotas.models import Quota, QuotaUse
from bots.quotas.refusing import BudgetExceeded, QuotaExceeded
from bots.usage.metering import record_usage
from bots.usage.pricing import DEFAULT_ID, set_override
from minirag.lib.rows import fetched_ahead
from tenants.context import tenant_context
from tenants.models import Tenant

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOKEN = uuid.uuid4()


@pytest.fixture
def bot(in_acme) -> BotProfile:
    return BotProfile.objects.create(name="Ava")


def quota(resource="messages", limit=2, subject="tenant", subject_id=None, **fields) -> Quota:
    return Quota.objects.create(
        resource=resource, limit=limit, subject=subject, subject_id=subject_id, **fields
    )


def ask(bot, token_id=None, now=NOON):
    """Reserve a turn as `open_turn` does; None where it is refused."""
    try:
        with transaction.atomic():
            return reserve_turn(bot.pk, token_id, now=now)
    except (QuotaExceeded, BudgetExceeded):
        return None


def use(bot, tokens=0, cost=Decimal(0), now=NOON) -> UsageEvent:
    event = record_usage(
        UsageKind.CHAT, bot_profile_id=bot.pk, model="x/y", prompt_tokens=tokens, cost_usd=cost
    )
    UsageEvent.objects.filter(pk=event.pk).update(created_at=now, cost_usd=cost)
    event.cost_usd = cost
    return event


def used(quota, now=NOON):
    return find_standings([quota], now=now)[quota.pk].used


class TestQuestions:
    def test_as_many_pass_as_there_is_room_for(self, bot):
        limited = quota(limit=2)
        assert [ask(bot) is not None for _ in range(4)] == [True, True, False, False]
        assert used(limited) == 2

    def test_a_refused_one_counts_in_no_quota(self, bot):
        wide, narrow = quota(limit=10), quota(limit=1, period="day")
        assert [ask(bot) is not None for _ in range(3)] == [True, False, False]
        assert (used(wide), used(narrow)) == (1, 1)

    def test_a_quota_of_a_bot_is_for_that_bot_alone(self, bot):
        other = BotProfile.objects.create(name="Bea")
        quota(limit=1, subject="bot", subject_id=bot.pk)
        assert [ask(bot) is not None for _ in range(2)] == [True, False]
        assert all(ask(other) is not None for _ in range(3))

    def test_a_quota_of_a_token_is_for_that_token_alone(self, bot):
        quota(limit=1, subject="token", subject_id=TOKEN)
        assert [ask(bot, TOKEN) is not None for _ in range(2)] == [True, False]
        assert ask(bot, uuid.uuid4()) is not None
        assert ask(bot) is not None

    def test_one_that_failed_is_given_back_and_one_that_was_answered_is_not(self, bot):
        limited = quota(limit=2)
        failed, answered = ask(bot), ask(bot)
        settle_turn(failed, [], is_failed=True, now=NOON)
        settle_turn(answered, [], now=NOON)
        assert used(limited) == 1
        assert ask(bot) is not None
        assert ask(bot) is None

    def test_one_that_fails_in_the_next_month_is_given_back_to_the_month_it_was_asked_in(self, bot):
        limited = quota(limit=5)
        midnight = datetime(2026, 12, 1, tzinfo=UTC)
        late = ask(bot, now=midnight - timedelta(seconds=1))
        ask(bot, now=midnight)
        settle_turn(late, [], is_failed=True, now=midnight + timedelta(seconds=9))
        assert used(limited, midnight - timedelta(seconds=1)) == 0
        assert used(limited, midnight) == 1

    def test_a_limit_of_nothing_refuses_everything(self, bot):
        quota(limit=0)
        assert ask(bot) is None

    def test_a_new_limit_counts_for_what_was_used_before(self, bot):
        limited = quota(limit=2)
        assert ask(bot) and ask(bot)
        Quota.objects.filter(pk=limited.pk).update(limit=3)
        assert [ask(bot) is not None for _ in range(2)] == [True, False]

    def test_a_quota_set_in_the_middle_of_a_month_counts_the_month(self, bot):
        use(bot, tokens=5)
        use(bot, tokens=5, now=NOON - timedelta(days=40))
        limited = quota(limit=2)
        assert used(limited) == 1
        assert [ask(bot) is not None for _ in range(2)] == [True, False]

    def test_without_any_quota_a_turn_costs_one_query(self, bot, django_assert_num_queries):
        with django_assert_num_queries(1):
            assert reserve_turn(bot.pk).counted == ()

    def test_with_quotas_a_turn_costs_the_same_however_many_there_are(
        self, bot, django_assert_num_queries
    ):
        for period in ("day", "month", "total"):
            quota(limit=9, period=period)
            quota("tokens", limit=9, period=period)
        ask(bot)
        with django_assert_num_queries(
            4
        ):  # the quotas, their counters, the counters locked, and written
            reserve_turn(bot.pk, now=NOON)


class TestPeriods:
    def test_a_month_begins_at_midnight_of_the_tenants_time_zone(self, bot, acme):
        Tenant.objects.filter(pk=acme.tenant.pk).update(time_zone="Europe/Berlin")
        limited = quota(limit=1)
        with tenant_context(Tenant.objects.get(pk=acme.tenant.pk)):
            assert ask(bot, now=datetime(2026, 11, 30, 22, 59, tzinfo=UTC)) is not None
            assert ask(bot, now=datetime(2026, 11, 30, 22, 59, 30, tzinfo=UTC)) is None
            assert ask(bot, now=datetime(2026, 11, 30, 23, 0, tzinfo=UTC)) is not None
            standing = find_standings([limited], now=NOON)[limited.pk]
            assert standing.resets_at == datetime(2026, 11, 30, 23, tzinfo=UTC)

    def test_a_day_ends_and_a_total_does_not(self, bot):
        day, total = quota(limit=1, period="day"), quota(limit=2, period="total")
        assert ask(bot) is not None
        assert ask(bot) is None
        assert ask(bot, now=NOON + timedelta(days=1)) is not None
        assert ask(bot, now=NOON + timedelta(days=2)) is None
        assert used(day, NOON + timedelta(days=2)) == 0
        assert used(total) == 2


class TestRefusals:
    def refusal(self, bot, now=NOON):
        with pytest.raises((QuotaExceeded, BudgetExceeded)) as caught, transaction.atomic():
            reserve_turn(bot.pk, now=now)
        return caught.value

    def test_says_when_to_come_back(self, bot):
        quota(limit=0)
        error = self.refusal(bot)
        assert (error.status, error.code, error.retryable) == (429, "quota_exceeded", False)
        assert (
            error.detail
            == "The limit of questions for this month is reached. It starts anew on 2026-12-01."
        )
        assert (
            error.retry_after_seconds
            == (datetime(2026, 12, 1, tzinfo=UTC) - NOON).total_seconds() + 1
        )

    def test_money_is_a_402(self, bot):
        quota("cost_usd", limit="0.01", period="day")
        spend([use(bot, cost=Decimal("0.02"))], now=NOON)
        error = self.refusal(bot)
        assert (error.status, error.code) == (402, "budget_exceeded")
        assert error.detail == "The budget for today is used up. It starts anew on 2026-11-22."
        assert error.retry_after_seconds == 12 * 3600 + 1

    def test_what_never_starts_anew_does_not_say_when(self, bot):
        quota(limit=0, period="total")
        error = self.refusal(bot)
        assert (error.detail, error.retry_after_seconds) == (
            "The limit of questions is reached.",
            None,
        )

    def test_of_several_the_one_that_stays_full_longest_speaks(self, bot):
        quota(limit=0, period="day")
        quota(limit=0, period="month")
        assert "this month" in self.refusal(bot).detail


class TestTokensAndMoney:
    def test_the_turn_that_crosses_the_line_is_finished_and_the_next_refused(self, bot):
        limited = quota("tokens", limit=100)
        for tokens in (60, 60):
            settle_turn(ask(bot), [use(bot, tokens)], now=NOON)
        assert used(limited) == 120
        assert ask(bot) is None

    def test_a_turn_that_failed_locks_all_its_counters_at_once(self, bot):
        """Or it and a new question would each hold the counter that the other waits for."""
        asked, spent = quota("messages", 5), quota("tokens", 100)
        turn, events = ask(bot), [use(bot, 60)]
        with transaction.atomic(), CaptureQueriesContext(connection) as done:
            settle_turn(turn, events, is_failed=True, now=NOON)
        assert sum("FOR UPDATE" in query["sql"] for query in done) == 1
        assert [used(each) for each in (asked, spent)] == [0, 60]

    def test_what_was_spent_counts_also_where_the_turn_failed(self, bot):
        limited = quota("tokens", limit=100)
        settle_turn(ask(bot), [use(bot, 60)], is_failed=True, now=NOON)
        assert used(limited) == 60

    def test_one_that_is_removed_as_a_turn_ends_is_counted_no_more(self, bot):
        """Or its new counter could not be committed, and so not the answer."""
        quota("tokens", limit=100)
        turn, events = ask(bot), [use(bot, 60)]
        with fetched_ahead((QUOTAS, bot.pk, None), (QUOTAS, bot.pk, TOKEN)):
            remove_quotas(Quota.objects.all())
            assert settle_turn(turn, events, now=NOON) == []
        assert not QuotaUse.objects.exists()

    def test_every_call_of_a_turn_counts_for_its_bot_and_token(self, bot):
        of_bot, of_token = quota("tokens", 99, "bot", bot.pk), quota("cost_usd", 1, "token", TOKEN)
        settle_turn(
            ask(bot, TOKEN), [use(bot, 10, Decimal("0.25")), use(bot, 5, Decimal("0.5"))], now=NOON
        )
        assert (used(of_bot), used(of_token)) == (15, Decimal("0.75"))

    def test_a_counter_that_begins_with_the_caller_does_not_count_him_twice(self, bot):
        limited = quota("tokens", limit=100)
        use(bot, 7)
        spend([use(bot, 10)], now=NOON)
        assert used(limited) == 17

    def test_work_that_is_no_turn_is_refused_once_they_are_spent(self, bot):
        quota("tokens", limit=10)
        require_spendable(bot.pk, now=NOON)
        spend([use(bot, 10)], now=NOON)
        with pytest.raises(QuotaExceeded):
            require_spendable(bot.pk, now=NOON)


class TestCrossings:
    def test_the_warning_and_the_limit_are_told_once_per_period(self, bot):
        quota(limit=5, warning_percent=60)
        told = [[crossing.is_reached for crossing in ask(bot).crossings] for _ in range(5)]
        assert told == [[], [], [False], [], [True]]
        next_month = NOON + timedelta(days=30)
        assert [len(ask(bot, now=next_month).crossings) for _ in range(5)] == [0, 0, 1, 0, 1]

    def test_a_question_that_is_given_back_and_asked_again_tells_nothing_twice(self, bot):
        quota(limit=1)
        first = ask(bot)
        assert len(first.crossings) == 2
        settle_turn(first, [], is_failed=True, now=NOON)
        assert ask(bot).crossings == ()

    def test_a_raised_limit_is_told_again_once_it_is_reached(self, bot):
        limited = quota(limit=2, warning_percent=50)
        assert [len(ask(bot).crossings) for _ in range(2)] == [1, 1]
        change_quota(
            limited, {"limit": Decimal(4)}
        )  # half of it is used: of the warning there is nothing new to say
        assert [[crossing.is_reached for crossing in ask(bot).crossings] for _ in range(2)] == [
            [],
            [True],
        ]
        change_quota(limited, {"limit": Decimal(10)})
        told = [[crossing.is_reached for crossing in ask(bot).crossings] for _ in range(6)]
        assert told == [[False], [], [], [], [], [True]]

    def test_an_operators_raised_limit_is_told_again_too(self, bot):
        fields = {
            "subject": "tenant",
            "subject_id": None,
            "resource": "messages",
            "period": "month",
        }
        for limit in (1, 2):
            put_quota({**fields, "limit": Decimal(limit), "warning_percent": 100})
            assert [crossing.is_reached for crossing in ask(bot).crossings] == [False, True]

    def test_the_payload_says_what_and_how_much(self, bot):
        limited = quota("tokens", limit=100, subject="bot", subject_id=bot.pk)
        (crossing,) = spend([use(bot, 90)], now=NOON)
        assert crossing.payload == {
            "quota_id": str(limited.pk), "subject": "bot", "subject_id": str(bot.pk), "resource": "tokens",
            "period": "month", "limit": 100, "used": 90, "resets_at": "2026-12-01T00:00:00Z",
        }  # fmt: skip


class TestStorage:
    def test_what_does_not_fit_is_refused_and_what_is_freed_can_be_filled_again(self, bot):
        limited = quota("stored_bytes", limit=100, period="total")
        count_storage(bot.pk, 80)
        with (
            pytest.raises(QuotaExceeded, match=r"The limit of stored bytes is reached\."),
            transaction.atomic(),
        ):
            count_storage(bot.pk, 21)
        assert used(limited) == 80
        count_storage(bot.pk, -50)
        count_storage(bot.pk, 70)
        assert used(limited) == 100

    def test_filling_up_again_is_told_again(self, bot):
        quota("stored_bytes", limit=100, period="total")
        told = [
            [each.is_reached for each in count_storage(bot.pk, added)]
            for added in (80, 20, -50, 10, 40)
        ]
        assert told == [[False], [True], [], [], [False, True]]

    def test_the_tenant_stores_what_its_bots_do(self, bot):
        other = BotProfile.objects.create(name="Bea")
        whole = quota("stored_bytes", 100, period="total")
        own = quota("stored_bytes", 90, "bot", bot.pk, period="total")
        count_storage(bot.pk, 60)
        count_storage(other.pk, 40)
        assert (used(whole), used(own)) == (100, 60)
        with pytest.raises(QuotaExceeded), transaction.atomic():
            count_storage(bot.pk, 1)

    def test_less_may_be_stored_even_where_it_is_too_much_still(self, bot):
        count_storage(bot.pk, 100)
        limited = quota("stored_bytes", limit=10, period="total")
        count_storage(bot.pk, -5)
        assert used(limited) == 95


def test_each_tenant_counts_for_itself(acme, globex):
    for party, limit in ((acme, 1), (globex, 2)):
        with tenant_context(party.tenant):
            bot = BotProfile.objects.create(name="Ava")
            quota(limit=limit)
            assert [ask(bot) is not None for _ in range(3)] == [True] * limit + [False] * (
                3 - limit
            )
            assert QuotaUse.objects.get().used == limit


class TestTheOperatorsBudget:
    @pytest.mark.parametrize(
        ("model", "listed", "usual"), [("openai/gpt-4o", 3, 3), ("custom/unpriced", 0, 1)]
    )
    def test_is_not_undercut_by_prices_of_the_tenants_own(self, bot, model, listed, usual):
        for name in (model, DEFAULT_ID):
            set_override(name, prompt_cost_per_1m=Decimal(0), completion_cost_per_1m=Decimal(0))
        call = {
            "bot_profile_id": bot.pk,
            "model": model,
            "prompt_tokens": 1_000_000,
            "cost_usd": Decimal(listed),
        }
        assert record_usage(UsageKind.CHAT, **call).cost_usd == 0
        quota("cost_usd", 5, is_platform=True)
        assert record_usage(UsageKind.CHAT, **call).cost_usd == usual

    def test_counts_a_dearer_price_of_the_tenants_own(self, bot):
        quota("cost_usd", 5, is_platform=True)
        set_override(
            "openai/gpt-4o", prompt_cost_per_1m=Decimal(9), completion_cost_per_1m=Decimal(0)
        )
        call = {
            "bot_profile_id": bot.pk,
            "model": "openai/gpt-4o",
            "prompt_tokens": 1_000_000,
            "cost_usd": Decimal(3),
        }
        assert record_usage(UsageKind.CHAT, **call).cost_usd == 9

    def test_a_budget_of_the_tenants_own_is_at_its_own_prices(self, bot):
        quota("cost_usd", 5)
        set_override(
            "openai/gpt-4o", prompt_cost_per_1m=Decimal(1), completion_cost_per_1m=Decimal(0)
        )
        call = {
            "bot_profile_id": bot.pk,
            "model": "openai/gpt-4o",
            "prompt_tokens": 1_000_000,
            "cost_usd": Decimal(3),
        }
        assert record_usage(UsageKind.CHAT, **call).cost_usd == 1

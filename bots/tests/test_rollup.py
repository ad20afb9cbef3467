"""Sums of usage: exact at any moment, by the tenant's days, whatever is added up already and whoever commits late."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bots.models import BotProfile, Measure, Outcome, UsageDay, UsageEvent, UsageKind, UsageTiming
from bots.tests.usage_scene import move_to, spend, utc
from bots.usage.metering import record_usage
from bots.usage.rollup import ROLL_UP_AFTER, next_roll_up, roll_up_usage
from bots.usage.spending import COLUMNS, count_times, sum_usage, window_of
from bots.usage.timings import milliseconds_of, summarise_times
from tenants.context import tenant_context
from tenants.due import DueKind, DueWork


@pytest.fixture(autouse=True)
def acmes_own_zone(acme):
    """The party is made once for all tests; what a test does to its zone must not outlive it."""
    yield
    acme.tenant.time_zone = "UTC"


@pytest.fixture
def bot(in_acme) -> BotProfile:
    return BotProfile.objects.create(name="Helper")


def days_of(window=None) -> dict[str, int]:
    spent = sum_usage(("day",), window or window_of(None))
    return {str(each.day): each.request_count for each in sorted(spent, key=lambda each: each.day)}


def scatter(bots: list[BotProfile], count: int, seed: int = 1) -> None:
    """Events over 40 days of every kind, model, outcome and time."""
    pick = random.Random(seed)
    events = [
        UsageEvent(
            bot_profile=pick.choice(bots), kind=pick.choice(UsageKind.values), model=pick.choice(["a/x", "b/y", "c/z"]),
            prompt_tokens=pick.randrange(1000), completion_tokens=pick.randrange(500), total_tokens=pick.randrange(99),
            cost_usd=Decimal(pick.randrange(10**6)).scaleb(-8), outcome=pick.choice(Outcome.values),
            time_to_first_token_ms=pick.choice([None, pick.randrange(5000)]), duration_ms=pick.randrange(60_000),
        )
        for _ in range(count)
    ]  # fmt: skip
    moments = [utc(2026, 3, 1) + timedelta(minutes=pick.randrange(40 * 1440)) for _ in events]
    UsageEvent.objects.bulk_create(events)
    for event, moment in zip(events, moments, strict=True):
        UsageEvent.objects.filter(pk=event.pk).update(created_at=moment)


def count_by_hand(zone: str) -> tuple[dict, Counter]:
    sums: dict = {}
    times: Counter = Counter()
    for event in UsageEvent.objects.all():
        day = event.created_at.astimezone(ZoneInfo(zone)).date()
        key = (day, event.bot_profile_id, event.model, event.kind)
        row = (1, event.prompt_tokens, event.completion_tokens, event.total_tokens, event.cost_usd)
        sums[key] = tuple(a + b for a, b in zip(sums.get(key, (0, 0, 0, 0, 0)), row, strict=True))
        if event.kind == "chat" and event.time_to_first_token_ms is not None:
            times[event.bot_profile_id, Measure.FIRST_TOKEN] += 1
            times[event.bot_profile_id, Measure.DURATION] += event.outcome in (
                "answered",
                "refused",
            )
    return sums, times


def check_exact(zone: str) -> None:
    spent = sum_usage(COLUMNS, window_of(None), kinds=UsageKind.values)
    found = {
        (row.day, row.bot_profile_id, row.model, row.kind): (
            row.request_count, row.prompt_tokens, row.completion_tokens, row.total_tokens, row.cost_usd,
        )
        for row in spent
    }  # fmt: skip
    sums, times = count_by_hand(zone)
    assert len(found) == len(spent) and found == sums
    counted: Counter = Counter()
    for bot_id, _, measure, _, count in count_times(window_of(None)):
        counted[bot_id, measure] += count
    assert counted == +times


class TestDays:
    def test_an_event_counts_on_the_day_that_the_tenant_had(self, acme, bot):
        spend(bot, utc(2026, 6, 1, 22, 30))
        assert days_of() == {"2026-06-01": 1}
        move_to(acme.tenant, "Europe/Berlin")
        assert days_of() == {"2026-06-02": 1}
        move_to(acme.tenant, "America/Los_Angeles")
        assert days_of() == {"2026-06-01": 1}

    def test_a_zone_with_a_quarter_of_an_hour_has_its_midnight_there(self, acme, bot):
        move_to(acme.tenant, "Asia/Kathmandu")  # +05:45
        spend(bot, utc(2026, 6, 1, 18, 14, 59))
        spend(bot, utc(2026, 6, 1, 18, 15))
        for _ in range(2):
            assert days_of() == {"2026-06-01": 1, "2026-06-02": 1}
            roll_up_usage()

    @pytest.mark.parametrize(
        ("first", "last", "hours"),
        [
            (
                utc(2026, 3, 28, 23),
                utc(2026, 3, 29, 21, 59),
                23,
            ),  # clocks go forward in Berlin on 29 March
            (utc(2026, 10, 24, 22), utc(2026, 10, 25, 22, 59), 25),  # and back on 25 October
        ],
    )
    def test_a_day_on_which_clocks_change_has_all_its_hours_and_no_other(
        self, acme, bot, first, last, hours
    ):
        move_to(acme.tenant, "Europe/Berlin")
        for hour in range(-1, hours + 1):
            spend(bot, first + timedelta(hours=hour))
        spend(bot, last)
        day = first.astimezone(ZoneInfo("Europe/Berlin")).date()
        expected = {
            str(day - timedelta(days=1)): 1,
            str(day): hours + 1,
            str(day + timedelta(days=1)): 1,
        }
        for _ in range(2):
            assert days_of() == expected
            roll_up_usage()

    def test_a_window_begins_where_its_first_day_does(self, acme, bot):
        move_to(acme.tenant, "America/New_York")
        now = utc(2026, 11, 2, 4, 59)  # still 1 November there, the day on which clocks went back
        for moment in (
            utc(2026, 10, 31, 3, 59),
            utc(2026, 10, 31, 4),
            utc(2026, 11, 1, 3, 59),
            utc(2026, 11, 1, 4),
        ):
            spend(bot, moment)
        for _ in range(2):
            assert days_of(window_of(1, now=now)) == {"2026-11-01": 1}
            assert days_of(window_of(2, now=now)) == {"2026-10-31": 2, "2026-11-01": 1}
            assert sum(days_of(window_of(3, now=now)).values()) == 4
            roll_up_usage()

    def test_where_midnight_is_skipped_the_day_begins_when_clocks_jump(self, acme, in_acme):
        move_to(acme.tenant, "Africa/Cairo")  # 24 April 2026: from 00:00 to 01:00
        window = window_of(1, now=utc(2026, 4, 24, 12))
        assert window.starts_at == utc(2026, 4, 23, 22)

    def test_no_days_and_fewer_are_empty_and_any_number_more_is_all(self, bot):
        spend(bot)
        assert (
            sum_usage((), window_of(0))
            == sum_usage((), window_of(-5))
            == count_times(window_of(0))
            == []
        )
        assert window_of(10**9).first_day == date(1970, 1, 1)
        assert [row.request_count for row in sum_usage((), window_of(10**9))] == [1]

    def test_nothing_spent_is_no_row(self, in_acme):
        assert sum_usage((), window_of(None)) == []


class TestExactness:
    @pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
    def test_sums_are_the_same_before_between_and_after_adding_up(self, acme, bot, zone):
        move_to(acme.tenant, zone)
        scatter([bot, BotProfile.objects.create(name="Other")], 300)
        check_exact(zone)
        assert roll_up_usage(batch=100, batches=2) == 200
        assert UsageEvent.objects.filter(is_rolled_up=False).count() == 100
        check_exact(zone)
        assert roll_up_usage(batch=100) == 100
        check_exact(zone)
        scatter([bot], 50, seed=2)
        check_exact(zone)

    def test_running_again_counts_nothing_twice(self, bot):
        scatter([bot], 60)
        assert [roll_up_usage(), roll_up_usage(), roll_up_usage()] == [60, 0, 0]
        check_exact("UTC")

    def test_what_is_late_is_counted_however_late_it_is(self, bot):
        spend(bot, utc(2026, 5, 5, 12))
        roll_up_usage()
        spend(bot, utc(2026, 5, 5, 11))  # as a slow transaction does
        spend(bot, utc(2025, 1, 1))
        assert days_of() == {"2025-01-01": 1, "2026-05-05": 2}
        assert roll_up_usage() == 2
        assert days_of() == {"2025-01-01": 1, "2026-05-05": 2}

    def test_another_zone_moves_the_days_at_once_and_for_what_is_added_up_too(self, acme, bot):
        scatter([bot], 200)
        roll_up_usage()
        scatter([bot], 30, seed=3)
        move_to(acme.tenant, "Pacific/Auckland")
        check_exact("Pacific/Auckland")  # nobody has added up again yet
        roll_up_usage()
        check_exact("Pacific/Auckland")
        assert sum(row.request_count for row in UsageDay.objects.all()) == 230

    def test_the_spending_of_a_deleted_bot_stays(self, bot):
        kept = bot.pk
        spend(bot)
        roll_up_usage()
        spend(bot)
        bot.delete()
        assert [
            (row.bot_profile_id, row.request_count)
            for row in sum_usage(("bot_profile_id",), window_of(None))
        ] == [(kept, 2)]
        roll_up_usage()
        assert sum_usage((), window_of(None))[0].cost_usd == Decimal("0.002")

    def test_reading_costs_one_query_and_no_look_at_what_is_added_up(self, bot):
        scatter([bot], 50)
        roll_up_usage()
        with CaptureQueriesContext(connection) as queries:
            sum_usage(("day", "model"), window_of(30))
        assert len(queries) == 1
        with CaptureQueriesContext(connection) as queries:
            count_times(window_of(30), bot_profile_id=bot.pk)
        assert len(queries) == 1

    def test_each_tenant_is_added_up_in_its_own_schema(self, acme, globex):
        for party, count in ((acme, 2), (globex, 3)):
            with tenant_context(party.tenant):
                bot = BotProfile.objects.create(name="Helper")
                for _ in range(count):
                    spend(bot)
        for party, count in ((acme, 2), (globex, 3)):
            with tenant_context(party.tenant):
                assert roll_up_usage() == count and next_roll_up() is None
                assert [row.request_count for row in UsageDay.objects.all()] == [count]
                assert days_of() == {str(timezone.now().date()): count}


class TestWhen:
    def test_a_call_makes_its_adding_up_due_and_a_burst_costs_one_reminder(
        self, bot, django_capture_on_commit_callbacks
    ):
        DueWork.objects.all().delete()
        for _ in range(5):
            with django_capture_on_commit_callbacks(execute=True):
                record_usage(UsageKind.CHAT, bot_profile_id=bot.pk, model="m")
        [reminder] = DueWork.objects.filter(kind=DueKind.USAGE)
        assert reminder.due_at - timezone.now() <= ROLL_UP_AFTER
        assert next_roll_up() is not None
        roll_up_usage()
        assert next_roll_up() is None

    def test_another_time_zone_has_the_days_added_up_anew(self, bot, acme):
        spend(bot)
        roll_up_usage()
        DueWork.objects.all().delete()
        acme.tenant.time_zone = "Asia/Tokyo"
        acme.tenant.save()
        assert DueWork.objects.filter(kind=DueKind.USAGE, due_at__lte=timezone.now()).exists()
        with tenant_context(acme.tenant):
            assert next_roll_up() is not None


class TestTimes:
    def test_a_percentile_is_as_near_as_it_promises(self, bot):
        pick = random.Random(7)
        times = sorted(round(pick.lognormvariate(6.5, 0.8)) for _ in range(500))
        UsageEvent.objects.bulk_create(
            UsageEvent(bot_profile=bot, model="m", time_to_first_token_ms=ms, duration_ms=ms)
            for ms in times
        )
        for _ in range(2):
            buckets = {bucket: count for _, _, measure, bucket, count in count_times(window_of(1))
                       if measure == Measure.FIRST_TOKEN}  # fmt: skip
            summary = summarise_times(buckets)
            assert summary["count"] == 500
            for percentile in (50, 90, 95, 99):
                exact = times[-(-500 * percentile // 100) - 1]
                assert summary[f"p{percentile}"] == pytest.approx(exact, rel=0.025, abs=0.5)
            roll_up_usage()
        assert UsageTiming.objects.exists()

    @pytest.mark.parametrize("ms", [1, 2, 3, 7, 19, 20, 21, 100, 999, 60_000, 2**31 - 1])
    def test_every_time_is_read_back_as_itself_or_nearly(self, bot, ms):
        spend(bot, time_to_first_token_ms=ms)
        ((_, _, _, bucket, _),) = count_times(window_of(1))
        assert milliseconds_of(bucket) == pytest.approx(ms, rel=0.025, abs=0.5)

    def test_a_time_of_nothing_is_a_millisecond(self, bot):
        spend(bot, time_to_first_token_ms=0)
        assert [milliseconds_of(row[3]) for row in count_times(window_of(1))] == [1]

    def test_nothing_measured_has_no_percentiles(self):
        assert summarise_times({}) == {
            "count": 0,
            "p50": None,
            "p90": None,
            "p95": None,
            "p99": None,
        }

    def test_only_turns_in_which_a_model_spoke_are_timed(self, bot):
        spend(bot, outcome="refused", duration_ms=12)  # nothing was found, no model was asked
        spend(bot, outcome="failed", duration_ms=60_000)
        spend(
            bot, outcome="stopped", time_to_first_token_ms=100, duration_ms=200
        )  # by the reader, who was impatient
        spend(bot, kind="embedding", time_to_first_token_ms=5, duration_ms=5)
        spend(bot, outcome="answered", time_to_first_token_ms=100, duration_ms=900)
        found = Counter(dict.fromkeys(Measure, 0))
        for _, _, measure, _, count in count_times(window_of(1)):
            found[measure] += count
        assert found == {Measure.FIRST_TOKEN: 2, Measure.DURATION: 1}

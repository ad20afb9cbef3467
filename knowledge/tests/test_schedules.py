"""Sources that are read again at times, by the clock of their tenant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from knowledge import tasks
from knowledge.indexing.forgetting import forget_document
from knowledge.models import Document, Source
from knowledge.sources.changing import update_source
from knowledge.sources.schedule import LONGEST_SCHEDULE, find_fault, next_attempt, next_refresh
from knowledge.tests.conftest import make_source, run, teach
from tenants.context import tenant_context
from tenants.due import claim_due
from tests.test_admin import browser

pytestmark = pytest.mark.usefixtures("no_worker")

WEEKDAYS = "15 6 * * 1-5"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "zone", "last", "then"),
    [
        (WEEKDAYS, "Europe/Berlin", "2026-11-27T12:00", "2026-11-30T05:15"),  # a Friday, a Monday
        (WEEKDAYS, "Europe/Berlin", "2026-07-06T12:00", "2026-07-07T04:15"),  # in summer time
        (WEEKDAYS, "Asia/Tokyo", "2026-11-26T22:00", "2026-11-29T21:15"),
        ("0 12 * * *", "America/New_York", "2026-03-07T17:00", "2026-03-08T16:00"),
        # 02:30 is left out when summer time begins, and comes twice when it ends.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-26T01:30"),
        # Read in the second of the two hours, when the clock has shown 02:52 already: never at once again.
        ("52 2 * * *", "Europe/Berlin", "2027-10-31T01:29", "2027-11-01T01:52"),
        ("20,35 2 * * *", "Antarctica/Troll", "2027-10-31T02:15", "2027-11-01T02:20"),
    ],
)
def test_times_are_those_of_the_tenants_clock(times, zone, last, then):
    assert next_refresh(times, at(last), zone) == at(then)


@pytest.mark.parametrize(
    "times",
    [
        "61 6 * * *", "*/10 * * * *", "* * * * *", "0,50 3,4 * * *", "0 0 30 2 *", "5L-6 1 * * *", "a b c d e",
        f"{'0,' * 60}0 1 * * *", "0 1 * * 2#9", "0 1 * * ²L", "1/2/3/ 1 * * *",
    ],
)  # fmt: skip
def test_times_that_are_none_or_too_often_are_refused(as_acme, bot, times):
    assert find_fault(times)
    body = {"bot_profile_id": str(bot.pk), "name": "x", "source_type": "text", "content": "x"}
    answer = as_acme.post(
        "/v1/sources", {**body, "refresh_schedule": times}, content_type="application/json"
    )
    [error] = answer.json()["detail"]
    assert answer.status_code == 422 and error["loc"] == ["body", "refresh_schedule"]
    if len(times) > LONGEST_SCHEDULE:
        assert error["type"] == "string_too_long"
    else:
        assert error["type"] == "schedule" and error["msg"].endswith(".")


def test_a_source_with_times_is_planned_and_becomes_due_then(as_acme, bot, acme, globex):
    acme.tenant.time_zone = "Europe/Berlin"
    acme.tenant.save(update_fields=["time_zone"])
    with tenant_context(acme.tenant):
        source = teach(bot)
        answer = as_acme.patch(
            f"/v1/sources/{source.pk}", {"refresh_schedule": " 15  6 * * 1-5"}, content_type="application/json"
        )  # fmt: skip
        assert answer.json()["refresh_schedule"] == WEEKDAYS
        source.refresh_from_db()
        planned = next_refresh(WEEKDAYS, source.last_refreshed_at, "Europe/Berlin")
        assert source.next_refresh_at == Source.objects.next_refresh() == planned
        assert not Source.objects.due(planned - timedelta(minutes=1)).exists()
        assert Source.objects.due(planned).get() == source
        Source.objects.update(next_refresh_at=timezone.now() - timedelta(minutes=1))
        assert tasks.refresh_due() == 1
        run(source)
        assert source.next_refresh_at == next_refresh(
            WEEKDAYS, source.last_refreshed_at, "Europe/Berlin"
        )
        tasks.queue_ingestion(source)
        Source.objects.filter(pk=source.pk).stop()
        source.refresh_from_db()
        assert source.next_refresh_at > timezone.now()
        assert update_source(source.pk, {"refresh_schedule": None}).next_refresh_at is None


def test_a_changed_time_zone_plans_what_has_times_anew(bot, acme, globex):
    with tenant_context(acme.tenant):
        timed, daily, failed = (teach(bot, name=name) for name in ("timed", "daily", "failed"))
        later = timezone.now() + timedelta(days=3)
        rows = {timed: WEEKDAYS, daily: "daily", failed: WEEKDAYS}
        for source, schedule in rows.items():
            Source.objects.filter(pk=source.pk).update(
                refresh_schedule=schedule, next_refresh_at=later
            )
        Source.objects.filter(pk=failed.pk).update(status="error")
    acme.tenant.time_zone = "Asia/Tokyo"
    acme.tenant.save(update_fields=["time_zone"])
    assert (acme.tenant.pk, "schedules") in claim_due()
    with tenant_context(acme.tenant):
        assert tasks.replan_schedules() == 1
        moments = dict(Source.objects.values_list("name", "next_refresh_at"))
    assert moments["timed"].astimezone(ZoneInfo("Asia/Tokyo")).hour == 6
    assert moments["daily"] == moments["failed"] == later


def test_what_fails_at_its_times_is_tried_ever_less_often():
    now = at("2026-11-30T05:15")
    tries = [next_attempt("0 * * * *", now, failures=n, retryable=True) - now for n in (1, 2, 3, 4)]
    assert [wait.total_seconds() // 3600 for wait in tries] == [0, 1, 3, 7]
    late = next_attempt("0 * * * *", now, failures=30, retryable=True) - now
    assert late <= timedelta(days=7, hours=1)
    assert next_attempt(WEEKDAYS, now, failures=8, retryable=True, pauses=True) is None


@pytest.mark.parametrize("schedule", [WEEKDAYS, "daily"])
def test_a_source_that_loses_a_document_is_read_again_at_its_times(bot, schedule, in_acme):
    source = teach(bot)
    update_source(source.pk, {"refresh_schedule": schedule})
    forget_document(Document.objects.get(source=source).pk)
    Source.objects.update(status="ready")  # as where other documents are left
    source.refresh_from_db()
    assert source.next_refresh_at == next_refresh(schedule, source.updated_at)
    assert list(Source.objects.due(source.next_refresh_at)) == [source]


def test_the_admin_takes_times_and_tells_the_next_in_words(acme, bot, in_acme):
    source = make_source(bot, None, source_type="url", config={"url": "https://example.com/"})
    alice = browser("alice@acme.example.com", "acme")
    page = f"/admin/knowledge/source/{source.pk}/change/"
    data = {"name": "Rules", "description": "", "is_active": "on", "url": "https://example.com/"}
    bad = alice.post(page, {**data, "refresh_schedule": "* * * * *"})
    assert "At least 15 minutes" in bad.content.decode()
    assert alice.post(page, {**data, "refresh_schedule": WEEKDAYS}).status_code == 302
    Source.objects.update(next_refresh_at=at("2026-11-30T06:15"))
    shown = alice.get(page).content.decode()
    assert f'value="{WEEKDAYS}"' in shown and "Mon 30 Nov 06:15 UTC" in shown
    assert "by the clock of UTC" in shown

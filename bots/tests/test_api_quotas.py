"""`/v1/quotas`: who sets them, what they show, what is refused."""

from __future__ import annotations

import uuid

import pytest

from bots.models import BotProfile
from bots.quotas.counting import reserve_turn
from bots.quotas.models import Quota
from tenants.context import tenant_context
from tenants.models import ApiToken, AuditEvent
from tenants.tokens.changing import rotate_token

URL = "/v1/quotas"
JSON = "application/json"


def make(client, **fields):
    return client.post(URL, {"resource": "messages", "limit": 10} | fields, content_type=JSON)


def change(client, quota_id, **fields):
    return client.patch(f"{URL}/{quota_id}", fields, content_type=JSON)


@pytest.fixture
def bot(in_acme) -> BotProfile:
    return BotProfile.objects.create(name="Ava")


@pytest.fixture
def of_platform(in_acme) -> Quota:
    return Quota.objects.create(resource="tokens", limit=1000, is_platform=True)


def test_a_quota_shows_what_is_used_what_is_left_and_when_it_starts_anew(as_acme, bot):
    made = make(as_acme).json()
    assert made.items() >= {
        "subject": "tenant", "subject_id": None, "resource": "messages", "period": "month", "limit": 10,
        "warning_percent": 80, "is_platform": False, "used": 0, "remaining": 10,
    }.items()  # fmt: skip
    reserve_turn(bot.pk)
    shown = as_acme.get(f"{URL}/{made['id']}").json()
    assert (shown["used"], shown["remaining"]) == (1, 9)
    assert shown["resets_at"].endswith("-01T00:00:00")
    assert as_acme.get(URL).json() == {"items": [shown], "next_cursor": None}


def test_money_has_a_fraction_and_a_total_never_starts_anew(as_acme):
    made = make(as_acme, resource="cost_usd", limit=12.5, period="total").json()
    assert (made["limit"], made["remaining"], made["resets_at"]) == (12.5, 12.5, None)


def test_the_list_is_filtered_and_paged(as_acme, bot):
    for fields in ({}, {"period": "day"}, {"subject": "bot", "subject_id": str(bot.pk)}):
        assert make(as_acme, **fields).status_code == 201
    assert len(as_acme.get(URL, {"subject": "bot", "subject_id": str(bot.pk)}).json()["items"]) == 1
    page = as_acme.get(URL, {"limit": 2}).json()
    rest = as_acme.get(URL, {"limit": 2, "cursor": page["next_cursor"]}).json()
    assert (len(page["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)


def test_the_list_costs_the_same_however_many_there_are(
    as_acme, bot, django_assert_max_num_queries
):
    for resource in ("messages", "tokens", "cost_usd"):
        for period in ("day", "month", "total"):
            make(as_acme, resource=resource, period=period)
            make(as_acme, resource=resource, period=period, subject="bot", subject_id=str(bot.pk))
    with django_assert_max_num_queries(9):
        assert len(as_acme.get(URL).json()["items"]) == 18


def test_limit_and_warning_can_be_changed_and_a_quota_be_removed(as_acme):
    made = make(as_acme).json()
    changed = change(as_acme, made["id"], limit=20, warning_percent=50).json()
    assert (changed["limit"], changed["warning_percent"]) == (20, 50)
    assert change(as_acme, made["id"]).json()["limit"] == 20
    assert as_acme.delete(f"{URL}/{made['id']}").status_code == 204
    assert as_acme.get(f"{URL}/{made['id']}").status_code == 404
    events = AuditEvent.objects.filter(tenant_slug="acme", action__startswith="quota.")
    assert {event.action for event in events} == {"quota.created", "quota.changed", "quota.removed"}


def test_what_the_operator_has_set_is_seen_and_not_changed(as_acme, of_platform):
    assert as_acme.get(f"{URL}/{of_platform.pk}").json()["is_platform"] is True
    for response in (
        change(as_acme, of_platform.pk, limit=2000),
        as_acme.delete(f"{URL}/{of_platform.pk}"),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "quota_of_platform")
    of_platform.refresh_from_db()
    assert of_platform.limit == 1000


def test_nobody_makes_a_quota_the_operators(as_acme):
    assert make(as_acme, is_platform=True).json()["is_platform"] is False


def test_a_tenants_own_may_stand_beside_the_operators(as_acme, of_platform):
    assert make(as_acme, resource="tokens", limit=500).status_code == 201


def test_members_look_and_do_not_touch(as_acme, as_bob):
    made = make(as_acme).json()
    assert as_bob.get(URL).status_code == 200
    refused = [
        make(as_bob, period="day"),
        change(as_bob, made["id"], limit=1),
        as_bob.delete(f"{URL}/{made['id']}"),
    ]
    assert {(response.status_code, response.json()["code"]) for response in refused} == {
        (403, "role_forbidden")
    }


def test_the_same_quota_twice_is_a_conflict(as_acme, in_acme):
    assert make(as_acme).status_code == 201
    assert (make(as_acme).status_code, make(as_acme).json()["code"]) == (409, "quota_exists")
    assert Quota.objects.count() == 1


@pytest.mark.parametrize("fields", [
    {"limit": -1}, {"limit": "NaN"}, {"limit": 10**30}, {"limit": None}, {"limit": 1.5}, {"limit": "1e400"},
    {"resource": "love"}, {"period": "year"}, {"subject": "user"}, {"warning_percent": 0}, {"warning_percent": 101},
    {"subject": "bot"}, {"subject": "bot", "subject_id": str(uuid.uuid4())}, {"subject_id": str(uuid.uuid4())},
    {"subject": "token", "subject_id": str(uuid.uuid4())}, {"resource": "stored_bytes"},
    {"resource": "stored_bytes", "period": "total", "subject": "token"}, {"subject": None}, {"resource": None},
])  # fmt: skip
def test_what_makes_no_sense_is_a_422_and_stores_nothing(as_acme, in_acme, fields):
    response = make(as_acme, **fields)
    assert response.status_code == 422, response.content
    assert response.json()["code"] in (
        "validation_error",
        "quota_invalid",
        "bot_not_found",
        "token_not_found",
    )
    assert not Quota.objects.exists()


@pytest.mark.parametrize(
    "fields", [{"limit": None}, {"limit": -1}, {"limit": 0.5}, {"warning_percent": None}]
)
def test_a_change_that_makes_no_sense_changes_nothing(as_acme, in_acme, fields):
    made = make(as_acme).json()
    assert change(as_acme, made["id"], **fields).status_code == 422
    assert Quota.objects.get().limit == 10


def test_a_quota_of_a_token_goes_on_for_the_one_that_takes_its_place(as_acme, acme, bot):
    token = ApiToken.objects.get(tenant=acme.tenant)
    made = make(as_acme, subject="token", subject_id=str(token.pk), limit=1).json()
    new, _ = rotate_token(token.pk, 60, actor=acme.owner)
    newest, _ = rotate_token(new.pk, 60, actor=acme.owner)
    assert newest.family == token.pk
    reserve_turn(bot.pk, newest.family)
    assert as_acme.get(f"{URL}/{made['id']}").json()["used"] == 1


def test_another_tenant_sees_none_of_it(as_acme, as_globex, globex):
    made = make(as_acme).json()
    assert as_globex.get(URL).json()["items"] == []
    assert as_globex.get(f"{URL}/{made['id']}").status_code == 404
    assert make(as_globex).status_code == 201
    with tenant_context(globex.tenant):
        assert Quota.objects.count() == 1

"""Wrong passwords lock an e-mail for a while: here, in both admins, and whether anybody has it or not."""

from __future__ import annotations

import threading

import pytest
from django.core.management import call_command
from django.test import Client
from redis import Redis

from conftest import PASSWORD
from minirag.lib.security.limits import LimiterUnavailable
from tenants.models import AuditEvent, Role, User
from tenants.people.lockout import LockedOut, begin_attempt

pytestmark = pytest.mark.usefixtures("fresh_limits", "forgotten_addresses")
ALICE, HOME, OFFICE = "alice@acme.example.com", "192.0.2.101", "192.0.2.102"


@pytest.fixture(autouse=True)
def three_tries(settings) -> None:
    settings.LOGIN_LOCKOUT = "3 per 15 minutes"


@pytest.fixture
def forgotten_addresses(settings) -> None:
    redis = Redis.from_url(settings.REDIS_URL)
    for key in redis.scan_iter("minirag:known:*"):
        redis.delete(key)


def log_in(email=ALICE, password="wrong", address=HOME, **body):
    body = {"email": email, "password": password, **body}
    return Client(REMOTE_ADDR=address).post("/v1/auth/login", body, content_type="application/json")


def statuses(times, *args, **kwargs):
    return [log_in(*args, **kwargs).status_code for _ in range(times)]


def enter_admin(slug, email, password="wrong", address=HOME):
    client = Client(SCRIPT_NAME=f"/t/{slug}" if slug else "", REMOTE_ADDR=address)
    return client.post("/admin/login/", {"username": email, "password": password})


@pytest.mark.parametrize("email", [ALICE, "nobody@acme.example.com"])
def test_after_some_wrong_passwords_an_email_is_locked_whether_anybody_has_it_or_not(acme, email):
    assert statuses(5, email) == [401, 401, 401, 429, 429]
    response = log_in(email, PASSWORD)
    assert (response.status_code, response.json()["code"]) == (429, "login_locked")
    assert response.json()["detail"] == "Too many wrong passwords. Please try again later."
    assert 0 < int(response["Retry-After"]) <= 900


def test_another_email_and_another_address_go_on(acme, bob):
    assert statuses(4) == [401, 401, 401, 429]
    assert log_in(bob.email, PASSWORD).status_code == 200
    assert log_in(ALICE, PASSWORD, OFFICE).status_code == 200


def test_a_right_password_clears_what_was_mistyped_before(acme):
    for _ in range(3):
        assert statuses(2) == [401, 401]
        assert log_in(ALICE, PASSWORD).status_code == 200
    assert statuses(4) == [401, 401, 401, 429]


def test_entering_often_locks_nobody(acme):
    assert set(statuses(8, ALICE, PASSWORD)) == {200}


def test_a_lock_is_over_when_the_tries_are_old(acme, settings):
    assert statuses(4) == [401, 401, 401, 429]
    age_tries(settings, 15 * 60)
    assert log_in(ALICE, PASSWORD).status_code == 200


def age_tries(settings, seconds: int) -> None:
    redis = Redis.from_url(settings.REDIS_URL)
    for key in redis.scan_iter("minirag:limits:{public}:tries:*"):
        if redis.type(key) == b"zset":
            redis.zadd(
                key,
                {
                    member: score - seconds * 1000
                    for member, score in redis.zrange(key, 0, -1, False, True)
                },
            )


def test_guesses_from_many_addresses_are_bounded_and_the_owner_still_enters_from_his_own(acme):
    assert log_in(ALICE, PASSWORD, OFFICE).status_code == 200
    guesses = [log_in(ALICE, "wrong", f"198.18.0.{n}").status_code for n in range(32)]
    assert guesses == [401] * 30 + [429] * 2
    assert log_in(ALICE, PASSWORD, HOME).status_code == 429
    assert log_in(ALICE, PASSWORD, OFFICE).status_code == 200
    assert statuses(4, ALICE, "wrong", OFFICE) == [401, 401, 401, 429]


def test_an_ipv6_network_is_one_address(acme):
    assert [log_in(ALICE, "wrong", f"2001:db8::{n}").status_code for n in range(1, 5)] == [
        401,
        401,
        401,
        429,
    ]
    assert log_in(ALICE, "wrong", "2001:db8:0:1::1").status_code == 401


def test_an_attackers_own_account_with_the_same_email_clears_nothing(acme, globex):
    User.objects.create_user(ALICE, "the attackers own", tenant=globex.tenant, role=Role.OWNER)
    assert statuses(2) == [401, 401]
    assert log_in(ALICE, "the attackers own").status_code == 200
    assert statuses(2) == [401, 429]


def test_it_opens_no_way_around_the_bound_over_all_addresses_either(acme, globex):
    User.objects.create_user(ALICE, "the attackers own", tenant=globex.tenant, role=Role.OWNER)
    assert log_in(ALICE, "the attackers own", OFFICE).json()["tenant"]["slug"] == "globex"
    assert {log_in(ALICE, "wrong", f"198.18.0.{n}").status_code for n in range(30)} == {401}
    assert (
        log_in(ALICE, PASSWORD, OFFICE).status_code == 401
    )  # only the account that entered from there is tried


def test_the_tenants_admin_the_platforms_and_the_api_count_together(acme, globex, olga):
    assert [enter_admin(slug, olga.email).status_code for slug in ("acme", "globex", "")] == [
        200
    ] * 3
    for slug in ("acme", "globex", ""):
        page = enter_admin(slug, olga.email, PASSWORD)
        assert page.status_code == 429 and int(page["Retry-After"]) > 0
        assert "Too many wrong passwords" in page.content.decode()
    assert log_in(olga.email).status_code == 429


def test_a_right_password_in_the_admin_clears_too(acme):
    for _ in range(2):
        assert [enter_admin("acme", ALICE).status_code for _ in range(2)] == [200, 200]
        assert enter_admin("acme", ALICE, PASSWORD).status_code == 302


def test_many_tries_at_once_are_no_more_guesses_and_one_line_in_the_log(monkeypatch):
    outcomes, noted = [], []
    monkeypatch.setattr("tenants.audit.record", lambda action, **facts: noted.append(action))

    def try_once() -> None:
        try:
            begin_attempt("crowd@acme.example.com", HOME, [])
            outcomes.append("tried")
        except LockedOut as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=try_once) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["login_locked"] * 17 + ["tried"] * 3
    assert noted == ["login.locked"]


def test_an_operator_unlocks_and_it_is_written_down(acme, capsys):
    assert statuses(5) == [401, 401, 401, 429, 429]
    call_command("unlock_user", ALICE)
    assert "can log in again" in capsys.readouterr().out
    assert log_in(ALICE, PASSWORD).status_code == 200
    call_command("unlock_user", ALICE)
    assert "There is no wrong password" in capsys.readouterr().out
    locked, unlocked = AuditEvent.objects.filter(action__startswith="login.").order_by("id")
    assert (locked.action, locked.actor, locked.tenant_slug) == ("login.locked", ALICE, "acme")
    assert locked.detail["address"] == HOME
    assert (unlocked.action, unlocked.actor) == ("login.unlocked", "manage.py unlock_user")


def test_a_lock_of_nobodys_email_is_written_down_without_it(acme):
    statuses(5, "secret-typed-in-the-wrong-field@acme.example.com")
    event = AuditEvent.objects.get(action="login.locked")
    assert (event.actor, event.tenant_slug) == ("", "")
    assert "secret" not in str(event.detail)


def test_nothing_is_locked_where_it_is_switched_off_and_nobody_enters_without_redis(acme, settings):
    settings.LOGIN_LOCKOUT = "0"
    assert set(statuses(6)) == {401}
    settings.LOGIN_LOCKOUT, settings.REDIS_URL = "3 per 15 minutes", "redis://127.0.0.1:1/0"
    with pytest.raises(LimiterUnavailable):
        begin_attempt(ALICE, HOME, [])

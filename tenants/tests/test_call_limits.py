"""Rate limits at the edge of `/v1`: by token, person, address and tenant."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from redis import Redis

from minirag.operations.checks import check_rates
from tenants.authentication import issue_jwt
from tenants.context import tenant_context
from tenants.models import ApiToken, Tenant

LIST = "/v1/bot-profiles"
DEAD_REDIS = "redis://127.0.0.1:1/0"


pytestmark = pytest.mark.usefixtures("fresh_limits")


@pytest.fixture
def from_anywhere(db):
    """A client without a credential, at an address of its own."""
    return Client(REMOTE_ADDR=f"2001:db8:0:{uuid.uuid4().hex[:4]}::1")


def limit_of(response) -> tuple[int, int]:
    assert 1 <= int(response["X-RateLimit-Reset"]) <= 60
    return int(response["X-RateLimit-Limit"]), int(response["X-RateLimit-Remaining"])


def refused(response) -> bool:
    if response.status_code != 429:
        return False
    assert response.json()["code"] == "rate_limited"
    assert response.json()["retryable"] is True
    assert 1 <= int(response["Retry-After"]) <= 60
    assert limit_of(response)[1] == 0
    return True


def test_every_counted_answer_tells_where_the_tightest_limit_stands(as_acme, settings):
    settings.API_RATE, settings.TENANT_RATE = "5/minute", "100/minute"
    assert [limit_of(as_acme.get(LIST)) for _ in range(3)] == [(5, 4), (5, 3), (5, 2)]
    settings.TENANT_RATE = "4/minute"
    assert limit_of(as_acme.get(LIST)) == (4, 0)


def test_errors_are_counted_and_tell_it_too(as_acme, settings):
    settings.API_RATE = "5/minute"
    assert limit_of(as_acme.get("/v1/nothing")) == (5, 4)
    assert limit_of(as_acme.post(LIST, "{", content_type="application/json")) == (5, 3)


def test_a_token_that_called_too_often_is_told_when_to_come_back(as_acme, settings):
    settings.API_RATE = "2/minute"
    answers = [as_acme.get(LIST) for _ in range(3)]
    assert [refused(answer) for answer in answers] == [False, False, True]
    assert answers[2].json()["detail"] == "Too many requests: at most 2 per minute."
    assert answers[2]["X-Request-ID"] == answers[2].json()["request_id"]


def test_pages_may_read_the_headers(as_acme):
    answer = as_acme.get(LIST, headers={"origin": "https://shop.example.com"})
    exposed = set(answer["access-control-expose-headers"].split(", "))
    assert {
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "Retry-After",
    } <= exposed


def test_each_token_counts_for_itself_and_a_person_apart_from_his_tokens(as_acme, acme, settings):
    settings.API_RATE = "1/minute"
    _, secret = ApiToken.objects.mint(user=acme.owner, name="another")
    another = Client(HTTP_AUTHORIZATION=f"Bearer {secret}")
    person = Client(HTTP_AUTHORIZATION=f"Bearer {issue_jwt(acme.owner)}")
    for client in (as_acme, another, person):
        assert [refused(client.get(LIST)) for _ in range(2)] == [False, True]


def test_a_token_may_have_a_rate_of_its_own_or_none(as_acme, acme, settings):
    settings.API_RATE = "1/minute"
    ApiToken.objects.filter(tenant=acme.tenant).update(rate="3/minute")
    assert [refused(as_acme.get(LIST)) for _ in range(4)] == [False, False, False, True]
    ApiToken.objects.filter(tenant=acme.tenant).update(rate="0")
    assert not refused(as_acme.get(LIST))


def test_all_callers_of_a_tenant_share_its_rate_and_another_tenant_has_its_own(
    as_acme, as_bob, as_globex, settings
):
    settings.TENANT_RATE = "2/minute"
    assert [refused(client.get(LIST)) for client in (as_acme, as_bob, as_acme)] == [
        False,
        False,
        True,
    ]
    assert not refused(as_globex.get(LIST))


def test_the_platform_may_give_a_tenant_a_rate_of_its_own(as_acme, as_globex, acme, settings):
    settings.TENANT_RATE = "1/minute"
    Tenant.objects.filter(pk=acme.tenant.pk).update(rate="2/minute")
    assert [refused(as_acme.get(LIST)) for _ in range(3)] == [False, False, True]
    assert [refused(as_globex.get(LIST)) for _ in range(2)] == [False, True]


def test_a_call_that_the_tenants_rate_refuses_does_not_count_for_its_token(as_acme, settings):
    settings.API_RATE, settings.TENANT_RATE = "10/minute", "1/minute"
    assert [refused(as_acme.get(LIST)) for _ in range(5)] == [False, True, True, True, True]
    settings.TENANT_RATE = "0"
    assert limit_of(as_acme.get(LIST)) == (10, 8)


def test_the_keys_of_a_tenant_carry_its_schema(as_acme, acme, settings):
    as_acme.get(LIST)
    keys = {
        key.decode() for key in Redis.from_url(settings.REDIS_URL).scan_iter("minirag:limits:*")
    }
    assert len(keys) == 2
    assert all(key.startswith(f"minirag:limits:{{{acme.tenant.schema_name}}}:") for key in keys)


def test_strangers_are_counted_by_address(from_anywhere, as_acme, settings):
    settings.ADDRESS_RATE = "2/minute"
    assert [from_anywhere.get(LIST).status_code for _ in range(3)] == [401, 401, 429]
    wrong = {"authorization": f"Bearer {'x' * 43}"}
    assert from_anywhere.get(LIST, headers=wrong).status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.77").get(LIST, headers=wrong).status_code == 401
    assert as_acme.get(LIST, REMOTE_ADDR=from_anywhere.defaults["REMOTE_ADDR"]).status_code == 200


def test_health_and_files_are_not_counted(from_anywhere, settings):
    settings.ADDRESS_RATE = "1/minute"
    for path in ("/health", "/v1/system/health", "/static/minirag/widget.js"):
        for _ in range(3):
            response = from_anywhere.get(path)
            assert response.status_code != 429
            assert "X-RateLimit-Limit" not in response


def test_limits_that_are_off_are_neither_counted_nor_told(as_acme, settings):
    settings.API_RATE = settings.TENANT_RATE = "0"
    assert "X-RateLimit-Limit" not in as_acme.get(LIST)


def test_without_redis_reads_and_writes_go_on(as_acme, from_anywhere, settings):
    settings.REDIS_URL = DEAD_REDIS
    response = as_acme.get(LIST)
    assert response.status_code == 200
    assert "X-RateLimit-Limit" not in response
    assert from_anywhere.get(LIST).status_code == 401


def test_without_redis_questions_and_widget_sessions_are_refused(as_acme, from_anywhere, settings):
    settings.REDIS_URL = DEAD_REDIS
    body = {
        "bot_profile_id": str(uuid.uuid4()),
        "message": "How long?",
        "visitor_id": "visitor-0001",
    }
    for client, path in ((as_acme, "/v1/chat"), (from_anywhere, "/v1/widget/sessions")):
        response = client.post(path, body, content_type="application/json")
        assert (response.status_code, response.json()["code"]) == (503, "limiter_unavailable")


def test_questions_have_a_rate_of_their_own(as_acme, settings):
    settings.CHAT_RATE = "2/minute"
    body = {"bot_profile_id": str(uuid.uuid4()), "message": "How long?"}
    answers = [as_acme.post("/v1/chat", body, content_type="application/json") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert answers[2].json()["detail"] == "Too many questions: at most 2 per minute."
    assert as_acme.get("/v1/chat").status_code == 200


def test_widget_sessions_are_counted_by_address_also_for_bots_that_are_not_there(
    from_anywhere, settings
):
    settings.WIDGET_RATE = "2/minute"
    body = {"bot_profile_id": str(uuid.uuid4()), "visitor_id": "visitor-0001"}
    answers = [
        from_anywhere.post("/v1/widget/sessions", body, content_type="application/json")
        for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert refused(answers[2])


def test_a_widget_session_counts_for_its_bots_tenant(acme, from_anywhere, settings):
    from bots.models import BotProfile

    settings.WIDGET_RATE, settings.TENANT_RATE = "100/minute", "2/minute"
    with tenant_context(acme.tenant):
        bot = BotProfile.objects.create(name="Ava", allowed_origins=["https://www.acme.com"])
    body = {"bot_profile_id": str(bot.pk), "visitor_id": "visitor-0001"}
    headers = {"origin": "https://www.acme.com"}
    answers = [
        from_anywhere.post(
            "/v1/widget/sessions", body, content_type="application/json", headers=headers
        )
        for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert limit_of(answers[0]) == (2, 1)


def test_a_setting_that_is_no_rate_is_found_by_check(settings):
    assert check_rates(None) == []
    settings.API_RATE = "many"
    assert [error.id for error in check_rates(None)] == ["minirag.E002"]


def test_the_addresses_of_one_ipv6_network_are_one_stranger(db, settings):
    settings.ADDRESS_RATE = "2/minute"
    network = f"2001:db8:0:{uuid.uuid4().hex[:4]}"
    answers = [Client(REMOTE_ADDR=f"{network}::{host}").get(LIST) for host in ("1", "2", "3")]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert Client(REMOTE_ADDR="2001:db8:1::1").get(LIST).status_code == 401


def test_what_a_caller_of_one_ipv6_network_may_try_at_the_log_in_is_counted_together(db, settings):
    settings.LOGIN_RATE = "1/minute"
    network = f"2001:db8:0:{uuid.uuid4().hex[:4]}"

    def log_in(host: int) -> int:
        body = {"email": "nobody@acme.example.com", "password": "wrong horse battery"}
        client = Client(REMOTE_ADDR=f"{network}::{host}")
        return client.post("/v1/auth/login", body, content_type="application/json").status_code

    assert [log_in(host) for host in (1, 2)] == [401, 429]

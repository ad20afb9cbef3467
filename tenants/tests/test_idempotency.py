"""`Idempotency-Key`: a POST that is sent again is answered again and not done again."""

from __future__ import annotations

import json
import uuid

import pytest
import redis
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from bots.models import BotProfile
from bots.profiles import create_bot
from conftest import PASSWORD
from minirag.lib.http_in import idempotency
from tenants.models import ApiToken, OperatorToken, Tenant
from tenants.platform.operators import mint_operator_token
from tenants.provisioning import erase_tenant

JSON = "application/json"
BOTS = "/v1/bot-profiles"


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


def post(client: Client, key: str, body=None, path: str = BOTS, **extra):
    body = {"name": "Ava"} if body is None else body
    return client.post(path, body, content_type=JSON, headers={"idempotency-key": key}, **extra)


@pytest.fixture(autouse=True)
def nothing_is_kept_from_another_test():
    if found := names():
        redis.Redis.from_url(settings.REDIS_URL).delete(*found)


def names(schema: str = "") -> list[bytes]:
    """The claims in Redis, of one tenant or of all."""
    return list(
        redis.Redis.from_url(settings.REDIS_URL).scan_iter(f"minirag:idempotency:{schema}*")
    )


def stored() -> list[bytes]:
    return [redis.Redis.from_url(settings.REDIS_URL).get(name) for name in names()]


def set_lease(seconds: float) -> None:
    """Move the end of every running request's lease."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    for name in names():
        record = json.loads(client.get(name))
        client.set(name, json.dumps({**record, "lease": record["lease"] + seconds}), keepttl=True)


def test_the_same_request_again_gets_the_same_answer_and_nothing_is_made_twice(
    in_acme, as_acme, key
):
    before = BotProfile.objects.count()
    first, second = post(as_acme, key), post(as_acme, key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content and second["Content-Type"] == first["Content-Type"]
    assert "Idempotency-Replayed" not in first and second["Idempotency-Replayed"] == "true"
    assert first["X-Request-ID"] != second["X-Request-ID"]
    assert BotProfile.objects.count() == before + 1


def test_another_body_under_the_same_key_is_refused(as_acme, key):
    post(as_acme, key)
    response = post(as_acme, key, {"name": "Ben"})
    assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_reused")


def test_a_key_belongs_to_its_caller_its_path_and_its_query(as_acme, as_bob, as_globex, acme, key):
    first = post(as_acme, key).json()
    other = Client(
        HTTP_AUTHORIZATION=f"Bearer {ApiToken.objects.mint(user=acme.owner, name='other')[1]}"
    )
    for response in (
        post(as_globex, key),
        post(other, key),
        post(as_acme, key, path=BOTS + "?a=1"),
    ):
        assert response.status_code == 201 and response.json()["id"] != first["id"]
    assert post(as_bob, key).json()["code"] == "role_forbidden"
    assert post(as_acme, key, path="/v1/api-tokens").json().get("raw_token")
    assert post(as_acme, key, SCRIPT_NAME="/t/acme").json() == first


def test_without_a_key_or_with_another_method_nothing_is_kept(as_acme):
    as_acme.post(BOTS, {"name": "Ava"}, content_type=JSON)
    bot = as_acme.get(BOTS, headers={"idempotency-key": "k"}).json()[0]["id"]
    as_acme.patch(
        f"{BOTS}/{bot}", {"name": "x"}, content_type=JSON, headers={"idempotency-key": "k"}
    )
    assert names() == []


@pytest.mark.parametrize("wrong", ["", "x" * 256, "ü", "a\tb", "\x7f"])
def test_a_key_that_is_none_is_422(as_acme, wrong):
    response = post(as_acme, wrong)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_invalid")


def test_the_longest_key_and_one_with_blanks_are_fine(as_acme, key):
    assert post(as_acme, key.ljust(255, "~")).status_code == 201
    assert post(as_acme, f"{key} and more").status_code == 201


# --- what is kept -------------------------------------------------------------------------------------------------
def test_an_answer_that_lies_in_the_request_is_kept(as_acme, key):
    first, second = post(as_acme, key, {"name": 7}), post(as_acme, key, {"name": 7})
    assert (first.status_code, second.status_code) == (422, 422)
    assert second["Idempotency-Replayed"] == "true"


def test_what_may_be_gone_the_next_time_is_not_kept(as_acme, key, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr("bots.api.create_bot", fail)
        assert post(as_acme, key).status_code == 500
    assert post(as_acme, key, {"name": "another body"}).status_code == 201


def test_a_refusal_for_want_of_a_right_is_not_kept(bob, as_bob, key):
    assert post(as_bob, key).status_code == 403
    bob.role = "admin"
    bob.save()
    assert post(as_bob, key).status_code == 201


def test_a_redirect_is_not_kept(as_acme, key):
    assert post(as_acme, key, path=BOTS + "/").status_code == 307
    assert names() == []


def test_a_new_token_is_replayed_and_lies_nowhere_in_clear(as_acme, key):
    first, second = (post(as_acme, key, path="/v1/api-tokens") for _ in range(2))
    assert first.json()["raw_token"] == second.json()["raw_token"]
    assert not any(first.json()["raw_token"].encode() in record for record in stored())
    assert not any(b"Ava" in record for record in stored())


def test_a_kept_answer_opens_for_its_own_request_only(as_acme, as_globex, key):
    post(as_acme, key, path="/v1/api-tokens")
    post(as_globex, key, path="/v1/api-tokens")
    client = redis.Redis.from_url(settings.REDIS_URL)
    (of_acme,), (of_globex,) = names("t_acme"), names("t_globex")
    client.set(of_globex, client.get(of_acme))
    response = post(as_globex, key, path="/v1/api-tokens")
    assert (response.status_code, response.json()["code"]) == (500, "decryption_failed")


def test_an_answer_too_large_to_keep_is_done_once_and_then_called_unknown(
    in_acme, as_acme, key, monkeypatch
):
    monkeypatch.setattr(idempotency, "MAX_BODY_BYTES", 10)
    before = BotProfile.objects.count()
    assert post(as_acme, key).status_code == 201
    again = post(as_acme, key)
    assert (again.status_code, again.json()["code"]) == (409, "idempotency_outcome_unknown")
    assert BotProfile.objects.count() == before + 1


def test_it_is_kept_for_a_day(as_acme, key):
    post(as_acme, key)
    (name,) = names("t_acme")
    assert redis.Redis.from_url(settings.REDIS_URL).ttl(name) in range(
        24 * 3600 - 60, 24 * 3600 + 1
    )


# --- an upload ----------------------------------------------------------------------------------------------------
def test_an_upload_is_the_same_though_its_boundary_is_another(as_acme, key):
    bot = as_acme.post(BOTS, {"name": "Ava"}, content_type=JSON).json()["id"]

    def upload(boundary: str, text: bytes = b"The pump runs."):
        body = (
            f"--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n".encode()
            + text + f"\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"bot_profile_id\"\r\n\r\n{bot}\r\n"
            f"--{boundary}--\r\n".encode()
        )  # fmt: skip
        content_type = f"multipart/form-data; boundary={boundary}"
        headers = {"idempotency-key": key}
        return as_acme.generic(
            "POST", "/v1/sources/upload", body, content_type=content_type, headers=headers
        )

    first, second = upload("cut-one"), upload("cut-two")
    assert (first.status_code, first.json()["config"]["file_size"]) == (201, 14)
    assert second.content == first.content and second["Idempotency-Replayed"] == "true"
    assert upload("cut-one", b"The pump stops.").json()["code"] == "idempotency_key_reused"


def test_a_file_that_is_too_large_is_refused_in_the_contracts_words(as_acme, key, settings):
    settings.MAX_UPLOAD_BYTES, settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000, 2000
    bot = as_acme.post(BOTS, {"name": "Ava"}, content_type=JSON).json()["id"]
    form = {"bot_profile_id": bot, "file": SimpleUploadedFile("a.txt", b"x" * 5000)}
    response = as_acme.post("/v1/sources/upload", form, headers={"idempotency-key": key})
    assert (response.status_code, response.json()["code"]) == (422, "file_too_large")


# --- while it runs, and when it broke off -------------------------------------------------------------------------
def test_while_the_first_one_runs_the_second_is_told_to_wait(as_acme, key, monkeypatch):
    seen = []

    def ask_meanwhile(*args, **kwargs):
        seen.append(post(as_acme, key))
        seen.append(post(as_acme, key, {"name": "Ben"}))
        return create_bot(*args, **kwargs)

    monkeypatch.setattr("bots.api.create_bot", ask_meanwhile)
    assert post(as_acme, key).status_code == 201
    waiting, other = seen
    assert (waiting.status_code, waiting.json()["code"]) == (409, "idempotency_in_progress")
    assert waiting.json()["retryable"] is True and int(waiting["Retry-After"]) >= 1
    assert other.json()["code"] == "idempotency_key_reused"


def test_after_a_crash_nobody_claims_to_know_what_happened(as_acme, key, monkeypatch):
    monkeypatch.setattr(
        "tenants.calls.idempotency._keep_answer", lambda *args: None
    )  # the process died just before
    post(as_acme, key)
    assert post(as_acme, key).json()["code"] == "idempotency_in_progress"
    set_lease(-idempotency.LEASE_SECONDS)
    again = post(as_acme, key)
    assert (again.status_code, again.json()["code"]) == (409, "idempotency_outcome_unknown")
    assert again.json()["retryable"] is False


def test_without_redis_nothing_is_done_that_was_to_be_done_once(in_acme, as_acme, key, settings):
    before = BotProfile.objects.count()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = post(as_acme, key)
    assert (response.status_code, response.json()["code"]) == (503, "idempotency_unavailable")
    assert BotProfile.objects.count() == before


# --- without a credential -----------------------------------------------------------------------------------------
def test_sign_up_is_done_once_and_its_token_replayed(db, settings, key):
    settings.ALLOW_TENANT_SIGNUP = True
    body = {"tenant_name": "Initech", "tenant_slug": f"i-{key[:8]}", "owner_email": "i@initech.example.com",
            "owner_password": PASSWORD}  # fmt: skip
    first, second = (post(Client(), key, body, path="/v1/tenants") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert (
        first.json()["api_token"] == second.json()["api_token"]
        and second["Idempotency-Replayed"] == "true"
    )
    stranger = post(Client(), key, body, path="/v1/tenants", REMOTE_ADDR="203.0.113.9")
    assert stranger.json()["code"] == "slug_taken"
    assert not any(PASSWORD.encode() in record for record in stored())
    erase_tenant(Tenant.objects.get(slug=body["tenant_slug"]))


def test_a_log_in_is_never_replayed(acme, key):
    body = {"email": acme.owner.email, "password": PASSWORD}
    for _ in range(2):
        response = post(Client(), key, body, path="/v1/auth/login")
        assert response.status_code == 200 and "Idempotency-Replayed" not in response


def test_nobody_we_know_keeps_nothing(db, key):
    for _ in range(2):
        assert post(Client(), key).status_code == 401
    assert names() == []


# --- operators' programs ------------------------------------------------------------------------------------------
def as_operator(olga, **rights) -> Client:
    return Client(
        headers={"authorization": f"Bearer {mint_operator_token(olga, 'billing', **rights)[1]}"}
    )


def test_a_tenant_is_provisioned_once_and_its_token_replayed_to_the_same_operator_alone(olga, key):
    body = {"slug": f"i-{key[:8]}", "name": "Initech", "owner_email": "i@initech.example.com",
            "owner_password": PASSWORD}  # fmt: skip
    operator, path = as_operator(olga), "/v1/platform/tenants"
    first, second = (post(operator, key, body, path=path) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second["Idempotency-Replayed"] == "true"
    assert first.json()["api_token"] and second.json() == first.json()
    other = post(as_operator(olga), key, body, path=path)
    assert (other.status_code, other.json()["api_token"]) == (200, None)
    assert post(Client(), key, body, path=path).status_code == 401
    OperatorToken.objects.update(is_active=False)
    assert post(operator, key, body, path=path).status_code == 401
    erase_tenant(Tenant.objects.get(slug=body["slug"]))


def test_an_operator_who_may_only_read_and_a_tenants_path_keep_nothing(olga, acme, key):
    reader = post(as_operator(olga, is_read_only=True), key, {}, path="/v1/platform/bulk/archive")
    assert reader.json()["code"] == "token_restricted"
    assert (
        post(
            as_operator(olga), key, {}, path="/v1/platform/tenants", SCRIPT_NAME="/t/acme"
        ).status_code
        == 404
    )
    assert names() == []

"""/v1/tenants and /v1/auth: signing up, logging in, and seeing who one is."""

from __future__ import annotations

import secrets

import jwt
import pytest
import structlog
from django.conf import settings as django_settings
from django.test import Client

from conftest import PASSWORD
from minirag.lib.errors import BadInput
from tenants import audit
from tenants.authentication import issue_jwt
from tenants.models import AuditEvent, Role, Tenant, User
from tenants.provisioning import provision_tenant, suspend_tenant

TENANT_KEYS = {"id", "name", "slug", "is_active", "plan"}
USER_KEYS = {"id", "tenant_id", "email", "display_name", "role", "is_active"}
INITECH = {
    "tenant_name": "Initech", "tenant_slug": "initech", "owner_email": "Peter@Initech.Example.COM",
    "owner_password": "tps-report-1999", "owner_display_name": "Peter",
}  # fmt: skip


@pytest.fixture
def stranger(db):
    """A client without credentials, at an address of its own so that no other test's rate counts."""
    return Client(REMOTE_ADDR=f"198.51.{secrets.randbelow(256)}.{secrets.randbelow(256)}")


@pytest.fixture
def open_signup(settings):
    settings.ALLOW_TENANT_SIGNUP = True


def sign_up(client, **changes):
    return client.post("/v1/tenants", {**INITECH, **changes}, content_type="application/json")


def log_in(client, email="alice@acme.example.com", password=PASSWORD, **fields):
    body = {"email": email, "password": password, **fields}
    return client.post("/v1/auth/login", body, content_type="application/json")


def test_a_new_tenant_gets_an_owner_and_a_token_that_works(stranger, open_signup):
    response = sign_up(stranger)
    payload = response.json()
    assert response.status_code == 201
    assert set(payload) == {"tenant", "api_token", "token_prefix"}
    assert set(payload["tenant"]) == TENANT_KEYS
    assert payload["tenant"] | {"id": ""} == {
        "id": "", "name": "Initech", "slug": "initech", "is_active": True, "plan": "free",
    }  # fmt: skip
    assert len(payload["api_token"]) == 43
    assert "." not in payload["api_token"]
    assert payload["token_prefix"] == payload["api_token"][:8]

    peter = Client(HTTP_AUTHORIZATION=f"Bearer {payload['api_token']}")
    me = peter.get("/v1/auth/me").json()
    assert set(me) == {"user", "tenant"}
    assert (me["tenant"], set(me["user"])) == (payload["tenant"], USER_KEYS)
    assert (me["user"]["role"], me["user"]["display_name"]) == ("owner", "Peter")
    assert (
        me["user"]["email"] == "Peter@initech.example.com"
    )  # the domain is lowered, the local part kept
    assert [token["name"] for token in peter.get("/v1/api-tokens").json()] == ["default"]
    assert peter.get("/v1/bot-profiles").json() == []


def test_the_audit_log_names_the_request_and_a_command_has_none(stranger, open_signup, acme):
    body = {**INITECH, "tenant_slug": "audited"}
    stranger.post(
        "/v1/tenants", body, content_type="application/json", HTTP_X_REQUEST_ID="try-4711"
    )
    assert AuditEvent.objects.get(tenant_slug="audited").request_id == "try-4711"
    structlog.contextvars.clear_contextvars()
    audit.record("test.acted", actor="test")
    assert AuditEvent.objects.get(action="test.acted").request_id == ""


def test_the_tenants_name_may_be_empty_and_the_display_name_left_out(stranger, open_signup):
    body = {key: value for key, value in INITECH.items() if key != "owner_display_name"}
    response = stranger.post(
        "/v1/tenants", {**body, "tenant_name": ""}, content_type="application/json"
    )
    assert (response.status_code, response.json()["tenant"]["name"]) == (201, "")


def test_a_taken_slug_is_a_conflict(stranger, open_signup, acme):
    response = sign_up(stranger, tenant_slug="acme")
    assert (response.status_code, response.json()["detail"]) == (
        409,
        "Slug 'acme' is already taken",
    )


def test_an_email_may_own_several_tenants(stranger, open_signup, acme):
    assert sign_up(stranger, owner_email=acme.owner.email).status_code == 201


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"tenant_name": None}, "string_type"),
        ({"tenant_name": "x" * 256}, "string_too_long"),
        ({"tenant_slug": "Initech"}, "string_pattern_mismatch"),
        ({"tenant_slug": ""}, "string_pattern_mismatch"),
        ({"tenant_slug": "in itech"}, "string_pattern_mismatch"),
        ({"tenant_slug": "initech\n"}, "string_pattern_mismatch"),
        ({"tenant_slug": "x" * 101}, "string_too_long"),
        ({"tenant_slug": ["initech"]}, "string_type"),
        ({"owner_email": "peter"}, "value_error"),
        ({"owner_email": "peter@office.test"}, "value_error"),
        ({"owner_email": "peter@localhost"}, "value_error"),
        ({"owner_email": None}, "string_type"),
        ({"owner_password": "short"}, "string_too_short"),
        ({"owner_password": "x" * 129}, "string_too_long"),
        ({"owner_password": 12345678}, "string_type"),
        ({"owner_display_name": None}, "string_type"),
        ({"owner_display_name": "x" * 256}, "string_too_long"),
        ({"owner_display_name": "a\0b"}, "string_unicode"),
    ],
)
def test_a_bad_field_of_a_sign_up_is_named_and_nothing_is_made(stranger, open_signup, change, kind):
    before = Tenant.objects.count()
    response = sign_up(stranger, **change)
    errors = response.json()["detail"]
    assert response.status_code == 422
    assert [(error["type"], error["loc"]) for error in errors] == [
        (kind, ["body", next(iter(change))])
    ]
    assert Tenant.objects.count() == before


def test_a_rejected_password_is_not_echoed(stranger, open_signup):
    response = sign_up(stranger, owner_password="hunter2", tenant_slug="NO")
    assert response.status_code == 422
    assert b"hunter2" not in response.content
    response = stranger.post(
        "/v1/tenants", {"owner_password": "hunter2-and-more"}, content_type="application/json"
    )
    assert b"hunter2" not in response.content


def test_sign_up_is_refused_where_the_operator_closed_it(stranger, settings):
    settings.ALLOW_TENANT_SIGNUP = False
    response = sign_up(stranger)
    assert (response.status_code, response.json()["code"]) == (403, "signup_closed")
    assert not Tenant.objects.filter(slug="initech").exists()


def test_sign_ups_from_one_address_are_limited(stranger, open_signup, settings, acme):
    settings.SIGNUP_RATE = "2/hour"
    assert [sign_up(stranger, tenant_slug="acme").status_code for _ in range(3)] == [409, 409, 429]
    refused = sign_up(stranger, tenant_slug="acme")
    assert int(refused["Retry-After"]) > 0
    assert (refused.json()["code"], refused.json()["retryable"]) == ("rate_limited", True)
    assert sign_up(Client(REMOTE_ADDR="203.0.113.250"), tenant_slug="acme").status_code == 409


def test_sign_up_is_refused_when_its_limit_cannot_be_counted(stranger, open_signup, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert sign_up(stranger).status_code == 503


def test_an_owner_and_a_member_see_their_own_tenant(as_acme, as_bob, acme):
    for client in (as_acme, as_bob):
        tenant = client.get("/v1/tenants/me").json()
        assert (set(tenant), tenant["id"], tenant["slug"]) == (
            TENANT_KEYS,
            str(acme.tenant.pk),
            "acme",
        )


def test_a_user_sees_itself(as_bob, bob, acme):
    assert as_bob.get("/v1/auth/me").json()["user"] == {
        "id": str(bob.pk), "tenant_id": str(acme.tenant.pk), "email": "bob@acme.example.com", "display_name": "Bob",
        "role": "member", "is_active": True,
    }  # fmt: skip


def test_logging_in_gives_a_jwt_with_the_contracts_claims(stranger, acme):
    response = log_in(stranger)
    payload = response.json()
    assert response.status_code == 200
    assert set(payload) == {"access_token", "token_type", "user", "tenant"}
    assert (payload["token_type"], set(payload["user"]), set(payload["tenant"])) == (
        "bearer",
        USER_KEYS,
        TENANT_KEYS,
    )
    claims = jwt.decode(
        payload["access_token"], django_settings.JWT_SECRET_KEY, algorithms=["HS256"]
    )
    assert set(claims) == {"sub", "tid", "role", "exp", "pwh"}
    assert (claims["sub"], claims["tid"], claims["role"]) == (
        str(acme.owner.pk),
        str(acme.tenant.pk),
        "owner",
    )
    me = stranger.get("/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {payload['access_token']}").json()
    assert me == {"user": payload["user"], "tenant": payload["tenant"]}


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("alice@acme.example.com", "wrong"),
        ("alice@acme.example.com", ""),
        ("ALICE@acme.example.com", PASSWORD),  # the local part is case-sensitive
        ("nobody@acme.example.com", PASSWORD),
        ("olga@platform.example.com", PASSWORD),  # of no tenant
    ],
)
def test_a_wrong_email_or_password_is_refused_without_telling_which(
    stranger, acme, email, password
):
    response = log_in(stranger, email, password)
    assert (response.status_code, response.json()["detail"]) == (401, "Invalid email or password")


def test_the_emails_domain_is_not_case_sensitive(stranger, acme):
    assert log_in(stranger, "alice@ACME.Example.com").status_code == 200


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"password": "x"}, ["body", "email"]),
        ({"email": "alice@acme.example.com"}, ["body", "password"]),
        ({"email": "alice", "password": "x"}, ["body", "email"]),
        ({"email": "alice@acme.example.com", "password": None}, ["body", "password"]),
        ({"email": "alice@acme.example.com", "password": "x" * 2000}, ["body", "password"]),
        (
            {"email": "alice@acme.example.com", "password": "x", "tenant_slug": 5},
            ["body", "tenant_slug"],
        ),
    ],
)
def test_a_malformed_log_in_is_invalid(stranger, acme, body, loc):
    response = stranger.post("/v1/auth/login", body, content_type="application/json")
    assert (response.status_code, response.json()["detail"][0]["loc"]) == (422, loc)


def test_a_disabled_account_and_a_disabled_tenant_are_told_apart_once_the_password_is_right(
    stranger, acme, bob
):
    User.objects.filter(pk=bob.pk).update(is_active=False)
    response = log_in(stranger, "bob@acme.example.com")
    assert (response.status_code, response.json()["detail"]) == (403, "Account is disabled")
    assert log_in(stranger, "bob@acme.example.com", "wrong").status_code == 401
    suspend_tenant(Tenant.objects.get(pk=acme.tenant.pk))
    response = log_in(stranger)
    assert (response.status_code, response.json()["detail"]) == (403, "Tenant is disabled")


def test_an_email_of_two_tenants_logs_in_to_the_one_that_the_password_or_the_slug_names(
    stranger, acme, globex
):
    email = "sam@freelance.example.com"
    for party, password in ((acme, "first-password"), (globex, "second-password")):
        User.objects.create_user(email, password, tenant=party.tenant, role=Role.MEMBER)
    assert log_in(stranger, email, "second-password").json()["tenant"]["slug"] == "globex"
    assert (
        log_in(stranger, email, "first-password", tenant_slug="acme").json()["tenant"]["slug"]
        == "acme"
    )
    assert log_in(stranger, email, "first-password", tenant_slug="globex").status_code == 401
    assert log_in(stranger, email, "first-password", tenant_slug="no such").status_code == 401


def test_only_a_tenants_own_people_log_in_on_its_own_path(stranger, acme, globex):
    at_acme = Client(SCRIPT_NAME="/t/acme", REMOTE_ADDR=stranger.defaults["REMOTE_ADDR"])
    assert log_in(at_acme).status_code == 200
    assert log_in(at_acme, "gina@globex.example.com").status_code == 401
    assert log_in(at_acme, "gina@globex.example.com", tenant_slug="globex").status_code == 401


def test_guessing_one_persons_password_from_one_address_is_limited(stranger, settings, acme):
    settings.LOGIN_RATE = "2/minute"
    email = f"guess{secrets.randbelow(10**9)}@acme.example.com"
    assert [log_in(stranger, email, "wrong").status_code for _ in range(3)] == [401, 401, 429]
    assert log_in(stranger).status_code == 200


def test_spraying_one_password_over_many_accounts_is_limited_before_it_costs_a_hash(
    stranger, settings, acme, monkeypatch
):
    settings.LOGIN_RATE = "2/minute"
    hashed: list[str] = []
    monkeypatch.setattr("tenants.authentication.make_password", hashed.append)
    emails = [f"spray{secrets.randbelow(10**9)}@acme.example.com" for _ in range(12)]
    assert [log_in(stranger, email, "Winter2026").status_code for email in emails] == [401] * 10 + [
        429
    ] * 2
    assert len(hashed) == 10
    assert log_in(stranger).status_code == 429
    assert log_in(Client(REMOTE_ADDR="203.0.113.251")).status_code == 200


def test_tries_in_several_admins_and_in_the_api_count_together(
    stranger, settings, acme, globex, olga
):
    settings.LOGIN_RATE = "2/minute"
    address = stranger.defaults["REMOTE_ADDR"]

    def try_admin(slug: str, password: str = "wrong") -> str:
        client = Client(SCRIPT_NAME=f"/t/{slug}" if slug else "", REMOTE_ADDR=address)
        return client.post(
            "/admin/login/", {"username": olga.email, "password": password}
        ).content.decode()

    assert "Too many requests" not in try_admin("acme") + try_admin("globex")
    assert "Too many requests: at most 2 per minute" in try_admin("", PASSWORD)
    assert log_in(stranger, olga.email, "wrong").status_code == 429


def test_behind_a_trusted_proxy_the_limit_counts_the_clients_address(settings, acme):
    settings.LOGIN_RATE, settings.TRUST_PROXY_HEADERS = "1/minute", True
    email = f"proxy{secrets.randbelow(10**9)}@acme.example.com"
    first, second = (Client(HTTP_X_FORWARDED_FOR=f"9.9.9.9, 198.51.100.{n}") for n in (1, 2))
    assert [log_in(client, email).status_code for client in (first, first, second)] == [
        401,
        429,
        401,
    ]


def test_a_jwt_stops_with_its_user_its_tenant_and_its_time(acme, bob, settings):
    token = issue_jwt(bob)
    client = Client(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert client.get("/v1/auth/me").status_code == 200
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert client.get("/v1/auth/me").json()["detail"] == "Invalid or expired JWT"
    User.objects.filter(pk=bob.pk).update(is_active=True)
    suspend_tenant(Tenant.objects.get(pk=acme.tenant.pk))
    assert client.get("/v1/auth/me").status_code == 403
    settings.JWT_EXPIRE_MINUTES = -1
    expired = Client(HTTP_AUTHORIZATION=f"Bearer {issue_jwt(bob)}")
    assert expired.get("/v1/auth/me").json()["detail"] == "Invalid or expired JWT"


def test_a_changed_password_ends_every_jwt_made_before(bob, as_bob):
    assert as_bob.get("/v1/auth/me").status_code == 200
    bob.set_password("another horse battery")
    bob.save()
    response = as_bob.get("/v1/auth/me")
    assert (response.status_code, response.json()["detail"]) == (401, "Invalid or expired JWT")
    assert (
        Client(HTTP_AUTHORIZATION=f"Bearer {issue_jwt(bob)}").get("/v1/auth/me").status_code == 200
    )


@pytest.mark.parametrize(("digest", "detail"), [
    (None, "Malformed JWT payload"), ("", "Invalid or expired JWT"), (0, "Invalid or expired JWT"),
    ("\u00e9" * 16, "Invalid or expired JWT"),
])  # fmt: skip
def test_a_jwt_that_does_not_name_the_password_is_refused(bob, digest, detail):
    claims = {"sub": str(bob.pk), "tid": str(bob.tenant_id), "role": "member", "exp": 4_000_000_000}
    claims |= {} if digest is None else {"pwh": digest}
    token = jwt.encode(claims, django_settings.JWT_SECRET_KEY, algorithm="HS256")
    response = Client().get("/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert (response.status_code, response.json()["detail"]) == (401, detail)


@pytest.mark.parametrize("claims", [{}, {"sub": "x", "tid": "y"}, {"sub": "x", "tid": ["y"]}])
def test_a_well_signed_jwt_with_wrong_claims_is_malformed(db, claims):
    token = jwt.encode(
        {"exp": 4_000_000_000, **claims}, django_settings.JWT_SECRET_KEY, algorithm="HS256"
    )
    response = Client().get("/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert (response.status_code, response.json()["detail"]) == (401, "Malformed JWT payload")


def test_a_suspended_tenant_answers_writes_with_409_or_403_and_its_token_stops(as_acme, acme):
    suspend_tenant(Tenant.objects.get(pk=acme.tenant.pk))
    assert as_acme.get("/v1/tenants/me").status_code == 403
    assert as_acme.post(
        "/v1/api-tokens", {"name": "x"}, content_type="application/json"
    ).status_code in (403, 409)


def test_tenants_made_over_http_are_apart(stranger, open_signup, acme, as_acme):
    made = sign_up(stranger).json()
    as_acme.post("/v1/bot-profiles", {"name": "Acme's"}, content_type="application/json")
    peter = Client(HTTP_AUTHORIZATION=f"Bearer {made['api_token']}")
    assert peter.get("/v1/bot-profiles").json() == []
    assert peter.get("/v1/tenants/me").json()["id"] != str(acme.tenant.pk)


def test_a_slug_that_provisioning_refuses_is_refused_with_a_sentence(db):
    with pytest.raises(BadInput):
        provision_tenant(
            name="x",
            slug="Not A Slug",
            owner_email="a@b.example.com",
            owner_password="a long pass phrase",
        )

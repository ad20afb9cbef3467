"""/v1/api-tokens: minted once, listed for ever, revoked at once."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import ApiToken, Role, User

KEYS = {"id", "tenant_id", "name", "token_prefix", "is_active", "expires_at", "last_used_at", "created_at"}


def mint(client, **body):
    return client.post("/v1/api-tokens", body, content_type="application/json")


def test_a_token_is_shown_once_and_works(as_bob, acme):
    response = mint(as_bob, name="shop")
    token = response.json()
    assert response.status_code == 201
    assert set(token) == KEYS | {"raw_token"}
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token["raw_token"])
    assert (token["token_prefix"], token["is_active"]) == (token["raw_token"][:8], True)
    assert (token["expires_at"], token["last_used_at"]) == (None, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?", token["created_at"])
    me = Client(HTTP_AUTHORIZATION=f"Bearer {token['raw_token']}").get("/v1/auth/me").json()
    assert me["user"]["email"] == "bob@acme.example.com"


def test_the_list_is_newest_first_with_revoked_tokens_and_those_of_others(as_acme, as_bob, acme):
    first, second = mint(as_bob, name="first").json(), mint(as_acme, name="").json()
    assert as_bob.delete(f"/v1/api-tokens/{first['id']}").status_code == 204
    listed = as_acme.get("/v1/api-tokens").json()
    assert [token["name"] for token in listed] == ["", "first", "default"]
    assert [token["is_active"] for token in listed] == [True, False, True]
    assert all(set(token) == KEYS for token in listed)
    assert listed[0]["id"] == second["id"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [({}, "missing"), ({"name": None}, "string_type"), ({"name": 7}, "string_type"),
     ({"name": "x" * 256}, "string_too_long"), ({"name": "\0"}, "string_unicode")],
)  # fmt: skip
def test_a_bad_name_is_invalid(as_acme, body, kind):
    response = mint(as_acme, **body)
    error = response.json()["detail"][0]
    assert (response.status_code, error["type"], error["loc"]) == (422, kind, ["body", "name"])


def test_a_revoked_token_stops_at_once_and_revoking_twice_is_fine(as_acme):
    token = mint(as_acme, name="x").json()
    for _ in range(2):
        response = as_acme.delete(f"/v1/api-tokens/{token['id']}")
        assert (response.status_code, response.content) == (204, b"")
        assert response["Content-Type"] == "application/json"
    refused = Client().get("/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {token['raw_token']}")
    assert refused.json()["detail"] == "Invalid or revoked API token"


def test_an_unknown_token_and_another_tenants_are_not_found(as_acme, as_globex):
    token = mint(as_acme, name="x").json()
    for client, pk in ((as_acme, uuid.uuid4()), (as_globex, token["id"])):
        response = client.delete(f"/v1/api-tokens/{pk}")
        assert (response.status_code, response.json()["detail"]) == (404, "Token not found")
    assert token["id"] not in [other["id"] for other in as_globex.get("/v1/api-tokens").json()]
    assert ApiToken.objects.get(pk=token["id"]).is_active


def test_a_member_sees_and_revokes_only_what_is_his_own(as_bob, acme):
    of_bob = mint(as_bob, name="x").json()["id"]
    of_the_owner = ApiToken.objects.get(user=acme.owner)
    assert [token["id"] for token in as_bob.get("/v1/api-tokens").json()] == [of_bob]
    refused = as_bob.delete(f"/v1/api-tokens/{of_the_owner.pk}")
    assert (refused.status_code, refused.json()["detail"]) == (404, "Token not found")
    assert as_bob.delete(f"/v1/api-tokens/{of_bob}").status_code == 204
    assert [token.pk for token in ApiToken.objects.filter(tenant=acme.tenant, is_active=True)] == [of_the_owner.pk]


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_owners_and_admins_revoke_any_token_of_the_tenant(as_bob, bob, acme, role):
    User.objects.filter(pk=bob.pk).update(role=role)
    of_the_owner = ApiToken.objects.get(user=acme.owner)
    assert as_bob.delete(f"/v1/api-tokens/{of_the_owner.pk}").status_code == 204
    of_the_owner.refresh_from_db()
    assert not of_the_owner.is_active


def test_a_token_has_the_current_role_of_its_maker(as_bob, bob):
    token = mint(as_bob, name="x").json()
    client = Client(HTTP_AUTHORIZATION=f"Bearer {token['raw_token']}")
    User.objects.filter(pk=bob.pk).update(role=Role.ADMIN)
    assert client.get("/v1/auth/me").json()["user"]["role"] == "admin"
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert client.get("/v1/auth/me").json()["detail"] == "Token owner account is disabled"


def test_an_expired_token_says_so_and_one_that_ends_makes_none_that_does_not(acme):
    row, secret = ApiToken.objects.mint(user=acme.owner, name="x", expires_at=timezone.now() + timedelta(hours=1))
    client = Client(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert mint(client, name="child").json()["expires_at"] is not None
    ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get("/v1/auth/me").json()["detail"] == "API token has expired"


@pytest.mark.parametrize("restriction", [{"bot_profile_id": uuid.uuid4()}, {"scopes": ["chat"]}])
@pytest.mark.parametrize("path", ["/v1/api-tokens", "/v1/bot-profiles"])
def test_a_restricted_token_manages_nothing(acme, restriction, path):
    _, secret = ApiToken.objects.mint(user=acme.owner, name="x", **restriction)
    client = Client(HTTP_AUTHORIZATION=f"Bearer {secret}")
    for response in (client.get(path), client.post(path, {"name": "y"}, content_type="application/json")):
        assert (response.status_code, response.json()["code"]) == (403, "token_restricted")


def test_using_a_token_is_noted(as_acme):
    token = mint(as_acme, name="x").json()
    Client().get("/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {token['raw_token']}")
    assert as_acme.get("/v1/api-tokens").json()[0]["last_used_at"] is not None

"""Wherever a password is set, a weak one is refused and what was there stays.

Alice owns acme and Bob is a member of it; Olga operates the platform.
"""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tenants.context import tenant_context
from tenants.models import Tenant, User
from tenants.platform.operators import mint_operator_token

WEAK = ["password", " " * 8, "bob@acme.example.com", "Bob@acme.example.com1", "1357924680135"]
SIGN_UP = {
    "tenant_slug": "initech",
    "tenant_name": "Initech",
    "owner_email": "bob@acme.example.com",
}


@pytest.fixture
def program(olga):
    return Client(HTTP_AUTHORIZATION=f"Bearer {mint_operator_token(olga, 'billing')[1]}")


def send(client, method, path, body):
    return getattr(client, method)(path, body, content_type="application/json")


@pytest.mark.parametrize("password", WEAK)
def test_no_api_takes_a_weak_one(acme, as_acme, bob, program, settings, password):
    settings.ALLOW_TENANT_SIGNUP = True
    new = {"slug": "initech", "name": "Initech", "owner_email": "bob@acme.example.com"}
    answers = [
        send(Client(), "post", "/v1/tenants", {**SIGN_UP, "owner_password": password}),
        send(program, "post", "/v1/platform/tenants", {**new, "owner_password": password}),
        send(as_acme, "post", "/v1/users", {"email": "bob@acme.example.com", "password": password}),
        send(as_acme, "patch", f"/v1/users/{bob.pk}", {"password": password}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (422, "password_weak")
        assert isinstance(answer.json()["detail"], str)
        assert password == "password" or password not in answer.content.decode()
    assert not Tenant.objects.filter(slug="initech").exists()
    assert User.objects.get(pk=bob.pk).password == bob.password


def test_a_password_may_not_be_like_the_address_that_comes_with_it(as_acme, bob):
    changes = {"email": "bobbytables@acme.example.com", "password": "BobbyTables1"}
    answer = send(as_acme, "patch", f"/v1/users/{bob.pk}", changes)
    assert answer.json()["code"] == "password_weak"
    assert User.objects.get(pk=bob.pk).email == bob.email


def test_an_unknown_user_is_not_found_whatever_the_password(as_acme, globex):
    answer = send(as_acme, "patch", f"/v1/users/{globex.owner.pk}", {"password": "password"})
    assert answer.status_code == 404


@pytest.mark.parametrize("password", ["password", " " * 8, "carl@acme.example.com"])
def test_no_command_takes_a_weak_one(db, password):
    with pytest.raises(CommandError) as refused:
        call_command("bootstrap", email="carl@acme.example.com", password=password)
    assert password == "password" or password not in str(refused.value)
    with pytest.raises(CommandError):
        call_command(
            "provision_tenant",
            "initech",
            owner_email="carl@acme.example.com",
            owner_password=password,
        )
    with tenant_context(None):
        assert not User.objects.filter(email="carl@acme.example.com").exists()

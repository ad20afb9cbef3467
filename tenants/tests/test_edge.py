"""What the edge believes of a request, and what it tells whom."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import Client
from django.urls import set_script_prefix

from conftest import PASSWORD
from tenants.authentication import issue_jwt
from tenants.models import Tenant, User
from tenants.provisioning import archive_tenant, suspend_tenant

ID = "3f2b8c1e-0000-4000-8000-000000000000"
READ = (
    "import json; from django.conf import settings;"
    "print(json.dumps([settings.USE_X_FORWARDED_HOST, settings.SECURE_PROXY_SSL_HEADER]))"
)


def test_a_trusted_proxy_says_how_we_were_reached_and_never_as_which_host():
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "minirag.settings",
        "TRUST_PROXY_HEADERS": "True",
    }
    done = subprocess.run(
        [sys.executable, "-c", READ], env=environment, cwd=settings.BASE_DIR, capture_output=True
    )
    assert json.loads(done.stdout) == [False, ["HTTP_X_FORWARDED_PROTO", "https"]]


def test_a_person_at_a_tenant_that_there_is_not_reads_a_page_and_a_program_json(db):
    nobody = Client(SCRIPT_NAME="/t/nobody")
    for path in ("/", "/admin/"):
        shown = nobody.get(path, HTTP_ACCEPT="text/html", HTTP_ACCEPT_LANGUAGE="de")
        assert (shown.status_code, shown["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert "Hier ist nichts" in shown.content.decode()
        assert {"Accept", "Accept-Language"} <= set(shown["Vary"].split(", "))
    assert nobody.get("/").json()["code"] == "not_found"
    assert nobody.get("/v1/sources", HTTP_ACCEPT="text/html").json()["code"] == "not_found"


@pytest.fixture(params=[suspend_tenant, archive_tenant])
def put_away(acme, request):
    """Acme, suspended or archived, as a client on its own path finds it."""
    request.param(acme.tenant)
    yield acme
    set_script_prefix("/")


def act(client: Client, method: str, path: str, **headers: str) -> tuple[int, str]:
    set_script_prefix("/t/acme/")  # which the ASGI handler does, and the test client does not
    response = getattr(client, method)(
        path, "{}", content_type="application/json", SCRIPT_NAME="/t/acme", **headers
    )
    return response.status_code, response.get("Location", "") or response.json().get("code", "")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/v1/bot-profiles"),
        ("patch", f"/v1/sources/{ID}"),
        ("delete", f"/v1/api-tokens/{ID}"),
    ],
)
def test_a_stranger_does_not_learn_from_the_api_how_a_tenant_is(put_away, globex, method, path):
    assert act(Client(), method, path) == (401, "not_authenticated")
    for bearer in ("Bearer nonsense", "Bearer a.b.c", globex.bearer["HTTP_AUTHORIZATION"]):
        assert act(Client(), method, path, HTTP_AUTHORIZATION=bearer) == (401, "token_invalid")
    refusals = {"suspended": (403, "tenant_disabled"), "archived": (409, "tenant_archived")}
    assert act(Client(), method, path, **put_away.bearer) == refusals[put_away.tenant.status]


def test_an_archived_tenant_is_read_by_api_and_not_changed(acme, globex, as_acme, as_globex):
    made = as_acme.post("/v1/bot-profiles", {"name": "Ava"}, content_type="application/json").json()
    archive_tenant(acme.tenant)
    jwt = Client(HTTP_AUTHORIZATION=f"Bearer {issue_jwt(acme.owner)}")
    for client in (as_acme, jwt):
        assert client.get(f"/v1/bot-profiles/{made['id']}").json()["name"] == "Ava"
        assert client.get("/v1/tenants/me").json()["is_active"] is False
        for method, path in (
            ("post", "/v1/bot-profiles"),
            ("patch", f"/v1/bot-profiles/{made['id']}"),
            ("delete", f"/v1/bot-profiles/{made['id']}"),
            ("post", "/v1/chat"),
            ("post", "/v1/chat/completions"),
            ("post", "/v1/responses"),
            ("post", "/v1/embeddings"),
            ("put", "/v1/stats/pricing"),
        ):
            answer = getattr(client, method)(path, "{}", content_type="application/json")
            assert answer.status_code == 409, (method, path)
            assert "tenant_archived" in answer.content.decode()
    assert as_globex.get(f"/v1/bot-profiles/{made['id']}").status_code == 404
    suspend_tenant(acme.tenant)
    assert as_acme.get("/v1/bot-profiles").status_code == 403


def test_a_stranger_does_not_learn_it_from_log_in_either(put_away):
    client = Client(SCRIPT_NAME="/t/acme")
    answers = [
        client.post(
            "/v1/auth/login",
            {"email": email, "password": password},
            content_type="application/json",
        )
        for email, password in (
            ("alice@acme.example.com", "wrong"),
            ("alice@acme.example.com", PASSWORD),
        )
    ]
    wanted = {"suspended": (403, "disabled"), "archived": (200, None)}
    told = [(answer.status_code, answer.json().get("code")) for answer in answers]
    assert told == [(401, "login_failed"), wanted[put_away.tenant.status]]


def log_in(email: str, **fields: str):
    return Client().post(
        "/v1/auth/login",
        {"email": email, "password": PASSWORD, **fields},
        content_type="application/json",
    )


def test_the_people_of_an_archived_tenant_log_in_by_api_to_read(acme, globex, as_acme):
    as_acme.post("/v1/bot-profiles", {"name": "Ava"}, content_type="application/json")
    archive_tenant(acme.tenant)
    for fields in ({}, {"tenant_slug": "acme"}):
        answer = log_in("alice@acme.example.com", **fields)
        assert answer.status_code == 200 and answer.json()["tenant"]["is_active"] is False
        alice = Client(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access_token']}")
        assert [bot["name"] for bot in alice.get("/v1/bot-profiles").json()] == ["Ava"]
        written = alice.post("/v1/bot-profiles", "{}", content_type="application/json")
        assert (written.status_code, written.json()["code"]) == (409, "tenant_archived")
    assert log_in("alice@acme.example.com", tenant_slug="globex").status_code == 401


@pytest.mark.parametrize("archived_is_older", [True, False])
def test_who_has_the_same_password_in_a_living_tenant_logs_in_there(
    acme, globex, archived_is_older
):
    archived, living = (acme, globex) if archived_is_older else (globex, acme)
    for party in (archived, living):
        User.objects.create_user("carol@example.com", PASSWORD, tenant=party.tenant)
    archive_tenant(archived.tenant)
    assert log_in("carol@example.com").json()["tenant"]["slug"] == living.slug
    assert (
        log_in("carol@example.com", tenant_slug=archived.slug).json()["tenant"]["slug"]
        == archived.slug
    )
    suspend_tenant(living.tenant)
    assert log_in("carol@example.com").json()["tenant"]["slug"] == archived.slug


def test_tenants_that_are_put_away_do_not_push_a_living_one_out_of_those_that_are_tried(
    acme, globex
):
    for number in range(6):
        old = Tenant.objects.create(
            name="Old", slug=f"old-{number}", schema_name=f"t_old_{number}", status="archived"
        )
        User.objects.create_user("carol@example.com", "another password", tenant=old)
    User.objects.create_user("carol@example.com", PASSWORD, tenant=globex.tenant)
    assert log_in("carol@example.com").json()["tenant"]["slug"] == "globex"


@pytest.mark.parametrize("path", ["/admin/bots/botprofile/add/", "/admin/password_change/"])
def test_the_admin_says_how_a_tenant_is_behind_its_log_in_only(put_away, globex, path):
    status, location = act(Client(), "post", path)
    assert (status, location.startswith("/t/acme/admin/login/")) == (302, True)
    gina, alice = Client(), Client()
    gina.force_login(globex.owner)
    for client, email in ((gina, "gina@globex.example.com"), (alice, "alice@acme.example.com")):
        set_script_prefix("/t/acme/")
        client.post(
            "/admin/login/", {"username": email, "password": PASSWORD}, SCRIPT_NAME="/t/acme"
        )
    assert act(gina, "post", path)[0] == 302
    assert act(alice, "post", path) == (409, f"tenant_{put_away.tenant.status}")

"""What every route of /v1 has in common: paths, methods, credentials."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from minirag.operations import health
from minirag.operations.health import _measure_once

ID = str(uuid.UUID(int=7, version=4))
PROTECTED = [
    ("get", "/v1/tenants/me"), ("get", "/v1/auth/me"), ("get", "/v1/api-tokens"), ("post", "/v1/api-tokens"),
    ("delete", f"/v1/api-tokens/{ID}"), ("post", f"/v1/api-tokens/{ID}/rotate"), ("get", "/v1/users"),
    ("post", "/v1/users"), ("patch", f"/v1/users/{ID}"), ("delete", f"/v1/users/{ID}"), ("get", "/v1/bot-profiles"),
    ("post", "/v1/bot-profiles"),
    ("get", f"/v1/bot-profiles/{ID}"), ("patch", f"/v1/bot-profiles/{ID}"), ("delete", f"/v1/bot-profiles/{ID}"),
    ("get", f"/v1/bot-profiles/{ID}/settings"), ("patch", f"/v1/bot-profiles/{ID}/settings"),
]  # fmt: skip
CREDENTIALS = [
    (None, "Not authenticated"),
    ("Basic YWxpY2U6cHc=", "Not authenticated"),
    ("Bearer", "Not authenticated"),
    ("Bearer " + "x" * 43, "Invalid or revoked API token"),
    ("Bearer a.b.c", "Invalid or expired JWT"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.parametrize(("credential", "detail"), CREDENTIALS)
def test_a_protected_route_refuses_a_bad_credential(db, method, path, credential, detail):
    headers = {"HTTP_AUTHORIZATION": credential} if credential else {}
    response = getattr(Client(), method)(path, **headers)
    assert (response.status_code, response.json()["detail"]) == (401, detail)
    assert response["WWW-Authenticate"] == "Bearer"


def test_an_unknown_path_is_not_found_for_anybody_and_in_json(as_acme):
    for client in (Client(), as_acme):
        response = client.get("/v1/nothing/here")
        assert (response.status_code, response.json()["detail"]) == (404, "Not Found")
        assert response["Content-Type"] == "application/json"
        assert client.post("/v1/").status_code == 404


@pytest.mark.parametrize("prefix", ["", "/t/acme"])
def test_a_path_outside_the_api_is_not_found_in_json_for_programs_and_as_a_page_for_browsers(
    acme, prefix
):
    client = Client(SCRIPT_NAME=prefix) if prefix else Client()
    assert client.get("/nothing").json()["detail"] == "Not Found"
    page = client.get("/nothing", HTTP_ACCEPT="text/html,*/*")
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert client.get("/v1/nothing", HTTP_ACCEPT="text/html,*/*").json()["detail"] == "Not Found"


def test_a_malformed_host_is_a_bad_request(db):
    response = Client().get("/v1/auth/me", HTTP_HOST="not a host")
    assert (response.status_code, response.json()["detail"]) == (400, "Bad Request")


def test_a_trailing_slash_on_a_tenants_path_keeps_the_path(acme):
    response = Client(SCRIPT_NAME="/t/acme").get("/v1/bot-profiles/")
    assert (response.status_code, response["Location"]) == (
        307,
        "http://testserver/t/acme/v1/bot-profiles",
    )


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("put", "/v1/api-tokens", {"GET", "POST"}),
        ("put", f"/v1/api-tokens/{ID}", {"GET", "DELETE"}),
        ("get", f"/v1/api-tokens/{ID}/rotate", {"POST"}),
        ("put", f"/v1/users/{ID}", {"GET", "PATCH", "DELETE"}),
        ("post", "/v1/tenants/me", {"GET"}),
        ("get", "/v1/auth/login", {"POST"}),
        ("put", f"/v1/bot-profiles/{ID}", {"GET", "PATCH", "DELETE"}),
        ("options", "/v1/bot-profiles", {"GET", "POST"}),
        ("delete", "/v1/system/health", {"GET"}),
    ],
)
def test_a_wrong_method_is_not_allowed_even_without_a_credential(db, method, path, allowed):
    response = getattr(Client(), method)(path)
    assert (response.status_code, response.json()["detail"]) == (405, "Method Not Allowed")
    assert {name.strip() for name in response["Allow"].split(",")} - {"HEAD"} == allowed


@pytest.mark.parametrize("method", ["get", "post", "patch", "delete"])
def test_a_trailing_slash_redirects_to_the_absolute_path_without_it(as_acme, method):
    response = getattr(as_acme, method)("/v1/bot-profiles/?a=1&b=2")
    assert (response.status_code, response["Location"]) == (
        307,
        "http://testserver/v1/bot-profiles?a=1&b=2",
    )


def test_a_trailing_slash_behind_no_route_is_not_found(as_acme):
    assert as_acme.get("/v1/nothing/").status_code == 404


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*"])
def test_the_answer_is_json_whatever_the_client_accepts(as_acme, accept):
    response = as_acme.get("/v1/tenants/me?format=xml", HTTP_ACCEPT=accept)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize("path", ["api-tokens/{}", "bot-profiles/{}", "bot-profiles/{}/settings"])
def test_a_malformed_id_in_a_path_names_its_parameter(as_acme, path):
    method = as_acme.delete if path.startswith("api") else as_acme.get
    response = method(f"/v1/{path.format('not-a-uuid')}")
    error = response.json()["detail"][0]
    assert (response.status_code, error["type"], error["loc"][0]) == (422, "uuid_parsing", "path")
    assert error["input"] == "not-a-uuid"


def test_every_answer_carries_a_request_id(as_acme):
    response = as_acme.get("/v1/nothing", HTTP_X_REQUEST_ID="trace-7")
    assert response["X-Request-ID"] == response.json()["request_id"] == "trace-7"


def test_health_is_open_and_names_the_servers_below_us(db):
    _measure_once.cache_clear()  # kept for two seconds, whoever asked, and in a test's failing transaction too
    assert Client().get("/health").json() == {"status": "ok"}
    health = Client().get("/v1/system/health").json()
    assert set(health) == {"status", "postgres", "qdrant", "redis"}
    assert health["status"] == "ok"
    assert all(
        health[part]["latency_ms"] > 0 and health[part]["version"]
        for part in ("postgres", "qdrant", "redis")
    )


def test_health_is_degraded_but_answers_when_redis_is_down(db, settings):
    health._measure_once.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = Client().get("/v1/system/health")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["redis"]["status"] == "error"

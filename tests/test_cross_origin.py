"""Which pages may call us from a browser: ALLOWED_ORIGINS for the API, the bot's own list for its widget."""

from __future__ import annotations

import pytest
from django.test import Client

SHOP, STRANGER = "https://shop.example.com", "https://stranger.example.com"
WIDGET, API = "/v1/widget/sessions", "/v1/bot-profiles"


@pytest.fixture
def restricted(settings, db):
    settings.CORS_ALLOW_ALL_ORIGINS, settings.CORS_ALLOWED_ORIGINS = False, [SHOP]


def preflight(path: str, origin: str, **defaults: str):
    headers = {"origin": origin, "access-control-request-method": "POST"}
    return Client(**defaults).options(
        path, headers=headers | {"access-control-request-headers": "content-type"}
    )


@pytest.mark.parametrize("prefix", ["", "/t/acme"])
def test_the_widget_may_be_asked_for_from_every_page_whatever_the_operators_list_says(
    restricted, acme, prefix
):
    response = preflight(WIDGET, STRANGER, SCRIPT_NAME=prefix)
    assert response.status_code == 200
    assert response["access-control-allow-origin"] == STRANGER
    assert "content-type" in response["access-control-allow-headers"]
    assert "POST" in response["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in response


def test_a_page_that_is_refused_can_read_why(restricted, as_acme):
    bot = as_acme.post(API, {"name": "Ava"}, content_type="application/json").json()["id"]
    body = {"bot_profile_id": bot, "visitor_id": "visitor-0001"}
    response = Client().post(
        WIDGET, body, content_type="application/json", headers={"origin": STRANGER}
    )
    assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
    assert response["access-control-allow-origin"] == STRANGER
    assert "Origin" in response["vary"] or "origin" in response["vary"]


def test_the_rest_of_the_api_keeps_to_the_operators_list(restricted, as_acme):
    assert "access-control-allow-origin" not in preflight(API, STRANGER)
    assert "access-control-allow-origin" not in as_acme.get(API, headers={"origin": STRANGER})
    assert preflight(API, SHOP)["access-control-allow-origin"] == SHOP
    assert as_acme.get(API, headers={"origin": SHOP})["access-control-allow-origin"] == SHOP


def test_without_a_list_every_page_may_call_and_none_with_a_cookie(as_acme):
    response = as_acme.get(API, headers={"origin": STRANGER})
    assert response["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response


def test_pages_outside_the_api_are_for_nobody_else(restricted, acme):
    assert "access-control-allow-origin" not in preflight("/admin/login/", SHOP)


def test_a_page_may_send_the_apis_own_headers_and_read_them(as_acme):
    asked = {"origin": SHOP, "access-control-request-method": "POST"}
    allowed = Client().options(API, headers=asked)["access-control-allow-headers"]
    own = {"authorization", "content-type", "idempotency-key", "x-request-id"}
    agents = {"mcp-protocol-version", "mcp-method", "mcp-name"}
    assert own | agents <= set(allowed.split(", "))
    exposed = as_acme.get(API, headers={"origin": SHOP})["access-control-expose-headers"].lower()
    assert {"x-request-id", "retry-after", "link", "x-next-cursor", "idempotency-replayed"} <= set(
        exposed.split(", ")
    )

"""Whatever a client puts into whichever field of whichever body or query, the answer is never a 5xx."""

from __future__ import annotations

import random

import pytest

# What no field at all may take is sent to every field of every route in test_bad_input.py (WRONG_EVERYWHERE).
ODD_VALUES = [
    None, True, False, 0, -1, 2**31, -(2**63), 0.5, 1e308, "", " ",
    "\u202e\u2066", "😀" * 300, "0", "-1", "NaN", "1e999", "'; DROP TABLE x; --", "%s%n%(x)s",
    "../../etc/passwd", "http://[", "//", [], [[]] * 3, {}, {"": ""}, {"url": {"a": []}},
    {"api_token": {}}, {"api_key": {}}, {"api_key": "\0"}, {"api_key": "k", "api_base": []}, {"encrypted_token": "x"},
    [{"name": []}] * 2,
    "00000000-0000-0000-0000-000000000000", "{00000000-0000-4000-8000-000000000000}", "９",
]  # fmt: skip
JSON = "application/json"


@pytest.fixture
def things(as_acme):
    bot = as_acme.post("/v1/bot-profiles", {"name": "x"}, content_type=JSON).json()["id"]
    make = lambda **fields: as_acme.post(  # noqa: E731
        "/v1/sources", {"name": "x", "bot_profile_id": bot, **fields}, content_type=JSON
    ).json()["id"]
    return {"bot": bot, "text": make(source_type="text"), "url": make(source_type="url"),
            "nyxcore": make(source_type="nyxcore")}  # fmt: skip


def good_bodies(things):
    bot = {"name": "x", "description": "", "model": "m", "embedding_model": None, "system_prompt": "s",
           "temperature": 0.7, "max_tokens": 9, "credentials": None}  # fmt: skip
    source = {"bot_profile_id": things["bot"], "name": "x", "description": "", "source_type": "text", "config": {},
              "content": "c", "parent_id": None, "refresh_schedule": None}  # fmt: skip
    changes = {"name": "x", "description": "", "config": {}, "content": "c", "is_active": True,
               "refresh_schedule": None}  # fmt: skip
    settings = {"refuses": True, "refusal_floor": 0.5, "refusal_text": "", "dense_weight": 0.5, "fusion": "rrf",
                "passage_count": 5, "history_turns": 5, "greeting": "", "starter_questions": [],
                "allowed_origins": [], "is_public": True, "is_indexed": True, "contact": "",
                "asks_back": True, "follow_up_questions": True, "condense_mode": "auto",
                "condense_model": ""}  # fmt: skip
    child = {"name": "x", "description": "", "source_type": "text", "config": {}, "content": None}
    return [
        ("post", "/v1/tenants", {"tenant_name": "x", "tenant_slug": "acme", "owner_email": "a@b.example.com",
                                 "owner_password": "a long pass phrase", "owner_display_name": ""}),
        ("post", "/v1/auth/login", {"email": "a@b.example.com", "password": "x", "tenant_slug": None}),
        ("post", "/v1/api-tokens", {"name": "x"}),
        ("post", "/v1/bot-profiles", bot),
        ("patch", f"/v1/bot-profiles/{things['bot']}", {**bot, "is_active": True}),
        ("patch", f"/v1/bot-profiles/{things['bot']}/settings", settings),
        ("post", "/v1/sources", source),
        ("post", "/v1/sources/batch", {"bot_profile_id": things["bot"], "name": "x", "description": "",
                                       "source_type": "url", "children": [child]}),
        ("patch", f"/v1/sources/{things['text']}", changes),
        *[("patch", f"/v1/sources/{things[kind]}", {"config": {}}) for kind in ("url", "nyxcore")],
    ]  # fmt: skip


def test_no_odd_value_in_any_field_of_a_body_breaks_the_server(as_acme, things, settings):
    settings.ALLOW_TENANT_SIGNUP, settings.SIGNUP_RATE, settings.LOGIN_RATE = (
        True,
        "100000/hour",
        "100000/hour",
    )
    tried = 0
    for method, path, body in good_bodies(things):
        for field in body:
            for value in ODD_VALUES:
                if path == "/v1/tenants" and field == "tenant_slug" and value in ("0", "-1"):
                    continue  # slugs that are fine, and a schema each
                response = getattr(as_acme, method)(path, {**body, field: value}, content_type=JSON)
                assert response.status_code < 500, (method, path, field, str(value)[:80])
                assert response.status_code < 400 or "detail" in response.json()
                tried += 1
    assert tried > 1500
    assert as_acme.get("/v1/sources?include_children=true").status_code == 200
    assert as_acme.get("/v1/bot-profiles").status_code == 200


def test_no_odd_value_in_a_query_or_path_breaks_the_server(as_acme, things):
    for value in map(str, [*ODD_VALUES, "\0", "a\0b", 10**400]):
        for name in (
            "bot_profile_id",
            "parent_id",
            "include_children",
            "limit",
            "offset",
            "unknown",
        ):
            response = as_acme.get("/v1/sources", {name: value[:3000]})
            assert response.status_code < 500, (name, value[:80])
    for path in (
        "/v1/sources/%00",
        "/v1/sources/%ff%fe",
        "/v1/bot-profiles/%2e%2e%2f",
        "/v1/api-tokens/%s",
    ):
        assert as_acme.get(path).status_code < 500, path


def test_no_random_bytes_as_a_body_break_the_server(as_acme):
    pick = random.Random(20261121)
    for _ in range(60):
        body = bytes(
            pick.choices(b'{}[]",:\\u0dD8tfn\x00\xff\xed\xa0-1e9 ', k=pick.randrange(1, 40))
        )
        for content_type in (JSON, "multipart/form-data; boundary=x", "text/plain"):
            for path in ("/v1/bot-profiles", "/v1/sources", "/v1/sources/upload"):
                assert as_acme.post(path, body, content_type=content_type).status_code in (
                    400,
                    422,
                ), body

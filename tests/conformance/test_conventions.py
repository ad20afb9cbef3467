"""§1 conventions and §2 authentication."""

from __future__ import annotations

import base64
import json
import secrets

import pytest

from tests.conformance.wire import (
    NOBODY,
    PASSWORD,
    TIMESTAMP,
    assert_detail,
    assert_invalid,
    is_uuid4,
    open_client,
)

PREFLIGHT = {"Origin": "https://shop.example.com", "Access-Control-Request-Method": "POST"}


class TestBodies:
    def test_without_a_json_content_type_it_is_422(self, owner):
        answer = owner.post(
            "/v1/bot-profiles", content=b'{"name": "Bot"}', headers={"Content-Type": "text/plain"}
        )
        assert_invalid(answer, "body", kind="model_attributes_type")

    def test_malformed_json_names_the_offset(self, owner):
        headers = {"Content-Type": "application/json"}
        answer = owner.post("/v1/bot-profiles", content=b'{"name": ', headers=headers)
        error = answer.json()["detail"][0]
        assert answer.status_code == 422
        assert error["type"] == "json_invalid"
        assert error["loc"][0] == "body" and isinstance(error["loc"][1], int)

    def test_a_missing_field_is_named(self, owner):
        assert_invalid(owner.post("/v1/bot-profiles", json={}), "body", "name", kind="missing")

    def test_unknown_fields_are_ignored(self, owner):
        assert (
            owner.post("/v1/bot-profiles", json={"name": "Bot", "colour": "red"}).status_code == 201
        )

    def test_the_input_is_echoed(self, owner):
        error = assert_invalid(
            owner.post("/v1/bot-profiles", json={"name": "x", "temperature": 3}),
            "body",
            "temperature",
        )
        assert error["input"] == 3

    def test_a_password_is_not(self, anyone):
        answer = anyone.post(
            "/v1/auth/login", json={"email": "nobody", "password": "hunter2hunter2"}
        )
        assert answer.status_code == 422
        assert "hunter2" not in answer.text

    @pytest.mark.parametrize("body", ["[]", "3", "null", '"text"'])
    def test_a_body_that_is_no_object_is_422(self, owner, body):
        headers = {"Content-Type": "application/json"}
        assert owner.post("/v1/bot-profiles", content=body, headers=headers).status_code == 422


class TestIdsAndTimes:
    def test_ids_are_uuids_of_version_4(self, owner):
        assert is_uuid4(owner.post("/v1/bot-profiles", json={"name": "Bot"}).json()["id"])

    def test_a_malformed_id_in_the_path_is_422(self, owner):
        assert_invalid(owner.get("/v1/bot-profiles/7"), "path", "bot_profile_id")

    def test_a_malformed_id_in_the_query_is_422(self, owner):
        assert_invalid(
            owner.get("/v1/sources", params={"bot_profile_id": "7"}), "query", "bot_profile_id"
        )

    def test_a_malformed_id_in_the_body_is_422(self, owner):
        assert_invalid(
            owner.post("/v1/chat", json={"bot_profile_id": "7", "message": "Hi"}),
            "body",
            "bot_profile_id",
        )

    def test_times_are_naive_utc(self, owner):
        made = owner.post("/v1/bot-profiles", json={"name": "Bot"}).json()
        assert TIMESTAMP.fullmatch(made["created_at"])
        assert TIMESTAMP.fullmatch(made["updated_at"])


class TestPaths:
    def test_an_unknown_path_is_404(self, owner):
        assert_detail(owner.get("/v1/nothing-here"), 404, "Not Found")

    def test_a_wrong_method_is_405_with_allow(self, owner):
        answer = owner.delete("/v1/bot-profiles")
        assert_detail(answer, 405, "Method Not Allowed")
        assert {"GET", "POST"} <= {each.strip() for each in answer.headers["allow"].split(",")}

    def test_a_trailing_slash_is_redirected_with_307(self, owner, base_url):
        answer = owner.get("/v1/bot-profiles/", follow_redirects=False)
        assert answer.status_code == 307
        assert answer.headers["location"] == f"{base_url}/v1/bot-profiles"

    def test_the_redirect_keeps_method_body_and_query(self, owner):
        answer = owner.post("/v1/bot-profiles/", json={"name": "By the way"}, follow_redirects=True)
        assert answer.status_code == 201
        assert answer.json()["name"] == "By the way"
        location = owner.get("/v1/sources/?include_children=true", follow_redirects=False).headers[
            "location"
        ]
        assert location.endswith("/v1/sources?include_children=true")

    def test_204_has_no_body_and_a_json_content_type(self, owner):
        made = owner.post("/v1/bot-profiles", json={"name": "Bot"}).json()
        answer = owner.delete(f"/v1/bot-profiles/{made['id']}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["content-type"] == "application/json"


class TestCrossOrigin:
    def test_a_preflight_allows_the_origin_for_ten_minutes(self, anyone):
        headers = {**PREFLIGHT, "Access-Control-Request-Headers": "authorization,content-type"}
        answer = anyone.options("/v1/chat", headers=headers)
        assert answer.status_code in (200, 204)
        assert answer.headers["access-control-allow-origin"] in ("*", PREFLIGHT["Origin"])
        assert answer.headers["access-control-max-age"] == "600"
        allowed = answer.headers["access-control-allow-headers"].lower()
        assert "authorization" in allowed and "content-type" in allowed

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
    def test_every_method_is_allowed(self, anyone, method):
        answer = anyone.options(
            "/v1/chat", headers={**PREFLIGHT, "Access-Control-Request-Method": method}
        )
        assert method in answer.headers["access-control-allow-methods"]

    def test_a_simple_request_is_allowed_too(self, owner):
        answer = owner.get("/v1/bot-profiles", headers={"Origin": PREFLIGHT["Origin"]})
        assert answer.headers["access-control-allow-origin"] in ("*", PREFLIGHT["Origin"])


class TestAuthentication:
    @pytest.mark.parametrize(
        "headers", [{}, {"Authorization": "Basic Zm9vOmJhcg=="}, {"Authorization": "Bearer "}]
    )
    def test_without_a_bearer_token_it_is_401(self, anyone, headers):
        answer = anyone.get(
            "/v1/bot-profiles",
            headers={**headers}
            if headers.get("Authorization") != "Bearer "
            else {"Authorization": "Bearer"},
        )
        assert_detail(answer, 401, "Not authenticated")
        assert answer.headers["www-authenticate"] == "Bearer"

    def test_an_unknown_token_is_401(self, base_url):
        answer = open_client(base_url, secrets.token_urlsafe(32)).get("/v1/bot-profiles")
        assert_detail(answer, 401, "Invalid or revoked API token")

    def test_a_revoked_token_is_401(self, owner, base_url):
        made = owner.post("/v1/api-tokens", json={"name": "short"}).json()
        assert owner.delete(f"/v1/api-tokens/{made['id']}").status_code == 204
        assert_detail(
            open_client(base_url, made["raw_token"]).get("/v1/bot-profiles"),
            401,
            "Invalid or revoked API token",
        )

    def test_a_bad_jwt_is_401(self, base_url):
        assert_detail(
            open_client(base_url, "a.b.c").get("/v1/bot-profiles"), 401, "Invalid or expired JWT"
        )

    def test_a_jwt_with_another_signature_is_401(self, member, base_url):
        head, claims, _ = member.headers["authorization"].removeprefix("Bearer ").split(".")
        assert_detail(
            open_client(base_url, f"{head}.{claims}.{'A' * 43}").get("/v1/bot-profiles"),
            401,
            "Invalid or expired JWT",
        )

    def test_the_jwt_is_hs256_with_sub_tid_role_and_exp(self, member, acme):
        head, claims, _ = member.headers["authorization"].removeprefix("Bearer ").split(".")
        assert decode(head)["alg"] == "HS256"
        found = decode(claims)
        assert found["tid"] == acme.tenant["id"]
        assert found["role"] == "member"
        assert is_uuid4(found["sub"]) and found["exp"] > 1_700_000_000

    def test_the_token_of_a_disabled_person_is_401(self, owner, acme, base_url):
        person = acme.add_person("admin")
        raw_token = person.post("/v1/api-tokens", json={"name": "mine"}).json()["raw_token"]
        user_id = person.get("/v1/auth/me").json()["user"]["id"]
        assert owner.delete(f"/v1/users/{user_id}").status_code == 204
        answer = open_client(base_url, raw_token).get("/v1/bot-profiles")
        assert_detail(answer, 401, "Token owner account is disabled")

    def test_a_jwt_of_a_disabled_person_stops_at_once(self, owner, acme):
        person = acme.add_person("admin")
        user_id = person.get("/v1/auth/me").json()["user"]["id"]
        assert owner.delete(f"/v1/users/{user_id}").status_code == 204
        assert person.get("/v1/bot-profiles").status_code == 401


def decode(part: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class TestTenants:
    """§3.1"""

    def test_everything_foreign_is_404(self, stranger, owner, bot, answer):
        chat_id, message_id = answer["chat_id"], answer["message"]["id"]
        for path in (
            f"/v1/bot-profiles/{bot}",
            f"/v1/chat/{chat_id}",
            f"/v1/chat/{chat_id}/messages",
            f"/v1/chat/{chat_id}/export",
            f"/v1/sources/{owner.get('/v1/sources').json()[0]['id']}",
        ):
            assert stranger.get(path).status_code == 404, path
        feedback = {"feedback": "positive"}
        assert (
            stranger.patch(
                f"/v1/chat/{chat_id}/messages/{message_id}/feedback", json=feedback
            ).status_code
            == 404
        )

    def test_an_unknown_id_is_the_same_404(self, owner):
        assert_detail(owner.get(f"/v1/bot-profiles/{NOBODY}"), 404, "Bot profile not found")

    def test_a_log_in_after_bootstrap_works(self, anyone, acme):
        entered = anyone.post("/v1/auth/login", json={"email": acme.email, "password": PASSWORD})
        assert entered.status_code == 200

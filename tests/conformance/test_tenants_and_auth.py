"""§3.1 tenants and log-in, §3.2 API tokens, §3.7 users."""

from __future__ import annotations

import re
import secrets

import pytest

from tests.conformance.wire import (
    NOBODY,
    PASSWORD,
    TENANT,
    TIMESTAMP,
    TOKEN,
    USER,
    assert_detail,
    assert_invalid,
    bootstrap,
    open_client,
    sign_up,
)


def new_email() -> str:
    return f"person-{secrets.token_hex(5)}@acme.example.com"


class TestBootstrap:
    def test_it_answers_tenant_token_and_prefix(self, acme):
        assert set(acme.tenant) == TENANT
        assert acme.tenant["plan"] == "free"
        assert acme.tenant["is_active"] is True
        assert acme.tenant["slug"] == acme.slug

    def test_the_token_has_43_characters_and_no_dot(self, acme):
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", acme.token)
        assert acme.token_prefix == acme.token[:8]

    def test_the_first_user_is_an_owner_with_a_token_named_default(self, owner):
        assert owner.get("/v1/auth/me").json()["user"]["role"] == "owner"
        assert "default" in {token["name"] for token in owner.get("/v1/api-tokens").json()}

    def test_a_taken_slug_is_409(self, anyone, acme):
        answer = anyone.post("/v1/tenants", json=bootstrap(acme.slug, "other@example.com"))
        assert_detail(answer, 409, f"Slug '{acme.slug}' is already taken")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("tenant_slug", "Has Capitals"),
            ("tenant_slug", "x" * 101),
            ("tenant_slug", ""),
            ("tenant_name", "x" * 256),
            ("owner_email", "nobody"),
            ("owner_email", "a@b.test"),
            ("owner_email", "a@localhost"),
            ("owner_password", "short"),
            ("owner_password", "x" * 129),
            ("owner_display_name", "x" * 256),
        ],
    )
    def test_a_bad_field_is_422(self, anyone, field, value):
        body = bootstrap(f"free-{secrets.token_hex(4)}", "a@example.com") | {field: value}
        assert_invalid(anyone.post("/v1/tenants", json=body), "body", field)

    def test_an_empty_name_is_allowed_and_the_domain_of_the_email_is_lowered(
        self, base_url, anyone
    ):
        slug = f"empty-{secrets.token_hex(4)}"
        made = anyone.post("/v1/tenants", json=bootstrap(slug, "Owner@EXAMPLE.com", name=""))
        assert made.status_code == 201
        assert made.json()["tenant"]["name"] == ""
        me = open_client(base_url, made.json()["api_token"]).get("/v1/auth/me").json()
        assert me["user"]["email"] == "Owner@example.com"
        assert me["user"]["display_name"] == ""

    def test_me_is_the_callers_tenant(self, owner, acme):
        assert owner.get("/v1/tenants/me").json() == acme.tenant


class TestLogIn:
    def test_it_answers_a_jwt_user_and_tenant(self, anyone, acme):
        body = anyone.post(
            "/v1/auth/login", json={"email": acme.email, "password": PASSWORD}
        ).json()
        assert {"access_token", "token_type", "user", "tenant"} == set(body)
        assert body["token_type"] == "bearer"
        assert body["access_token"].count(".") == 2
        assert set(body["user"]) == USER
        assert body["tenant"] == acme.tenant

    def test_me_answers_user_and_tenant(self, member, acme):
        body = member.get("/v1/auth/me").json()
        assert set(body) == {"user", "tenant"}
        assert set(body["user"]) == USER
        assert body["user"]["tenant_id"] == acme.tenant["id"]

    @pytest.mark.parametrize("person", ["known", "unknown"])
    def test_a_wrong_password_and_an_unknown_person_are_the_same_401(self, anyone, acme, person):
        email = acme.email if person == "known" else "nobody@example.com"
        answer = anyone.post("/v1/auth/login", json={"email": email, "password": "not this one"})
        assert_detail(answer, 401, "Invalid email or password")

    def test_a_disabled_account_is_403(self, anyone, owner):
        email = new_email()
        made = owner.post("/v1/users", json={"email": email, "password": PASSWORD}).json()
        owner.delete(f"/v1/users/{made['id']}")
        answer = anyone.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
        assert_detail(answer, 403, "Account is disabled")

    def test_an_email_of_two_tenants_is_no_500(self, anyone, owner, stranger):
        email = new_email()
        for client, password in ((owner, "first password"), (stranger, "second password")):
            made = client.post("/v1/users", json={"email": email, "password": password})
            assert made.status_code == 201
        for client, password in ((owner, "first password"), (stranger, "second password")):
            entered = anyone.post("/v1/auth/login", json={"email": email, "password": password})
            assert entered.status_code == 200
            assert entered.json()["tenant"] == client.get("/v1/tenants/me").json()

    def test_an_email_without_form_is_422(self, anyone):
        assert_invalid(
            anyone.post("/v1/auth/login", json={"email": "x", "password": "y"}), "body", "email"
        )


class TestApiTokens:
    def test_making_one_shows_the_secret_once(self, owner):
        answer = owner.post("/v1/api-tokens", json={"name": "CI"})
        body = answer.json()
        assert answer.status_code == 201
        assert set(body) >= TOKEN | {"raw_token"}
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", body["raw_token"])
        assert body["token_prefix"] == body["raw_token"][:8]
        assert body["name"] == "CI" and body["is_active"] is True
        assert body["expires_at"] is None and body["last_used_at"] is None
        assert TIMESTAMP.fullmatch(body["created_at"])
        assert body["raw_token"] not in owner.get("/v1/api-tokens").text

    def test_the_list_is_newest_first_with_revoked_ones(self, owner):
        first = owner.post("/v1/api-tokens", json={"name": "first"}).json()
        second = owner.post("/v1/api-tokens", json={"name": "second"}).json()
        owner.delete(f"/v1/api-tokens/{first['id']}")
        found = owner.get("/v1/api-tokens").json()
        assert [token["id"] for token in found[:2]] == [second["id"], first["id"]]
        assert found[1]["is_active"] is False
        assert all(set(token) >= TOKEN and "raw_token" not in token for token in found)

    def test_the_list_has_those_of_other_users(self, owner, acme):
        theirs = acme.add_person("admin").post("/v1/api-tokens", json={"name": "theirs"}).json()
        assert theirs["id"] in {token["id"] for token in owner.get("/v1/api-tokens").json()}

    def test_an_empty_name_is_allowed_and_a_long_one_is_422(self, owner):
        assert owner.post("/v1/api-tokens", json={"name": ""}).status_code == 201
        assert_invalid(owner.post("/v1/api-tokens", json={"name": "x" * 256}), "body", "name")

    def test_revoking_is_idempotent(self, owner):
        made = owner.post("/v1/api-tokens", json={"name": "gone"}).json()
        assert [owner.delete(f"/v1/api-tokens/{made['id']}").status_code for _ in range(2)] == [
            204,
            204,
        ]

    def test_an_unknown_one_is_404(self, owner):
        assert_detail(owner.delete(f"/v1/api-tokens/{NOBODY}"), 404, "Token not found")

    def test_one_of_another_tenant_is_404(self, owner, stranger):
        made = owner.post("/v1/api-tokens", json={"name": "ours"}).json()
        assert_detail(stranger.delete(f"/v1/api-tokens/{made['id']}"), 404, "Token not found")

    def test_using_it_is_noted(self, owner, base_url):
        made = owner.post("/v1/api-tokens", json={"name": "used"}).json()
        open_client(base_url, made["raw_token"]).get("/v1/bot-profiles")
        found = next(
            token for token in owner.get("/v1/api-tokens").json() if token["id"] == made["id"]
        )
        assert TIMESTAMP.fullmatch(found["last_used_at"])


class TestUsers:
    def test_the_list_is_ordered_by_email_and_has_disabled_ones(self, owner):
        emails = sorted(new_email() for _ in range(3))
        for email in reversed(emails):
            made = owner.post("/v1/users", json={"email": email, "password": PASSWORD}).json()
        owner.delete(f"/v1/users/{made['id']}")
        found = owner.get("/v1/users").json()
        assert [user["email"] for user in found] == sorted(user["email"] for user in found)
        assert all(set(user) == USER for user in found)
        assert made["id"] in {user["id"] for user in found if not user["is_active"]}

    def test_a_new_user_is_a_member(self, owner, acme):
        answer = owner.post("/v1/users", json={"email": new_email(), "password": PASSWORD})
        body = answer.json()
        assert answer.status_code == 201
        assert set(body) == USER
        assert (body["role"], body["display_name"], body["is_active"]) == ("member", "", True)
        assert body["tenant_id"] == acme.tenant["id"]

    def test_an_owner_may_make_another_owner(self, owner):
        made = owner.post(
            "/v1/users", json={"email": new_email(), "password": PASSWORD, "role": "owner"}
        )
        assert made.json()["role"] == "owner"

    def test_an_email_that_is_there_is_409(self, owner):
        body = {"email": new_email(), "password": PASSWORD}
        assert owner.post("/v1/users", json=body).status_code == 201
        assert_detail(
            owner.post("/v1/users", json=body),
            409,
            "A user with this email already exists in this tenant",
        )

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("password", "short"),
            ("password", "x" * 129),
            ("role", "king"),
            ("email", "x" * 321),
            ("email", None),
        ],
    )
    def test_a_bad_field_is_422(self, owner, field, value):
        body = {"email": new_email(), "password": PASSWORD} | {field: value}
        assert_invalid(owner.post("/v1/users", json=body), "body", field)

    def test_the_predecessors_whole_patch_works(self, owner, anyone):
        made = owner.post("/v1/users", json={"email": new_email(), "password": PASSWORD}).json()
        changed = {
            "email": new_email(),
            "password": "another password",
            "display_name": "Ann",
            "role": "admin",
        }
        answer = owner.patch(f"/v1/users/{made['id']}", json=changed)
        assert answer.status_code == 200
        assert answer.json() == {
            **made,
            **{key: changed[key] for key in ("email", "display_name", "role")},
        }
        entered = anyone.post(
            "/v1/auth/login", json={"email": changed["email"], "password": "another password"}
        )
        assert entered.status_code == 200

    def test_a_partial_patch_and_re_enabling_work(self, owner):
        made = owner.post("/v1/users", json={"email": new_email(), "password": PASSWORD}).json()
        owner.delete(f"/v1/users/{made['id']}")
        answer = owner.patch(f"/v1/users/{made['id']}", json={"is_active": True})
        assert (answer.status_code, answer.json()) == (200, made)

    def test_deleting_is_soft_and_idempotent(self, owner):
        made = owner.post("/v1/users", json={"email": new_email(), "password": PASSWORD}).json()
        assert [owner.delete(f"/v1/users/{made['id']}").status_code for _ in range(2)] == [204, 204]
        found = next(user for user in owner.get("/v1/users").json() if user["id"] == made["id"])
        assert found["is_active"] is False

    def test_an_unknown_one_is_404(self, owner):
        assert_detail(owner.delete(f"/v1/users/{NOBODY}"), 404, "User not found")
        assert_detail(
            owner.patch(f"/v1/users/{NOBODY}", json={"display_name": "x"}), 404, "User not found"
        )

    def test_one_of_another_tenant_is_404(self, owner, stranger):
        made = owner.post("/v1/users", json={"email": new_email(), "password": PASSWORD}).json()
        assert_detail(stranger.delete(f"/v1/users/{made['id']}"), 404, "User not found")

    def test_members_read_and_do_not_write(self, member, owner):
        assert member.get("/v1/users").status_code == 200
        somebody = owner.get("/v1/users").json()[0]["id"]
        sentence = "Only owners and admins can manage users"
        assert_detail(
            member.post("/v1/users", json={"email": new_email(), "password": PASSWORD}),
            403,
            sentence,
        )
        assert_detail(
            member.patch(f"/v1/users/{somebody}", json={"display_name": "x"}), 403, sentence
        )
        assert_detail(member.delete(f"/v1/users/{somebody}"), 403, sentence)

    def test_an_admin_does_not_take_over_an_owner(self, admin, owner):
        owner_id = owner.get("/v1/auth/me").json()["user"]["id"]
        own_id = admin.get("/v1/auth/me").json()["user"]["id"]
        assert (
            admin.patch(f"/v1/users/{owner_id}", json={"password": "a new password"}).status_code
            == 403
        )
        assert admin.delete(f"/v1/users/{owner_id}").status_code == 403
        assert admin.patch(f"/v1/users/{own_id}", json={"role": "owner"}).status_code == 403

    def test_the_last_owner_stays(self, base_url):
        account = sign_up(base_url, "alone")
        own_id = account.client.get("/v1/auth/me").json()["user"]["id"]
        assert account.client.delete(f"/v1/users/{own_id}").status_code == 409
        assert (
            account.client.patch(f"/v1/users/{own_id}", json={"role": "member"}).status_code == 409
        )

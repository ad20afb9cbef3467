"""/v1/users: who may make, change and disable whom."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest
from django.db import connections
from django.test import Client

from conftest import PASSWORD
from minirag.lib.errors import ProductError
from tenants.authentication import issue_jwt
from tenants.context import tenant_context
from tenants.models import ApiToken, AuditEvent, Role, Tenant, User
from tenants.people.changing import change_user
from tenants.tokens.changing import rotate_token

URL = "/v1/users"
KEYS = {"id", "tenant_id", "email", "display_name", "role", "is_active"}
CARL = {"email": "carl@acme.example.com", "password": "carls horse battery"}


def make(client, **fields):
    return client.post(URL, {**CARL, **fields}, content_type="application/json")


def change(client, user, **fields):
    return client.patch(
        f"{URL}/{getattr(user, 'pk', user)}", fields, content_type="application/json"
    )


def remove(client, user):
    return client.delete(f"{URL}/{user.pk}")


def bearer(secret: str) -> Client:
    return Client(HTTP_AUTHORIZATION=f"Bearer {secret}")


def log_in(email, password):
    body = {"email": email, "password": password}
    return Client().post("/v1/auth/login", body, content_type="application/json")


@pytest.fixture
def adam(acme) -> User:
    return User.objects.create_user(
        "adam@acme.example.com", PASSWORD, tenant=acme.tenant, role=Role.ADMIN
    )


@pytest.fixture
def as_adam(adam) -> Client:
    return bearer(issue_jwt(adam))


@pytest.fixture
def second_owner(acme) -> User:
    return User.objects.create_user(
        "oona@acme.example.com", PASSWORD, tenant=acme.tenant, role=Role.OWNER
    )


# --- the contract -------------------------------------------------------------------------------------------------
def test_the_list_is_ordered_by_email_with_disabled_users_and_open_to_members(
    as_acme, as_bob, bob, globex
):
    carl = make(as_acme).json()
    as_acme.delete(f"{URL}/{carl['id']}")
    for client in (as_acme, as_bob):
        listed = client.get(URL).json()
        assert [user["email"].partition("@")[0] for user in listed] == ["alice", "bob", "carl"]
        assert [user["is_active"] for user in listed] == [True, True, False]
        assert all(set(user) == KEYS for user in listed)


def test_the_list_can_be_had_in_pages(as_acme, adam, bob):
    first = as_acme.get(f"{URL}?limit=2")
    assert [user["display_name"] or user["role"] for user in first.json()] == ["admin", "Alice"]
    rest = as_acme.get(f"{URL}?limit=2&cursor={first['X-Next-Cursor']}").json()
    assert [user["id"] for user in rest] == [str(bob.pk)]


def test_a_new_user_has_exactly_the_contracts_keys_and_defaults_and_can_log_in(as_acme, acme):
    response = make(as_acme, email="Carl@ACME.example.com")
    user = response.json()
    assert (response.status_code, set(user)) == (201, KEYS)
    assert {name: user[name] for name in KEYS - {"id"}} == {
        "tenant_id": str(acme.tenant.pk), "email": "Carl@acme.example.com", "display_name": "", "role": "member",
        "is_active": True,
    }  # fmt: skip
    assert log_in("Carl@acme.example.com", CARL["password"]).status_code == 200
    assert as_acme.get(f"{URL}/{user['id']}").json() == user


@pytest.mark.parametrize(
    ("fields", "name", "kind"),
    [({"email": "carl"}, "email", "value_error"), ({"email": "carl@localhost"}, "email", "value_error"),
     ({"email": f"carl@{'x' * 320}.example.com"}, "email", "value_error"), ({"email": None}, "email", "string_type"),
     ({"email": "carl\0@acme.example.com"}, "email", "string_unicode"),
     ({"password": "short"}, "password", "string_too_short"), ({"password": "x" * 129}, "password", "string_too_long"),
     ({"password": None}, "password", "string_type"), ({"display_name": "x" * 256}, "display_name", "string_too_long"),
     ({"display_name": None}, "display_name", "string_type"), ({"role": "king"}, "role", "enum"),
     ({"role": None}, "role", "enum")],
)  # fmt: skip
def test_bad_fields_are_invalid_in_both_and_no_password_is_echoed(as_acme, bob, fields, name, kind):
    for response in (make(as_acme, **fields), change(as_acme, bob, **fields)):
        assert response.status_code == 422
        [error] = response.json()["detail"]
        assert (error["type"], error["loc"][:2]) == (kind, ["body", name])
        assert (
            name != "password"
            or fields["password"] is None
            or str(fields["password"]) not in str(error["input"])
        )
    assert not User.objects.filter(email__startswith="carl").exists()


@pytest.mark.parametrize("field", ["is_active", "revoke_tokens"])
def test_a_switch_is_true_or_false(as_acme, bob, field):
    for value in (None, "yes", 1):
        assert change(as_acme, bob, **{field: value}).status_code == 422
    bob.refresh_from_db()
    assert bob.is_active


def test_an_email_is_taken_once_per_tenant_and_free_in_another(as_acme, as_globex, bob):
    taken = make(as_acme, email=bob.email)
    assert taken.status_code == 409
    assert taken.json()["detail"] == "A user with this email already exists in this tenant"
    assert taken.json()["code"] == "email_taken"
    carl = make(as_acme).json()
    assert change(as_acme, carl["id"], email="bob@ACME.example.com").json()["code"] == "email_taken"
    assert as_acme.get(f"{URL}/{carl['id']}").json() == carl
    assert make(as_globex, email=bob.email).status_code == 201


def test_only_what_is_named_is_changed(as_acme, bob):
    before = as_acme.get(f"{URL}/{bob.pk}").json()
    assert change(as_acme, bob).json() == before
    assert change(as_acme, bob, display_name="Robert").json() == {
        **before,
        "display_name": "Robert",
    }
    assert change(as_acme, bob, email="robert@acme.example.com", role="admin").json() == {
        **before, "display_name": "Robert", "email": "robert@acme.example.com", "role": "admin",
    }  # fmt: skip
    assert log_in("robert@acme.example.com", PASSWORD).status_code == 200


def test_deleting_disables_can_be_repeated_and_is_undone(as_acme, bob, as_bob):
    token = bearer(ApiToken.objects.mint(user=bob, name="x")[1])
    for _ in range(2):
        response = remove(as_acme, bob)
        assert (response.status_code, response.content) == (204, b"")
    assert as_acme.get(f"{URL}/{bob.pk}").json()["is_active"] is False
    assert as_bob.get(URL).status_code == 401
    assert token.get(URL).json()["detail"] == "Token owner account is disabled"
    assert log_in(bob.email, PASSWORD).json()["detail"] == "Account is disabled"
    assert change(as_acme, bob, is_active=True).json()["is_active"] is True
    assert token.get(URL).status_code == 200
    assert log_in(bob.email, PASSWORD).status_code == 200


def test_unknown_users_other_tenants_and_operators_are_not_found(as_acme, globex, olga):
    for pk in (uuid.uuid4(), globex.owner.pk, olga.pk):
        for response in (
            as_acme.get(f"{URL}/{pk}"), change(as_acme, pk, password="a long phrase"), as_acme.delete(f"{URL}/{pk}"),
        ):  # fmt: skip
            assert (response.status_code, response.json()["detail"]) == (404, "User not found")
    for user in (globex.owner, olga):
        assert User.objects.get(pk=user.pk).password == user.password
    assert as_acme.get(f"{URL}/7").status_code == 422


def test_a_member_manages_nobody_not_even_himself(as_bob, bob, acme):
    for response in (
        make(as_bob), change(as_bob, bob, role="owner"), change(as_bob, acme.owner, is_active=False),
        remove(as_bob, acme.owner),
    ):  # fmt: skip
        assert (response.status_code, response.json()["code"]) == (403, "role_forbidden")
        assert response.json()["detail"] == "Only owners and admins can manage users"


# --- ranks --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fields", [{"password": "a long phrase"}, {"is_active": False}, {"role": "member"}, {"email": "x@acme.example.com"},
               {"display_name": "x"}],
)  # fmt: skip
def test_an_admin_changes_nothing_about_an_owner(as_adam, acme, second_owner, fields):
    response = change(as_adam, second_owner, **fields)
    assert (response.status_code, response.json()["code"]) == (403, "owner_required")
    assert remove(as_adam, second_owner).json()["code"] == "owner_required"
    now = User.objects.get(pk=second_owner.pk)
    assert (now.password, now.email, now.role, now.is_active) == (
        second_owner.password, second_owner.email, "owner", True,
    )  # fmt: skip


def test_an_admin_makes_no_owner_neither_himself_nor_another(as_adam, adam, bob):
    for response in (make(as_adam, role="owner"), change(as_adam, adam, role="owner"),
                     change(as_adam, bob, role="owner")):  # fmt: skip
        assert (response.status_code, response.json()["code"]) == (403, "owner_required")
    assert list(
        User.objects.filter(tenant=bob.tenant, role="owner").values_list("display_name", flat=True)
    ) == ["Alice"]


def test_an_admin_manages_admins_and_members(as_adam, bob):
    assert make(as_adam, role="admin").status_code == 201
    assert change(as_adam, bob, role="admin", password="another horse").json()["role"] == "admin"
    assert change(as_adam, bob, role="member", is_active=False).json()["is_active"] is False


def test_the_last_active_owner_stays(as_acme, acme, second_owner):
    User.objects.filter(pk=second_owner.pk).update(is_active=False)
    for response in (change(as_acme, acme.owner, role="admin"), change(as_acme, acme.owner, is_active=False),
                     remove(as_acme, acme.owner)):  # fmt: skip
        assert (response.status_code, response.json()["code"]) == (409, "last_owner")
    owner = User.objects.get(pk=acme.owner.pk)
    assert (owner.role, owner.is_active) == ("owner", True)


def test_nobody_takes_his_own_rights_and_another_owner_does(
    as_acme, acme, second_owner, as_adam, adam
):
    for client, user in ((as_acme, acme.owner), (as_adam, adam)):
        for response in (change(client, user, role="member"), remove(client, user)):
            assert (response.status_code, response.json()["code"]) == (409, "own_account")
    assert change(as_acme, second_owner, role="admin").json()["role"] == "admin"
    assert (
        change(as_acme, acme.owner, display_name="Al", password="another horse").status_code == 200
    )


# --- what ends, and when ------------------------------------------------------------------------------------------
def test_a_password_that_somebody_resets_ends_jwts_and_leaves_api_tokens(as_acme, bob, as_bob):
    token = bearer(ApiToken.objects.mint(user=bob, name="x")[1])
    assert change(as_acme, bob, password="reset by alice").status_code == 200
    assert as_bob.get(URL).status_code == 401
    assert token.get(URL).status_code == 200
    assert log_in(bob.email, PASSWORD).status_code == 401
    assert log_in(bob.email, "reset by alice").status_code == 200


def test_tokens_are_revoked_with_a_password_where_that_is_asked_for(as_acme, bob, acme):
    token = bearer(ApiToken.objects.mint(user=bob, name="x")[1])
    assert change(as_acme, bob, password="reset by alice", revoke_tokens=True).status_code == 200
    assert token.get(URL).json()["detail"] == "Invalid or revoked API token"
    assert ApiToken.objects.filter(user=acme.owner, is_active=True).exists()


def test_a_changed_password_ends_admin_sessions_everywhere(as_acme, bob):
    browser = Client(SCRIPT_NAME="/t/acme")
    assert (
        browser.post("/admin/login/", {"username": bob.email, "password": PASSWORD}).status_code
        == 302
    )
    assert browser.get("/admin/").status_code == 200
    change(as_acme, bob, password="reset by alice")
    assert "/admin/login/" in browser.get("/admin/")["Location"]


def test_a_changed_role_counts_from_the_next_request_on(as_acme, bob, as_bob):
    token = bearer(ApiToken.objects.mint(user=bob, name="x")[1])
    bots = ("/v1/bot-profiles", {"name": "x"}, "application/json")
    assert [client.post(*bots).status_code for client in (as_bob, token)] == [403, 403]
    change(as_acme, bob, role="admin")
    assert [client.post(*bots).status_code for client in (as_bob, token)] == [201, 201]
    change(as_acme, bob, role="member")
    assert [client.post(*bots).status_code for client in (as_bob, token)] == [403, 403]


def test_every_act_is_in_the_audit_log_and_no_password(as_acme, acme, bob):
    make(as_acme)
    change(
        as_acme, bob, role="admin", password="reset by alice", display_name="Bo", revoke_tokens=True
    )
    remove(as_acme, bob)
    change(as_acme, bob, is_active=True)
    events = list(
        AuditEvent.objects.filter(tenant_slug="acme", action__startswith="user.").order_by("id")
    )
    assert [event.action for event in events] == [
        "user.created", "user.role_changed", "user.password_set", "user.changed", "user.tokens_revoked",
        "user.disabled", "user.enabled",
    ]  # fmt: skip
    assert {event.actor for event in events} == {acme.owner.email}
    assert events[1].detail["old"] == "member" and events[1].detail["new"] == "admin"
    assert "reset by alice" not in str([event.detail for event in events])


# --- at the same moment, on connections of their own -------------------------------------------------------------
@pytest.fixture
def initech(initech: Tenant) -> Tenant:
    """With the owners Bill and Carl."""
    User.objects.create_user(
        "carl@initech.example.com", "correct horse", tenant=initech, role=Role.OWNER
    )
    return initech


def race(tenant: Tenant, *acts: Callable[[], object]) -> list[str]:
    """Run `acts` at the same time; returns what each ended with, "done" or an error's code."""
    outcomes: list[str] = []
    begin = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        with tenant_context(tenant):
            begin.wait(60)
            try:
                act()
                outcomes.append("done")
            except ProductError as error:
                outcomes.append(error.code)
            finally:
                connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


@pytest.mark.parametrize("change", [{"role": Role.MEMBER}, {"is_active": False}])
def test_two_owners_who_remove_each_other_leave_one(initech, change):
    bill, carl = User.objects.filter(tenant=initech).order_by("email")
    for _ in range(5):
        User.objects.filter(tenant=initech).update(role=Role.OWNER, is_active=True)
        outcomes = race(
            initech,
            lambda: change_user(bill, carl.pk, change, tenant=initech),
            lambda: change_user(carl, bill.pk, change, tenant=initech),
        )
        assert outcomes == ["done", "role_forbidden"]  # the second one is not an owner any more
        assert User.objects.filter(tenant=initech, role=Role.OWNER, is_active=True).count() == 1


def test_a_token_that_is_rotated_twice_at_once_gets_one_successor(initech):
    owner = User.objects.filter(tenant=initech).first()
    token = ApiToken.objects.get(tenant=initech)
    assert race(initech, *[lambda: rotate_token(token.pk, 60, actor=owner)] * 4) == [
        "done", "token_rotated", "token_rotated", "token_rotated",
    ]  # fmt: skip
    assert ApiToken.objects.filter(tenant=initech).count() == 2

"""/v1/api-tokens: minted once, listed forever, revoked at once."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bots.models import BotProfile
from conversations.models import Chat
from minirag.lib.errors import Forbidden
from tenants.models import ApiToken, AuditEvent, Role, User
from tenants.tokens.changing import Grant, mint_token
from tests.fakes.chat_model import FakeChatModel

CONTRACTS_KEYS = {
    "id",
    "tenant_id",
    "name",
    "token_prefix",
    "is_active",
    "expires_at",
    "last_used_at",
    "created_at",
}
KEYS = CONTRACTS_KEYS | {"user_id", "scopes", "bot_profile_id"}


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
    assert [token.pk for token in ApiToken.objects.filter(tenant=acme.tenant, is_active=True)] == [
        of_the_owner.pk
    ]


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
    row, secret = ApiToken.objects.mint(
        user=acme.owner, name="x", expires_at=timezone.now() + timedelta(hours=1)
    )
    client = Client(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert mint(client, name="child").json()["expires_at"] is not None
    ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get("/v1/auth/me").json()["detail"] == "API token has expired"


@pytest.mark.parametrize("restriction", [{"bot_profile_id": uuid.uuid4()}, {"rights": ["chat"]}])
@pytest.mark.parametrize("path", ["/v1/api-tokens", "/v1/bot-profiles"])
def test_a_restricted_token_manages_nothing(acme, restriction, path):
    _, secret = ApiToken.objects.mint(user=acme.owner, name="x", **restriction)
    client = Client(HTTP_AUTHORIZATION=f"Bearer {secret}")
    for response in (
        client.get(path),
        client.post(path, {"name": "y"}, content_type="application/json"),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "token_restricted")


def test_using_a_token_is_noted(as_acme):
    token = mint(as_acme, name="x").json()
    Client().get("/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {token['raw_token']}")
    assert as_acme.get("/v1/api-tokens").json()[0]["last_used_at"] is not None


# --- rights -------------------------------------------------------------------------------------------------------
CHILD_KEYS = KEYS | {"raw_token"}


def bearer(secret: str) -> Client:
    return Client(HTTP_AUTHORIZATION=f"Bearer {secret}")


def rotate(client, token_id, overlap_seconds=0):
    body = {"overlap_seconds": overlap_seconds}
    return client.post(f"/v1/api-tokens/{token_id}/rotate", body, content_type="application/json")


def in_days(days: float) -> datetime:
    return timezone.now() + timedelta(days=days)


@pytest.fixture
def bot(in_acme) -> BotProfile:
    return BotProfile.objects.create(name="Support")


def test_a_token_has_the_scopes_the_bot_and_the_expiry_that_were_asked_for(as_acme, acme, bot):
    made = mint(as_acme, name="x", scopes=["read", "chat", "chat"], bot_profile_id=str(bot.pk),
                expires_at="2099-01-01T02:00:00+02:00").json()  # fmt: skip
    assert set(made) == CHILD_KEYS
    assert (made["scopes"], made["bot_profile_id"]) == (["chat", "read"], str(bot.pk))
    assert (made["expires_at"], made["user_id"]) == ("2099-01-01T00:00:00", str(acme.owner.pk))
    assert as_acme.get(f"/v1/api-tokens/{made['id']}").json() == {
        name: value for name, value in made.items() if name != "raw_token"
    }
    assert (
        mint(as_acme, name="x", expires_at="2099-01-01T00:00:00").json()["expires_at"]
        == "2099-01-01T00:00:00"
    )
    plain = mint(as_acme, name="x", scopes=None, bot_profile_id=None, expires_at=None).json()
    assert (plain["scopes"], plain["bot_profile_id"], plain["expires_at"]) == ([], None, None)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [({"scopes": []}, "too_short"), ({"scopes": ["king"]}, "enum"), ({"scopes": "chat"}, "list_type"),
     ({"scopes": [None]}, "enum"), ({"bot_profile_id": "x"}, "uuid_parsing"), ({"bot_profile_id": 7}, "uuid_type"),
     ({"expires_at": 4_000_000_000}, "datetime_type"), ({"expires_at": "4000000000"}, "datetime_type"),
     ({"expires_at": "2099-13-01"}, "datetime_from_date_parsing"), ({"expires_at": True}, "datetime_type"),
     ({"expires_at": "9999-12-31T23:59:59-14:00"}, "value_error")],
)  # fmt: skip
def test_bad_rights_are_invalid(as_acme, fields, kind):
    response = mint(as_acme, name="x", **fields)
    assert (response.status_code, response.json()["detail"][0]["type"]) == (422, kind)


def test_a_token_for_no_bot_of_the_tenant_or_of_the_past_is_not_made(as_acme, as_globex, bot):
    for client, bot_id in ((as_acme, uuid.uuid4()), (as_globex, bot.pk)):
        response = mint(client, name="x", bot_profile_id=str(bot_id))
        assert (response.status_code, response.json()["code"]) == (422, "bot_not_found")
        assert response.json()["detail"] == "Bot profile not found or belongs to a different tenant"
    past = mint(as_acme, name="x", expires_at="2020-01-01")
    assert (past.status_code, past.json()["code"]) == (422, "expiry_past")
    assert not ApiToken.objects.filter(name="x").exists()


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [([], {"chat", "read", "manage"}), (["chat"], {"chat"}), (["read"], {"read"}),
     (["chat", "read"], {"chat", "read"}), (["manage"], {"chat", "read", "manage"})],
)  # fmt: skip
def test_each_right_opens_what_it_says(acme, bot, monkeypatch, rights, allowed):
    model = FakeChatModel()
    model.enqueue("Hello.")
    model.take_over(monkeypatch)
    client = bearer(ApiToken.objects.mint(user=acme.owner, name="x", rights=rights)[1])
    question = {"bot_profile_id": str(bot.pk), "message": "Hello?"}
    answers = {
        "chat": client.post("/v1/chat", question, content_type="application/json"),
        "read": client.get("/v1/chat"),
        "manage": client.post("/v1/bot-profiles", {"name": "x"}, content_type="application/json"),
    }
    assert {name for name, answer in answers.items() if answer.status_code in (200, 201)} == allowed
    refused = {answer.json()["code"] for name, answer in answers.items() if name not in allowed}
    assert refused <= {"token_restricted"}
    assert client.get("/v1/bot-profiles").status_code == (200 if "read" in allowed else 403)
    assert client.get("/v1/users").status_code == (200 if "read" in allowed else 403)


def test_a_members_token_that_may_manage_manages_no_more_than_the_member(bob):
    client = bearer(ApiToken.objects.mint(user=bob, name="x", rights=["manage"])[1])
    refused = client.post("/v1/bot-profiles", {"name": "x"}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "role_forbidden")
    assert mint(client, name="mine", scopes=["chat"]).status_code == 201


def test_a_token_of_one_bot_reads_that_bots_chats_alone(acme, bot):
    other = BotProfile.objects.create(name="Sales")
    own, foreign = (
        Chat.objects.create(bot_profile=each, title="x", user_id=acme.owner.pk)
        for each in (bot, other)
    )
    client = bearer(ApiToken.objects.mint(user=acme.owner, name="x", bot_profile_id=bot.pk)[1])
    assert [chat["id"] for chat in client.get("/v1/chat").json()] == [str(own.pk)]
    assert client.get(f"/v1/chat/{foreign.pk}").status_code == 404
    asked = {"bot_profile_id": str(other.pk), "message": "Hello?"}
    assert (
        client.post("/v1/chat", asked, content_type="application/json").json()["code"]
        == "token_restricted"
    )


# --- what a token makes -------------------------------------------------------------------------------------------
def test_a_token_passes_on_what_it_has_and_no_more(acme):
    _, secret = ApiToken.objects.mint(
        user=acme.owner, name="x", rights=["manage"], expires_at=in_days(7)
    )
    client = bearer(secret)
    heir = mint(client, name="heir").json()
    assert (heir["scopes"], heir["expires_at"][:10]) == (["manage"], in_days(7).isoformat()[:10])
    less = mint(client, name="less", scopes=["chat"], expires_at=in_days(1).isoformat()).json()
    assert (less["scopes"], less["expires_at"][:10]) == (["chat"], in_days(1).isoformat()[:10])
    longer = mint(client, name="longer", expires_at=in_days(8).isoformat())
    assert (longer.status_code, longer.json()["code"]) == (403, "token_restricted")


@pytest.mark.parametrize(
    ("maker", "asked"),
    [({"rights": ["chat"]}, Grant(("read",))), ({"rights": ["chat", "read"]}, Grant(("manage",))),
     ({"bot_profile_id": uuid.UUID(int=1)}, Grant((), uuid.UUID(int=2))),
     ({"expires_at": datetime(2098, 1, 1, tzinfo=UTC)}, Grant((), None, datetime(2099, 1, 1, tzinfo=UTC)))],
)  # fmt: skip
def test_no_token_outranks_the_one_that_makes_it(acme, maker, asked):
    token, _ = ApiToken.objects.mint(user=acme.owner, name="maker", **maker)
    with pytest.raises(Forbidden):
        mint_token(acme.owner, "child", asked, maker=token)
    assert not ApiToken.objects.filter(name="child").exists()


@pytest.mark.parametrize("rights", [["chat"], ["read"]])
def test_a_token_that_may_not_manage_makes_revokes_and_rotates_none(acme, rights):
    row, secret = ApiToken.objects.mint(user=acme.owner, name="x", rights=rights)
    client = bearer(secret)
    for response in (
        mint(client, name="y"),
        client.delete(f"/v1/api-tokens/{row.pk}"),
        rotate(client, row.pk),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "token_restricted")


# --- rotation -----------------------------------------------------------------------------------------------------
def test_a_rotated_token_has_the_same_rights_and_the_old_one_ends_with_the_overlap(
    as_acme, acme, bot
):
    bounds = {"scopes": ["chat", "read"], "bot_profile_id": str(bot.pk), "expires_at": "2099-01-01"}
    old = mint(as_acme, name="shop", **bounds).json()
    response = rotate(as_acme, old["id"], 3600)
    new = response.json()
    assert (response.status_code, set(new)) == (201, CHILD_KEYS)
    for name in ("name", "user_id", "scopes", "bot_profile_id", "expires_at"):
        assert new[name] == old[name]
    assert new["raw_token"] != old["raw_token"]
    clients = bearer(old["raw_token"]), bearer(new["raw_token"])
    assert [client.get("/v1/chat").status_code for client in clients] == [200, 200]
    ApiToken.objects.filter(pk=old["id"]).update(expires_at=in_days(-1))
    assert [client.get("/v1/chat").status_code for client in clients] == [401, 200]


def test_without_overlap_the_old_token_stops_at_once_and_a_short_one_gains_no_time(as_acme):
    old = mint(as_acme, name="x").json()
    assert rotate(as_acme, old["id"]).status_code == 201
    assert (
        bearer(old["raw_token"]).get("/v1/users").json()["detail"] == "Invalid or revoked API token"
    )
    short = mint(as_acme, name="y", expires_at=in_days(0.1).isoformat()).json()
    rotate(as_acme, short["id"], 604_800)
    assert as_acme.get(f"/v1/api-tokens/{short['id']}").json()["expires_at"] == short["expires_at"]


def test_a_tokens_own_rate_goes_on_to_what_it_makes_and_to_its_successor(acme):
    row, secret = ApiToken.objects.mint(user=acme.owner, name="x", rate="600/minute")
    made = mint(bearer(secret), name="heir").json()
    rotated = rotate(bearer(secret), row.pk).json()
    assert [ApiToken.objects.get(pk=token["id"]).rate for token in (made, rotated)] == [
        "600/minute"
    ] * 2


def test_a_token_rotates_itself(acme):
    row, secret = ApiToken.objects.mint(
        user=acme.owner, name="x", rights=["manage"], expires_at=in_days(7)
    )
    new = rotate(bearer(secret), row.pk).json()
    assert bearer(new["raw_token"]).get("/v1/users").status_code == 200
    assert bearer(secret).get("/v1/users").status_code == 401


def test_a_token_rotates_none_that_may_more_than_itself(acme, as_acme):
    mighty = mint(as_acme, name="mighty").json()
    for bounds in ({"expires_at": in_days(7)}, {"rights": ["manage"], "expires_at": in_days(7)}):
        client = bearer(ApiToken.objects.mint(user=acme.owner, name="x", **bounds)[1])
        assert rotate(client, mighty["id"]).json()["code"] == "token_restricted"
    assert bearer(mighty["raw_token"]).get("/v1/users").status_code == 200


def test_nobody_gets_hold_of_an_owners_token_by_rotating_it(as_bob, bob, acme):
    of_the_owner = ApiToken.objects.get(user=acme.owner)
    assert rotate(as_bob, of_the_owner.pk).status_code == 404
    User.objects.filter(pk=bob.pk).update(role=Role.ADMIN)
    refused = rotate(as_bob, of_the_owner.pk)
    assert (refused.status_code, refused.json()["code"]) == (403, "owner_required")
    assert ApiToken.objects.filter(user=acme.owner).count() == 1


def test_only_a_token_that_works_is_rotated_and_only_once(as_acme, bob):
    token = mint(as_acme, name="x").json()
    assert rotate(as_acme, token["id"], 60).status_code == 201
    assert rotate(as_acme, token["id"], 60).json()["code"] == "token_rotated"
    for fields in ({"is_active": False}, {"expires_at": in_days(-1)}):
        row, _ = ApiToken.objects.mint(user=bob, name="x", **fields)
        refused = rotate(as_acme, row.pk)
        assert (refused.status_code, refused.json()["code"]) == (409, "token_inactive")
    row, _ = ApiToken.objects.mint(user=bob, name="x")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert rotate(as_acme, row.pk).json()["code"] == "token_inactive"


@pytest.mark.parametrize("overlap", [-1, 604_801, None, "60", 1.5, True, 10**30])
def test_an_overlap_is_zero_to_seven_days_in_seconds(as_acme, overlap):
    token = mint(as_acme, name="x").json()
    assert rotate(as_acme, token["id"], overlap).status_code == 422
    assert bearer(token["raw_token"]).get("/v1/users").status_code == 200


def test_another_tenants_token_is_neither_read_nor_rotated(as_globex, acme):
    pk = ApiToken.objects.get(user=acme.owner).pk
    for response in (as_globex.get(f"/v1/api-tokens/{pk}"), rotate(as_globex, pk)):
        assert (response.status_code, response.json()["detail"]) == (404, "Token not found")


# --- what is noted ------------------------------------------------------------------------------------------------
def test_a_busy_token_is_written_once_a_minute_however_many_requests_read_it_before(acme):
    token = ApiToken.objects.get(user=acme.owner)
    stale = [
        ApiToken.objects.get(pk=token.pk) for _ in range(3)
    ]  # requests at the same moment, all of them read it
    ApiToken.objects.touch(stale[0])
    noted = ApiToken.objects.get(pk=token.pk).last_used_at
    row_version = read_row_version(token)
    for each in stale[1:]:
        ApiToken.objects.touch(each)
    assert read_row_version(token) == row_version
    with CaptureQueriesContext(
        connection
    ) as queries:  # and who reads it now does not even ask to write
        ApiToken.objects.touch(ApiToken.objects.get(pk=token.pk))
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=noted - timedelta(seconds=61))
    ApiToken.objects.touch(ApiToken.objects.get(pk=token.pk))
    assert ApiToken.objects.get(pk=token.pk).last_used_at >= noted


def read_row_version(token: ApiToken) -> str:
    """A row that is written, even with what it has already, gets another place in the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid FROM tenants_apitoken WHERE id = %s", [token.pk])
        return cursor.fetchone()[0]


def test_a_tokens_life_is_in_the_audit_log_without_its_secret(as_acme, acme):
    token = mint(as_acme, name="shop").json()
    new = rotate(as_acme, token["id"], 60).json()
    for _ in range(2):
        as_acme.delete(f"/v1/api-tokens/{new['id']}")
    events = list(
        AuditEvent.objects.filter(tenant_slug="acme", action__startswith="token.").order_by("id")
    )
    assert [event.action for event in events] == ["token.created", "token.rotated", "token.revoked"]
    assert [event.detail["prefix"] for event in events] == [
        token["token_prefix"], token["token_prefix"], new["token_prefix"],
    ]  # fmt: skip
    assert {event.actor for event in events} == {acme.owner.email}
    written = str([event.detail for event in events])
    assert token["raw_token"] not in written and new["raw_token"] not in written

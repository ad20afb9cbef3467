"""A second factor: got, needed, used once, lost; and the sessions that it lets in. Never across tenants."""

from __future__ import annotations

import base64
import re
from types import SimpleNamespace

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django_otp.oath import TOTP

from conftest import PASSWORD
from minirag.lib.http_in.arrivals import Arrival
from tenants.authentication import issue_jwt
from tenants.calls.session_users import find_session_user
from tenants.factors import models as factor_models
from tenants.factors.models import RecoveryCode, SecondFactor
from tenants.models import AuditEvent, BrowserSession, User
from tests.test_admin import Browser, browser

pytestmark = pytest.mark.django_db


class Clock:
    """The time that codes are made for; it stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def code(self, key: bytes) -> str:
        """The code of the next half minute, which none before it was."""
        self.now += 30
        totp = TOTP(key)
        totp.time = self.now
        return f"{totp.token():06d}"


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(factor_models, "time", SimpleNamespace(time=lambda: made.now))
    return made


def client_of(user: User) -> Client:
    return Client(HTTP_AUTHORIZATION=f"Bearer {issue_jwt(user)}")


def post(client: Client, path: str, **body):
    return client.post(f"/v1/{path}", body, content_type="application/json")


def enrol(user: User, clock: Clock) -> tuple[bytes, list[str]]:
    key = base64.b32decode(post(client_of(user), "auth/second-factor").json()["key"])
    done = post(client_of(user), "auth/second-factor/confirm", otp=clock.code(key))
    user.refresh_from_db()
    return key, done.json()["recovery_codes"]


def log_in(user: User, **more):
    return post(Client(), "auth/login", email=user.email, password=PASSWORD, **more)


def test_by_api_the_code_is_needed_counts_once_and_a_recovery_code_too(acme, bob, clock):
    assert log_in(bob).status_code == 200
    key, codes = enrol(bob, clock)
    assert len(codes) == 10 and not RecoveryCode.objects.filter(digest__in=codes).exists()
    assert key.hex() not in SecondFactor.objects.get(user=bob).encrypted_key
    asked = log_in(bob)
    assert (asked.status_code, asked.json()["code"]) == (401, "otp_required")
    code = clock.code(key)
    assert log_in(bob, otp=code).status_code == 200
    for wrong in (code, "000000", "abc", "１２３４５６", codes[0][:-1]):
        assert log_in(bob, otp=wrong).json()["code"] == "otp_wrong", wrong
    assert log_in(bob, otp=codes[0].upper()).status_code == 200
    assert log_in(bob, otp=codes[0]).json()["code"] == "otp_wrong"
    assert (
        post(Client(), "auth/login", email=bob.email, password="wrong wrong", otp=code).json()[
            "code"
        ]
        == "login_failed"
    )
    again = post(client_of(bob), "auth/second-factor")
    assert again.json()["code"] == "second_factor_exists"


def test_an_api_token_needs_no_code_and_manages_no_factor(acme, as_acme, clock):
    enrol(acme.owner, clock)
    assert as_acme.get("/v1/auth/me").status_code == 200
    assert post(as_acme, "auth/second-factor").json()["code"] == "token_restricted"
    assert as_acme.get("/v1/auth/sessions").json()["code"] == "token_restricted"


def test_the_factor_of_one_tenants_account_opens_no_other(acme, globex, clock):
    twin = User.objects.create_user(acme.owner.email, PASSWORD, tenant=globex.tenant, role="admin")
    key, codes = enrol(acme.owner, clock)
    enrol(twin, clock)
    for otp in (clock.code(key), codes[0]):
        assert log_in(acme.owner, tenant_slug="globex", otp=otp).json()["code"] == "otp_wrong"
    gina = client_of(globex.owner)
    for path in ("second-factor", "sessions"):
        assert gina.delete(f"/v1/users/{acme.owner.pk}/{path}").status_code == 404
    assert gina.get(f"/v1/users/{acme.owner.pk}/sessions").status_code == 404
    acme.owner.refresh_from_db()
    assert acme.owner.has_second_factor
    sealed = SecondFactor.objects.get(user=acme.owner).encrypted_key
    SecondFactor.objects.filter(user=twin).update(encrypted_key=sealed)  # copied, it does not open
    stolen = log_in(acme.owner, tenant_slug="globex", otp=clock.code(key))
    assert stolen.status_code == 500


@pytest.mark.parametrize("slug", ["acme", None])
def test_in_the_admin_one_gets_a_device_and_is_asked_for_it(acme, olga, clock, slug):
    user = acme.owner if slug else olga
    first = browser(user.email, slug)
    page = first.get("/admin/second-factor/set-up/").content.decode()
    assert "data:image/svg+xml;base64," in page
    key = SecondFactor.objects.get(user=user).key
    assert base64.b32encode(key).decode() in page
    shown = first.post("/admin/second-factor/set-up/", {"code": clock.code(key)})
    codes = re.findall(r"<code>([a-z0-9]{5}-[a-z0-9]{5})</code>", shown.content.decode())
    assert len(codes) == 10 and shown["Cache-Control"].startswith("no-store")
    assert first.get("/admin/").status_code == 200
    second = browser(user.email, slug)
    there = f"{second.prefix}/admin/second-factor/"
    for path in (
        "/admin/",
        "/admin/tenants/user/",
        "/admin/account/",
        "/admin/second-factor/set-up/",
        "/admin/password_change/",
    ):
        moved = second.get(path)
        assert moved.status_code == 302 and path != "/admin/second-factor/", path
        if "set-up" not in path:
            assert moved["Location"].startswith(there), path
    assert "wrong" in second.post("/admin/second-factor/", {"code": "000000"}).content.decode()
    code = clock.code(key)
    back = second.post(f"/admin/second-factor/?next={second.prefix}/admin/account/", {"code": code})
    assert back["Location"] == f"{second.prefix}/admin/account/"
    assert second.get("/admin/account/").status_code == 200
    third = browser(user.email, slug)
    assert third.post("/admin/second-factor/", {"code": code}).status_code == 200  # replayed
    away = third.post("/admin/second-factor/?next=https://evil.example.com/", {"code": codes[0]})
    assert away["Location"] == f"{third.prefix}/admin/"
    assert third.post("/admin/logout/").status_code in (200, 302)


def test_where_it_is_required_everybody_is_led_to_one_and_reaches_nothing_else(
    acme, globex, bob, clock, settings
):
    as_owner = client_of(acme.owner)
    assert (
        client_of(bob)
        .put("/v1/tenants/me/second-factor", {"required": True}, content_type="application/json")
        .status_code
        == 403
    )
    ruled = as_owner.put(
        "/v1/tenants/me/second-factor", {"required": True}, content_type="application/json"
    )
    assert ruled.json() == {"required": True}
    member = browser(bob.email, "acme")
    for path in ("/admin/", "/admin/account/", "/admin/knowledge/source/"):
        assert member.get(path)["Location"].startswith("/t/acme/admin/second-factor/set-up/")
    assert log_in(bob).json()["code"] == "second_factor_missing"
    assert log_in(globex.owner).status_code == 200
    assert browser(globex.owner.email, "globex").get("/admin/").status_code == 200
    assert member.get("/admin/second-factor/set-up/").status_code == 200
    key = SecondFactor.objects.get(user=bob).key
    assert member.post("/admin/second-factor/set-up/", {"code": clock.code(key)}).status_code == 200
    assert member.get("/admin/").status_code == 200
    bob.refresh_from_db()
    refused = post(client_of(bob), "auth/second-factor/remove", otp=clock.code(key))
    assert refused.json()["code"] == "second_factor_required"
    settings.REQUIRE_SECOND_FACTOR = True
    assert log_in(globex.owner).json()["code"] == "second_factor_missing"


def test_who_lost_it_is_let_in_by_a_manager_and_the_log_says_so(acme, bob, clock):
    enrol(bob, clock)
    enrol(acme.owner, clock)
    assert client_of(bob).delete(f"/v1/users/{acme.owner.pk}/second-factor").status_code == 403
    adam = User.objects.create_user(
        "adam@acme.example.com", PASSWORD, tenant=acme.tenant, role="admin"
    )
    refused = client_of(adam).delete(f"/v1/users/{acme.owner.pk}/second-factor")
    assert refused.json()["code"] == "owner_required"
    assert client_of(adam).delete(f"/v1/users/{bob.pk}/second-factor").status_code == 204
    assert log_in(bob).status_code == 200
    event = AuditEvent.objects.filter(action="user.second_factor_reset").get()
    assert (event.actor, event.detail["user"]) == (adam.email, bob.email)


def test_codes_are_renewed_and_the_factor_removed_with_a_code(acme, bob, clock):
    key, old = enrol(bob, clock)
    member = client_of(bob)
    new = post(member, "auth/second-factor/recovery-codes", otp=clock.code(key)).json()
    assert not set(old) & set(new["recovery_codes"])
    assert post(member, "auth/second-factor/remove", otp=old[0]).json()["code"] == "otp_wrong"
    assert (
        post(member, "auth/second-factor/remove", otp=new["recovery_codes"][0]).status_code == 204
    )
    assert log_in(bob).status_code == 200


def test_guessing_codes_is_slowed_down(acme, bob, clock, settings, fresh_limits):
    key, _codes = enrol(bob, clock)
    settings.LOGIN_LOCKOUT = "3 per 15 minutes"
    said = [log_in(bob, otp="000000").status_code for _ in range(4)]
    assert said[-1] == 429
    assert log_in(bob, otp=clock.code(key)).status_code == 429


def test_sessions_are_listed_and_ended_ones_own_and_by_managers_others(acme, globex, bob):
    here, there = (Browser("acme", HTTP_USER_AGENT="Firefox") for _each in range(2))
    for each in (here, there):
        each.log_in(bob.email)
        assert each.get("/admin/").status_code == 200
    listed = client_of(bob).get("/v1/auth/sessions").json()
    assert [each["agent"] for each in listed] == ["Firefox", "Firefox"]
    page = here.get("/admin/account/").content.decode()
    [other] = re.findall(r'name="session" value="([^"]+)"', page)
    gina = browser(globex.owner.email, "globex")
    gina.post("/admin/account/end-session/", {"session": other})
    assert there.get("/admin/").status_code == 200
    assert client_of(globex.owner).delete(f"/v1/auth/sessions/{other}").status_code == 404
    assert here.post("/admin/account/end-session/", {"session": other}).status_code == 302
    assert there.get("/admin/").status_code == 302
    assert here.get("/admin/").status_code == 200
    assert client_of(bob).get(f"/v1/users/{acme.owner.pk}/sessions").status_code == 403
    assert len(client_of(acme.owner).get(f"/v1/users/{bob.pk}/sessions").json()) == 1
    assert client_of(acme.owner).delete(f"/v1/users/{bob.pk}/sessions").status_code == 204
    assert here.get("/admin/").status_code == 302
    assert not BrowserSession.objects.filter(user=bob).exists()
    assert AuditEvent.objects.filter(action="user.sessions_ended").count() == 2


def test_what_does_harm_needs_a_proof_that_is_new(acme, bob, clock):
    alice = browser(acme.owner.email, "acme")
    change = alice.get(f"/admin/tenants/user/{bob.pk}/change/").content.decode()
    path = re.search(r'href="/t/acme(/[^"]*set-password[^"]*|/[^"]*set_password[^"]*)"', change)[1]
    assert alice.get(path).status_code == 200
    store = BrowserSession.objects.filter(user=acme.owner).latest("seen_at").session_key
    session = SessionStore(store)
    session["proved_at"] -= 601
    session.save()
    moved = alice.get(path)
    assert moved["Location"].startswith("/t/acme/admin/prove/?next=")
    assert "wrong" in alice.post("/admin/prove/", {"proof": "not my password"}).content.decode()
    back = alice.post(moved["Location"].removeprefix("/t/acme"), {"proof": PASSWORD})
    assert back["Location"] == f"/t/acme{path}"
    assert alice.get(path).status_code == 200


def test_a_guest_reaches_none_of_these_pages(acme):
    for slug in ("acme", None):
        for path in ("second-factor/", "second-factor/set-up/", "prove/", "account/"):
            assert Browser(slug).get(f"/admin/{path}").status_code == 302


def make_old(user: User) -> None:
    """Let the last proof in all of a user's sessions be more than ten minutes ago."""
    for key in BrowserSession.objects.filter(user=user).values_list("session_key", flat=True):
        session = SessionStore(key)
        session["proved_at"] = 1
        session.save()


def test_a_stolen_session_leaves_no_way_back_in_without_a_proof(acme, bob):
    """Whatever makes a credential, or makes or moves an account, asks again who is there; looking does not."""
    alice = browser(acme.owner.email, "acme")
    erin = User.objects.create_user("erin@acme.example.com", None, tenant=acme.tenant)
    row = alice.get(f"/admin/tenants/user/{erin.pk}/change/").content.decode()
    again = re.search(r'href="/t/acme([^"]*invite[^"]*)"', row)[1]
    make_old(acme.owner)
    users, tokens = "/admin/tenants/user/", "/admin/tenants/apitoken/"
    before = (User.objects.count(), acme.tenant.api_tokens.count())
    mine = {"email": "thief@evil.example.com", "display_name": "x", "role": "owner"}
    for path, data in (
        (f"{users}add/", mine),
        (f"{users}{bob.pk}/change/", {**mine, "is_active": "on"}),
        (again, {}),
        (users, {"action": "activate_chosen", "_selected_action": str(bob.pk)}),
        (f"{tokens}add/", {"name": "mine", "user": str(acme.owner.pk)}),
        ("/admin/second-factor/set-up/", {"code": "000000"}),
    ):
        moved = alice.post(path, data)
        assert moved.status_code == 302, path
        assert moved["Location"].startswith("/t/acme/admin/prove/?next="), path
    assert before == (User.objects.count(), acme.tenant.api_tokens.count())
    bob.refresh_from_db()
    assert (bob.email, bob.role) == ("bob@acme.example.com", "member")
    assert not SecondFactor.objects.filter(user=acme.owner).exists()
    for path in (users, f"{users}{bob.pk}/change/", tokens):
        assert alice.get(path).status_code == 200, path


def test_who_has_to_set_up_a_device_can_prove_first(acme, bob, clock, settings):
    member = browser(bob.email, "acme")
    assert member.get("/admin/").status_code == 200
    make_old(bob)
    settings.REQUIRE_SECOND_FACTOR = True
    led = member.get("/admin/")["Location"].removeprefix("/t/acme")
    proof = member.get(led)["Location"].removeprefix("/t/acme")
    assert proof.startswith("/admin/prove/") and member.get(proof).status_code == 200
    assert member.post(proof, {"proof": PASSWORD})["Location"] == f"/t/acme{led}"
    assert member.get(led).status_code == 200


def test_a_session_that_never_opened_a_page_is_ended_with_the_others(acme, bob, clock):
    quiet = browser(bob.email, "acme")  # no page of the admin after its log-in
    assert len(client_of(bob).get("/v1/auth/sessions").json()) == 1
    assert client_of(acme.owner).delete(f"/v1/users/{bob.pk}/sessions").status_code == 204
    assert quiet.get("/admin/").status_code == 302
    bob.refresh_from_db()
    enrol(bob, clock)
    half = browser(bob.email, "acme")  # with the password, before the code
    assert client_of(acme.owner).delete(f"/v1/users/{bob.pk}/sessions").status_code == 204
    assert half.get("/admin/second-factor/")["Location"].startswith("/t/acme/admin/login/")


def test_a_session_opens_a_socket_once_its_code_is_given(acme, bob, clock):
    def may_watch(browser_of: Browser) -> bool:
        key = browser_of.cookies["sessionid_acme"].value
        scope = {
            "type": "websocket", "path": "/ws/inbox/", "root_path": "/t/acme",
            "headers": [(b"cookie", f"sessionid_acme={key}".encode()), (b"host", b"localhost")],
        }  # fmt: skip
        return find_session_user(Arrival.of_scope(scope)) == bob

    assert may_watch(browser(bob.email, "acme"))
    key, _codes = enrol(bob, clock)
    half = browser(bob.email, "acme")
    assert not may_watch(half)
    half.post("/admin/second-factor/", {"code": clock.code(key)})
    assert may_watch(half)


def test_by_api_nobody_takes_their_own_factor_away_without_a_code(acme, as_acme, clock):
    enrol(acme.owner, clock)
    for caller in (as_acme, client_of(acme.owner)):
        refused = caller.delete(f"/v1/users/{acme.owner.pk}/second-factor")
        assert (refused.status_code, refused.json()["code"]) == (409, "own_account")
    assert User.objects.get(pk=acme.owner.pk).has_second_factor


def test_the_old_password_is_not_guessed_at_where_it_is_changed(acme, bob, settings, fresh_limits):
    member = browser(bob.email, "acme")
    settings.LOGIN_LOCKOUT = "3 per 15 minutes"
    for old in ("guess 1", "guess 2", "guess 3", PASSWORD):
        form = {"old_password": old, "new_password1": "quite another battery"}
        form["new_password2"] = form["new_password1"]
        said = member.post("/admin/password_change/", form)
    assert said["Location"] == "/t/acme/admin/password_change/"
    assert b"Too many wrong passwords" in member.get("/admin/password_change/").content
    assert User.objects.get(pk=bob.pk).check_password(PASSWORD)


@pytest.mark.parametrize("by", ["a second factor", "a manager", "a password"])
def test_jwts_end_with_what_they_were_made_before(acme, globex, bob, clock, by):
    before, others = client_of(bob), client_of(acme.owner)
    assert before.get("/v1/auth/me").status_code == 200
    if by == "a second factor":
        enrol(bob, clock)
    elif by == "a manager":
        assert others.delete(f"/v1/users/{bob.pk}/sessions").status_code == 204
    else:
        changed = others.patch(
            f"/v1/users/{bob.pk}", {"password": "another horse"}, content_type="application/json"
        )
        assert changed.status_code == 200
    refused = before.get("/v1/auth/me")
    assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    bob.refresh_from_db()
    assert client_of(bob).get("/v1/auth/me").status_code == 200
    assert others.get("/v1/auth/me").status_code == 200, "nobody else's"


def test_what_reaches_far_wants_a_new_proof_in_both_admins(acme, olga):
    alice, operator = browser(acme.owner.email, "acme"), browser(olga.email)
    for user in (acme.owner, olga):
        make_old(user)
    asked = [
        (alice, "/admin/bots/providercredential/add/"),
        (alice, "/admin/webhooks/webhook/add/"),
        (alice, "/admin/tenants/auditevent/export/csv/"),
        (operator, f"/admin/tenants/tenant/{acme.tenant.pk}/suspend/"),
        (operator, f"/admin/tenants/tenant/{acme.tenant.pk}/archive/"),
    ]
    for who, path in asked:
        answer = who.get(path)
        assert answer.status_code == 302 and "/admin/prove/?next=" in answer["Location"], path
    chosen = {"action": "suspend_chosen", "_selected_action": [str(acme.tenant.pk)]}
    answer = operator.post("/admin/tenants/tenant/", chosen)
    assert "/admin/prove/" in answer["Location"]
    acme.tenant.refresh_from_db()
    assert acme.tenant.is_active
    assert alice.get("/admin/bots/providercredential/").status_code == 200, "looking is free"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0",
         "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1",
         "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
         "Chrome on Android"),
        ("curl/8.5.0", "curl"), ("Shop/1.0 (backend)", "Shop/1.0"), ("", "Unknown browser"),
    ],
)  # fmt: skip
def test_a_browser_is_named_in_words(agent, name):
    assert BrowserSession(agent=agent).browser == name

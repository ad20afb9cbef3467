"""Single sign-on with a provider that runs beside the test: who comes in, who does not, and never across tenants."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client

from conftest import PASSWORD
from tenants.authentication import issue_jwt
from tenants.models import AuditEvent, SsoIdentity, SsoProvider, User
from tests.fakes.oidc_provider import CLIENT_ID, SECRET, OidcProvider
from tests.test_admin import Browser, browser

URL = "/v1/tenants/me/sso"
pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    made = OidcProvider()
    yield made
    made.close()


def set_up(client: Client, provider: OidcProvider, **more):
    body = {
        "issuer": provider.issuer, "client_id": CLIENT_ID, "client_secret": SECRET,
        "allowed_domains": ["acme.example.com"], **more,
    }  # fmt: skip
    return client.put(URL, body, content_type="application/json")


def come_in(provider: OidcProvider, guest: Browser | None = None, slug: str = "acme", **more: str):
    """Go to the provider and come back; `more` replaces what one comes back with."""
    guest = guest or Browser(slug)
    sent = guest.get("/admin/sso/start/")
    assert sent.status_code == 302 and sent["Location"].startswith(f"{provider.issuer}/authorize?")
    return guest, guest.get(
        f"/admin/sso/callback/?{urlencode({**provider.approve(sent['Location']), **more})}"
    )


def is_in(guest: Browser) -> bool:
    return guest.get("/admin/").status_code == 200


def test_somebody_comes_in_by_the_tenants_provider_and_is_the_same_next_time(
    as_acme, acme, bob, provider
):
    assert set_up(as_acme, provider).status_code == 200
    assert b"/t/acme/admin/sso/start/" in Browser("acme").get("/admin/login/").content
    guest, back = come_in(provider)
    assert back["Location"] == "/t/acme/admin/" and is_in(guest)
    provider.claims = {
        "email": "robert@acme.example.com",
        "email_verified": False,
    }  # the subject counts now
    again, _back = come_in(provider)
    assert is_in(again)
    assert SsoIdentity.objects.get().user == bob
    assert AuditEvent.objects.filter(action="user.sso_bound", tenant_slug="acme").count() == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False}, {"email_verified": "true"}, {"email": ""}, {"email": "bob@evil.example.com"},
        {"email": "stranger@acme.example.com"}, {"nonce": "another"}, {"aud": "another"},
        {"aud": [CLIENT_ID, "another"], "azp": "another"}, {"iss": "https://evil.example.com"}, {"exp": 1},
        {"sub": None},
    ],
)  # fmt: skip
def test_what_does_not_hold_lets_nobody_in(as_acme, acme, bob, provider, claims):
    set_up(as_acme, provider)
    provider.claims = claims
    guest, back = come_in(provider)
    assert back["Location"] == "/t/acme/admin/login/" and not is_in(guest)
    assert not SsoIdentity.objects.exists()


def test_forged_answers_and_tries_of_others_let_nobody_in(as_acme, acme, bob, provider):
    set_up(as_acme, provider)
    provider.sign_with = ec.generate_private_key(ec.SECP256R1())
    assert not is_in(come_in(provider)[0])
    provider.sign_with, provider.algorithm = "a-secret-that-is-long-enough-for-hs256", "HS256"
    assert not is_in(come_in(provider)[0])
    provider.sign_with, provider.algorithm = None, "ES256"
    for wrong in (
        {"state": "another"},
        {"code": "another"},
        {"iss": "https://evil.example.com"},
        {"code": ""},
    ):
        assert not is_in(come_in(provider, **wrong)[0]), wrong
    victim = Browser("acme")  # a link that was made by somebody else's try
    sent = Browser("acme").get("/admin/sso/start/")
    victim.get(f"/admin/sso/callback/?{urlencode(provider.approve(sent['Location']))}")
    assert not is_in(victim)
    guest = Browser("acme")
    sent = guest.get("/admin/sso/start/")
    back = f"/admin/sso/callback/?{urlencode(provider.approve(sent['Location']))}"
    guest.get(back)
    assert is_in(guest)
    guest.post("/admin/logout/")
    guest.get(back)
    assert not is_in(guest)
    provider.issuer_said = "https://evil.example.com"
    assert Browser("acme").get("/admin/sso/start/")["Location"] == "/t/acme/admin/login/"


def test_each_tenants_provider_counts_there_alone(
    as_acme, as_globex, acme, globex, bob, provider, settings
):
    other = OidcProvider()
    try:
        twin = User.objects.create_user(bob.email, PASSWORD, tenant=globex.tenant)
        set_up(as_acme, provider)
        assert Browser("globex").get("/admin/sso/start/").status_code == 404
        assert Browser().get("/admin/sso/start/").status_code == 404
        set_up(as_globex, other)
        guest, _back = come_in(provider)
        for slug in ("globex", None):
            thief = Browser(slug)
            for name in ("sessionid_globex", "sessionid"):
                thief.cookies[name] = guest.cookies["sessionid_acme"].value
            assert thief.get("/admin/").status_code == 302
        begun = Browser("acme")  # a try of acme's brought back to globex
        sent = begun.get("/admin/sso/start/")
        there = Browser("globex")
        there.cookies["sessionid_globex"] = begun.cookies["sessionid_acme"].value
        there.get(f"/admin/sso/callback/?{urlencode(provider.approve(sent['Location']))}")
        assert not is_in(there)
        come_in(other, slug="globex")
        assert {(each.tenant.slug, each.user_id) for each in SsoIdentity.objects.all()} == {
            ("acme", bob.pk), ("globex", twin.pk),
        }  # fmt: skip
        assert as_globex.get(URL).json()["issuer"] == other.issuer
        sealed = SsoProvider.objects.get(tenant=acme.tenant).encrypted_secret
        assert SECRET not in sealed
        SsoProvider.objects.filter(tenant=globex.tenant).update(encrypted_secret=sealed)
        stolen, _back = come_in(other, slug="globex")
        assert not is_in(stolen)
    finally:
        other.close()


def test_who_is_unknown_becomes_a_user_only_where_the_tenant_says_so(as_acme, acme, provider):
    set_up(as_acme, provider, makes_users=True, default_role="viewer")
    provider.claims = {"sub": "person-2", "email": "new@acme.example.com", "name": "New"}
    guest, _back = come_in(provider)
    made = User.objects.get(email="new@acme.example.com")
    assert is_in(guest) and (made.role, made.tenant, made.display_name) == (
        "viewer",
        acme.tenant,
        "New",
    )
    assert not made.has_usable_password()
    User.objects.filter(pk=made.pk).update(is_active=False)
    assert not is_in(come_in(provider)[0])


def test_where_it_is_required_only_owners_have_passwords_left(as_acme, acme, globex, bob, provider):
    set_up(as_acme, provider, is_required=True)

    def log_in(email):
        body = {"email": email, "password": PASSWORD}
        return Client().post("/v1/auth/login", body, content_type="application/json")

    assert log_in(bob.email).json()["code"] == "sso_required"
    assert Browser("acme").log_in(bob.email).status_code == 403
    assert log_in(acme.owner.email).status_code == log_in(globex.owner.email).status_code == 200
    acme.tenant.second_factor_required = True
    acme.tenant.save()
    assert is_in(come_in(provider)[0])  # how many proofs it wants is the provider's to say


def test_owners_alone_choose_the_provider_and_its_secret_is_never_shown(
    as_acme, as_globex, acme, as_bob, provider
):
    adam = User.objects.create_user(
        "adam@acme.example.com", PASSWORD, tenant=acme.tenant, role="admin"
    )
    as_adam = Client(HTTP_AUTHORIZATION=f"Bearer {issue_jwt(adam)}")
    assert set_up(as_bob, provider).json()["code"] == "role_forbidden"
    assert set_up(as_adam, provider).json()["code"] == "owner_required"
    assert as_acme.get(URL).status_code == 404
    said = set_up(as_acme, provider)
    assert said.json()["has_secret"] and SECRET not in said.content.decode()
    assert said.json()["back_address"].endswith("/t/acme/admin/sso/callback/")
    assert set_up(as_acme, provider, client_secret=None).json()["has_secret"]
    assert set_up(as_acme, provider, default_role="owner").json()["code"] == "role_invalid"
    assert set_up(as_acme, provider, issuer="http://10.0.0.1").json()["code"] == "issuer_invalid"
    alice = browser(acme.owner.email, "acme")
    page = alice.get("/admin/sso/").content.decode()
    assert provider.issuer in page and SECRET not in page
    form = {"issuer": provider.issuer, "client_id": "other", "allowed_domains": "@acme.example.com, ACME.example.org",
            "default_role": "agent", "is_active": "on"}  # fmt: skip
    assert alice.post("/admin/sso/", form).status_code == 302
    kept = SsoProvider.objects.get()
    assert (kept.client_id, kept.secret, kept.allowed_domains) == (
        "other",
        SECRET,
        ["acme.example.com", "acme.example.org"],
    )
    assert as_adam.delete(URL).json()["code"] == "owner_required"
    assert browser(adam.email, "acme").post("/admin/sso/", form).status_code == 200
    assert SsoProvider.objects.get().client_id == "other"
    assert as_globex.delete(URL).status_code == 204 and SsoProvider.objects.exists()
    assert alice.post("/admin/sso/", {"remove": "1"}).status_code == 302
    assert not SsoProvider.objects.exists()
    assert SECRET not in str(list(AuditEvent.objects.values()))


def test_a_secret_is_for_one_issuer(as_acme, acme, provider):
    """Whoever names another provider does not have the secret of the one before sent there."""
    set_up(as_acme, provider)
    elsewhere = {"issuer": "https://evil.example.com", "client_secret": None}
    assert set_up(as_acme, provider, **elsewhere).json()["code"] == "sso_secret_needed"
    alice = browser(acme.owner.email, "acme")
    form = {**elsewhere, "client_id": CLIENT_ID, "client_secret": "", "default_role": "member"}
    shown = alice.post("/admin/sso/", {**form, "allowed_domains": "acme.example.com"})
    assert b"Another issuer needs its client_secret" in shown.content
    kept = SsoProvider.objects.get(tenant=acme.tenant)
    assert (kept.issuer, kept.secret) == (provider.issuer, SECRET)
    assert set_up(as_acme, provider, client_secret=None).json()["has_secret"] is True
    assert set_up(as_acme, provider, **{**elsewhere, "client_secret": ""}).status_code == 200
    assert SsoProvider.objects.get(tenant=acme.tenant).secret == ""


def test_an_email_that_somebody_else_gets_there_opens_no_account(as_acme, acme, bob, provider):
    """Not even with the provider's word; deactivating and activating the account settles anew whose it is."""
    set_up(as_acme, provider)
    assert is_in(come_in(provider)[0])
    provider.claims = {"sub": "the next bob"}
    assert not is_in(come_in(provider)[0])
    assert SsoIdentity.objects.filter(user=bob).count() == 1
    for is_active in (False, True):
        change = {"is_active": is_active}
        as_acme.patch(f"/v1/users/{bob.pk}", change, content_type="application/json")
    assert is_in(come_in(provider)[0])
    provider.claims = {}
    assert not is_in(come_in(provider)[0])


def go_in(provider: OidcProvider) -> tuple[Browser, str]:
    """Try to come into the platform's admin by the operators' provider; returns where that led."""
    guest = Browser()
    sent = guest.get("/admin/sso/start/")
    back = guest.get(f"/admin/sso/callback/?{urlencode(provider.approve(sent['Location']))}")
    return guest, back["Location"]


def test_operators_come_in_by_the_installations_provider_and_nobody_else_does(
    acme, olga, provider, settings
):
    assert Browser().get("/admin/sso/start/").status_code == 404, "none is set"
    settings.OPERATOR_SSO_ISSUER, settings.OPERATOR_SSO_CLIENT_ID = provider.issuer, CLIENT_ID
    settings.OPERATOR_SSO_CLIENT_SECRET = SECRET
    settings.OPERATOR_SSO_DOMAINS = ["platform.example.com"]
    assert b"/admin/sso/start/" in Browser().get("/admin/login/").content
    assert b"/sso/start/" not in Browser("acme").get("/admin/login/").content
    verified = {"email": olga.email, "email_verified": True}
    for claims in (
        {**verified, "email_verified": False},
        {"email": "alice@acme.example.com"},
        {"email": "nobody@platform.example.com"},
    ):
        provider.claims = claims
        guest, where = go_in(provider)
        assert where == "/admin/login/" and not is_in(guest), claims
    provider.claims = verified
    guest, where = go_in(provider)
    assert where == "/admin/" and is_in(guest)
    assert SsoIdentity.objects.get().tenant is None
    provider.claims = {**verified, "sub": "somebody else"}
    assert not is_in(go_in(provider)[0]), "who got the e-mail at the provider is somebody else"
    assert User.objects.filter(tenant=None).count() == 1


def test_a_try_of_the_platform_counts_in_no_tenant(as_acme, acme, olga, provider, settings):
    settings.OPERATOR_SSO_ISSUER, settings.OPERATOR_SSO_CLIENT_ID = provider.issuer, CLIENT_ID
    settings.OPERATOR_SSO_CLIENT_SECRET = SECRET
    settings.OPERATOR_SSO_DOMAINS = ["platform.example.com", "acme.example.com"]
    set_up(as_acme, provider)
    provider.claims = {"email": olga.email}
    guest = Browser("acme")
    sent = Browser().get("/admin/sso/start/")
    back = guest.get(f"/admin/sso/callback/?{urlencode(provider.approve(sent['Location']))}")
    assert back["Location"] == "/t/acme/admin/login/" and not is_in(guest)
    inside, _back = come_in(provider)
    assert not is_in(inside), "an operator is none of acme's people"

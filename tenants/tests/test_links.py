"""Links by e-mail: invitations and forgotten passwords, in a tenant and on the platform, and never in another one."""

from __future__ import annotations

import re
import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from conftest import PASSWORD
from tenants import tasks
from tenants.authentication import issue_jwt
from tenants.links.models import EmailLink
from tenants.models import AuditEvent, User
from tests.test_admin import Browser, browser

URL, NEW = "/v1/invitations", "a quite different battery"
DUMMY = "django.core.mail.backends.dummy.EmailBackend"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch) -> None:
    """The worker's part is done at once."""
    monkeypatch.setattr(
        tasks, "publish", lambda task, *arguments: bool(task.run(*arguments)) or True
    )


def secret_of(text: str) -> str:
    [found] = re.findall(r"link=([\w-]+)", text)
    return found


def invite(client: Client, **fields: str):
    body = {"email": "erin@acme.example.com", "display_name": "Erin", "role": "editor", **fields}
    return client.post(URL, body, content_type="application/json")


def use(secret: str, password: str = NEW, client: Client | None = None):
    body = {"link": secret, "password": password}
    return (client or Client()).post("/v1/auth/set-password", body, content_type="application/json")


def log_in(email: str, password: str):
    body = {"email": email, "password": password}
    return Client().post("/v1/auth/login", body, content_type="application/json")


def open_link(slug: str | None, secret: str) -> tuple[Browser, object]:
    """A browser that followed the mail's link, and the page it ended on."""
    guest = Browser(slug)
    moved = guest.get(f"/admin/set-password/?link={secret}")
    assert secret not in moved["Location"]
    return guest, guest.get("/admin/set-password/")


def test_an_invited_person_sets_a_password_once_and_is_in_with_their_role(as_acme, acme):
    made = invite(as_acme)
    assert made.status_code == 201 and "url" not in made.json() and made.json()["mailed_at"]
    [letter] = mail.outbox
    assert letter.to == ["erin@acme.example.com"] and "/t/acme/admin/set-password/" in letter.body
    secret = secret_of(letter.body)
    assert not EmailLink.objects.filter(token_hash=secret).exists()
    assert log_in("erin@acme.example.com", "").status_code in (401, 422)
    guest, page = open_link("acme", secret)
    assert page.status_code == 200 and b"erin@acme.example.com" in page.content
    weak = guest.post("/admin/set-password/", {"password": "password", "again": "password"})
    assert weak.status_code == 200 and b"too common" in weak.content
    done = guest.post("/admin/set-password/", {"password": NEW, "again": NEW})
    assert done.status_code == 302
    assert log_in("erin@acme.example.com", NEW).json()["user"]["role"] == "editor"
    again = use(secret)
    assert (again.status_code, again.json()["code"]) == (410, "link_spent")
    assert open_link("acme", secret)[1].status_code == 410
    listed = as_acme.get(URL).json()
    assert [each["state"] for each in listed] == ["used"]
    said = set(AuditEvent.objects.filter(tenant_slug="acme").values_list("action", flat=True))
    assert {"user.invited", "user.password_set"} <= said
    assert secret not in str(list(AuditEvent.objects.values()))


def test_a_link_of_one_tenant_is_nothing_in_another_nor_on_the_platform(as_acme, as_globex, globex):
    made = invite(as_acme).json()
    secret = secret_of(mail.outbox[0].body)
    for slug in ("globex", None):
        assert open_link(slug, secret)[1].status_code == 410
    elsewhere = use(secret, client=Client(SCRIPT_NAME="/t/globex"))
    assert elsewhere.status_code == 410
    assert as_globex.get(URL).json() == []
    for refused in (
        as_globex.get(f"{URL}/{made['id']}"), as_globex.delete(f"{URL}/{made['id']}"),
        as_globex.post(f"{URL}/{made['id']}/send-again"),
    ):  # fmt: skip
        assert refused.status_code == 404
    assert use(secret).status_code == 204


def test_a_link_ends_by_time_by_the_next_one_and_by_revoking(as_acme):
    first = invite(as_acme).json()
    old = secret_of(mail.outbox[0].body)
    second = as_acme.post(f"{URL}/{first['id']}/send-again").json()
    new = secret_of(mail.outbox[1].body)
    assert use(old).status_code == 410
    EmailLink.objects.filter(pk=second["id"]).update(expires_at=timezone.now() - timedelta(1))
    assert use(new).status_code == 410
    third = as_acme.post(f"{URL}/{first['id']}/send-again").json()
    assert as_acme.delete(f"{URL}/{third['id']}").status_code == 204
    assert use(secret_of(mail.outbox[2].body)).status_code == 410
    assert not User.objects.get(email="erin@acme.example.com").is_active
    over = as_acme.post(f"{URL}/{third['id']}/send-again")
    assert (over.status_code, over.json()["code"]) == (409, "invitation_over")


def test_who_may_invite_whom(as_acme, as_bob, acme, bob):
    assert invite(as_bob).json()["code"] == "role_forbidden"
    adam = User.objects.create_user(
        "adam@acme.example.com", PASSWORD, tenant=acme.tenant, role="admin"
    )
    as_adam = Client(HTTP_AUTHORIZATION=f"Bearer {issue_jwt(adam)}")
    assert invite(as_adam, role="owner").json()["code"] == "owner_required"
    assert invite(as_acme, email=bob.email).json()["code"] == "email_taken"
    assert invite(as_adam).status_code == 201


@pytest.mark.parametrize("away", ["no server", "refuses"])
def test_without_mail_the_link_is_handed_over_once(as_acme, acme, settings, monkeypatch, away):
    if away == "no server":
        settings.EMAIL_BACKEND = DUMMY
    else:

        def refuse(*args, **kwargs):
            raise smtplib.SMTPServerDisconnected

        monkeypatch.setattr("tenants.links.sending.EmailMultiAlternatives.send", refuse)
    made = invite(as_acme).json()
    assert made["mailed_at"] is None
    assert "url" not in as_acme.get(f"{URL}/{made['id']}").json()
    alice = browser("alice@acme.example.com", "acme")
    shown = alice.post(
        "/admin/tenants/user/add/", {"email": "fay@acme.example.com", "role": "agent"}
    )
    assert shown["Cache-Control"].startswith("no-store")
    assert use(secret_of(shown.content.decode())).status_code == 204
    assert use(secret_of(made["url"])).status_code == 204


def test_a_forgotten_password_is_set_by_mail_and_ends_what_was_open(acme, globex, bob):
    member = browser(bob.email, "acme")
    old_jwt = Client(HTTP_AUTHORIZATION=f"Bearer {issue_jwt(bob)}")
    guest = Browser("acme")
    assert b"/t/acme/admin/forgotten/" in guest.get("/admin/login/").content
    assert guest.get("/admin/forgotten/").status_code == 200
    answers = []
    for email in (bob.email, "nobody@acme.example.com", globex.owner.email):
        done = guest.post("/admin/forgotten/", {"email": email})
        shown = guest.get("/admin/login/").content.decode()
        answers.append((done["Location"], "is on its way" in shown))
    assert answers == [("/t/acme/admin/login/", True)] * 3
    assert [letter.to for letter in mail.outbox] == [[bob.email]]
    guest, _page = open_link("acme", secret_of(mail.outbox[0].body))
    assert guest.post("/admin/set-password/", {"password": NEW, "again": NEW}).status_code == 302
    assert member.get("/admin/").status_code == 302
    assert old_jwt.get("/v1/auth/me").status_code == 401
    assert log_in(bob.email, NEW).status_code == 200


def test_asking_for_a_password_tells_nothing_and_is_bounded(
    acme, globex, bob, settings, fresh_limits
):
    def ask(email, **more):
        body = {"email": email, **more}
        return Client().post("/v1/auth/forgotten-password", body, content_type="application/json")

    for body in ({"email": bob.email, "tenant_slug": "acme"}, {"email": bob.email, "tenant_slug": "none"},
                 {"email": bob.email, "tenant_slug": "globex"}):  # fmt: skip
        answer = ask(**body)
        assert (answer.status_code, answer.content) == (202, b"")
    assert len(mail.outbox) == 1
    assert ask(bob.email).json()["code"] == "tenant_unnamed"
    settings.PASSWORD_RESET_RATE = "2/hour"
    refused = [ask("gone@acme.example.com", tenant_slug="acme").status_code for _ in range(3)]
    assert refused == [202, 202, 429]
    settings.PASSWORD_RESET_RATE = "100/hour"
    settings.PLATFORM_HOSTS = [
        *settings.PLATFORM_HOSTS,
        "*",
    ]  # then the mail could carry a stranger's host
    assert ask(bob.email, tenant_slug="acme").status_code == 202
    assert len(mail.outbox) == 1


def test_a_suspended_tenant_and_a_disabled_person_get_no_link(acme, bob):
    def ask():
        tasks.send_password_link.run(bob.email, str(acme.tenant.pk), "http://x")
        return len(mail.outbox)

    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert ask() == 0
    User.objects.filter(pk=bob.pk).update(is_active=True)
    acme.tenant.change_status("suspended")
    assert ask() == 0


def test_an_operator_is_invited_and_forgets_on_the_platform_alone(olga, acme):
    operator = browser(olga.email)
    operator.post(
        "/admin/tenants/user/add/",
        {"email": "otto@platform.example.com", "tenant": "", "role": "member"},
    )
    secret = secret_of(mail.outbox[0].body)
    assert open_link("acme", secret)[1].status_code == 410
    guest, page = open_link(None, secret)
    assert page.status_code == 200
    assert guest.post("/admin/set-password/", {"password": NEW, "again": NEW}).status_code == 302
    assert User.objects.get(email="otto@platform.example.com").check_password(NEW)
    assert use(secret).status_code == 410


def test_the_admin_invites_again_and_revokes(acme, globex):
    alice = browser("alice@acme.example.com", "acme")
    alice.post("/admin/tenants/user/add/", {"email": "erin@acme.example.com", "role": "viewer"})
    erin = User.objects.get(email="erin@acme.example.com")
    assert erin.tenant == acme.tenant and not erin.has_usable_password()
    page = f"/admin/tenants/user/{erin.pk}"
    assert "Invited" in alice.get("/admin/tenants/user/").content.decode()
    assert alice.post(f"{page}/invite-again/").status_code in (302, 404)
    row = alice.get(f"{page}/change/").content.decode()
    again, revoke = (
        re.search(rf'href="([^"]*{act}[^"]*)"', row)[1] for act in ("invite", "revoke")
    )
    gina = browser("gina@globex.example.com", "globex")
    for path in (again, revoke):
        assert gina.post(path.replace("/t/acme", "")).status_code == 404
    before = len(mail.outbox)
    assert alice.post(again.replace("/t/acme", "")).status_code == 302
    assert len(mail.outbox) == before + 1
    assert alice.post(revoke.replace("/t/acme", "")).status_code == 302
    erin.refresh_from_db()
    assert not erin.is_active and use(secret_of(mail.outbox[-1].body)).status_code == 410


def test_a_mailed_link_ends_with_what_it_was_mailed_for(as_acme, acme, bob):
    """Another e-mail, a password set otherwise, and a disabled account: what was mailed before is worth nothing."""
    bobs_page = f"/v1/users/{bob.pk}"

    def mailed() -> str:
        tasks.send_password_link.run(bob.email, str(acme.tenant.pk), "http://x")
        return secret_of(mail.outbox[-1].body)

    def change(**fields) -> None:
        done = as_acme.patch(bobs_page, fields, content_type="application/json")
        assert done.status_code == 200, done.content

    old = mailed()
    change(is_active=False)
    change(is_active=True)
    assert use(old).status_code == 410
    old = mailed()
    change(password=PASSWORD + " again")
    assert use(old).status_code == 410
    old = mailed()
    User.objects.filter(pk=bob.pk).update(password=User.objects.get(pk=acme.owner.pk).password)
    admin = browser(bob.email, "acme")
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert admin.post("/admin/password_change/", form).status_code == 302
    assert use(old).status_code == 410
    made = invite(as_acme, email="wrong@acme.example.com").json()
    old = secret_of(mail.outbox[-1].body)
    bobs_page = f"/v1/users/{made['user']['id']}"
    change(email="right@acme.example.com")
    assert use(old).status_code == 410
    assert as_acme.post(f"{URL}/{made['id']}/send-again").status_code == 201
    assert mail.outbox[-1].to == ["right@acme.example.com"]


def test_a_stranger_who_asks_for_a_link_does_not_end_an_invitation(as_acme, acme):
    invite(as_acme)
    invitation = secret_of(mail.outbox[-1].body)
    tasks.send_password_link.run("erin@acme.example.com", str(acme.tenant.pk), "http://x")
    asked_for = secret_of(mail.outbox[-1].body)
    assert use(invitation).status_code == 204
    assert use(asked_for).status_code == 410

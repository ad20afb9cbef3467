"""Whether a host that was shown to be a tenant's own still is: looked for daily, told, and given up in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from minirag.tasks import DUTIES
from tenants.context import tenant_context
from tenants.due import DueKind, DueWork
from tenants.hosts import checking
from tenants.models import AuditEvent, Domain
from tenants.provisioning import add_domain
from tests.test_admin import browser

HOST, URL = "bots.acme.example.com", "/v1/tenants/me/hosts"
pytestmark = pytest.mark.django_db


@pytest.fixture
def dns(monkeypatch):
    """What the world's DNS says of a name; `None`: nothing, since it does not answer."""
    said: dict[str, frozenset[str] | None] = {}
    monkeypatch.setattr(
        checking, "read_texts", lambda name, *, seconds: said.get(name, frozenset())
    )
    monkeypatch.setattr(checking, "look_at", lambda host: checking.Look(checking.HostState.READY))
    return said


@pytest.fixture
def proven(acme, as_acme, dns) -> tuple[str, str]:
    """The TXT record of a host that acme has proven."""
    as_acme.post(URL, {"host": HOST}, content_type="application/json")
    name, content = checking.proof_of(Domain(domain=HOST, tenant=acme.tenant))
    dns[name] = frozenset({content})
    assert as_acme.post(f"{URL}/{HOST}/check").json()["is_claim"] is False
    assert DueWork.objects.filter(tenant_id=acme.tenant.pk, kind=DueKind.HOSTS).exists()
    return name, content


def pass_days(acme, days: int) -> int:
    """Let time go by in one step, and do what is due then."""
    ago = timedelta(days=days)
    for domain in Domain.objects.proven():
        for field in ("proof_seen_at", "proof_missed_at", "proof_looked_at"):
            if (moment := getattr(domain, field)) is not None:
                setattr(domain, field, moment - ago)
        domain.save()
    with tenant_context(acme.tenant):
        return DUTIES[DueKind.HOSTS].run()


def test_a_host_whose_record_is_gone_is_told_and_given_up_in_time(
    acme, globex, as_acme, dns, proven
):
    add_domain(acme.tenant, "led.example.com")
    name, content = proven
    mail.outbox.clear()
    assert pass_days(acme, 2) == 0 and not mail.outbox, mail.outbox[0].subject
    dns[name] = None
    assert pass_days(acme, 30) == 0 and not mail.outbox, "a DNS that does not answer says nothing"
    dns[name] = frozenset({"v=spf1 -all"})
    assert pass_days(acme, 1) == 0
    (told,) = mail.outbox
    assert told.to == ["alice@acme.example.com"] and HOST in told.subject and content in told.body
    assert as_acme.get(f"{URL}/{HOST}").json()["leads_until"]
    page = browser("alice@acme.example.com", "acme")
    assert "record missing" in page.get("/admin/settings/").content.decode()
    assert "host of yours is missing" in page.get("/admin/").content.decode()
    assert pass_days(acme, 13) == 0 and len(mail.outbox) == 1, "once is enough"
    assert "Acme" in Client(HTTP_HOST=HOST).get("/admin/login/").content.decode()

    assert pass_days(acme, 1) == 1
    assert Client(HTTP_HOST=HOST).get("/admin/login/").json()["code"] == "host_unknown"
    assert "no more" in mail.outbox[1].subject
    shown = as_acme.get(f"{URL}/{HOST}").json()
    assert (shown["is_claim"], shown["is_primary"], shown["leads_until"]) == (True, False, None)
    assert Domain.objects.get(domain="led.example.com").is_primary, "which an operator has led"
    acts = AuditEvent.objects.filter(action__in=["domain.proof_missing", "domain.lost"])
    assert {each.detail["domain"] for each in acts} == {HOST} and acts.count() == 2
    with tenant_context(acme.tenant):
        assert DUTIES[DueKind.HOSTS].next_due() is None


def test_a_record_that_is_back_is_as_if_it_had_never_gone(acme, dns, proven, settings):
    name, content = proven
    del dns[name]
    pass_days(acme, 1)
    assert Domain.objects.get().leads_until is not None
    dns[name] = frozenset({content})
    assert pass_days(acme, 30) == 0 and Domain.objects.get().leads_until is None
    del dns[name]
    settings.HOST_PROOF_DAYS = 0
    assert pass_days(acme, 90) == 0 and not Domain.objects.get().is_claim, "for good"
    with tenant_context(acme.tenant):
        due = DUTIES[DueKind.HOSTS].next_due()
    assert due is None or due <= timezone.now()


def test_whoever_makes_the_record_again_sees_so_at_once(acme, as_acme, dns, proven):
    name, content = proven
    del dns[name]
    pass_days(acme, 1)
    assert as_acme.post(f"{URL}/{HOST}/check").json()["leads_until"]
    dns[name] = frozenset({content})
    assert as_acme.post(f"{URL}/{HOST}/check").json()["leads_until"] is None
    assert Domain.objects.get().proof_missed_at is None


@pytest.mark.parametrize("meanwhile", ["removed", "led", "proven"])
def test_what_becomes_of_a_host_while_the_dns_is_asked_stays(
    acme, dns, proven, monkeypatch, meanwhile
):
    name, _ = proven
    del dns[name]
    pass_days(acme, 1)
    mail.outbox.clear()

    def answer_late(name, *, seconds):
        if meanwhile == "removed":
            Domain.objects.filter(domain=HOST).delete()
        else:
            Domain.objects.get(domain=HOST).lead(is_proven=meanwhile == "proven")
        return frozenset()

    monkeypatch.setattr(checking, "read_texts", answer_late)
    assert pass_days(acme, 30) == 0 and not mail.outbox
    left = Domain.objects.filter(domain=HOST).first()
    if meanwhile == "removed":
        assert left is None
    else:
        assert not left.is_claim and left.leads_until is None
        assert bool(left.proof_seen_at) is (meanwhile == "proven")


def test_a_claim_that_is_removed_while_the_dns_is_asked_does_not_come_back(
    acme, as_acme, dns, monkeypatch
):
    as_acme.post(URL, {"host": HOST}, content_type="application/json")
    _, content = checking.proof_of(Domain(domain=HOST, tenant=acme.tenant))

    def answer_late(name, *, seconds):
        Domain.objects.filter(domain=HOST).delete()
        return frozenset({content})

    monkeypatch.setattr(checking, "read_texts", answer_late)
    answer = as_acme.post(f"{URL}/{HOST}/check")
    assert (answer.status_code, answer.json()["code"]) == (404, "host_not_found")
    assert not Domain.objects.filter(domain=HOST).exists()

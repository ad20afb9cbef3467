"""The audit log: who acted, in which tenant, through which token, and never a secret."""

from __future__ import annotations

from django.db import transaction
from django.test import RequestFactory

from tenants import audit
from tenants.authentication import Identity
from tenants.context import tenant_context
from tenants.models import ApiToken, AuditEvent


def test_an_act_of_a_token_names_its_user_its_prefix_and_its_address(acme):
    token = ApiToken.objects.get(user=acme.owner)
    request = RequestFactory(REMOTE_ADDR="203.0.113.9").post("/")
    request.identity = Identity(acme.tenant, acme.owner, token)
    with tenant_context(acme.tenant), audit.acting(request):
        event = audit.record("thing.made", detail={"count": 2})
    assert (event.action, event.tenant_slug, event.actor) == (
        "thing.made",
        "acme",
        acme.owner.email,
    )
    assert event.detail == {"count": 2, "address": "203.0.113.9", "token": token.token_prefix}


def test_an_act_in_the_admin_names_its_user(acme, olga):
    request = RequestFactory().post("/")
    request.user = olga
    with audit.acting(request):
        assert audit.record("thing.made", tenant=acme.tenant).actor == olga.email


def test_a_secret_is_masked_however_deep_it_lies(db):
    detail = {
        "api_key": "sk-1",
        "config": {"client_secret": "s", "names": ["a", None]},
        "password_changed": True,
    }
    event = audit.record("thing.made", actor="test", detail=detail)
    assert AuditEvent.objects.get(pk=event.pk).detail == {
        "api_key": "…", "config": {"client_secret": "…", "names": ["a", None]}, "password_changed": True,
    }  # fmt: skip


def test_an_act_that_is_rolled_back_leaves_no_line(db):
    with transaction.atomic():
        audit.record("thing.made", actor="test")
        transaction.set_rollback(True)
    assert not AuditEvent.objects.filter(action="thing.made").exists()

"""Maintenance: what changes anything, and questions, are refused for a while; reading goes on, and so do operators."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from conversations.turns.recording import require_active_tenant
from minirag.lib.errors import ProductError
from tenants.context import tenant_context
from tenants.models import AuditEvent, Tenant
from tenants.platform.maintenance import Maintenance, begin_maintenance, end_maintenance, pause_of
from tests.test_admin import browser

MESSAGE = "We move to new machines."


def try_to_write(client):
    return client.post("/v1/bot-profiles", {"name": "Bert"}, content_type="application/json")


def test_a_tenant_in_maintenance_can_be_read_and_says_when_to_come_back(
    acme, globex, as_acme, as_globex, olga
):
    begin_maintenance(acme.tenant, message=MESSAGE, minutes=30, actor="test")
    refused = try_to_write(as_acme)
    assert (refused.status_code, refused.json()["code"], refused.json()["retryable"]) == (
        503,
        "maintenance",
        True,
    )
    assert MESSAGE in refused.json()["detail"] and 1700 < int(refused["Retry-After"]) <= 1800
    asked = as_acme.post("/v1/chat", {"bot_profile_id": "x"}, content_type="application/json")
    assert asked.status_code == 503
    assert as_acme.get("/v1/bot-profiles").status_code == 200
    assert try_to_write(as_globex).status_code == 201
    with tenant_context(acme.tenant), pytest.raises(Maintenance, match="new machines"):
        require_active_tenant()
    alice = browser("alice@acme.example.com", "acme")
    assert MESSAGE in alice.get("/admin/").content.decode()
    assert alice.post("/admin/bots/botprofile/add/", {"name": "x"}).status_code == 503
    assert (
        browser(olga.email, "acme").post("/admin/bots/botprofile/add/", {"name": ""}).status_code
        == 200
    )
    assert end_maintenance(acme.tenant, actor="test") == 1
    assert try_to_write(as_acme).status_code == 201
    assert (
        AuditEvent.objects.filter(action__startswith="maintenance.", tenant_slug="acme").count()
        == 2
    )


def test_that_of_all_spares_nobody_and_leaves_a_tenants_own_when_it_ends(
    acme, globex, as_acme, as_globex, olga, settings
):
    begin_maintenance(acme.tenant, message="Only acme.", minutes=300)
    begin_maintenance(None, message=MESSAGE, minutes=30)
    assert [try_to_write(each).json()["detail"] for each in (as_acme, as_globex)] == [
        "Only acme.",
        MESSAGE,
    ]
    settings.ALLOW_TENANT_SIGNUP = True
    asked = {
        "tenant_name": "Hooli", "tenant_slug": "hooli", "owner_email": "g@hooli.example.com",
        "owner_password": "x" * 20,
    }  # fmt: skip
    refused = Client().post("/v1/tenants", asked, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (503, "maintenance")
    operator, url = browser(olga.email), "/admin/tenants/tenant/"
    assert "resume-all" in operator.get(url).content.decode()
    assert end_maintenance(None) == 1
    assert "resume-all" not in operator.get(url).content.decode(), "there is none to end"
    assert [try_to_write(each).status_code for each in (as_acme, as_globex)] == [503, 201]


def test_it_ends_by_itself_and_has_bounds(acme, as_acme):
    begin_maintenance(acme.tenant, minutes=1)
    Tenant.objects.filter(pk=acme.tenant.pk).update(
        maintenance_until=timezone.now() - timedelta(seconds=1)
    )
    assert pause_of(Tenant.objects.get(pk=acme.tenant.pk)) is None
    assert try_to_write(as_acme).status_code == 201
    for minutes in (0, 7 * 24 * 60 + 1):
        with pytest.raises(ProductError, match="from 1 minute to 7 days"):
            begin_maintenance(acme.tenant, minutes=minutes)

"""An operator enters a tenant for a reason and a time, as what they say, and is out again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from bots.models import BotProfile, Scope
from minirag.lib.errors import ProductError
from tenants.admin_site.sites import platform_site, tenant_site
from tenants.context import tenant_context
from tenants.entering.staying import enter
from tenants.models import AuditEvent, OperatorEntry
from tests.test_admin import Browser, browser

BOTS = "/admin/bots/botprofile/"


@pytest.fixture
def outside(acme, olga) -> Browser:
    """Olga, logged in to acme's admin, without a stay."""
    OperatorEntry.objects.all().delete()
    return browser(olga.email, "acme")


def test_nothing_is_shown_before_an_operator_says_why(outside, olga, acme):
    for url in ("/admin/", BOTS, "/admin/settings/", "/admin/account/"):
        response = outside.get(url)
        assert (response.status_code, response["Location"].partition("?")[0]) == (
            302,
            "/t/acme/admin/enter/",
        ), url
    assert outside.post(f"{BOTS}add/", {"name": "x"}).status_code == 302
    assert "Why" in outside.get("/admin/enter/").content.decode()
    refused = outside.post("/admin/enter/", {"reason": " ", "role": "member", "minutes": "30"})
    assert refused.status_code == 200 and not OperatorEntry.objects.exists()
    entered = outside.post(
        f"/admin/enter/?next=/t/acme{BOTS}",
        {"reason": "Ticket 4711: no answers <b>", "role": "member", "minutes": "30"},
    )
    assert (entered.status_code, entered["Location"]) == (302, f"/t/acme{BOTS}")
    page = outside.get(BOTS).content.decode()
    assert "Ticket 4711: no answers &lt;b&gt;" in page and "Leave" in page
    event = AuditEvent.objects.filter(action="tenant.entered").latest("pk")
    assert (event.tenant_slug, event.actor, event.detail["reason"]) == (
        "acme",
        olga.email,
        "Ticket 4711: no answers <b>",
    )
    assert timezone.now() + timedelta(minutes=28) < OperatorEntry.objects.get().until


def test_who_only_looks_changes_nothing_and_who_may_is_named_in_the_log(outside, olga, acme):
    with tenant_context(acme.tenant):
        bot = BotProfile.objects.create(name="Support", model="minirag/extractive")
        scope = Scope.objects.create(name="Opening hours", bot_profile=bot)
        enter(olga, reason="to look", minutes=30)
    delete = outside.url(tenant_site, Scope, "delete", scope.pk)
    assert outside.get(BOTS).status_code == 200
    assert outside.post(delete, {"post": "yes"}).status_code == 403
    assert outside.get("/admin/settings/").status_code in (302, 403, 200)
    with tenant_context(acme.tenant):
        enter(olga, reason="to mend", minutes=30, role="owner")
    assert outside.post(delete, {"post": "yes"}).status_code == 302
    event = AuditEvent.objects.filter(action="scope.deleted").latest("pk")
    assert (event.actor, event.detail["entered_for"]) == (olga.email, "to mend")


def test_a_stay_that_is_over_ends_with_the_next_request(outside, olga, acme):
    for end in ({"until": timezone.now() - timedelta(seconds=1)}, {"ended_at": timezone.now()}):
        with tenant_context(acme.tenant):
            enter(olga, reason="for a while", minutes=30)
        assert outside.get(BOTS).status_code == 200
        OperatorEntry.objects.update(**end)
        assert outside.get(BOTS)["Location"].startswith("/t/acme/admin/enter/")
    with tenant_context(acme.tenant):
        enter(olga, reason="for a while", minutes=30)
    left = outside.post("/admin/leave/")
    assert (left.status_code, left["Location"]) == (302, "/admin/")
    assert outside.get(BOTS)["Location"].startswith("/t/acme/admin/login/")
    assert AuditEvent.objects.filter(action="tenant.left", tenant_slug="acme").exists()


def test_a_stay_in_one_tenant_is_none_in_another_and_is_seen_on_the_platform(
    outside, olga, acme, globex
):
    with tenant_context(globex.tenant):
        entry = enter(olga, reason="elsewhere", minutes=30)
    assert outside.get(BOTS)["Location"].startswith("/t/acme/admin/enter/")
    operator = browser(olga.email)
    listed = operator.url(platform_site, OperatorEntry, "changelist")
    assert "elsewhere" in operator.get(listed).content.decode()
    assert operator.post(f"{listed}{entry.pk}/end/", {}).status_code == 302
    assert not OperatorEntry.objects.alive().exists()
    with tenant_context(acme.tenant), pytest.raises(ProductError, match="Say why"):
        enter(olga, reason="  ", minutes=30)

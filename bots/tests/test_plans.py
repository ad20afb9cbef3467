"""What a tenant's plan does not have is refused where it would be done; without a plan there is everything."""

from __future__ import annotations

import pytest
from django.test import Client

from bots.models import BotProfile
from bots.plans.applying import apply_plan
from bots.quotas.models import Quota
from minirag.tasks import DUTIES
from tenants.admin_site.sites import platform_site
from tenants.context import tenant_context
from tenants.due import DueKind, DueWork
from tenants.hosts import checking
from tenants.models import AuditEvent, Domain, Plan, Tenant, User
from tenants.plans.changing import change_plan
from tenants.plans.models import Feature
from tests.test_admin import bot_form, browser

JSON = "application/json"
SITE = {"source_type": "site", "name": "Site", "config": {"url": "https://www.acme.example.com"}}
GIT = {"source_type": "git", "name": "Docs", "config": {"url": "https://github.com/acme/docs"}}
KEY = {"name": "Ours", "provider": "openai", "api_key": "sk-0123456789abcdef0123"}
RULES = {"is_offered": True}
SSO = {
    "issuer": "https://login.example.com", "client_id": "web", "allowed_domains": ["acme.example.com"],
}  # fmt: skip
pytestmark = pytest.mark.django_db


@pytest.fixture
def bot(as_acme) -> str:
    made = as_acme.post("/v1/bot-profiles", {"name": "Ava"}, content_type=JSON).json()
    return str(made["id"])


def give(**fields: object) -> Plan:
    """Have acme be on a plan of these fields; globex stays without any."""
    plan, _ = Plan.objects.update_or_create(key="small", defaults={"name": "Small", **fields})
    Tenant.objects.filter(slug="acme").update(plan="small")
    return plan


def calls(client: Client, bot: str) -> dict[str, int]:
    """The status of making one of each thing that a plan may lack."""
    asked = {
        "sites": ("post", "/v1/sources", {**SITE, "bot_profile_id": bot}),
        "connectors": ("post", "/v1/sources", {**GIT, "bot_profile_id": bot}),
        "provider_keys": ("post", "/v1/providers", KEY),
        "handoffs": ("put", f"/v1/bot-profiles/{bot}/handoff-rules", RULES),
        "sso": ("put", "/v1/tenants/me/sso", SSO),
        "hosts": ("post", "/v1/tenants/me/hosts", {"host": "bots.acme.example.com"}),
        "webhooks": ("post", "/v1/webhooks", {"url": "https://hooks.example.com", "events": ["chat.message"]}),
    }  # fmt: skip
    found = {}
    for name, (method, path, body) in asked.items():
        answer = getattr(client, method)(path, body, content_type=JSON)
        found[name] = answer.status_code
        if answer.status_code == 403:
            said = answer.json()
            assert said["code"] == "not_in_plan" and "Small" in said["detail"], said
            assert "Ask whoever runs" in said["detail"], "the way out"
    return found


def test_without_a_plan_a_tenant_has_everything(as_acme, bot):
    statuses = calls(as_acme, bot)
    assert set(statuses) == set(Feature.values) and all(each < 300 for each in statuses.values())
    own = as_acme.get("/v1/tenants/me/plan").json()
    assert own["key"] == "free" and all(each["included"] for each in own["features"])
    assert {each["name"]: each["limit"] for each in own["held"]}["bots"] is None


def test_each_feature_that_a_plan_lacks_is_refused_and_the_others_are_not(as_acme, bot, globex):
    give(features=[])
    assert set(calls(as_acme, bot).values()) == {403}
    give(features=["sites", "sso"])
    statuses = calls(as_acme, bot)
    assert {name for name, status in statuses.items() if status < 300} == {"sites", "sso"}
    shown = as_acme.get("/v1/tenants/me/plan").json()
    assert {each["name"] for each in shown["features"] if each["included"]} == {"sites", "sso"}
    theirs = Client(**globex.bearer).post("/v1/providers", KEY, content_type=JSON)
    assert theirs.status_code == 201, "another tenant's plan is no business of acme's"


def test_there_is_no_way_round(as_acme, bot, monkeypatch):
    url = f"/v1/sources/by-external-id/a?bot_profile_id={bot}"
    text = {"bot_profile_id": bot, "source_type": "text", "name": "N", "content": "Open."}
    made = as_acme.put(url, text, content_type=JSON)
    assert made.status_code == 201
    old = made.json()["id"]
    assert as_acme.delete(url).status_code == 204
    host = {"host": "bots.acme.example.com"}
    assert as_acme.post("/v1/tenants/me/hosts", host, content_type=JSON).status_code == 201
    monkeypatch.setattr(
        checking, "read_texts", lambda *_, **__: {checking.proof_of(Domain.objects.get())[1]}
    )
    give(features=[], most_sources=0)
    key = {"credentials": {"api_key": "sk-0123456789abcdef0123"}}
    for method, path, body in (
        ("put", url, text),
        ("patch", f"/v1/sources/{old}", {"is_active": True}),
        ("put", url, {**SITE, "bot_profile_id": bot}),
        ("post", "/v1/sources/preview", {"config": SITE["config"], "bot_profile_id": bot}),
        ("post", "/v1/bot-profiles", {"name": "Bert", **key}),
        ("patch", f"/v1/bot-profiles/{bot}", key),
        ("post", "/v1/tenants/me/hosts/bots.acme.example.com/check", {}),
    ):  # fmt: skip
        answer = getattr(as_acme, method)(path, body, content_type=JSON)
        assert answer.status_code == 403 and answer.json()["code"] == "not_in_plan", (path, answer)
    assert Domain.objects.get().is_claim


def test_numbers_are_kept_by_api_and_admin(as_acme, acme, bot):
    give(most_bots=1, most_people=2, most_sources=1)
    text = {"bot_profile_id": bot, "source_type": "text", "name": "N", "content": "Open."}
    assert as_acme.post("/v1/sources", text, content_type=JSON).status_code == 201
    person = {"email": "eve@acme.example.com", "password": "correct horse battery"}
    for path, body in (
        ("/v1/bot-profiles", {"name": "Bert"}), ("/v1/sources", text), ("/v1/users", person),
        ("/v1/invitations", {"email": "ivy@acme.example.com"}),
        ("/v1/sources/batch", {**text, "name": "B", "children": [text]}),
    ):  # fmt: skip
        answer = as_acme.post(path, body, content_type=JSON)
        assert answer.status_code == 403 and answer.json()["code"] == "not_in_plan", (path, answer)
    alice = browser("alice@acme.example.com", "acme")
    page = alice.post("/admin/bots/botprofile/add/", bot_form(name="Bert"))
    assert page.status_code == 302
    assert "has room for 1" in alice.get("/admin/bots/botprofile/add/").content.decode()
    with tenant_context(acme.tenant):
        assert BotProfile.objects.count() == 1
    assert User.objects.filter(tenant=acme.tenant).count() == 2, "Alice and Bob"
    # Switched off it leaves room; switched on again it is one more.
    assert as_acme.delete(f"/v1/bot-profiles/{bot}").status_code == 204
    other = as_acme.post("/v1/bot-profiles", {"name": "Bert"}, content_type=JSON)
    assert other.status_code == 201
    again = as_acme.patch(f"/v1/bot-profiles/{bot}", {"is_active": True}, content_type=JSON)
    assert again.status_code == 403


def test_a_plans_quotas_are_written_changed_and_taken_away(acme, as_acme):
    plan = give(messages_per_month=100, cost_usd_per_month="2.5")
    tenant = Tenant.objects.get(slug="acme")
    with tenant_context(tenant):
        Quota.objects.create(resource="messages", limit=7)  # the tenant's own stays
        assert apply_plan() == 2 and apply_plan() == 0, "done twice it changes nothing"
    limits = {
        (row["resource"], row["is_platform"]): row["limit"]
        for row in as_acme.get("/v1/quotas").json()["items"]
    }
    assert limits == {("messages", False): 7, ("messages", True): 100, ("cost_usd", True): 2.5}
    change_plan(plan, {"messages_per_month": 50, "cost_usd_per_month": None}, actor="olga")
    assert DueWork.objects.filter(tenant_id=tenant.pk, kind=DueKind.PLANS).exists()
    with tenant_context(tenant):
        DUTIES[DueKind.PLANS].run()
        assert [str(q.limit.normalize()) for q in Quota.objects.filter(from_plan=True)] == ["5E+1"]
    held = {each["name"]: each for each in as_acme.get("/v1/tenants/me/plan").json()["held"]}
    assert held["messages"] | {"label": ""} == {
        "name": "messages", "label": "", "limit": 50, "used": 0,
    }  # fmt: skip
    tenant.plan = "unknown"
    tenant.save(update_fields=["plan"])
    with tenant_context(tenant):
        DUTIES[DueKind.PLANS].run()
        assert not Quota.objects.filter(from_plan=True).exists()
        assert Quota.objects.count() == 1
    assert AuditEvent.objects.filter(action="quota.removed", actor="plan").count() == 1


def test_operators_make_plans_in_their_admin_and_tenants_see_theirs(acme, olga):
    operator = browser(olga.email)
    url = operator.url(platform_site, Plan, "add")
    form = {"key": "small", "name": "Small", "features": ["sites"], "most_bots": "1"}
    assert operator.post(url, form).status_code == 302
    assert Plan.objects.get().features == ["sites"] and "1 of 7" in operator.get(
        operator.url(platform_site, Plan, "changelist")
    ).content.decode().replace("\n", " ")
    Tenant.objects.filter(slug="acme").update(plan="small")
    alice = browser("alice@acme.example.com", "acme")
    page = alice.get("/admin/bots/quota/plan/").content.decode()
    assert "Your plan: Small" in page and "not in your plan" in page and "0 of 1" in page
    keys = alice.get("/admin/bots/providercredential/").content.decode()
    assert "does not have this: Own keys" in keys
    assert "/admin/bots/providercredential/add/" not in keys
    assert alice.get("/admin/bots/providercredential/add/").status_code == 403
    in_use = operator.get(operator.url(platform_site, Plan, "delete", "small"))
    assert in_use.status_code == 403

"""Every write is in the audit log, with who did it and from where: by the API, in both admins, by commands.

The routes are those that the API describes, the pages and acts those that are registered, so a new one fails here until
it is audited, or is named below as no write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from minirag.lib.http_in.openapi import EXAMPLE_IDS
from tenants.admin_site.sites import platform_site, tenant_site
from tenants.context import tenant_context
from tenants.models import AuditEvent, Plan, Tenant, TenantTransfer, User
from tenants.platform.operators import mint_operator_token
from tenants.provisioning import archive_tenant, provision_tenant
from tests.openapi import document
from tests.openapi_scene import furnished  # noqa: F401 - a fixture
from tests.test_admin import Browser, browser
from tests.test_openapi_examples import HEADERS, fill_in, make_form, query_of
from tests.test_query_counts import furnish_the_rest, scene_of_the_platform

ADDRESS, AGENT = "203.0.113.9", "Shop/1.0"
NO_WRITE = {
    "post /v1/auth/login": "a log-in changes nothing; wrong passwords that lock are recorded",
    "post /v1/auth/forgotten-password": "a worker mails the link, and writes it down",
    "post /v1/auth/set-password": "needs a link from a mail: tenants/tests/test_links.py",
    **dict.fromkeys(
        (
            "post /v1/auth/second-factor",
            "post /v1/auth/second-factor/confirm",
            "delete /v1/auth/sessions/{session_id}",
            "post /v1/auth/second-factor/recovery-codes",
            "post /v1/auth/second-factor/remove",
        ),
        "refuses API tokens: tenants/tests/test_factors.py",
    ),
    "post /v1/chat": "the chat itself is what is kept of it",
    "post /v1/chat/completions": "the chat itself is what is kept of it",
    "post /v1/responses": "the chat itself is what is kept of it",
    "post /v1/mcp": "of its tools only `ask` leaves something behind: the chat itself",
    "post /v1/embeddings": "stores nothing but its cost",
    "post /v1/turns/{turn_id}/stop": "part of asking: the stopped answer is what is kept of it",
    "post /v1/widget/sessions": "a visitor's, not of a person of the tenant",
    "post /v1/widget/frames": "a visitor's, as over their socket",
    "post /v1/bot-profiles/{bot_profile_id}/explain": "leaves no chat behind, only its cost",
    "post /v1/bot-profiles/{bot_profile_id}/scopes/check": "stores nothing",
    "post /v1/sources/validate-file": "stores nothing",
    "post /v1/sources/preview": "stores nothing",
    "post /v1/gaps/{gap_id}/draft": "stores nothing; that it was asked for is recorded",
}
# Where the example alone changes nothing, what to send instead.
BODIES: dict[str, Any] = {
    "post /v1/sources/reindex": {"dry_run": False},
    "put /v1/sources/by-external-id/{external_id}": {
        "bot_profile_id": EXAMPLE_IDS["bot_profile_id"], "name": "Hours", "source_type": "text", "content": "Closed.",
    },
    "delete /v1/platform/tenants/{slug}": {"confirm": "hooli"},
    "post /v1/platform/tenants/{slug}/erase": {"confirm": "hooli"},
    "post /v1/platform/bulk/{act}": {"slugs": ["hooli"]},
    "post /v1/platform/bulk/{act}-matching": {"q": "hooli", "expected_total": 1, "confirm": True},
}  # fmt: skip
# What has to be done before.
UNMADE = {
    "post /v1/sources/{source_id}/cancel": "post /v1/sources/{source_id}/ingest",
    "post /v1/handoffs/{handoff_id}/join": "post /v1/handoffs/{handoff_id}/release",
    "post /v1/datasets/{dataset_id}/bots": "delete /v1/datasets/{dataset_id}/bots/{bot_profile_id}",
    "delete /v1/stats/pricing": "put /v1/stats/pricing",
    "post /v1/evaluation-runs/{evaluation_run_id}/cancel": "post /v1/evaluation-runs/{evaluation_run_id}/retry",
}


def writes(*, platform: bool) -> list[Any]:
    """Each operation that writes, with the first example of its body."""
    found = []
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            name = f"{method} {path}"
            is_asked = path.startswith("/v1/platform/") == platform
            if method != "get" and is_asked and name not in NO_WRITE:
                found.append(pytest.param(method, path, operation, id=name))
    return found


def send(client: Client, method: str, path: str, operation: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    examples = content.get("application/json", {}).get("examples", {"": {"value": None}})
    body = BODIES.get(f"{method} {path}", next(iter(examples.values()))["value"])
    url = f"{fill_in(path.replace('{slug}', 'hooli').replace('{act}', 'suspend'))}?{query_of(operation)}"
    url += "force=true" if path == "/v1/datasets/{dataset_id}" else ""
    form = content.get("multipart/form-data", {}).get("schema")
    headers = {**HEADERS.get(path, {}), "user-agent": AGENT}
    if form is not None:
        return client.post(url, make_form(form), headers=headers, REMOTE_ADDR=ADDRESS)
    return getattr(client, method)(
        url, body, headers=headers, content_type="application/json", REMOTE_ADDR=ADDRESS
    )


def new_events(before: int, **wanted: Any) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(pk__gt=before, **wanted))


def last_event() -> int:
    return AuditEvent.objects.order_by("pk").values_list("pk", flat=True).last() or 0


@pytest.fixture
def scene(furnished, acme, settings):
    settings.ALLOW_TENANT_SIGNUP = True
    with tenant_context(acme.tenant):
        apps.get_model("bots.PriceOverride").objects.create(model="text", prompt_cost_per_1m=2)


@pytest.mark.parametrize(("method", "path", "operation"), writes(platform=False))
def test_a_write_by_api_is_written_down(scene, acme, as_acme, method, path, operation):
    first = UNMADE.get(f"{method} {path}")
    if first:
        verb, _, other = first.partition(" ")
        assert send(as_acme, verb, other, document()["paths"][other][verb]).status_code < 300
    before = last_event()
    client = Client() if operation.get("security") == [] else as_acme
    response = send(client, method, path, operation)
    assert response.status_code < 300, response.content[:500]
    events = new_events(before)
    assert events, f"{method} {path} left no line"
    for event in events:
        assert event.actor, event.action
        assert (event.detail["address"], event.detail["agent"]) == (ADDRESS, AGENT), event.action
        assert acme.raw_token not in str(event.detail)
    if client is as_acme:
        assert {(event.actor, event.tenant_slug) for event in events} == {
            (acme.owner.email, "acme")
        }


@pytest.mark.parametrize(("method", "path", "operation"), writes(platform=True))
def test_a_write_by_an_operators_program_is_written_down(db, olga, method, path, operation):
    secret = mint_operator_token(olga, "billing")[1]
    program = Client(HTTP_AUTHORIZATION=f"Bearer {secret}")
    made = provision_tenant(
        name="Hooli", slug="hooli", owner_email="gavin@hooli.example.com",
        owner_password="correct horse battery",
    )  # fmt: skip
    if (method == "delete" and "{slug}" in path) or path.endswith("/erase"):
        archive_tenant(made.tenant)
    Plan.objects.get_or_create(key=EXAMPLE_IDS["key"], defaults={"name": "Pro"})
    waits = {"kind": "export", "slug": "hooli", "status": "pending", "queued_at": timezone.now()}
    TenantTransfer.objects.update_or_create(pk=EXAMPLE_IDS["transfer_id"], defaults=waits)
    before = last_event()
    response = send(program, method, path, operation)
    assert response.status_code < 300, response.content[:500]
    for event in new_events(before):
        assert event.actor.startswith(olga.email) and event.detail["address"] == ADDRESS
        assert event.detail["token"] == secret[:8]
    assert new_events(before), f"{method} {path} left no line"


# --- The admins' forms and acts ------------------------------------------------------------------------------------
# What a form is filled with besides what it shows: a page that is not here fails.
CHANGES = {
    "bots.BotProfile": {"name": "Bert"},
    "knowledge.CuratedAnswer": {"title": "Bicycles"},
    "bots.Scope": {"max_words": "120"},
    "bots.Quota": {"limit": "7"},
    "bots.ProviderCredential": {"name": "House of ours"},
    "bots.QualityGate": {"least_right": "0.5"},
    "bots.PriceOverride": {"prompt_cost_per_1m": "3"},
    "conversations.GoldenQuestion": {"tags": "prices"},
    "conversations.CannedAnswer": {"text": "From 9 to 18."},
    "conversations.HandoffRules": {"hours": "mon 09:00-17:00"},
    "knowledge.Source": {"name": "House rules"},
    "knowledge.Dataset": {"name": "Leaflets"},
    "webhooks.Webhook": {"description": "ours", "url": "https://hooks.example.com/in"},
    "tenants.User": {"display_name": "Danielle"},
    "tenants.Tenant": {"name": "Acme & Co"},
    "tenants.Plan": {"name": "Pro and more"},
    "tenants.Domain": {"domain": "ask.acme.example.com"},
    "django_celery_beat.PeriodicTask": {"description": "ours"},
    "django_celery_beat.IntervalSchedule": {"every": "77"},
    "django_celery_beat.CrontabSchedule": {"minute": "17"},
}
OTHER_BOT = "b0700000-0000-4000-8000-000000000002"  # without a gate
BOT, THE_TENANT = EXAMPLE_IDS["bot_profile_id"], "the tenant's id"
ADDITIONS = {
    "bots.BotProfile": {"name": "Bert"},
    "knowledge.CuratedAnswer": {
        "bots": [EXAMPLE_IDS["bot_profile_id"]], "question": "Is there a car park?", "answer": "Yes.",
    },
    "bots.Scope": {"name": "Sales", "bot_profile": BOT},
    "bots.Quota": {"resource": "messages", "limit": "7", "period": "day"},
    "bots.ProviderCredential": {"name": "Ours", "provider": "openai", "new_key": "sk-0123456789abcdef"},
    "bots.QualityGate": {"bot_profile": OTHER_BOT, "least_right": "0.5"},
    "bots.PriceOverride": {"model": "openai/gpt-9", "prompt_cost_per_1m": "3", "completion_cost_per_1m": "3"},
    "conversations.CannedAnswer": {"name": "prices", "text": "12 euros"},
    "conversations.HandoffRules": {"bot_profile": OTHER_BOT},
    "conversations.GoldenQuestion": {"question": "What does a puncture cost?", "bot_profile": BOT},
    "knowledge.Source": {"source_type": "text", "name": "Note", "content": "Closed.", "bot_profile": BOT},
    "knowledge.Dataset": {"name": "Leaflets"},
    "webhooks.Webhook": {"url": "https://hooks.example.com/in", "events": ["chat.message"]},
    "tenants.Plan": {"key": "large", "name": "Large", "features": ["sites"]},
    "tenants.User": {"email": "eve@acme.example.com", "password": "correct horse battery", "role": "member"},
    "tenants.ApiToken": {"name": "shop", "user": EXAMPLE_IDS["user_id"]},
    "tenants.Tenant": {
        "name": "Initech", "slug": "initech", "owner_email": "iris@initech.example.com",
        "owner_password": "correct horse battery",
    },
    "tenants.Domain": {"domain": "ask.acme.example.com", "tenant": THE_TENANT},
    "django_celery_beat.IntervalSchedule": {"every": "77", "period": "seconds"},
    "django_celery_beat.CrontabSchedule": {"minute": "17"},
}  # fmt: skip
ANSWERS = {
    "copy": {"slug": "acme-two"},
    "write_answer": {"answer": "Yes."},
    "edit_text": {"content": "Open all day."},
    "correct": {"content": "Error E24: dust it."},
    "publish": {"reason": "It reads better."},
    "erase": {"slug": "acme"},
    "try_key": {"model": "gpt-4o-mini"},
    "set_password": {"password": "another horse battery", "again": "another horse battery"},
    "replace": {"file": SimpleUploadedFile("newer.txt", b"Open all day.")},
}
# Acts that undo another one or need a result, and what the row is before.
UNDOING = {
    "activate": {"is_active": False},
    "restore": {"status": "suspended"},
    "erase": {"status": "archived"},
    "plan_chosen": {"plan": "none"},
    "resume": {"maintenance_until": timezone.now() + timedelta(hours=9)},
    "invite_again": {"password": "!"},
    "revoke_invitation": {"password": "!"},
    "download": {"status": "succeeded"},
    "cancel": {"status": "pending", "queued_at": timezone.now()},
    "replace": {"source_type": "upload"},
    "delete_visitor": {"visitor_id": "visitor-of-the-example"},
}
LOOKING = {
    "compare_two",
    "download_receipt",
    "download_file",
    "show_receipt",
}  # acts that only show something
SITES = {"tenant": tenant_site, "platform": platform_site}


class Stage(NamedTuple):
    browser: Browser
    rows: dict[type, Any]
    who: str


def pages(kind: str) -> list[Any]:
    """Each registered page with each of its acts of a kind; forms are asked for their permissions when it runs."""
    found = []
    for site_name, site in SITES.items():
        for model, admin in site._registry.items():
            for act in getattr(admin, kind) if kind in ("actions", "actions_detail") else (kind,):
                if act in LOOKING:
                    continue
                found.append(
                    pytest.param(site_name, model, act, id=f"{site_name} {model._meta.label} {act}")
                )
    return found


def fields_of(form: Any) -> dict[str, Any]:
    """What a browser would send of a form that nobody has touched."""
    data: dict[str, Any] = {}
    for field in form:
        value, widget = field.value(), field.field.widget
        if hasattr(widget, "decompress"):
            parts = widget.decompress(value)
            data |= {f"{field.html_name}_{n}": part or "" for n, part in enumerate(parts)}
        elif isinstance(value, list | tuple):
            data[field.html_name] = [str(each) for each in value]
        elif isinstance(value, bool):
            data |= {field.html_name: "on"} if value else {}
        elif value is not None and not field.field.disabled:
            data[field.html_name] = str(value)
    return data


def filled(response: Any) -> dict[str, Any]:
    if "adminform" not in response.context:
        return fields_of(response.context["form"]) if "form" in response.context else {}
    data = fields_of(response.context["adminform"].form)
    for inline in response.context["inline_admin_formsets"]:
        for form in (inline.formset.management_form, *inline.formset.forms):
            data |= fields_of(form)
    return data


@pytest.fixture(scope="class")
def stages(furnished, _parties, django_db_blocker) -> Iterator[dict[str, Stage]]:
    """The rows of each site by model, and who may do everything there, in a transaction around the tests of a class."""
    acme, olga = _parties["acme"], User.objects.get(email="olga@platform.example.com")
    with django_db_blocker.unblock(), transaction.atomic():
        platform = {type(row): row for row in scene_of_the_platform(acme.tenant, olga)}
        with tenant_context(acme.tenant):
            tenants = make_rows_of_a_tenant(acme.tenant)
        yield {
            "platform": Stage(browser(olga.email), platform, olga.email),
            "tenant": Stage(browser(acme.owner.email, "acme"), tenants, acme.owner.email),
        }
        transaction.set_rollback(True)


def make_rows_of_a_tenant(tenant: Tenant) -> dict[type, Any]:
    furnish_the_rest(tenant)
    apps.get_model("bots.BotProfile").objects.create(pk=OTHER_BOT, name="Other")
    rows = {model: model._default_manager.order_by("pk").first() for model in tenant_site._registry}
    own = {
        "tenants.User": "user_id",
        "tenants.ApiToken": "token_id",
        "knowledge.Dataset": "dataset_id",
    }
    return rows | {
        apps.get_model(name): apps.get_model(name).objects.get(pk=EXAMPLE_IDS[key])
        for name, key in own.items()
    }


@pytest.fixture
def stage(stages, acme, olga):
    """One site's rows, and a browser of its own that is logged in already."""

    def set_up(site: str) -> tuple[Browser, dict[type, Any], str]:
        if site == "tenant":
            stack.enter_context(tenant_context(acme.tenant))
        made = stages[site]
        fresh = Browser(made.browser.slug)
        fresh.cookies = deepcopy(made.browser.cookies)
        return fresh, made.rows, made.who

    with ExitStack() as stack:
        yield set_up


def post(client: Browser, url: str, data: dict[str, Any]) -> Any:
    return client.post(url, data, headers={"user-agent": AGENT}, REMOTE_ADDR=ADDRESS)


def require_line(before: int, who: str, response: Any) -> None:
    shown = response.context["errors"] if response.context and "errors" in response.context else ""
    events = new_events(before)
    assert events, f"no line was written: {response.status_code} {shown}"
    for event in events:
        assert event.actor == who, event.action
        assert (event.detail["address"], event.detail["agent"]) == (ADDRESS, AGENT), event.action


class TestAdmins:
    @pytest.mark.parametrize(
        ("site", "model", "page"), [*pages("add"), *pages("change"), *pages("delete")]
    )
    def test_what_a_form_does_is_written_down(self, stage, site, model, page):
        client, rows, who = stage(site)
        url = client.url(SITES[site], model, page, *([] if page == "add" else [rows[model].pk]))
        shown = client.get(url)
        allowed = shown.status_code == 200 and (
            page != "change" or shown.context["has_change_permission"]
        )
        if not allowed:
            assert post(client, url, {"post": "yes"}).status_code in (302, 403)
            return
        table = {"add": ADDITIONS, "change": CHANGES, "delete": {}}[page]
        answers = dict(table[model._meta.label]) if table else {"post": "yes"}
        if answers.get("tenant") == THE_TENANT:
            answers["tenant"] = str(rows[Tenant].pk)
        before = last_event()
        require_line(before, who, post(client, url, {**filled(shown), **answers}))

    @pytest.mark.parametrize(
        ("site", "model", "act"), [*pages("actions"), *pages("actions_detail")]
    )
    def test_what_an_act_does_is_written_down(self, stage, site, model, act):
        client, rows, who = stage(site)
        row, admin = rows[model], SITES[site]._registry[model]
        for word, state in UNDOING.items():
            if act.startswith(word):
                type(row).objects.filter(pk=row.pk).update(**state)
        with connection.cursor() as cursor:  # a schema is not dropped while its checks are deferred
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        before = last_event()
        if act in admin.actions:
            data = {"action": act, "_selected_action": [str(row.pk)], "post": "yes"}
            require_line(
                before, who, post(client, client.url(SITES[site], model, "changelist"), data)
            )
            return
        path = getattr(getattr(admin, act), "url_path", None) or act
        url = client.url(SITES[site], model, "change", row.pk).replace("/change/", f"/{path}/")
        shown = client.get(url, headers={"user-agent": AGENT}, REMOTE_ADDR=ADDRESS)
        if shown.status_code == 200 and not shown.streaming:
            assert not new_events(before), "looking is no act"
            shown = post(client, url, {**filled(shown), **ANSWERS.get(act, {})})
        require_line(before, who, shown)


def test_an_operator_who_enters_a_tenant_is_in_its_log_and_in_no_other(
    acme, globex, olga, as_acme, as_globex
):
    reason = {"reason": "to look", "role": "member", "minutes": "30"}
    browser(olga.email, "acme").post("/admin/enter/", reason)
    entered = as_acme.get("/v1/audit-events?action=tenant.entered").json()["items"]
    assert [event["actor"] for event in entered] == [olga.email]
    assert as_globex.get("/v1/audit-events?action=tenant.entered").json()["items"] == []


def test_a_tenants_admin_shows_its_own_log_to_those_who_manage_it(
    acme, globex, as_acme, as_globex, bob
):
    for client, name in ((as_acme, "Ava of acme"), (as_globex, "Gus of globex")):
        client.post("/v1/bot-profiles", {"name": name}, content_type="application/json")
    page = browser(acme.owner.email, "acme").get("/admin/tenants/auditevent/").content.decode()
    assert "Ava of acme" in page and "Gus of globex" not in page
    assert browser(bob.email, "acme").get("/admin/tenants/auditevent/").status_code == 403


def test_a_command_is_written_down_as_what_it_is(acme):
    before = last_event()
    call_command("set_quota", tenant="acme", resource="messages", limit="5")
    call_command("create_token", tenant="acme", email=acme.owner.email, name="shop")
    assert [event.actor for event in reversed(new_events(before))] == [
        "manage.py set_quota", "manage.py create_token",
    ]  # fmt: skip


def test_what_has_changed_is_told_and_no_secret(acme, as_acme):
    made = as_acme.post(
        "/v1/bot-profiles",
        {"name": "Ava", "credentials": {"api_key": "sk-one"}},
        content_type="application/json",
    ).json()
    before = last_event()
    changes = {"name": "Bea", "system_prompt": "Be kind.", "credentials": {"api_key": "sk-two"}}
    as_acme.patch(f"/v1/bot-profiles/{made['id']}", changes, content_type="application/json")
    (event,) = new_events(before)
    assert event.detail["changes"] == {
        "name": ["Ava", "Bea"],
        "system_prompt": ["28 characters", "8 characters"],
        "encrypted_credentials": ["…", "…"],
    }
    assert "sk-" not in str(AuditEvent.objects.values_list("detail", flat=True))


def test_what_is_called_no_write_is_still_there():
    routes = {f"{verb} {path}" for path, each in document()["paths"].items() for verb in each}
    assert set(NO_WRITE) | set(UNMADE) <= routes

"""No page and no read of the API costs more queries where there is more: every one is asked with few and many rows.

The pages of both admins are those that are registered, the reads those that the API describes, so a new one is asked
without being entered here. What a row is called in an address is in tests/openapi_scene.py and in the scenes below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from tenants.admin_site.sites import platform_site, tenant_site
from tenants.context import tenant_context
from tenants.models import (
    AuditEvent,
    ErasureReceipt,
    OperatorToken,
    Plan,
    SchemaMigration,
    Tenant,
    TenantTransfer,
    User,
)
from tenants.platform.operators import mint_operator_token
from tenants.platform.receipts import sign_receipt
from tests.crowd import multiply
from tests.openapi import document
from tests.openapi_scene import furnish
from tests.test_admin import Browser, browser
from tests.test_openapi_examples import fill_in, query_of

MOST_QUERIES = 15
MANY = 40
# One row of each is all there can be, or all that a page shows belongs to the row itself.
SINGLE = {"bots.SharedStorage", "bots.UsageRollup", "knowledge.LexiconTotals"}


def scene_of_a_tenant(tenant: Tenant) -> list[models.Model]:
    """One row of every model of a tenant, and of what the public schema has of it."""
    furnish(tenant.slug)
    with tenant_context(tenant):
        return [*_tenants_own_rows(tenant), *_public_rows_of(tenant)]


def _tenants_own_rows(tenant: Tenant) -> Iterator[models.Model]:
    furnish_the_rest(tenant)
    for model in apps.get_models():
        if model._meta.app_label in ("admin", "bots", "webhooks", "knowledge", "conversations"):
            row = model._default_manager.first()
            if row is not None and model._meta.label not in SINGLE:
                yield row


def furnish_the_rest(tenant: Tenant) -> None:
    """Make what no example of the API speaks of."""
    get = apps.get_model
    LogEntry.objects.create(
        user=User.objects.filter(tenant=tenant).first(), object_repr="x", action_flag=2,
        content_type=ContentType.objects.get_for_model(Tenant), change_message="changed",
    )  # fmt: skip
    bot, source = get("bots.BotProfile").objects.first(), get("knowledge.Source").objects.first()
    document_row = get("knowledge.Document").objects.first()
    answer = get("conversations.Message").objects.filter(role="assistant").first()
    get("knowledge.Chunk").objects.create(
        id=source.pk, document=document_row, source=source, ordinal=0, content="Open from 9 to 17.",
        token_count=6, content_hash="0",
    )  # fmt: skip
    get("conversations.Citation").objects.create(
        message=answer,
        number=1,
        chunk_id=source.pk,
        source_id=source.pk,
        title="Hours",
        content="Open",
        score=0.9,
    )
    get("knowledge.SitePage").objects.create(
        id=source.pk, sync=get("knowledge.SiteSync").objects.first(), url="https://a.example.com/"
    )
    get("bots.UsageEvent").objects.create(
        bot_profile=bot, chat_id=answer.chat_id, message_id=answer.pk, model="minirag/extractive"
    )
    get("bots.PriceOverride").objects.create(model="openai/gpt-4o", prompt_cost_per_1m=2)
    quota = get("bots.Quota").objects.create(
        subject="bot", subject_id=bot.pk, resource="messages", limit=100
    )
    get("bots.QuotaUse").objects.create(quota=quota, starts_at=quota.created_at, used=12)
    delivery = get("webhooks.Delivery").objects.first()
    get("webhooks.Attempt").objects.create(delivery=delivery, number=1, started_at=timezone.now())


def _public_rows_of(tenant: Tenant) -> Iterator[models.Model]:
    yield User.objects.filter(tenant=tenant, role="member").order_by("email").first()
    yield apps.get_model("tenants.ApiToken").objects.filter(tenant=tenant).first()
    yield AuditEvent.objects.filter(tenant_slug=tenant.slug).first()


def scene_of_the_platform(tenant: Tenant, operator: User) -> list[models.Model]:
    """One row of every model that the platform's admin shows."""
    interval = IntervalSchedule.objects.create(every=30, period="seconds")
    return [
        tenant,
        *_public_rows_of(tenant),
        apps.get_model("tenants.Domain").objects.create(
            tenant=tenant, domain="chats.acme.example.com", is_primary=True
        ),
        Plan.objects.create(key="medium", name="Medium"),
        OperatorToken.objects.create(user=operator, name="billing", token_hash="y" * 64),
        SchemaMigration.objects.create(tenant=tenant, to_version="1", started_at=timezone.now()),
        tenant.entries.first(),
        TenantTransfer.objects.create(kind="export", slug=tenant.slug, status="failed"),
        ErasureReceipt.objects.create(slug="gone", receipt=sign_receipt({"slug": "gone"})),
        interval,
        CrontabSchedule.objects.create(hour="4"),
        LogEntry.objects.create(
            user=operator, object_repr="x", action_flag=2, change_message="changed"
        ),
        PeriodicTask.objects.create(name="sweep", task="knowledge.tasks.sweep", interval=interval),
    ]


def pages_of(client: Browser, site: Any, rows: Iterable[models.Model]) -> Iterator[str]:
    """Every page of every registered model, those of its own acts as well."""
    yield "/admin/"
    known = {type(row): row for row in rows}
    for model, admin in site._registry.items():
        yield client.url(site, model, "changelist")
        yield client.url(site, model, "changelist") + "?q=a"
        yield client.url(site, model, "add")
        assert model in known, f"no row of {model.__name__} is made here"
        for page in ("change", "history", "delete"):
            yield client.url(site, model, page, known[model].pk)
        for act in getattr(admin, "actions_detail", ()):
            path = getattr(getattr(admin, act), "url_path", None) or act
            yield re.sub("[^/]+/$", f"{path}/", client.url(site, model, "change", known[model].pk))
        for field in getattr(admin, "autocomplete_fields", ()):
            names = {"app_label": model._meta.app_label, "model_name": model._meta.model_name}
            yield f"/admin/autocomplete/?{urlencode({**names, 'field_name': field})}"


def reads_of_the_api(*, platform: bool = False) -> Iterator[str]:
    for path, operations in document()["paths"].items():
        if "get" in operations and path.startswith("/v1/platform/") == platform:
            operation = operations["get"]
            url = fill_in(path.replace("{slug}", "acme"))
            yield f"{url}?{query_of(operation)}"
            if any(each.get("name") == "limit" for each in operation["parameters"]):
                yield f"{url}?limit=100&{query_of(operation)}"


def count_queries(client: Client, urls: Iterable[str]) -> dict[str, int]:
    """Of one call of each. The first may fill a cache: some queries more, and far fewer than one for each of MANY."""
    return {url: _count_once(client, url) for url in urls}


def count_again(client: Client, few: dict[str, int]) -> dict[str, int]:
    """The same where there is more; what looks too much is called twice, since it may have filled a cache."""
    many = count_queries(client, few)
    return many | count_queries(client, [url for url in few if _is_too_much(few[url], many[url])])


def _count_once(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        response = client.get(url)
        b"".join(response) if response.streaming and not response.is_async else None
    assert response.status_code < 500, url
    return sum(not _is_bookkeeping(query["sql"]) for query in queries.captured_queries)


def _is_bookkeeping(sql: str) -> bool:
    return sql.startswith(
        ("SAVEPOINT", "RELEASE", "SET search_path", "SET LOCAL", "BEGIN", "COMMIT")
    )


def expect_no_more(few: dict[str, int], many: dict[str, int]) -> None:
    complaints = [
        f"{url}: {few[url]} queries with few rows, {many[url]} with many"
        for url in few
        if _is_too_much(few[url], many[url])
    ]
    assert not complaints, "\n".join(complaints)


def _is_too_much(few: int, many: int) -> bool:
    return many > max(few, 3) + 1 or many > MOST_QUERIES


@pytest.fixture
def tenant_rows(acme: Any) -> list[models.Model]:
    return scene_of_a_tenant(acme.tenant)


def crowd(tenant: Tenant | None, rows: Iterable[models.Model]) -> None:
    with tenant_context(tenant):
        for row in rows:
            multiply(row, MANY)


def test_no_page_of_a_tenants_admin_costs_more_where_there_is_more(acme, tenant_rows):
    alice = browser("alice@acme.example.com", "acme")
    urls = list(pages_of(alice, tenant_site, tenant_rows))
    few = count_queries(alice, urls)
    crowd(acme.tenant, tenant_rows)
    expect_no_more(few, count_again(alice, few))


def test_no_page_of_the_platforms_admin_does(acme, olga):
    operator = browser("olga@platform.example.com")
    rows = scene_of_the_platform(acme.tenant, olga)
    urls = list(pages_of(operator, platform_site, rows))
    few = count_queries(operator, urls)
    crowd(None, rows)
    expect_no_more(few, count_again(operator, few))


def test_no_read_of_the_api_does(acme, as_acme, tenant_rows):
    urls = list(reads_of_the_api())
    few = count_queries(as_acme, urls)
    crowd(acme.tenant, tenant_rows)
    expect_no_more(few, count_again(as_acme, few))


def test_no_read_of_the_platforms_api_does(acme, olga):
    secret = mint_operator_token(olga, "billing")[1]
    program = Client(HTTP_AUTHORIZATION=f"Bearer {secret}")
    urls = list(reads_of_the_api(platform=True))
    few = count_queries(program, urls)
    crowd(None, [acme.tenant, *_public_rows_of(acme.tenant)])
    expect_no_more(few, count_again(program, few))

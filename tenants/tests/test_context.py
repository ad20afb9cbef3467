"""The ContextVar decides which schema a query sees, across awaits, tasks and threads."""

import asyncio

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.db import connection

from bots.models import BotProfile
from tenants.context import (
    NoTenant,
    current_schema,
    require_tenant,
    run_sync,
    scoped_name,
    tenant_context,
)


def search_path() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        return cursor.fetchone()[0]


def test_a_query_sees_the_schema_of_the_tenant_in_force(acme, globex):
    with tenant_context(acme.tenant):
        assert search_path() == "t_acme, public"
        with tenant_context(globex.tenant):
            assert search_path() == "t_globex, public"
        assert search_path() == "t_acme, public"
    assert search_path() == "public"


def test_rows_of_one_tenant_do_not_exist_in_another(acme, globex):
    with tenant_context(acme.tenant):
        BotProfile.objects.create(name="Helper")
    with tenant_context(globex.tenant):
        assert not BotProfile.objects.exists()


def test_the_context_follows_awaits_and_tasks(acme, globex):
    async def read(party):
        with tenant_context(party.tenant):
            await asyncio.sleep(0)
            seen = [await run_sync(search_path)]
            await asyncio.sleep(0.001)
            return [*seen, current_schema(), await run_sync(search_path)]

    async def interleave():
        return await asyncio.gather(*(read(party) for party in (acme, globex) * 5))

    for party, seen in zip((acme, globex) * 5, async_to_sync(interleave)(), strict=True):
        schema = party.tenant.schema_name
        assert seen == [f"{schema}, public", schema, f"{schema}, public"]


def test_without_a_tenant_the_core_refuses_to_run():
    with pytest.raises(NoTenant):
        require_tenant()
    with pytest.raises(NoTenant):
        scoped_name("group", 1)


def test_a_savepoint_that_rolls_back_does_not_leave_another_path_behind(acme, globex):
    from django.db import transaction

    with tenant_context(acme.tenant):
        search_path()
        with pytest.raises(RuntimeError), tenant_context(globex.tenant), transaction.atomic():
            search_path()
            raise RuntimeError
        assert search_path() == "t_acme, public"


def test_the_connection_itself_takes_no_tenant(acme):
    with pytest.raises(RuntimeError, match="tenant_context"):
        connection.set_tenant(acme.tenant)


def test_cache_entries_of_two_tenants_are_apart(acme, globex):
    with tenant_context(acme.tenant):
        cache.set("greeting", "hello", 30)
    with tenant_context(globex.tenant):
        assert cache.get("greeting") is None
    with tenant_context(acme.tenant):
        assert cache.get("greeting") == "hello"

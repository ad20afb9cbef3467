"""Scheduled work, tenant by tenant."""

from __future__ import annotations

from unittest import mock

from django.db import ProgrammingError

from bots.tasks import roll_up_usage_of_tenants
from tenants.context import current_tenant, require_tenant
from tenants.tasks import sum_over_tenants


def test_a_tenant_whose_tables_are_broken_does_not_keep_the_others_waiting(acme, globex):
    done = []

    def work() -> int:
        done.append(require_tenant().slug)
        if done[-1] == "acme":
            raise ProgrammingError("column does not exist")
        return 1

    assert sum_over_tenants(work) == 1
    assert sorted(done) == ["acme", "globex"] and current_tenant() is None


def test_usage_is_added_up_in_the_tenants_that_can(acme, globex):
    def work() -> int:
        if require_tenant().slug == "acme":
            raise ProgrammingError("column does not exist")
        return 7

    with mock.patch("bots.tasks.roll_up_usage", work):
        assert roll_up_usage_of_tenants() == 7

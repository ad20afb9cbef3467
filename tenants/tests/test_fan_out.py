"""Scheduled work, tenant by tenant."""

from __future__ import annotations

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import ProgrammingError, transaction

from tenants import tasks
from tenants.context import current_tenant, require_tenant
from tenants.models import Tenant
from tenants.provisioning import erase_tenant, provision_tenant
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


def test_a_tenant_that_is_erased_meanwhile_ends_nobody_elses_work(acme, globex, caplog):
    """Found as `Tenant.DoesNotExist` from the middle of the work; whatever it is, the next tenant's turn comes."""
    gone = provision_tenant(
        name="Gone", slug="a-gone", owner_email="o@gone.example.com", owner_password="a long phrase"
    )
    Tenant.objects.filter(pk=gone.tenant.pk).update(created_at="2000-01-01T00:00Z")
    done = []

    def work() -> int:
        tenant = require_tenant()
        if tenant.slug == "a-gone":
            erase_tenant(tenant)
        with transaction.atomic():  # or what fails here would end the test's own transaction
            Tenant.objects.get(pk=tenant.pk)
        done.append(tenant.slug)
        return 1

    assert sum_over_tenants(work) == len(done) and {"acme", "globex"} <= set(done)
    assert "Traceback" not in caplog.text and "erased" in caplog.text


def test_a_workers_time_limit_is_no_tenants_failure(acme, globex):
    def work() -> int:
        raise SoftTimeLimitExceeded

    with pytest.raises(SoftTimeLimitExceeded):
        sum_over_tenants(work)


def test_no_connection_remembers_the_tables_of_thousands(acme, globex, monkeypatch):
    done: list[str] = []
    monkeypatch.setattr(tasks, "_TENANTS_PER_CONNECTION", 2)
    monkeypatch.setattr(tasks.connection, "close", lambda: done.append("a new connection"))
    sum_over_tenants(lambda: done.append(require_tenant().slug) or 1)
    assert done == ["acme", "a new connection", "globex"]

"""Two people who act at the same moment, on connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connections

from minirag.lib.errors import ProductError
from tenants.context import tenant_context
from tenants.models import ApiToken, AuditEvent, Role, Tenant, User
from tenants.people import change_user
from tenants.provisioning import erase_tenant, provision_tenant
from tenants.tokens import rotate_token


@pytest.fixture
def initech(django_db_setup, django_db_blocker) -> Iterator[Tenant]:
    """A tenant whose rows are committed, with the owners Bill and Carl; erased afterwards."""
    with django_db_blocker.unblock():
        made = provision_tenant(
            name="Initech", slug="initech", owner_email="bill@initech.example.com", owner_password="correct horse"
        )
        User.objects.create_user("carl@initech.example.com", "correct horse", tenant=made.tenant, role=Role.OWNER)
        try:
            with tenant_context(made.tenant):
                yield made.tenant
        finally:
            erase_tenant(made.tenant)
            AuditEvent.objects.filter(tenant_slug="initech").delete()
            connections.close_all()


def race(tenant: Tenant, *acts: Callable[[], object]) -> list[str]:
    """Run `acts` at the same time; returns what each ended with, "done" or an error's code."""
    outcomes: list[str] = []
    begin = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        with tenant_context(tenant):
            begin.wait(10)
            try:
                act()
                outcomes.append("done")
            except ProductError as error:
                outcomes.append(error.code)
            finally:
                connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


@pytest.mark.parametrize("change", [{"role": Role.MEMBER}, {"is_active": False}])
def test_two_owners_who_remove_each_other_leave_one(initech, change):
    bill, carl = User.objects.filter(tenant=initech).order_by("email")
    for _ in range(5):
        User.objects.filter(tenant=initech).update(role=Role.OWNER, is_active=True)
        outcomes = race(
            initech,
            lambda: change_user(bill, carl.pk, change, tenant=initech),
            lambda: change_user(carl, bill.pk, change, tenant=initech),
        )
        assert outcomes == ["done", "role_forbidden"]  # whoever comes second is no owner any more
        assert User.objects.filter(tenant=initech, role=Role.OWNER, is_active=True).count() == 1


def test_a_token_that_is_rotated_twice_at_once_gets_one_successor(initech):
    owner = User.objects.filter(tenant=initech).first()
    token = ApiToken.objects.get(tenant=initech)
    assert race(initech, *[lambda: rotate_token(token.pk, 60, actor=owner)] * 4) == [
        "done", "token_rotated", "token_rotated", "token_rotated",
    ]  # fmt: skip
    assert ApiToken.objects.filter(tenant=initech).count() == 2

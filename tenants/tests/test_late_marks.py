"""A tenant that an older release's process signs up after `migrate` has no mark: it fails closed and is soon healed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from bots.models import BotProfile
from conftest import PASSWORD
from minirag.operations import diagnosis
from minirag.tasks import mark_new_schemas
from tenants import schemas
from tenants.backend.cursor import mark_of
from tenants.context import tenant_context
from tenants.models import Tenant
from tenants.provisioning import Provisioned, provision_tenant


@pytest.fixture
def late(acme, globex, monkeypatch) -> Provisioned:
    """A tenant made by a process that knows of no marks."""
    with monkeypatch.context() as old:
        old.setattr(schemas, "mark_schema", lambda tenant: None)
        return provision_tenant(
            name="Late", slug="late", owner_email="l@late.example.com", owner_password=PASSWORD
        )


def list_bots(made: Provisioned):
    point = transaction.savepoint()  # the refusal ends the test's transaction
    response = Client(HTTP_AUTHORIZATION=f"Bearer {made.raw_token}").get("/v1/bot-profiles")
    if response.status_code == 503:
        transaction.savepoint_rollback(point)
    return response


def give_it_a_bot_of(party, late: Provisioned) -> None:
    """As where another tenant's backup was restored into its schema."""
    with tenant_context(party.tenant):
        BotProfile.objects.create(name="Somebody else's")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {late.tenant.schema_name}.bots_botprofile"
            f" SELECT * FROM {party.tenant.schema_name}.bots_botprofile"
        )


def test_until_it_is_marked_its_requests_are_told_to_come_again(late, as_acme):
    response = list_bots(late)
    assert response.status_code == 503
    assert response.json()["code"] == "database_unavailable" and response.json()["retryable"]
    assert int(response["Retry-After"]) > 0
    assert as_acme.get("/v1/bot-profiles").status_code == 200


def test_the_log_says_which_schema_lacks_whose_mark(late, caplog):
    list_bots(late)
    said = caplog.text
    assert late.tenant.schema_name in said and "tenant's mark" in said


def test_the_clock_marks_it(late):
    assert mark_new_schemas() == 1
    assert list_bots(late).status_code == 200
    assert mark_new_schemas() == 0
    assert diagnosis.check_pooler().state == diagnosis.OK


def test_the_clock_leaves_a_schema_alone_that_holds_anothers_bots(late, acme):
    give_it_a_bot_of(acme, late)
    assert mark_new_schemas() == 0
    assert list_bots(late).status_code == 503


def test_so_does_migrate_and_says_so(late, acme):
    give_it_a_bot_of(acme, late)
    with pytest.raises(CommandError, match=r"late.*backup"):
        call_command("migrate", verbosity=0)
    assert list_bots(late).status_code == 503


def test_the_clock_leaves_old_tenants_to_migrate(late):
    """A schema that lost its mark long after it was made was put there by somebody."""
    long_ago = timezone.now() - timedelta(days=8)
    Tenant.objects.filter(pk=late.tenant.pk).update(created_at=long_ago)
    assert mark_new_schemas() == 0
    call_command("migrate", verbosity=0)
    assert list_bots(late).status_code == 200


def test_the_clock_leaves_a_schema_with_anothers_mark_and_a_missing_one_alone(late, acme):
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE TYPE {late.tenant.schema_name}."{mark_of(acme.tenant.pk)}" AS ()')
    Tenant.objects.create(name="Nowhere", slug="nowhere", schema_name="t_nowhere")
    assert mark_new_schemas() == 0
    assert list_bots(late).status_code == 503


def test_one_statement_looks_for_them_however_many_there_are(late, django_assert_num_queries):
    mark_new_schemas()
    with django_assert_num_queries(1):
        mark_new_schemas()

"""Slugs and the schemas they lead to: what is there already is never taken over, and never a 500."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from minirag.lib.errors import Conflict, ProductError
from tenants.models import SchemaTemplate, Tenant, make_schema_name
from tenants.provisioning import provision_tenant

SIGN_UP = {
    "tenant_name": "Bikes",
    "owner_email": "rosa@bikes.example.com",
    "owner_password": "a long pass phrase",
}


def provision(slug: str) -> Tenant:
    return provision_tenant(
        name="Bikes", slug=slug, owner_email="rosa@bikes.example.com", owner_password="a long pass"
    ).tenant


def leave_schema(name: str) -> None:
    """As a restore by hand, or another program in this database, would leave one."""
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{name}"')
        cursor.execute(f'CREATE TABLE "{name}".left_over (secret text)')


def tables_of(name: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [name])
        return [table for (table,) in cursor.fetchall()]


@pytest.fixture(params=["from the template", "by migrations"])
def either_way(request, acme) -> None:
    """A schema is made from the dumped template, or where there is no dump by running the migrations."""
    if request.param == "by migrations":
        SchemaTemplate.objects.all().delete()


@pytest.mark.parametrize("there", ["t_bikes", "T_Bikes", "T_BIKES"])
def test_a_slug_whose_schema_is_there_is_taken_and_the_schema_is_left_alone(either_way, there):
    leave_schema(there)
    with pytest.raises(Conflict) as refused:
        provision("bikes")
    assert refused.value.code == "slug_taken"
    assert not Tenant.objects.filter(slug="bikes").exists()
    assert tables_of(there) == ["left_over"]


def test_signing_up_with_it_is_a_conflict(acme, settings):
    settings.ALLOW_TENANT_SIGNUP = True
    leave_schema("t_bikes")
    body = {**SIGN_UP, "tenant_slug": "bikes"}
    answer = Client().post("/v1/tenants", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (409, "slug_taken")


def test_adding_it_in_the_admin_says_so(olga):
    leave_schema("t_bikes")
    client = Client()
    client.force_login(olga)
    form = {
        "name": "Bikes",
        "slug": "bikes",
        "owner_email": "rosa@bikes.example.com",
        "owner_password": "a long pass phrase",
    }
    answer = client.post("/admin/tenants/tenant/add/", form)
    assert answer.status_code == 200 and "already taken" in answer.content.decode()


def test_the_command_says_so_without_a_traceback(acme):
    leave_schema("t_bikes")
    with pytest.raises(CommandError, match="already taken"):
        call_command("provision_tenant", "bikes", "--owner-email=rosa@bikes.example.com")


def test_a_tenant_whose_schema_differs_by_case_only_is_a_conflict(acme):
    Tenant.objects.filter(pk=acme.tenant.pk).update(slug="renamed")
    with pytest.raises(Conflict):
        provision("acme")
    Tenant.objects.filter(pk=acme.tenant.pk).update(schema_name="T_ACME")
    with pytest.raises(Conflict):
        provision("acme")


@pytest.mark.parametrize(
    "slug",
    [
        "public",
        "template0",
        "tenant-template",
        "postgres",
        "pg-x",
        "information-schema",
        "-",
        "--",
        "0",
    ],
)
def test_a_slug_like_a_name_of_postgresql_gets_a_schema_of_its_own(acme, slug):
    tenant = provision(slug)
    assert tenant.schema_name.startswith("t_")
    assert "bots_botprofile" in tables_of(tenant.schema_name)


@pytest.mark.parametrize(
    "slug", ["pg_catalog", "ACME", "Acme", "acme ", "acme\n", "", "a.b", "a/b", "é", "x" * 101]
)
def test_what_is_not_a_slug_is_refused(acme, slug, settings):
    settings.ALLOW_TENANT_SIGNUP = True
    with pytest.raises(ProductError) as refused:
        provision(slug)
    assert refused.value.code == "slug_invalid"
    body = {**SIGN_UP, "tenant_slug": slug}
    assert Client().post("/v1/tenants", body, content_type="application/json").status_code == 422


def test_long_slugs_never_share_a_schema():
    long = "a" * 70
    shortened = make_schema_name(long)
    twin = shortened.removeprefix("t_").replace("_", "-")
    assert len(shortened) == len(make_schema_name(twin)) == 63
    assert make_schema_name(twin) != shortened

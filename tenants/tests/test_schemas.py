"""Schemas made from the dumped template are the ones that the migrations would make."""

import threading
import time

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations import RenameModel

from minirag.operations.diagnosis import check_tenants
from tenants import schemas
from tenants.backend import migrating as running
from tenants.backend.comparing import read_facts
from tenants.backend.cursor import mark_of
from tenants.backend.migrating import Migrations
from tenants.context import PUBLIC_SCHEMA, tenant_context
from tenants.models import SchemaMigration, SchemaTemplate, Tenant
from tenants.platform import migrating
from tenants.provisioning import erase_tenant, provision_tenant


def read_unmarked(tenant: Tenant) -> list[tuple[str, str]]:
    """What is in a tenant's schema, but for the mark that says whose it is."""
    mark = mark_of(tenant.pk)
    return [fact for fact in read_facts(tenant.schema_name) if fact[0] not in (mark, f"_{mark}")]


def test_a_cloned_schema_equals_a_migrated_one(acme):
    assert SchemaTemplate.objects.filter(version=schemas.target_version()).exists(), (
        "pg_dump of the wheel was not used"
    )
    schemas.migrate_schema("by_migrations")
    cloned, migrated = read_unmarked(acme.tenant), read_facts("by_migrations")
    assert len(cloned) > 2000
    assert cloned == migrated
    ledgers = [
        schemas.recorded_migrations(schema) for schema in (acme.tenant.schema_name, "by_migrations")
    ]
    assert len(ledgers[0]) > 5
    assert ledgers[0] == ledgers[1]


def test_no_tenant_table_is_in_the_public_schema(acme):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [PUBLIC_SCHEMA])
        public = {name for (name,) in cursor.fetchall()}
    assert not {
        name
        for name in public
        if name.startswith(("bots_", "knowledge_", "conversations_", "chunk_index"))
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 't_acme'")
        tenant = {name for (name,) in cursor.fetchall()}
    assert tenant & public == {"django_migrations", "django_admin_log"}


def test_a_stale_tenant_is_migrated_once_and_leaves_a_ledger_row(acme, globex):
    Tenant.objects.filter(pk=acme.tenant.pk).update(schema_version="old")
    lines: list[str] = []
    assert migrating.migrate_tenants(lines.append) == []
    assert lines == ["acme: migrated"]
    entry = SchemaMigration.objects.get(tenant=acme.tenant)
    assert (entry.from_version, entry.to_version, entry.error) == (
        "old",
        schemas.target_version(),
        "",
    )
    assert migrating.migrate_tenants(lines.append) == [] and len(lines) == 1


def test_a_failing_tenant_keeps_the_others_going_and_a_failing_canary_does_not(
    acme, globex, monkeypatch
):
    Tenant.objects.update(schema_version="old")
    real = schemas.migrate_schema

    def break_acme(schema_name: str, **kwargs) -> None:
        if schema_name == "t_acme":
            raise RuntimeError("disk on fire")
        real(schema_name, **kwargs)

    monkeypatch.setattr(schemas, "migrate_schema", break_acme)
    assert migrating.migrate_tenants(lambda line: None) == ["acme"]
    assert Tenant.objects.get(slug="globex").schema_version == schemas.target_version()
    assert "disk on fire" in SchemaMigration.objects.get(tenant=acme.tenant).error

    Tenant.objects.update(schema_version="old")
    Tenant.objects.filter(slug="acme").update(is_canary=True)
    assert migrating.migrate_tenants(lambda line: None) == ["acme"]
    assert Tenant.objects.get(slug="globex").schema_version == "old"


def test_several_at_once_share_the_tenants_and_one_that_fails_keeps_no_other_back(
    initech, _parties, monkeypatch
):
    """On connections of their own, so with rows that are committed; all but Initech stand again as they did."""
    with tenant_context(None):
        Tenant.objects.update(schema_version="old")
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE t_initech.django_migrations RENAME app TO lost")
        threads, lines, real = set[int](), list[str](), schemas.migrate_schema

        def note(schema_name: str, **kwargs) -> None:
            threads.add(threading.get_ident())
            time.sleep(0.05)
            real(schema_name, **kwargs)

        monkeypatch.setattr(schemas, "migrate_schema", note)
        monkeypatch.setattr(migrating, "_TENANTS_PER_THREAD", 1)
        assert migrating.migrate_tenants(lines.append, at_once=2) == ["initech"]
        assert len(threads) == 2 and threading.get_ident() not in threads
        assert {"acme: migrated", "globex: migrated"} < set(lines)
        assert [tenant.slug for tenant in migrating.stale_tenants()] == ["initech"]
        failure = SchemaMigration.objects.get(tenant=initech).error
        assert failure.startswith("ProgrammingError: ") and "app" in failure
        assert (
            check_tenants().detail
            == f"1 behind: initech; initech failed last: {failure.splitlines()[0]}"
        )
        SchemaMigration.objects.exclude(tenant=initech).delete()


def test_a_tenant_that_another_process_has_migrated_is_left_to_it(acme, monkeypatch):
    behind = Tenant.objects.get(pk=acme.tenant.pk)
    behind.schema_version = "old"
    monkeypatch.setattr(migrating, "stale_tenants", lambda: [behind])
    assert migrating.migrate_tenants(lambda line: None) == []
    assert not SchemaMigration.objects.filter(tenant=behind).exists()


def test_a_schema_whose_migrations_break_off_does_not_spoil_the_next_one(acme):
    migrations = Migrations()
    with connection.cursor() as cursor:
        for name in ("broken", "sound"):
            cursor.execute(f"CREATE SCHEMA {name}")
        cursor.execute("CREATE TABLE broken.webhooks_webhook ()")
    with pytest.raises(ProgrammingError), transaction.atomic():
        migrations.run("broken")
    for _ in range(2):  # the second time there is nothing to do
        migrations.run("sound")
    assert read_facts("sound") == read_unmarked(acme.tenant)


def test_without_pg_dump_a_new_tenant_is_made_by_the_migrations(acme, monkeypatch):
    SchemaTemplate.objects.all().delete()
    made = provision_tenant(
        name="Slow", slug="slow", owner_email="s@slow.example.com", owner_password="long enough"
    )
    assert read_unmarked(made.tenant) == read_unmarked(acme.tenant)


def test_a_process_that_is_older_than_the_template_takes_the_template_once_there_is_one(
    acme, monkeypatch
):
    kept = list(SchemaTemplate.objects.all())
    SchemaTemplate.objects.all().delete()
    provision_tenant(
        name="Early", slug="early", owner_email="e@early.example.com", owner_password="long enough"
    )
    SchemaTemplate.objects.bulk_create(kept)
    monkeypatch.setattr(
        schemas, "migrate_schema", lambda name: pytest.fail("the template was not looked for again")
    )
    made = provision_tenant(
        name="Late", slug="late", owner_email="l@late.example.com", owner_password="long enough"
    )
    assert read_unmarked(made.tenant) == read_unmarked(acme.tenant)


def test_an_old_process_claims_no_migration_of_a_newer_release(acme):
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {schemas.TEMPLATE_SCHEMA}.django_migrations (app, name, applied)"
            " VALUES ('bots', '9999_of_a_newer_release', now())"
        )
    made = provision_tenant(
        name="Old", slug="old", owner_email="o@old.example.com", owner_password="long enough"
    )
    ledger = schemas.recorded_migrations(made.tenant.schema_name)
    assert ledger == schemas.recorded_migrations(acme.tenant.schema_name)
    assert ("bots", "9999_of_a_newer_release") not in ledger


def test_a_tenant_that_is_erased_meanwhile_stops_nothing_and_gets_no_schema(acme, monkeypatch):
    Tenant.objects.filter(pk=acme.tenant.pk).update(schema_version="old")
    gone = Tenant(slug="gone", schema_name="t_gone", schema_version="old")
    lines: list[str] = []
    monkeypatch.setattr(
        migrating, "stale_tenants", lambda: [gone, Tenant.objects.get(pk=acme.tenant.pk)]
    )
    assert migrating.migrate_tenants(lines.append) == []
    assert lines == ["gone: erased meanwhile, or migrated by another process", "acme: migrated"]
    assert not SchemaMigration.objects.exclude(tenant=acme.tenant).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 't_gone'")
        assert cursor.fetchone() == (0,)


def test_erasing_leaves_nothing_but_the_audit_event(acme):
    from tenants.models import ApiToken, AuditEvent, User

    made = provision_tenant(
        name="Gone", slug="gone", owner_email="g@gone.example.com", owner_password="long enough"
    )
    erase_tenant(made.tenant, actor="test")
    assert not Tenant.objects.filter(slug="gone").exists()
    assert (
        not User.objects.filter(pk=made.owner.pk).exists()
        and not ApiToken.objects.filter(pk=made.token.pk).exists()
    )
    assert AuditEvent.objects.filter(action="tenant.erased", tenant_slug="gone").count() == 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_namespace WHERE nspname = %s", [made.tenant.schema_name]
        )
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("slug", ["a" * 100, "a" * 99 + "b", "-", "a-b"])
def test_every_legal_slug_has_a_schema_name_of_its_own(slug):
    from tenants.models import make_schema_name

    assert len(make_schema_name(slug)) <= 63
    assert make_schema_name("a" * 100) != make_schema_name("a" * 99 + "b")


def test_the_template_is_left_alone_when_nothing_changed(acme):
    with tenant_context(None):
        assert schemas.refresh_template() is False


def test_a_public_schema_with_nothing_left_to_do_hears_of_no_migration(acme):
    Migrations().run_in_public(lambda *told: pytest.fail(str(told)))


def test_a_public_schema_is_brought_on_from_where_it_is(acme):
    told: list[tuple[str, str]] = []
    [(app, newest)] = MigrationLoader(None).graph.leaf_nodes("conversations")  # none depends on it
    with tenant_context(None), connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        before = set(cursor.fetchall())
        cursor.execute("DELETE FROM django_migrations WHERE (app, name) = (%s, %s)", [app, newest])
    Migrations().run_in_public(lambda action, migration: told.append((action, str(migration))))
    assert told == [("apply_start", f"{app}.{newest}"), ("apply_success", f"{app}.{newest}")]
    with tenant_context(None), connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        assert set(cursor.fetchall()) == before


def test_migrate_does_not_say_that_there_was_nothing_to_do_right_after_it_did_some(acme, capsys):
    [(app, newest)] = MigrationLoader(None).graph.leaf_nodes("conversations")
    with tenant_context(None), connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE (app, name) = (%s, %s)", [app, newest])
    call_command("migrate", verbosity=1)
    said = capsys.readouterr().out
    assert f"Applying {app}.{newest}... OK" in said and "No migrations to apply" not in said
    call_command("migrate", verbosity=1)
    assert "No migrations to apply" in capsys.readouterr().out


def test_a_renamed_model_is_left_to_djangos_command_which_renames_its_content_type(
    acme, monkeypatch
):
    renaming = Migration("0010_renaming", "webhooks")
    renaming.operations = [RenameModel("Webhook", "Hook")]
    monkeypatch.setattr(
        Migrations,
        "_find_way",
        lambda self, *key: running._Way(MigrationExecutor(connection), ((renaming, ()),)),
    )
    Migrations().run_in_public(lambda *told: pytest.fail(str(told)))

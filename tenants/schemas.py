"""Tenant schemas: a template kept migrated, new schemas made from its dumped DDL, old ones migrated one by one.

Cloning a dump costs a tenth of running the migrations, and, unlike django-tenants' `clone_schema`, keeps halfvec
dimensions and constraint names. `pg_dump` is needed only where the template changes (the `migrate` command); without
it new schemas are made by running the migrations, with the same result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import cache

import structlog
from django.conf import settings
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from psycopg.errors import DuplicateSchema

from tenants.backend.comparing import read_facts
from tenants.backend.condensing import condense
from tenants.backend.cursor import mark_of
from tenants.backend.distributing import distribute_schema, read_sizes
from tenants.backend.dumping import PLACEHOLDER, dump_schema
from tenants.backend.migrating import Migrations
from tenants.context import Schema, tenant_context
from tenants.models import BotAddress, SchemaTemplate, Tenant

logger = structlog.get_logger(__name__)

TEMPLATE_SCHEMA = "tenant_template"
_TRIED_SCHEMA = "tenant_template_tried"
_NEW_FOR = timedelta(days=7)


class SchemaExists(Exception):
    """There is a schema of this name."""


@cache
def target_version() -> str:
    """Hash the newest migrations of the tenant apps: the version that every tenant's schema should have."""
    loader, labels = MigrationLoader(None), _tenant_labels()
    leaves = sorted(f"{app}.{name}" for app, name in loader.graph.leaf_nodes() if app in labels)
    return hashlib.sha256("\n".join(leaves).encode()).hexdigest()[:32]


def migrate_schema(schema_name: str, migrations: Migrations | None = None) -> None:
    """Create the schema where it is missing and run the tenant apps' migrations in it, in one transaction.

    Whoever does it for many schemas hands over the same `migrations` each time.
    """
    with transaction.atomic():
        (migrations or Migrations()).run(schema_name)


def refresh_template(migrations: Migrations | None = None) -> bool:
    """Bring the template schema and its dump up to date; False when they were already."""
    version = target_version()
    if SchemaTemplate.objects.filter(version=version).exists():
        return False
    migrate_schema(TEMPLATE_SCHEMA, migrations)
    ddl = dump_schema(TEMPLATE_SCHEMA)
    if ddl is None:
        return False
    applied, condensed = recorded_migrations(TEMPLATE_SCHEMA), condense(ddl)
    if not _make_the_same(ddl, condensed):
        logger.warning("the template is used as it was dumped: condensed it makes another schema")
        condensed = ddl
    SchemaTemplate.objects.update_or_create(
        version=version, defaults={"ddl": condensed, "migrations": applied}
    )
    return True


def _make_the_same(ddl: str, condensed: str) -> bool:
    made = _read_made(condensed)
    return made is not None and made == _read_made(ddl)


def _read_made(ddl: str) -> list[tuple[str, str]] | None:
    """What a schema of this DDL has in it, None where PostgreSQL refuses it. It is gone again at once."""
    with transaction.atomic():
        before = transaction.savepoint()
        try:
            _claim_name(_TRIED_SCHEMA)
            _run_ddl(ddl, _TRIED_SCHEMA)
            return read_facts(_TRIED_SCHEMA)
        except DatabaseError:
            return None
        finally:
            transaction.savepoint_rollback(before)


def create_schema(tenant: Tenant) -> str:
    """Make a tenant's schema from the template and return its version. The caller holds the transaction.

    Raises SchemaExists: a schema that exists already holds somebody's data and is never given to anybody else.
    """
    version = target_version()
    template = SchemaTemplate.objects.filter(version=version).first()
    _claim_name(tenant.schema_name)
    if template is None:
        migrate_schema(tenant.schema_name)
    else:
        _clone_template(template, tenant.schema_name)
    mark_schema(tenant)
    return version


def settle_schema(tenant: Tenant) -> None:
    """Keep the version of a new schema and give the schema its place: last of all, once its rows are there."""
    tenant.save(update_fields=["schema_version"])
    distribute_schema(tenant.schema_name)


def known_migrations() -> set[tuple[str, str]]:
    """The (app, name) of every migration of the tenant apps that this release has."""
    return {key for key in MigrationLoader(None).graph.nodes if key[0] in _tenant_labels()}


def create_schema_at(tenant: Tenant, migrations: set[tuple[str, str]]) -> None:
    """Make a tenant's schema as it was after these migrations of an earlier release. The caller holds the transaction.

    Raises SchemaExists, and ValueError where they are no state that this release has been in.
    """
    graph = MigrationLoader(None).graph
    needed = {key for known in migrations for key in graph.forwards_plan(known)}
    if {key for key in needed if key[0] in _tenant_labels()} != migrations:
        raise ValueError("These migrations are not all that they need.")
    ends = {key for key in migrations if not (set(graph.node_map[key].children) & migrations)}
    _claim_name(tenant.schema_name)
    Migrations().run(tenant.schema_name, sorted(ends))
    mark_schema(tenant)


def _tenant_labels() -> set[str]:
    return {app.rpartition(".")[2] for app in settings.TENANT_APPS}


def _claim_name(schema_name: str) -> None:
    with connection.cursor() as cursor:
        # Names that differ by case only are two to PostgreSQL and one to people and to django-tenants.
        cursor.execute("SELECT FROM pg_namespace WHERE lower(nspname) = lower(%s)", [schema_name])
        if cursor.fetchone() is not None:
            raise SchemaExists(schema_name)
        try:
            cursor.execute(f"CREATE SCHEMA {connection.ops.quote_name(schema_name)}")
        except ProgrammingError as error:
            if isinstance(error.__cause__, DuplicateSchema):  # made in this very moment
                raise SchemaExists(schema_name) from error
            raise


def _clone_template(template: SchemaTemplate, schema_name: str) -> None:
    quoted = connection.ops.quote_name(schema_name)
    _run_ddl(template.ddl, schema_name)
    with connection.cursor() as cursor:
        # The ledger that belongs to this DDL: the template schema itself may already be a newer release's.
        cursor.execute(
            f"INSERT INTO {quoted}.django_migrations (app, name, applied)"  # noqa: S608 - the name is ours
            " SELECT pair ->> 0, pair ->> 1, now() FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS t (pair, n)"
            " ORDER BY n",
            [json.dumps(template.migrations)],
        )


def _run_ddl(ddl: str, schema_name: str) -> None:
    with connection.wrap_database_errors, connection.cursor() as cursor:
        # check_function_bodies and the search path are as pg_dump expects them: every name is qualified.
        cursor.cursor.execute(
            ddl.replace(PLACEHOLDER, connection.ops.quote_name(schema_name)).encode()
        )


def mark_schema(tenant: Tenant) -> None:
    """Leave the mark in a tenant's schema that every statement of the tenant looks for (`tenants.backend.cursor`)."""
    quote = connection.ops.quote_name
    with tenant_context(None), connection.cursor() as cursor:
        cursor.execute(f"CREATE TYPE {quote(tenant.schema_name)}.{quote(mark_of(tenant.pk))} AS ()")


def find_unmarked() -> tuple[list[Tenant], list[Tenant]]:
    """Return the tenants whose schema lacks a mark, and those whose schema carries another tenant's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, array_remove(array_agg(t.typname::text), NULL) FROM pg_namespace n"
            " LEFT JOIN pg_type t ON t.typnamespace = n.oid AND t.typtype = 'c' AND t.typname LIKE %s"
            " GROUP BY n.nspname",
            [mark_of("%")],
        )
        marks: dict[str, list[str]] = dict(cursor.fetchall())
    # A schema that is not there at all is for `migrate` to make.
    tenants = [tenant for tenant in Tenant.objects.order_by("slug") if tenant.schema_name in marks]
    unmarked = [tenant for tenant in tenants if not marks[tenant.schema_name]]
    foreign = [
        tenant for tenant in tenants if marks[tenant.schema_name] not in ([], [mark_of(tenant.pk)])
    ]
    return unmarked, foreign


def mark_schemas() -> int:
    """Mark the schemas that were made before there were marks; returns how many.

    A schema that carries another tenant's mark, or holds another's bots, is left alone.
    """
    return _mark(find_unmarked()[0])


def find_new_unmarked() -> list[Tenant]:
    """Return the tenants of the last days whose schema exists and carries no tenant's mark.

    A process of an earlier release that still runs after `migrate` makes such ones.
    """
    return list(
        Tenant.objects.raw(
            "SELECT t.* FROM tenants_tenant t JOIN pg_namespace n ON n.nspname = t.schema_name"
            " WHERE t.created_at > %s AND NOT EXISTS (SELECT FROM pg_type y"
            " WHERE y.typnamespace = n.oid AND y.typtype = 'c' AND y.typname LIKE %s)",
            [timezone.now() - _NEW_FOR, mark_of("%")],
        )
    )


def mark_new_schemas() -> int:
    """Mark those of `find_new_unmarked`, as `mark_schemas` does; returns how many."""
    return _mark(find_new_unmarked())


def _mark(unmarked: list[Tenant]) -> int:
    marked = 0
    for tenant in unmarked:
        with transaction.atomic():
            # It may have been erased in the meantime, or marked by another `migrate`.
            if (
                lock_tenant(tenant) is not None
                and not _is_marked(tenant)
                and not holds_foreign_bots(tenant)
            ):
                mark_schema(tenant)
                marked += 1
    return marked


def lock_tenant(tenant: Tenant) -> Tenant | None:
    """Keep a tenant from being erased until the transaction ends; returns it as it is, None when it is gone already."""
    return Tenant.objects.select_for_update(no_key=True).filter(pk=tenant.pk).first()


def holds_foreign_bots(tenant: Tenant) -> bool:
    """Whether the public directory says of a bot in the schema that it is another tenant's."""
    table = f"{connection.ops.quote_name(tenant.schema_name)}.bots_botprofile"
    with tenant_context(None), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(
            f"SELECT EXISTS (SELECT FROM {table} b JOIN {BotAddress._meta.db_table} a"  # noqa: S608 - names are ours
            " ON a.bot_profile_id = b.id WHERE a.tenant_id <> %s)",
            [tenant.pk],
        )
        return bool(cursor.fetchone()[0])


def _is_marked(tenant: Tenant) -> bool:
    quote = connection.ops.quote_name
    name = f"{quote(tenant.schema_name)}.{quote(mark_of(tenant.pk))}"
    with tenant_context(None), connection.cursor() as cursor:
        cursor.execute("SELECT to_regtype(%s) IS NOT NULL", [name])
        return bool(cursor.fetchone()[0])


def drop_schema(schema_name: str) -> None:
    """Drop a tenant's schema with all that is in it."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {connection.ops.quote_name(schema_name)} CASCADE")


def measure_schema(
    schema_name: str, tell: Callable[[int, int, str], None] | None = None
) -> tuple[dict[str, int], int]:
    """Count the rows of each table of a schema that has any, and the bytes of all on the disk.

    `tell` hears how many tables are counted, of how many, and which is next.
    """
    found = read_sizes(schema_name)
    with connection.cursor() as cursor:
        quote, rows = connection.ops.quote_name, dict[str, int]()
        counted = "SELECT count(*) FROM {}.{}"
        for number, (name, _) in enumerate(found):
            if tell is not None:
                tell(number, len(found), name)
            cursor.execute(counted.format(quote(schema_name), quote(name)))
            (rows[name],) = cursor.fetchone()
    return {name: count for name, count in rows.items() if count}, sum(size for _, size in found)


def recorded_migrations(schema_name: str) -> list[tuple[str, str]]:
    """Return the (app, name) pairs of a schema's own ledger, in the order in which they were applied."""
    with tenant_context(Schema(schema_name)):
        return list(
            MigrationRecorder(connection).migration_qs.order_by("id").values_list("app", "name")
        )

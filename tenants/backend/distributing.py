"""Tenants' schemas on a Citus cluster: each whole on one worker, the public schema on the coordinator.

A schema is made and filled as anywhere else and distributed last, with `citus_schema_distribute`, in the same
transaction. With `citus.enable_schema_based_sharding` each table would be distributed as it is made, and Citus would
refuse half of what pg_dump writes: identities that are added to a column, the storage of columns.

Identities become `bigint` before, the only kind that it distributes. There are no references out of a schema: Citus
allows those to reference tables alone, and ours cannot become any, since the tables around them count their rows by
identity columns, which it cannot convert (its issues 6808 and 7036).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from tenants.context import tenant_context

_IDENTITIES = """
    SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind = 'r' AND a.attidentity <> ''
       AND a.atttypid <> 'bigint'::regtype ORDER BY 1
"""
_UNDISTRIBUTED = """
    SELECT t.schema_name FROM tenants_tenant t JOIN pg_namespace n ON n.nspname = t.schema_name
     WHERE NOT EXISTS (SELECT FROM citus_schemas s WHERE s.schema_name = n.oid::regnamespace) ORDER BY 1
"""

_HOLD_TENANT = "SELECT 1 FROM tenants_tenant WHERE schema_name = %s FOR NO KEY UPDATE"


@dataclass(frozen=True)
class Cluster:
    """What the database says of Citus; nothing of it where the extension is missing."""

    version: str
    workers: int
    undistributed: list[str]
    """Schemas of tenants that are on the coordinator still."""


def distribute_schema(schema_name: str) -> None:
    """Hand a tenant's schema, as it is, to a worker, where DATABASE_CITUS is set. The caller holds the transaction."""
    if not settings.DATABASE_CITUS:
        return
    quote = connection.ops.quote_name
    place = quote(schema_name)
    with tenant_context(None), connection.cursor() as cursor:
        # With checks to come, of new users for one, the tables that they are about could not be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(_IDENTITIES, [place])
        for table, column in cursor.fetchall():
            cursor.execute(
                f"ALTER TABLE {place}.{quote(table)} ALTER COLUMN {quote(column)} TYPE bigint"
            )
        cursor.execute("SELECT citus_schema_distribute(%s::regnamespace)", [place])


def distribute_schemas(report: Callable[[str], None]) -> tuple[int, list[str]]:
    """Distribute what is not yet, each tenant in a transaction of its own; returns how many, and the schemas that Citus
    refused.

    One that is refused, since its migration has failed and it still has what Citus does not distribute, keeps no other
    back; `report` hears why.
    """
    if not settings.DATABASE_CITUS:
        return 0, []
    distributed, refused = 0, list[str]()
    for schema_name in find_undistributed():
        try:
            distributed += _distribute_held(schema_name)
        except DatabaseError as error:
            refused.append(schema_name)
            report(f"{schema_name}: NOT HANDED TO CITUS {type(error).__name__}: {error}")
    return distributed, refused


def _distribute_held(schema_name: str) -> bool:
    """Distribute a tenant's schema; False when the tenant was erased meanwhile."""
    with transaction.atomic(), tenant_context(None), connection.cursor() as cursor:
        cursor.execute(_HOLD_TENANT, [schema_name])  # from being erased
        if cursor.fetchone() is None:
            return False
        distribute_schema(schema_name)
    return True


def find_undistributed() -> list[str]:
    """The schemas of tenants that are on the coordinator still. Only where there is Citus."""
    with tenant_context(None), connection.cursor() as cursor:
        cursor.execute(_UNDISTRIBUTED)
        return [row[0] for row in cursor.fetchall()]


def read_cluster() -> Cluster | None:
    """What the database knows of Citus; None where it knows none."""
    with tenant_context(None), connection.cursor() as cursor:
        cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'citus'")
        found = cursor.fetchone()
        if found is None:
            return None
        cursor.execute("SELECT count(*) FROM citus_get_active_worker_nodes()")
        return Cluster(found[0], cursor.fetchone()[0], find_undistributed())


def read_sizes(schema_name: str) -> list[tuple[str, int]]:
    """Each table of a schema by name, with its bytes and those of its indexes, wherever its rows are."""
    measure = "citus_total_relation_size" if settings.DATABASE_CITUS else "pg_total_relation_size"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.relname, {measure}(c.oid) FROM pg_class c"  # noqa: S608 - one of two names
            " WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind = 'r' ORDER BY c.relname",
            [connection.ops.quote_name(schema_name)],
        )
        found: list[tuple[str, int]] = cursor.fetchall()
        return found

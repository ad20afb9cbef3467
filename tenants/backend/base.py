"""Database backend whose `search_path` follows the ContextVar of `tenants.context` with every statement.

django-tenants keeps the tenant on the connection object, which async code, pools and thread hops share wrongly
(measured: 300 of 300 async reads in the wrong schema), and tells the server once per connection, which a pooler shares
wrongly. Here no connection knows of a tenant: see `tenants.backend.cursor`.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import ProgrammingError
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.base.introspection import BaseDatabaseIntrospection
from django.db.backends.postgresql.introspection import TableInfo
from django_tenants.postgresql_backend import base
from django_tenants.postgresql_backend.introspection import DatabaseSchemaIntrospection
from psycopg.pq import TransactionStatus

from tenants.backend.cursor import HITS, Held, TenantCursor, Writer, open_schema, require_hit
from tenants.backend.moments import read_moments_quickly
from tenants.backend.pool import Pool
from tenants.backend.proof import require_proof
from tenants.backend.schema_editor import SchemaEditor
from tenants.context import PUBLIC_SCHEMA, current_schema, current_tenant

_BETWEEN = (TransactionStatus.IDLE, TransactionStatus.UNKNOWN)


class SchemaIntrospection(DatabaseSchemaIntrospection):
    """Lists the tables of one schema by its name: pg_table_is_visible() over all tenants cost 141 ms at 1,000."""

    _TABLES = """
        SELECT c.relname,
               CASE WHEN c.relispartition THEN 'p' WHEN c.relkind IN ('m', 'v') THEN 'v' ELSE 't' END,
               obj_description(c.oid, 'pg_class')
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s)
           AND c.relkind IN ('f', 'm', 'p', 'r', 'v')
    """

    def get_table_list(self, cursor: Any) -> list[TableInfo]:
        cursor.execute(self._TABLES, [current_schema()])
        return [TableInfo(*row) for row in cursor.fetchall() if row[0] not in self.ignored_tables]


class DatabaseWrapper(base.DatabaseWrapper):
    """The wrapper Django opens per thread; `schema_name` and `tenant` are read from the context, never stored."""

    SchemaEditorClass = SchemaEditor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.introspection: BaseDatabaseIntrospection = SchemaIntrospection(self)

    @property
    def schema_name(self) -> str:
        return current_schema()

    @schema_name.setter
    def schema_name(self, value: str | None) -> None:
        """Ignored: the base class assigns it while it is made."""

    @property
    def tenant(self) -> Any:
        return current_tenant() or base.FakeTenant(schema_name=current_schema())

    @tenant.setter
    def tenant(self, value: Any) -> None:
        """Ignored: the base class assigns it while it is made."""

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        if tenant.schema_name != PUBLIC_SCHEMA:
            raise RuntimeError(
                "Use tenants.context.tenant_context(tenant): the connection holds no tenant."
            )

    def get_connection_params(self) -> dict[str, Any]:
        parameters = super().get_connection_params()
        return {
            **parameters,
            "context": read_moments_quickly(parameters["context"]),
            "cursor_factory": TenantCursor,
            "autocommit": True,
        }

    def _set_autocommit(self, autocommit: bool) -> None:
        """Have the cursor begin a transaction: psycopg's own BEGIN would be a round trip without anything else."""
        # As psycopg does; of a lost connection the next statement tells.
        if self.connection.pgconn.transaction_status not in _BETWEEN:
            raise ProgrammingError("A transaction is open: commit it or roll it back first.")
        self.connection.is_transactional = not autocommit
        self.connection.held = []
        if not hasattr(self.connection, "writer"):
            self.connection.writer = Writer(self.connection)

    @property
    def keeps_plans(self) -> bool:
        """Whether statements may be given names that stay with the server's connection: see minirag.lib.rows.kept."""
        return self._may_keep_plans and self.pool is not None and self.pool.is_direct

    @property
    def _may_keep_plans(self) -> bool:
        return settings.DATABASE_KEPT_PLANS > 0 and not settings.DATABASE_CITUS

    def hold(self, statement: str, parameters: Any, *, has_to_hit: bool = False) -> None:
        """Send a statement without a result with the next one of the transaction, and outside of one at once.

        It is for the tenant in force now, whichever is when it is sent. One that `has_to_hit` and returns no
        row has whatever takes it along raise Missed instead, a commit as well: nothing of the transaction stays.
        """
        if has_to_hit:
            statement = require_hit(statement)
        if self.get_autocommit():
            with self.cursor() as cursor:
                cursor.execute(statement, parameters)
            return
        self.validate_no_broken_transaction()
        with self.wrap_database_errors:
            written = self.connection.writer.mogrify(statement, parameters)
        # With its own path: by the next statement another tenant may be in force.
        self.connection.held.append(Held(open_schema(), written))

    def hold_expectation(self, condition: str, parameters: Any) -> None:
        """Have the transaction's next statement, or its commit, raise Missed where this condition does not hold."""
        self.hold(HITS.format(condition), parameters)

    def _commit(self) -> None:
        if self.connection is not None and self.connection.held:
            with self.cursor() as cursor:
                cursor.execute("COMMIT")
        super()._commit()

    def _rollback(self) -> None:
        if self.connection is not None:
            self.connection.held.clear()
        super()._rollback()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect; the first time in a process, only once it is proven that tenants are kept apart on this way."""
        if self.alias != NO_DB_ALIAS:
            require_proof(conn_params)
            if self._may_keep_plans and self.pool is not None:
                self.pool.look()
        return super().get_new_connection(conn_params)

    @property
    def pool(self) -> Pool | None:
        """Django's own, but of the kind that notices quickly."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            pool = Pool(
                kwargs=self.get_connection_params(),
                open=False,
                configure=self._configure_connection,
                **options,
            )
            self._connection_pools.setdefault(
                self.alias, pool
            )  # another thread may have been first
        found: Pool = self._connection_pools[self.alias]
        return found

    def chunked_cursor(self) -> Any:
        """An ordinary one: a cursor that lives on the server outlives its transaction, and then its connection."""
        return self.cursor()

    def _handle_search_path(self, cursor: Any = None) -> None:
        """Nothing to do beforehand: the path goes with each statement."""

"""The cursor whose every statement brings its tenant's `search_path` along.

Nothing is remembered on a connection. Behind a transaction-mode pooler the server connection changes with each
transaction, and a path that was set once per client connection answered one tenant with another's rows (measured: 161
of 400 reads). So path and statement travel as one message of the simple query protocol, which PostgreSQL runs as one
transaction on one server connection: they arrive together or not at all, in a transaction or outside of one, after a
savepoint that rolled back, under every pooler. It costs no round trip. Nor does the beginning of a transaction, which
goes with the first statement of it.

With the path comes a proof: the schema must hold its tenant's own mark, a type without content whose name says whose
schema this is. Should a path ever lead into another's schema (one that was restored in the wrong place, say), the
message ends in an error before its statement runs: an outage to the caller, who may try again, since a tenant that
an older release's process signed up is marked soon (`tenants.schemas.mark_new_schemas`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, Never

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.backends.postgresql import base
from psycopg import NotSupportedError, OperationalError, sql
from psycopg.copy import Copy
from psycopg.errors import DivisionByZero, InvalidSchemaName, UndefinedObject
from psycopg.pq import TransactionStatus

from tenants.backend.slowness import note_slow
from tenants.context import PUBLIC_SCHEMA, current_schema, current_tenant

if TYPE_CHECKING:  # Django's stubs leave out that its cursor is one of psycopg's
    from psycopg import ClientCursor

    Cursor = ClientCursor[Any]
else:
    Cursor = base.Cursor

logger = structlog.get_logger(__name__)

Query = str | bytes | sql.SQL | sql.Composed

_IDLE = TransactionStatus.IDLE
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_ALONE = re.compile(
    r"\s*(?:"
    # they steer the transaction that the path is set in, and have to work in a failed one
    r"BEGIN|START\s|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|"
    # PostgreSQL refuses them together with others; they name a schema themselves
    r"VACUUM|(?:CREATE|DROP)\s+DATABASE|(?:CREATE(?:\s+UNIQUE)?|DROP|RE)\s*INDEX\s+CONCURRENTLY"
    r")\b[^;]*;?\s*\Z",
    re.IGNORECASE,
)
_BACK = re.compile(r"\s*ROLLBACK\b", re.IGNORECASE)


class Missed(DatabaseError):
    """A held statement has changed no row, and had to (see `DatabaseWrapper.hold`), or what was expected is not so."""


class Held(NamedTuple):
    """A statement that goes before the next one, with the path of its tenant."""

    path: str
    statement: str


# What misses divides by zero, which ends its whole message: no COMMIT behind it is reached.
HITS = "SELECT 1 / ({})::int AS hit"


def require_hit(statement: str) -> str:
    """Have a statement miss that returns no row."""
    looked = HITS.format("SELECT count(*) FROM hits")
    return " ".join(("WITH hits AS (", statement, ")", looked))


class TenantUnproven(OperationalError):
    """The schema in force is not there, or does not carry its tenant's mark. Nothing was read or written."""


def mark_of(tenant_id: object) -> str:
    """Name the type that marks a schema as this tenant's."""
    return f"tenant {tenant_id}"


def open_schema() -> str:
    """Return what is put before each statement of the tenant in force, with the blank that joins them."""
    tenant = current_tenant()
    return _open_schema(current_schema(), None if tenant is None else str(tenant.pk))


@lru_cache(maxsize=4096)
def _open_schema(schema: str, tenant_id: str | None) -> str:
    if not _SCHEMA.fullmatch(schema):
        raise ValueError(f"{schema!r} cannot name a schema.")
    if schema == PUBLIC_SCHEMA:
        return f"SET LOCAL search_path = {PUBLIC_SCHEMA}; "
    # A constant of these types is looked up while the statement is parsed: what is missing ends the whole message.
    proof = (
        f"'{schema}'::regnamespace"
        if tenant_id is None
        else f"""'{schema}."{mark_of(tenant_id)}"'::regtype"""
    )
    return f"SELECT set_config('search_path', '{schema}, {PUBLIC_SCHEMA}', true), {proof}; "


class TenantCursor(Cursor):
    """psycopg's client-side cursor, with `open_schema` before whatever it sends."""

    told_as = ""
    """The next statement, where it is sent by a name (minirag.lib.rows.kept): as what it is told if it is slow."""

    def execute(self, query: Query, params: Any = None, **options: Any) -> TenantCursor:  # type: ignore[override]
        text, started = _as_text(query, self.connection), perf_counter()
        try:
            held = self._held_before(text)
            leading = self._lead(text, held)
            if held or params is not None:
                query, params = self._write(query, params), None
            with _refusals_told(text, *(each.statement for each in held)):
                super().execute(_join("".join(leading), query), params, **options)
            held.clear()  # not before: of a message that the server could not take they still wait
            for _ in leading:
                self.nextset()  # the first results are not the statement's
        finally:
            took = perf_counter() - started
            if took >= settings.SLOW_STATEMENT_MS / 1000:
                note_slow(self.told_as or text, took)
            self.told_as = ""
        return self

    def executemany(
        self, query: Any, params_seq: Iterable[Any], *, returning: bool = False
    ) -> None:
        with self._in_opened_schema():
            super().executemany(query, params_seq, returning=returning)

    @contextmanager
    def copy(self, statement: Any, params: Any = None, **options: Any) -> Iterator[Copy]:
        """As psycopg's, with Django's errors: an outage or a full disk in the middle is told as everywhere else."""
        with (
            connection.wrap_database_errors,
            self._in_opened_schema(),
            super().copy(statement, params, **options) as copy,
        ):
            yield copy

    def stream(self, *args: Any, **kwargs: Any) -> Never:
        """Refuse: it sends one statement only, so the path would not be with it."""
        raise NotSupportedError("Rows are read whole here, or in pages by their keys.")

    def _write(self, query: Query, params: Any) -> str:
        writer = getattr(self.connection, "writer", None)
        return (writer or self).mogrify(query, params)

    def _held_before(self, text: str) -> list[Held]:
        """The connection's list of what is sent before this statement."""
        held: list[Held] = getattr(self.connection, "held", [])
        if _BACK.match(text):
            held.clear()  # it came after whatever this goes back to, and may have been what went wrong
        return held

    def _lead(self, text: str, held: list[Held]) -> list[str]:
        """The statements that go before one in its message; each has a result."""
        begins = self._is_transactional and self.connection.pgconn.transaction_status == _IDLE
        leading, path = ["BEGIN; "] if begins else [], ""
        for its_path, statement in [
            *held,
            *([] if _ALONE.match(text) else [Held(open_schema(), "")]),
        ]:
            leading += [its_path] if its_path != path else []
            leading += [f"{statement}; "] if statement else []
            path = its_path
        return leading

    @property
    def _is_transactional(self) -> bool:
        """Whether what is sent belongs into a transaction: see `DatabaseWrapper._set_autocommit`."""
        return getattr(self.connection, "is_transactional", False)

    @contextmanager
    def _in_opened_schema(self) -> Iterator[None]:
        """Hold a transaction whose path is set, for what the protocol sends apart from other statements."""
        if self._is_transactional:
            self.connection.execute("SELECT")
            yield
        else:
            with self.connection.transaction():
                self.connection.execute("SELECT")
                yield


class Writer(Cursor):
    """Puts values into statements, with what it has found out of their kinds: to look it up took longer each time."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        super().mogrify("", ())

    def mogrify(self, query: Query, params: Any = None) -> str:  # type: ignore[override]
        return self._convert_query(query, params).query.decode(self._encoding)


@contextmanager
def _refusals_told(*statements: str) -> Iterator[None]:
    """Tell the refusal of a schema, and a miss of what had to hit, apart from what is wrong with the statements."""
    try:
        yield
    except DivisionByZero as error:
        if any(" AS hit" in each for each in statements):
            raise Missed from error
        raise
    except (UndefinedObject, InvalidSchemaName) as error:
        tenant, schema = current_tenant(), current_schema()
        missing = (
            schema if isinstance(error, InvalidSchemaName) else mark_of(getattr(tenant, "pk", ""))
        )
        if tenant is None or missing not in str(error):
            raise
        logger.error("a schema is not proven to be its tenant's", schema=schema)
        raise TenantUnproven(
            f"The schema {schema} does not bear its tenant's mark: see docs/tenancy.md and manage.py doctor."
        ) from error


def _as_text(query: Query, connection: Any) -> str:
    if isinstance(query, str):
        return query
    return query.decode("latin-1") if isinstance(query, bytes) else query.as_string(connection)


def _join(opening: str, query: Query) -> Query:
    if isinstance(query, str):
        return opening + query
    if isinstance(query, bytes):
        return opening.encode() + query
    return sql.Composed([sql.SQL(opening), query])

"""Which statements take the database's time: by PostgreSQL's own counting where it counts, else by ours."""

from __future__ import annotations

from django.db import DatabaseError, connection, transaction
from redis import RedisError

from tenants.backend.slowness import SlowStatement, list_slow, normalise

_MOST_SHOWN = 50
_COUNTED = """
    SELECT query, calls, total_exec_time, max_exec_time
      FROM pg_stat_statements
     WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query IS NOT NULL
     ORDER BY total_exec_time DESC
     LIMIT %s
"""


def find_slow_statements() -> tuple[list[SlowStatement], bool]:
    """Return those that took most in all, and whether PostgreSQL has counted (all calls, not only slow ones)."""
    counted = _ask_postgres()
    if counted is not None:
        return counted, True
    try:
        return list_slow()[:_MOST_SHOWN], False
    except RedisError:
        return [], False


def _ask_postgres() -> list[SlowStatement] | None:
    """None where the extension is not installed, not loaded, or not ours to read."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('pg_stat_statements') IS NOT NULL")
            row = cursor.fetchone()
            if not (row and row[0]):
                return None
            cursor.execute(_COUNTED, [_MOST_SHOWN])
            return [SlowStatement(normalise(text), *counts) for text, *counts in cursor.fetchall()]
    except DatabaseError:
        return None

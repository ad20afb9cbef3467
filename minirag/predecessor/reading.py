"""The database of MiniRAG 1.0, only ever read, and all of it as it stood at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from minirag.lib.errors import BadInput

Row = dict[str, Any]

_OF_ALL: Final = ("id", "created_at", "updated_at")
_OF_TENANTS: Final = (*_OF_ALL, "tenant_id")
TABLES: Final[dict[str, tuple[str, ...]]] = {
    "tenants": (*_OF_ALL, "name", "slug", "is_active", "plan"),
    "users": (*_OF_TENANTS, "email", "password_hash", "display_name", "role", "is_active"),
    "api_tokens": (
        *_OF_TENANTS, "user_id", "name", "token_hash", "token_prefix", "is_active", "expires_at", "last_used_at",
    ),
    "bot_profiles": (
        *_OF_TENANTS, "name", "description", "model", "system_prompt", "temperature", "max_tokens",
        "embedding_model", "encrypted_credentials", "is_active",
    ),
    "sources": (
        *_OF_TENANTS, "bot_profile_id", "parent_id", "name", "description", "source_type", "status", "config",
        "content", "document_count", "chunk_count", "error_message", "is_active", "refresh_schedule",
        "last_refreshed_at",
    ),
    "documents": (
        *_OF_TENANTS, "source_id", "title", "raw_content", "metadata_json", "char_count", "chunk_count",
    ),
    "chunks": (
        *_OF_TENANTS, "document_id", "source_id", "chunk_index", "content", "char_count", "qdrant_point_id",
        "metadata_json",
    ),
    "chats": (
        *_OF_TENANTS, "bot_profile_id", "user_id", "title", "message_count", "total_prompt_tokens",
        "total_completion_tokens",
    ),
    "messages": (
        *_OF_TENANTS, "chat_id", "role", "content", "prompt_tokens", "completion_tokens", "context_chunks",
        "feedback",
    ),
    "usage_events": (
        *_OF_TENANTS, "chat_id", "message_id", "bot_profile_id", "model", "prompt_tokens", "completion_tokens",
        "total_tokens", "is_stream", "time_to_first_token_ms", "stream_duration_ms",
    ),
    "webhooks": (*_OF_TENANTS, "url", "secret", "events", "is_active", "description"),
}  # fmt: skip
"""What its last version keeps, table by table."""
LATER: Final = {
    "sources": {"parent_id", "refresh_schedule", "last_refreshed_at"},
    "bot_profiles": {"embedding_model"},
    "messages": {"feedback"},
    "usage_events": {"is_stream", "time_to_first_token_ms", "stream_duration_ms"},
}
"""What earlier versions of it lack, and what is read as empty there."""
_LATER_TABLES: Final = {"webhooks"}
_ASKED_AT_ONCE: Final = 500
_PATIENCE_SECONDS: Final = 10


class OldDatabaseRefused(BadInput):
    """It cannot be reached, or it is not one of MiniRAG 1.0; `detail` says which, and never shows a password."""


class OldDatabase:
    """An open one: one transaction that only reads, so that all rows belong together."""

    def __init__(self, connection: psycopg.Connection[Row], columns: dict[str, set[str]]) -> None:
        self._connection, self._columns = connection, columns

    def name_strange(self) -> list[str]:
        """Name tables' columns that no version we know has: what stands there stays behind."""
        return [
            f"{table}.{column}"
            for table, names in TABLES.items()
            for column in sorted(self._columns.get(table, set()) - set(names))
        ]

    def tenants(self) -> list[Row]:
        return self._ask(SQL("SELECT * FROM tenants ORDER BY created_at, id"))

    def count(self, table: str, tenant_id: UUID) -> int:
        if table not in self._columns:
            return 0
        asked = SQL("SELECT count(*) AS n FROM {} WHERE tenant_id = %s").format(Identifier(table))
        return int(self._ask(asked, [tenant_id])[0]["n"])

    def rows(self, table: str, tenant_id: UUID) -> Iterator[Row]:
        """A tenant's rows of a table, by id, some hundreds of them in memory at a time."""
        if table not in self._columns:
            return
        asked = SQL(
            "SELECT * FROM {} WHERE tenant_id = %s AND (%s::uuid IS NULL OR id > %s) "
            "ORDER BY id LIMIT %s"
        ).format(Identifier(table))
        last: UUID | None = None
        while page := self._ask(asked, [tenant_id, last, last, _ASKED_AT_ONCE]):
            yield from (self._complete(table, row) for row in page)
            last = page[-1]["id"]

    def parents(self, tenant_id: UUID) -> set[UUID]:
        """The sources that others are below: they hold nothing themselves."""
        asked = SQL(
            "SELECT DISTINCT parent_id FROM sources WHERE tenant_id = %s AND parent_id IS NOT NULL"
        )
        if "parent_id" not in self._columns["sources"]:
            return set()
        return {row["parent_id"] for row in self._ask(asked, [tenant_id])}

    def messages(self, tenant_id: UUID, chat_ids: Sequence[UUID]) -> list[Row]:
        """What was said in chats, oldest first; a question before its answer also where both have one time."""
        asked = SQL(
            "SELECT * FROM messages WHERE tenant_id = %s AND chat_id = ANY(%s) "
            "ORDER BY chat_id, created_at, (role::text = 'ASSISTANT'), id"
        )
        return [
            self._complete("messages", row) for row in self._ask(asked, [tenant_id, [*chat_ids]])
        ]

    def last_text(self, tenant_id: UUID, source_id: UUID) -> str:
        """What was read of a source the last time: 1.0 keeps what it read before, too."""
        asked = SQL(
            "SELECT raw_content FROM documents WHERE tenant_id = %s AND source_id = %s "
            "ORDER BY created_at DESC, id LIMIT 1"
        )
        found = self._ask(asked, [tenant_id, source_id])
        return str(found[0]["raw_content"] or "") if found else ""

    def sealed(self) -> list[str]:
        """Some of what is encrypted in it, to try a key with."""
        bots = SQL(
            "SELECT encrypted_credentials AS sealed FROM bot_profiles WHERE encrypted_credentials <> '' LIMIT 50"
        )
        return [row["sealed"] for row in self._ask(bots)]

    def _complete(self, table: str, row: Row) -> Row:
        return {**dict.fromkeys(LATER.get(table, ())), **row}

    def _ask(self, asked: Any, values: Sequence[Any] = ()) -> list[Row]:
        try:
            return self._connection.execute(asked, values).fetchall()
        except psycopg.Error as error:
            raise OldDatabaseRefused(
                f"The old database could not be read: {_say(error)}"
            ) from error


@contextmanager
def open_old(url: str) -> Iterator[OldDatabase]:
    """Open the database of MiniRAG 1.0 at its own DATABASE_URL. Raises OldDatabaseRefused."""
    plain = url.strip().replace("postgresql+asyncpg://", "postgresql://", 1)
    if not plain.startswith(("postgresql://", "postgres://")):
        raise OldDatabaseRefused(
            "The old database's address begins with postgresql:// or postgresql+asyncpg://."
        )
    try:
        connection = psycopg.connect(plain, row_factory=dict_row, connect_timeout=_PATIENCE_SECONDS)
    except (psycopg.Error, UnicodeError, ValueError) as error:
        raise OldDatabaseRefused(f"The old database cannot be reached: {_say(error)}") from None
    with connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield OldDatabase(connection, _check_columns(connection))


def _check_columns(connection: psycopg.Connection[Row]) -> dict[str, set[str]]:
    """What is there, once it is seen to be 1.0's. Raises OldDatabaseRefused."""
    found: dict[str, set[str]] = {}
    asked = SQL(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    )
    for row in connection.execute(asked):
        found.setdefault(row["table_name"], set()).add(row["column_name"])
    if "tenants_tenant" in found:
        raise OldDatabaseRefused(
            "This is a database of MiniRAG 2. Its tenants move by export_tenant and import_tenant."
        )
    if lacking := [name for name in TABLES if name not in found and name not in _LATER_TABLES]:
        raise OldDatabaseRefused(
            f"This is no database of MiniRAG 1.0: it has no table {', '.join(lacking[:5])}."
        )
    for table, names in TABLES.items():
        missing = set(names) - found.get(table, set(names)) - LATER.get(table, set())
        if missing:
            raise OldDatabaseRefused(
                f"This is not a version of MiniRAG 1.0 that is known here: {table} has no {', '.join(sorted(missing))}."
            )
    return {name: columns for name, columns in found.items() if name in TABLES}


def _say(error: Exception) -> str:
    """One line of what went wrong, which for a refused connection names host and user and no password."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:200]

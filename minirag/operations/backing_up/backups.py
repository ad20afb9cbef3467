"""The whole installation in one file, and back.

A dump is worth what its restoring is. So beside each stands how many rows every schema had in the dump's own snapshot,
and a restored database is held against it before it takes the place of another one. That one is kept, under another
name.
"""

from __future__ import annotations

import re
import secrets
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from minirag import __version__
from minirag.lib.security.crypto import DecryptionFailed, decrypt, encrypt
from minirag.operations.backing_up.programs import require_program
from minirag.operations.backing_up.shelves import (
    SUFFIX,
    Backup,
    BackupFailed,
    BackupRefused,
    Facts,
    Shelf,
)
from tenants.backend.dumping import name_database, read_tls

_LONGEST_NAME_BYTES: Final = 63
_RESTORED: Final = "minirag_restored_"
_RESTORED_NAME: Final = re.compile(rf"{_RESTORED}[0-9a-f]{{8}}")
_LOCKED, _TRIED = (
    f"SELECT {call}(hashtext(%s))"
    for call in ("pg_advisory_xact_lock", "pg_try_advisory_xact_lock")
)
_RENAMED: Final = sql.SQL("ALTER DATABASE {} RENAME TO {}")
_NIGHTLY: Final = "minirag: the backup of the night"
_KEY_SIGN, _KEY_CONTEXT = "this installation's keys", "operations.backup"


def make_backup(shelf: Shelf, *, now: datetime | None = None) -> Backup:
    """Dump everything into a new file, while the installation goes on. Raises BackupFailed.

    What is half written when it fails or is killed is no backup.
    """
    program = require_program("pg_dump")
    moment = now or datetime.now(UTC)
    name = f"minirag-{moment:%Y%m%d-%H%M%S}{SUFFIX}"
    shelf.begin(name)
    is_kept = False
    try:
        with _said_plainly(), closing(_connect()) as own:
            own.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # It waits for as long as pg_dump takes, whatever the role's own limits are.
            own.execute(
                "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0"
            )
            snapshot = _ask(own, "SELECT pg_export_snapshot()")
            options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
            size, digest = shelf.dump(name, [program, *options, *name_database(_own_name())])
            rows, migrations = _count_rows(own), _list_migrations(own)
        facts = Facts(
            made_at=moment, release=__version__, bytes=size, sha256=digest,
            migrations=migrations, rows=rows, key_sign=encrypt(_KEY_SIGN, context=_KEY_CONTEXT),
        )  # fmt: skip
        made = shelf.keep(name, facts)
        is_kept = True
    finally:
        if not is_kept:
            shelf.discard(name)
    return made


def require_fit(backup: Backup, *, with_other_key: bool = False) -> None:
    """Raise BackupRefused where this release or its ENCRYPTION_KEY cannot read what is in it."""
    unknown = set(backup.facts.migrations) - {
        f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations
    }
    if unknown:
        raise BackupRefused(
            f"It was made by a newer release ({backup.facts.release}; {min(unknown)} is not known here)."
        )
    try:
        decrypt(backup.facts.key_sign, context=_KEY_CONTEXT)
    except DecryptionFailed:
        if not with_other_key:
            raise BackupRefused(
                "Its secrets are under another ENCRYPTION_KEY: put that key behind yours, divided by a comma."
            ) from None


def try_backup(backup: Backup) -> None:
    """Restore it into a database of its own, hold that against what it has to be, and drop it. Raises BackupFailed."""
    with _restored(backup):
        pass


def restore_backup(backup: Backup) -> str:
    """Put it in the place of our database, which is renamed; returns the name that this has from then on, "" for none.

    Until the very end nothing is touched but a new database beside it. Then whoever is connected is sent away for a
    moment. Raises BackupFailed.
    """
    own = _own_name()
    with _restored(backup) as name:
        kept = _name_kept(own, datetime.now(UTC))
        connection.close()
        with closing(_connect("postgres")) as server:
            if _is_there(server, own):
                _swap(server, own, kept, name)
                return kept
            server.execute(_RENAMED.format(sql.Identifier(name), sql.Identifier(own)))
    return ""


@contextmanager
def being_alone() -> Iterator[bool]:
    """Yields whether no other process is within this; nobody waits. Raises BackupFailed."""
    with _said_plainly(), closing(_connect()) as keeper:
        keeper.execute("BEGIN")
        keeper.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield bool(_ask(keeper, _TRIED, [_NIGHTLY]))


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Let SIGTERM, as Ctrl-C does, take back what is half done. Raises BackupFailed where either came."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        raise BackupFailed("It was broken off, and what was half done is taken back.") from None
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _restored(backup: Backup) -> Iterator[str]:
    """A new database that holds what the backup has to hold; gone afterwards, unless it has another name by then."""
    program = require_program("pg_restore")
    name = f"{_RESTORED}{secrets.token_hex(4)}"
    with _said_plainly(), _in_use(name), closing(_connect("postgres")) as server:
        _drop_left_behind(server)
        server.execute(_make_like(server, _own_name(), name))
        try:
            command = [program, "--exit-on-error", "--no-owner", "--no-privileges"]
            backup.restore_by([*command, *name_database(name)])
            with closing(_connect(name)) as own:
                found = _count_rows(own)
                own.execute("ANALYZE")
            if wrong := _differences(backup.facts.rows, found):
                raise BackupFailed(f"What was restored is not what was dumped: {wrong}.")
            yield name
        finally:
            _drop(name)


def _make_like(server: psycopg.Connection[Any], own: str, name: str) -> sql.Composed:
    """Say how a new database is made that keeps and sorts text as ours does."""
    listed = "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = %s::name"
    made = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
    if (found := server.execute(listed, [own]).fetchone()) is None:
        return made
    like = sql.SQL(" ENCODING {} LC_COLLATE {} LC_CTYPE {}")
    return made + like.format(*(sql.Literal(each) for each in found))


@contextmanager
def _in_use(name: str) -> Iterator[None]:
    """Let nobody take a database for left behind meanwhile."""
    with closing(_connect("postgres")) as keeper:
        keeper.execute("BEGIN")
        keeper.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        keeper.execute(_LOCKED, [name])
        yield


def _drop_left_behind(server: psycopg.Connection[Any]) -> None:
    """Drop what earlier ones restored and could not drop themselves, since they were killed."""
    listed = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
    for (name,) in server.execute(listed, [_RESTORED]).fetchall():
        with server.transaction():
            if _RESTORED_NAME.fullmatch(name) and _ask(server, _TRIED, [name]):
                _drop(name)


def _is_there(server: psycopg.Connection[Any], name: str) -> bool:
    return bool(_ask(server, "SELECT 1 FROM pg_database WHERE datname = %s::name", [name]))


def _name_kept(own: str, now: datetime) -> str:
    """PostgreSQL cuts longer names off, and would cut the moment."""
    sign = f"_before_{now:%Y%m%d_%H%M%S}"
    return own.encode()[: _LONGEST_NAME_BYTES - len(sign)].decode(errors="ignore") + sign


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise BackupFailed(f"PostgreSQL says: {_say(error)}.") from None


def _swap(server: psycopg.Connection[Any], own: str, kept: str, restored: str) -> None:
    closed = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    old = own
    try:
        server.execute(closed.format(sql.Identifier(own), sql.SQL("false")))
        with server.transaction():
            # Others, as autovacuum's, PostgreSQL sends away itself, and not everybody may.
            server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = %s::name AND backend_type = 'client backend'",
                [own],
            )
            server.execute(_RENAMED.format(sql.Identifier(own), sql.Identifier(kept)))
            server.execute(_RENAMED.format(sql.Identifier(restored), sql.Identifier(own)))
        old = kept
    except psycopg.Error as error:
        raise BackupFailed(f"The databases could not be exchanged: {_say(error)}.") from None
    finally:  # by a connection of its own, whatever has become of that one
        with closing(_connect("postgres")) as another:
            another.execute(closed.format(sql.Identifier(old), sql.SQL("true")))


def _differences(due: Mapping[str, int], found: Mapping[str, int]) -> str:
    wrong = sorted(name for name in due.keys() | found.keys() if due.get(name) != found.get(name))
    return ", ".join(
        f"{name} has {found.get(name, 'no')} rows of {due.get(name, 'no')}" for name in wrong[:5]
    )


def _count_rows(database: psycopg.Connection[Any]) -> dict[str, int]:
    """Count the rows of all tables of each schema of ours."""
    tables: dict[str, list[str]] = {}
    listed = """
        SELECT schemaname, tablename FROM pg_tables
         WHERE schemaname NOT LIKE 'pg\\_%' AND schemaname <> 'information_schema'
    """
    for schema, table in database.execute(listed):
        tables.setdefault(schema, []).append(table)
    counted = {}
    for schema, names in tables.items():
        each = sql.SQL(" + ").join(
            sql.SQL("(SELECT count(*) FROM {})").format(sql.Identifier(schema, name))
            for name in names
        )
        counted[schema] = int(_ask(database, sql.SQL("SELECT {}").format(each)))
    return counted


def _list_migrations(database: psycopg.Connection[Any]) -> list[str]:
    rows = database.execute("SELECT app || '.' || name FROM public.django_migrations ORDER BY 1")
    return [name for (name,) in rows]


def _connect(name: str = "") -> psycopg.Connection[Any]:
    """A connection past Django's, which would set a tenant's path. Raises BackupFailed."""
    facts = connection.settings_dict
    there = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    parameters = {key: facts[value] for key, value in there.items() if facts.get(value)}
    parameters |= read_tls()
    try:
        return psycopg.connect(dbname=name or _own_name(), autocommit=True, **parameters)
    except psycopg.Error as error:
        raise BackupFailed(f"No connection to {name or 'the database'}: {_say(error)}.") from None


def _own_name() -> str:
    return str(connection.settings_dict["NAME"])


def _drop(name: str) -> None:
    with suppress(BackupFailed, psycopg.Error), closing(_connect("postgres")) as server:
        server.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def _ask(database: psycopg.Connection[Any], statement: Any, values: Sequence[Any] = ()) -> Any:
    row = database.execute(statement, values or None).fetchone()
    return row[0] if row else None


def _say(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

"""The whole installation in one file, and back.

A dump is worth what its restoring is. So beside each stands how many rows every schema had in the dump's own snapshot,
and a restored database is held against it before it takes the place of another one. That one is kept, under another
name.
"""

from __future__ import annotations

import hashlib
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql
from pydantic import BaseModel, ConfigDict, ValidationError

from minirag import __version__
from minirag.lib.errors import BadInput, ProductError
from minirag.lib.security.crypto import DecryptionFailed, decrypt, encrypt
from tenants.backend.dumping import find_program, name_database, read_tls, with_login

SUFFIX: Final = ".dump"
_KEY_SIGN, _KEY_CONTEXT = "this installation's keys", "operations.backup"
_PIECE_BYTES: Final = 1024 * 1024


class BackupFailed(ProductError):
    """The reason is a sentence for whoever runs the command; the database that answers is as it was."""


class BackupRefused(BadInput):
    """This file is not restored here."""


class Facts(BaseModel):
    """What stands beside a dump."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_at: datetime
    release: str
    bytes: int
    sha256: str
    migrations: list[str]
    rows: dict[str, int]
    """By schema; `public` is who may enter."""
    key_sign: str
    """Opens with the ENCRYPTION_KEY that the secrets in the dump are under, and says nothing."""


@dataclass(frozen=True)
class Backup:
    path: Path
    facts: Facts


def make_backup(folder: Path, *, now: datetime | None = None) -> Backup:
    """Dump everything into a new file of `folder`, while the installation goes on. Raises BackupFailed.

    What is half written when it fails or is killed has another name and is no backup.
    """
    program = _require_program("pg_dump")
    moment = now or datetime.now(UTC)
    path = folder / f"minirag-{moment:%Y%m%d-%H%M%S}{SUFFIX}"
    draft = path.with_suffix(".part")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
        with _connect() as own:
            own.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            snapshot = _ask(own, "SELECT pg_export_snapshot()")
            options = ["--format=custom", "--no-owner", "--no-privileges"]
            options += [f"--snapshot={snapshot}", f"--file={draft}"]
            _run([program, *options, *name_database(_own_name())])
            rows, migrations = _count_rows(own), _list_migrations(own)
        facts = Facts(
            made_at=moment, release=__version__, bytes=draft.stat().st_size, sha256=_digest(draft),
            migrations=migrations, rows=rows, key_sign=encrypt(_KEY_SIGN, context=_KEY_CONTEXT),
        )  # fmt: skip
        beside = _beside(path)
        beside.touch(mode=0o600)
        beside.write_text(facts.model_dump_json(indent=1))
        draft.rename(path)
    except OSError as error:
        raise BackupFailed(f"{folder} cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return Backup(path, facts)


def read_backup(path: Path) -> Backup:
    """Find what stands beside a dump, and hold the file against it. Raises BackupRefused."""
    try:
        facts = Facts.model_validate_json(_beside(path).read_bytes())
        is_whole = path.stat().st_size == facts.bytes and _digest(path) == facts.sha256
    except OSError as error:
        raise BackupRefused(f"{error.filename} cannot be read: {error.strerror}.") from None
    except ValidationError:
        raise BackupRefused(f"{_beside(path)} is damaged.") from None
    if not is_whole:
        raise BackupRefused(f"{path} is damaged or cut short: it is not what was written.")
    return Backup(path, facts)


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
    """Put it in the place of our database, which is renamed; returns the name that this has from then on.

    Until the very end nothing is touched but a new database beside it. Then whoever is connected is sent away for a
    moment. Raises BackupFailed.
    """
    own = _own_name()
    with _restored(backup) as name:
        kept = f"{own[:40]}_before_{datetime.now(UTC):%Y%m%d_%H%M%S}"
        connection.close()
        with _connect("postgres") as server:
            _swap(server, own, kept, name)
    return kept


def drop_older(folder: Path, *, keep: int) -> list[Path]:
    """Remove all backups of a folder but the newest ones; returns those that are gone."""
    old = sorted(folder.glob(f"minirag-*{SUFFIX}"))[:-keep]
    for path in old:
        path.unlink()
        _beside(path).unlink(missing_ok=True)
    return old


@contextmanager
def _restored(backup: Backup) -> Iterator[str]:
    """A new database that holds what the backup has to hold; gone afterwards, unless it has another name by then."""
    program = _require_program("pg_restore")
    name = f"minirag_restored_{secrets.token_hex(4)}"
    with _connect("postgres") as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
        )
    try:
        command = [program, "--exit-on-error", "--no-owner", "--no-privileges"]
        _run([*command, *name_database(name), str(backup.path)])
        with _connect(name) as own:
            found = _count_rows(own)
            own.execute("ANALYZE")
        if wrong := _differences(backup.facts.rows, found):
            raise BackupFailed(f"What was restored is not what was dumped: {wrong}.")
        yield name
    finally:
        _drop(name)


def _swap(server: psycopg.Connection[Any], own: str, kept: str, restored: str) -> None:
    renamed = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    closed = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    server.execute(closed.format(sql.Identifier(own), sql.SQL("false")))
    try:
        with server.transaction():
            server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                [own],
            )
            server.execute(renamed.format(sql.Identifier(own), sql.Identifier(kept)))
            server.execute(renamed.format(sql.Identifier(restored), sql.Identifier(own)))
    except psycopg.Error as error:
        server.execute(closed.format(sql.Identifier(own), sql.SQL("true")))
        raise BackupFailed(f"The databases could not be exchanged: {_say(error)}.") from None
    server.execute(closed.format(sql.Identifier(kept), sql.SQL("true")))


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
    with suppress(BackupFailed, psycopg.Error), _connect("postgres") as server:
        server.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def _ask(database: psycopg.Connection[Any], statement: Any) -> Any:
    row = database.execute(statement).fetchone()
    return row[0] if row else None


def _run(command: list[str]) -> None:
    done = subprocess.run(command, env=with_login(), capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise BackupFailed(f"{Path(command[0]).name} failed: {said[:300]}")


def _require_program(name: str) -> str:
    program = find_program(name)
    if program is None:
        raise BackupFailed(f"There is no {name} here: install PostgreSQL's client programs.")
    return program


def _say(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

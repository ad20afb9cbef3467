"""What thousands of tenants cost: `python -m bench.crowd [--tenants 1000]`, with a PostgreSQL of its own.

The catalogue, what one connection remembers of it, `pg_dump`, and a migration that adds a column to each tenant, killed
with -9 in its middle and run again.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from bench.processes import list_descendants, read_cpu_seconds
from bench.report import Budget, Report, describe_machine, quantile
from minirag.local.embedded import PostgresServer
from minirag.local.embedded.processes import die_with_parent
from tests.product import CHECKOUT

SECTION = "crowd"
PROMISED = 1000
OF_A_TURN = (
    "bots_botprofile", "bots_scope", "knowledge_dataset", "knowledge_source", "chunk_index", "lex_df", "lex_stats",
    "conversations_chat", "conversations_message", "conversations_citation", "bots_usageevent", "bots_quota",
)  # fmt: skip
"""What an ordinary turn reads or writes, more or less."""

_COLUMN = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "{newest}")]
    operations = [migrations.AddField("webhook", "bench_column", models.PositiveIntegerField(default=0))]
"""
_SETTINGS = """
from minirag.settings import *  # noqa: F403

MIGRATION_MODULES = {"webhooks": "crowd_migrations"}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--tenants", type=int, nargs="+", default=[PROMISED], help="measured at each of these"
    )
    counts: list[int] = sorted(parser.parse_args().tenants)
    report, directory = Report(), Path(tempfile.mkdtemp(prefix="minirag-crowd-"))
    directory.chmod(0o711)  # PostgreSQL runs as another user
    print(f"Measured on {describe_machine()}.", flush=True)
    server = PostgresServer(directory / "postgres", directory / "postgres.log")
    server.start()
    try:
        os.environ |= _environment(directory, server.url)
        _manage("migrate", "--verbosity", "0")
        import django

        django.setup()
        for number, count in enumerate(counts):
            measure_crowd(report, directory, server, count, is_last=number == len(counts) - 1)
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
    print(report.render_table())
    sys.exit("\n".join(report.missed()) or 0)


def _environment(directory: Path, url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1/0", "DATA_DIR": str(directory / "data"),
        "SECRET_KEY": secrets.token_urlsafe(48), "JWT_SECRET_KEY": secrets.token_urlsafe(48),
        "ENCRYPTION_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(), "LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "minirag.settings", "DATABASE_POOL_SIZE": "0",
    }  # fmt: skip


def measure_crowd(
    report: Report, directory: Path, server: PostgresServer, tenants: int, *, is_last: bool
) -> None:
    from bench.tenants import fill_up

    report.note_machine(SECTION)
    started = time.monotonic()
    fill_up(tenants)
    report.add(SECTION, f"filling up to {tenants} tenants", time.monotonic() - started, "s")
    measure_catalogue(report, server.url, tenants)
    measure_connection(report, server.url, tenants)
    measure_dumps(report, directory, tenants)
    measure_autovacuum(report, server, tenants)
    seconds = _time(lambda: _manage("migrate", "--verbosity", "0"))
    report.add(SECTION, f"`migrate` over {tenants}, nothing to do", seconds, "s",
               Budget(15) if tenants == PROMISED else None)  # fmt: skip
    if is_last:
        measure_column(report, directory, server.url, tenants)


def measure_catalogue(report: Report, url: str, tenants: int) -> None:
    for name, unit, statement in (
        ("rows of pg_class", "", "SELECT count(*) FROM pg_class"),
        ("rows of pg_attribute", "", "SELECT count(*) FROM pg_attribute"),
        ("catalogue on the disk", "MB", "SELECT sum(pg_total_relation_size(oid)) / 1048576.0 FROM pg_class"
         " WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'"),
        ("database on the disk", "MB", "SELECT pg_database_size(current_database()) / 1048576.0"),
    ):  # fmt: skip
        report.add(SECTION, f"{name}, {tenants} tenants", float(_ask(url, statement)), unit)


def measure_connection(report: Report, url: str, tenants: int) -> None:
    """Memory of one backend that has been with every tenant, and how slow the first visit is."""
    first, again = [], []
    with psycopg.connect(url, autocommit=True) as connection:
        pid = connection.info.backend_pid
        places = [
            row[0]
            for row in connection.execute(
                "SELECT schema_name FROM tenants_tenant ORDER BY schema_name"
            )
        ]
        before = _private_bytes(pid)
        for number, place in enumerate(places, 1):
            reads = "; ".join(f"SELECT FROM {place}.{table} LIMIT 1" for table in OF_A_TURN)
            first.append(_time(lambda reads=reads: connection.execute(reads)) * 1000)
            again.append(_time(lambda reads=reads: connection.execute(reads)) * 1000)
            if number in (100, len(places)):
                grown = (_private_bytes(pid) - before) / 2**20
                report.add(SECTION, f"a connection's memory after {number} of {tenants} tenants", grown, "MB",
                           note=f"{len(OF_A_TURN)} tables of each")  # fmt: skip
    seen = f"p95 {quantile(first, 0.95):.1f} ms; seen {median(again):.1f} ms"
    report.add(SECTION, f"the tables of a turn of a tenant that a connection has not seen, {tenants} tenants",
               median(first), "ms", note=seen)  # fmt: skip


def measure_dumps(report: Report, directory: Path, tenants: int) -> None:
    from django.db import connection

    from tenants.backend.dumping import find_program, name_database, with_login

    for name, options in (
        ("pg_dump of everything", ["--format=custom"]),
        ("pg_dump of one tenant", ["--format=custom", "--schema=t_crowd_7"]),
    ):
        command = [str(find_program("pg_dump")), *options, f"--file={directory / 'dump'}",
                   *name_database(str(connection.settings_dict["NAME"]))]  # fmt: skip
        seconds = _time(
            lambda command=command: subprocess.run(command, env=with_login(), check=True)
        )
        size = (directory / "dump").stat().st_size / 2**20
        report.add(SECTION, f"{name}, {tenants} tenants", seconds, "s", note=f"{size:.1f} MB")


def measure_autovacuum(report: Report, server: PostgresServer, tenants: int) -> None:
    """What the server does by itself in a minute in which nobody wants anything, once it has caught up."""
    assert server.child is not None
    time.sleep(70)
    before = read_cpu_seconds(list_descendants(server.child.pid))
    time.sleep(120)
    spent = (read_cpu_seconds(list_descendants(server.child.pid)) - before) / 2
    report.add(
        SECTION,
        f"PostgreSQL's CPU in an idle minute, autovacuum on, {tenants} tenants",
        spent * 1000,
        "ms",
    )


def measure_column(report: Report, directory: Path, url: str, tenants: int) -> None:
    """Add a column, with its check, to a table of each tenant: kill it in the middle and begin again."""
    folder = directory / "crowd_migrations"
    shutil.copytree(CHECKOUT / "webhooks" / "migrations", folder)
    newest = max(path.stem for path in folder.glob("0*.py"))
    (folder / "9999_bench_column.py").write_text(_COLUMN.format(newest=newest))
    (directory / "crowd_settings.py").write_text(_SETTINGS)
    told = {"DJANGO_SETTINGS_MODULE": "crowd_settings", "PYTHONPATH": f"{directory}:{CHECKOUT}"}
    before = _ask(url, "SELECT schema_version FROM tenants_tenant LIMIT 1")
    moved = f"SELECT count(*) FROM tenants_tenant WHERE schema_version <> '{before}'"
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=CHECKOUT, env={**os.environ, **told},
        preexec_fn=die_with_parent(signal.SIGTERM),
    ) as migrating:  # fmt: skip
        while migrating.poll() is None and int(_ask(url, moved)) < tenants // 2:
            time.sleep(0.2)
        migrating.kill()
    half = int(_ask(url, moved))
    _manage("migrate", "--verbosity", "0", **told)
    seconds = time.monotonic() - started
    done = int(
        _ask(url, "SELECT count(*) - 1 FROM pg_attribute WHERE attname = 'bench_column'")
    )  # the template too
    assert half < done == tenants, (half, done)
    report.add(SECTION, f"`migrate` adds a column to {tenants} tenants, killed -9 in the middle and run again", seconds,
               "s", Budget(200) if tenants == PROMISED else None, note=f"{half}, then all {done}")  # fmt: skip


def _ask(url: str, statement: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def _time(work: Any) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _manage(*words: str, **told: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *words], cwd=CHECKOUT, env={**os.environ, **told}, check=True
    )


def _private_bytes(pid: int) -> int:
    """Without the shared buffers that it has touched."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"{pid} is gone")


if __name__ == "__main__":
    main()

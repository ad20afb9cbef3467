"""Data of an earlier release, taken through every migration since: nothing of it is lost, and it answers.

`tests/upgrades/faf62306.sql.xz` is what that commit's demo wrote, with a chat in each tenant. After a release, add one
of its data: `pg_dump --no-owner --no-privileges --no-comments`, without what `psql` of another version does not know
(its lines with a backslash, `transaction_timeout`), through `xz -9e`: at most 200 kB.
"""

from __future__ import annotations

import lzma
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tenants.backend.dumping import find_program
from tests.product import make_database

ROOT = Path(__file__).resolve().parent.parent
DUMPS = sorted((ROOT / "tests/upgrades").glob("*.sql.xz"))
SCHEMAS = ("public", "t_acme", "t_globex")
# What the product counts anew by itself, and what a migration may take out.
CHANGING = (
    "django_migrations", "django_content_type", "auth_permission", "tenants_schemamigration", "tenants_duework",
)  # fmt: skip
WORDS = {
    "conversations_message": "content", "knowledge_chunk": "content", "bots_botprofile": "name",
    "knowledge_source": "name", "conversations_citation": "content",
}  # fmt: skip


def count_rows(url: str) -> dict[str, int]:
    with psycopg.connect(url) as database:
        listed = database.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s)",
            [list(SCHEMAS)],
        ).fetchall()
        return {
            f"{schema}.{table}": database.execute(
                sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
            ).fetchone()[0]
            for schema, table in listed
            if table not in CHANGING
        }


def read_words(url: str) -> dict[str, set[str]]:
    with psycopg.connect(url) as database:
        return {
            f"{schema}.{table}": {
                str(row[0])
                for row in database.execute(
                    sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column), sql.Identifier(schema, table))
                )
            }
            for schema in SCHEMAS[1:]
            for table, column in WORDS.items()
        }  # fmt: skip


@pytest.fixture(params=DUMPS, ids=lambda path: path.stem)
def old(request) -> Iterator[str]:
    program = find_program("psql")
    assert program is not None
    url = make_database()
    done = subprocess.run(
        [program, "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", url],
        input=lzma.decompress(request.param.read_bytes()), capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    yield url
    name = url.rpartition("/")[2]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def manage(url: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env={**os.environ, "DATABASE_URL": url},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_every_row_of_an_earlier_release_is_there_after_the_migrations_and_fits_together(old):
    before, said = count_rows(old), read_words(old)
    assert said["t_acme.conversations_citation"] and said["t_globex.conversations_message"]
    manage(old, "migrate")
    after = count_rows(old)
    lost = {
        name: (count, after[name])
        for name, count in before.items()
        if name in after and after[name] < count
    }
    gone = {name for name, count in before.items() if count and name not in after}
    assert not lost and not gone
    assert read_words(old) == said
    for slug in ("acme", "globex"):
        manage(old, "reconcile", "--tenant", slug)  # reminders of kinds of work that are new
        assert "agree" in manage(old, "reconcile", "--tenant", slug)


def test_there_is_data_of_an_earlier_release_and_it_is_small():
    assert DUMPS and all(path.stat().st_size <= 200 * 1024 for path in DUMPS)

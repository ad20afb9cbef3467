"""Data of earlier releases, taken through every migration since, and back: nothing of it is lost, and it answers.

`tests/upgrades` holds a dump of each: two tenants with documents and chats. `python -m tests.upgrades 2.0.0` writes
that of a release (CONTRIBUTING.md); `faf62306.sql.xz` is what that commit's demo wrote, before there was one.
"""

from __future__ import annotations

import lzma
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from minirag import __version__
from tenants.backend.dumping import find_program
from tests.product import make_database
from tests.upgrades.__main__ import MOST_BYTES

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


@dataclass(frozen=True)
class Release:
    """Databases that tests copy and leave as they are."""

    as_it_was: str
    migrated: str


@pytest.fixture(scope="module", params=DUMPS, ids=lambda path: path.stem)
def release(request) -> Iterator[Release]:
    program = find_program("psql")
    assert program is not None
    url = make_database()
    done = subprocess.run(
        [program, "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", url],
        input=lzma.decompress(request.param.read_bytes()), capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    migrated = f"{url}_migrated"
    put_copy(url, migrated)
    try:
        manage(migrated, "migrate")
        yield Release(url, migrated)
    finally:
        drop(url)
        drop(migrated)


@pytest.fixture
def database() -> Iterator[str]:
    """Where a test puts a copy."""
    url = make_database()
    yield url
    drop(url)


def put_copy(source: str, url: str) -> None:
    """Put a copy of the source, which nobody is connected to, where the other database is or is to be."""
    drop(url)
    names = (sql.Identifier(each.rpartition("/")[2]) for each in (url, source))
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))


def drop(url: str) -> None:
    name = sql.Identifier(url.rpartition("/")[2])
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def manage(url: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env={**os.environ, "DATABASE_URL": url},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_every_row_of_an_earlier_release_is_there_after_the_migrations_and_fits_together(
    release, database
):
    before, said = count_rows(release.as_it_was), read_words(release.as_it_was)
    assert said["t_acme.conversations_citation"] and said["t_globex.conversations_message"]
    after = count_rows(release.migrated)
    lost = {
        name: (count, after[name])
        for name, count in before.items()
        if name in after and after[name] < count
    }
    gone = {name for name, count in before.items() if count and name not in after}
    assert not lost and not gone
    assert read_words(release.migrated) == said
    put_copy(release.migrated, database)
    for slug in ("acme", "globex"):
        # Reminders of kinds of work that are new.
        manage(database, "reconcile", "--tenant", slug)
        assert "agree" in manage(database, "reconcile", "--tenant", slug)


def test_a_release_that_does_not_do_is_left_for_the_one_before_by_its_backup(
    release, database, tmp_path
):
    """What the release before finds then is what it had: its tables, its rows, its migrations."""
    old, name = database, database.rpartition("/")[2]
    put_copy(release.as_it_was, old)
    schema, rows, words = dump_schema(old), count_rows(old), read_words(old)
    back_up(old, tmp_path / "before")
    [backup] = (tmp_path / "before").glob("*.dump")
    put_copy(release.migrated, old)
    with psycopg.connect(old) as new:
        new.execute("UPDATE t_acme.conversations_message SET content = 'written by the new one'")
    with drop_what_is_kept(name):
        assert "migrate" in manage(old, "restore", str(backup), "--replace", name)
        assert dump_schema(old) == schema
        assert (count_rows(old), read_words(old)) == (rows, words)
        manage(old, "migrate")  # and the next one is tried from there
        assert read_words(old) == words


def back_up(url: str, folder: Path) -> None:
    """As that release does it, whose command writes into an audit log of that time."""
    program = (
        "import django; django.setup()\n"
        "from minirag.operations.backing_up.backups import make_backup\n"
        "from minirag.operations.backing_up.opening import open_shelf\n"
        f"make_backup(open_shelf({str(folder)!r}))\n"
    )
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "minirag.settings"}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)


def dump_schema(url: str) -> str:
    program = find_program("pg_dump")
    assert program is not None
    ours = [f"--schema={schema}" for schema in SCHEMAS]
    done = subprocess.run(
        [program, "--schema-only", "--no-owner", "--no-privileges", *ours, url],
        capture_output=True,
        text=True,
        check=True,
    )
    return "".join(
        line for line in done.stdout.splitlines(keepends=True) if not line.startswith(("--", "\\"))
    )


@contextmanager
def drop_what_is_kept(name: str) -> Iterator[None]:
    try:
        yield
    finally:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
            listed = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
            for (kept,) in server.execute(listed, [f"{name}_before"]).fetchall():
                server.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(kept))
                )


def test_there_is_data_of_an_earlier_release_and_it_is_small():
    assert DUMPS and all(path.stat().st_size <= MOST_BYTES for path in DUMPS)


def test_each_release_in_the_change_log_has_left_its_data_and_the_newest_is_this_version_or_before():
    released = re.findall(r"^## (\d+\.\d+\.\d+)\b", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert {f"{release}.sql" for release in released} <= {path.stem for path in DUMPS}
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert told == __version__ and re.fullmatch(r"\d+\.\d+\.\d+(\.dev0)?", told)
    this = tuple(map(int, told.removesuffix(".dev0").split(".")))
    newest = max((tuple(map(int, each.split("."))) for each in released), default=(0, 0, 0))
    # Between releases it is the next one's `.dev0`, which is not out yet.
    assert newest < this if told.endswith(".dev0") else newest == this

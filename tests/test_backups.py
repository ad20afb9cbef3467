"""The whole installation written into a file, tried, and put back; and what is no backup of it."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from io import StringIO
from urllib.parse import urlsplit

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from minirag.operations import backups
from tests.product import make_database


def run(*arguments: object, **options: object) -> str:
    out = StringIO()
    call_command(*(str(each) for each in arguments), stdout=out, **options)
    return out.getvalue()


def ask(name: str, statement: str) -> list[tuple[object, ...]]:
    with closing(backups._connect(name)) as database:
        return database.execute(statement).fetchall()


def list_databases(like: str) -> list[str]:
    found = ask("postgres", f"SELECT datname FROM pg_database WHERE datname LIKE '{like}'")
    return [str(name) for (name,) in found]


@pytest.fixture(scope="module")
def backup(_parties, tmp_path_factory, django_db_blocker):
    """Of the tests' own database, in which acme and globex are committed."""
    with django_db_blocker.unblock():
        return backups.make_backup(tmp_path_factory.mktemp("backups") / "nightly")


@pytest.fixture
def another(monkeypatch):
    """A database in whose place something may be put; what is left of it is dropped."""
    name = urlsplit(make_database()).path.lstrip("/")
    with closing(backups._connect(name)) as database:
        database.execute("CREATE TABLE precious AS SELECT 4711 AS number")
    monkeypatch.setattr(backups, "_own_name", lambda: name)
    yield name
    for each in [name, *list_databases(f"{name}_before%")]:
        backups._drop(each)


def test_a_backup_holds_every_tenant_and_is_for_its_owner_alone(backup):
    rows = backup.facts.rows
    assert {"public", "t_acme", "t_globex"} <= rows.keys() and rows["public"] > 0
    written = (backup.path, backup.path.parent, backup.path.with_suffix(".json"))
    assert all(path.stat().st_mode & 0o077 == 0 for path in written)
    assert not list(backup.path.parent.glob("*.part"))
    assert "acme" not in backup.facts.key_sign and backups.read_backup(backup.path) == backup


def test_it_takes_the_place_of_a_database_that_is_kept(db, backup, another, monkeypatch):
    monkeypatch.setitem(backups.connection.settings_dict, "NAME", another)
    busy = backups._connect(another)  # as a web process that goes on
    with pytest.raises(CommandError, match=f"--replace {another}"):
        run("restore", backup.path)
    with pytest.raises(CommandError, match=f"--replace {another}"):
        run("restore", backup.path, replace="minirag")
    assert ask(another, "SELECT number FROM precious") == [(4711,)]
    said = run("restore", backup.path, replace=another)
    kept = list_databases(f"{another}_before%")
    assert len(kept) == 1 and kept[0] in said and "migrate" in said
    assert ask(kept[0], "SELECT number FROM precious") == [(4711,)]
    slugs = ask(another, "SELECT slug FROM public.tenants_tenant")
    assert {("acme",), ("globex",)} <= set(slugs)
    with pytest.raises(psycopg.Error):
        busy.execute("SELECT 1")
    with closing(backups._connect(another)) as again:
        assert backups._count_rows(again) == backup.facts.rows
    assert not list_databases("minirag_restored%")


def test_what_is_damaged_newer_or_under_another_key_changes_nothing(
    db, backup, another, settings, tmp_path, monkeypatch
):
    monkeypatch.setitem(backups.connection.settings_dict, "NAME", another)
    facts = json.loads(backup.path.with_suffix(".json").read_text())
    whole = backup.path.read_bytes()

    def refused(because: str, content: bytes = whole, **changes: object) -> None:
        path = tmp_path / "minirag-20260101-000000.dump"
        path.write_bytes(content)
        path.with_suffix(".json").write_text(json.dumps({**facts, **changes}))
        with pytest.raises(CommandError, match=because):
            run("restore", path, replace=another)
        assert ask(another, "SELECT number FROM precious") == [(4711,)]
        assert not list_databases("minirag_restored%") and not list_databases(f"{another}_before%")

    refused("cut short", whole[:-1000])
    refused("cut short", whole[:-1] + bytes([whole[-1] ^ 1]))
    refused("damaged", bytes="many")
    refused("newer release", migrations=[*facts["migrations"], "tenants.9999_from_the_future"])
    refused("t_acme has .* rows of", rows={**facts["rows"], "t_acme": 10**6})
    refused("t_gone has no rows of 3", rows={**facts["rows"], "t_gone": 3})
    other = b"no dump of anything"
    digest = hashlib.sha256(other).hexdigest()
    refused("pg_restore failed", other, bytes=len(other), sha256=digest)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    refused("another ENCRYPTION_KEY")
    with pytest.raises(CommandError, match="cannot be read"):
        run("restore", tmp_path / "nothing.dump", replace=another)


def test_the_command_tries_what_it_wrote_and_keeps_the_newest(db, _parties, tmp_path):
    folder = tmp_path / "nightly"
    for year in (2001, 2002):
        for suffix in (".dump", ".json"):
            folder.mkdir(exist_ok=True)
            (folder / f"minirag-{year}0101-000000{suffix}").touch()
    said = run("backup", folder, "--try", keep=2)
    left = sorted(path.name for path in folder.iterdir())
    assert "everything was there" in said and "2001" in said
    assert len(left) == 4 and left[0].startswith("minirag-20020101")
    assert not list_databases("minirag_restored%")
    with pytest.raises(CommandError, match="at least 1"):
        run("backup", folder, keep=0)
    blocked = tmp_path / "a-file"
    blocked.touch()
    with pytest.raises(CommandError, match="cannot be written"):
        run("backup", blocked)
